// Java's com.rabbitmq:amqp-client.

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.ToNumberPolicy;
import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

public final class WithAmqpClient {
    private static final long PATIENCE_MS = 10_000;
    private static final Map<String, Object> NOTHING = Map.of();

    private record Arrived(Envelope envelope, AMQP.BasicProperties properties, byte[] body) {}

    private Connection connection;
    private Channel channel;
    private boolean confirms;
    private final AtomicReference<Integer> returned = new AtomicReference<>();
    private BlockingQueue<Arrived> arrived;
    private Map<String, Long> unsettled;

    private void open() throws IOException {
        channel = connection.createChannel();
        confirms = false;
        BlockingQueue<Arrived> queue = new LinkedBlockingQueue<>();
        arrived = queue;
        unsettled = new HashMap<>();
        channel.addReturnListener(message -> returned.set(message.getReplyCode()));
    }

    private Map<String, Object> run(Request r) throws Exception {
        switch (r.operation()) {
            case "connect" -> {
                ConnectionFactory factory = new ConnectionFactory();
                factory.setUri(r.text("url"));
                factory.setAutomaticRecoveryEnabled(false);
                connection = factory.newConnection();
                open();
            }
            case "close" -> connection.close();
            case "channel" -> open();
            case "exchange" -> {
                if (r.flag("passive")) channel.exchangeDeclarePassive(r.text("name"));
                else channel.exchangeDeclare(r.text("name"), r.text("type"), r.flag("durable"), false, r.table("arguments"));
            }
            case "queue" -> {
                AMQP.Queue.DeclareOk ok = r.flag("passive")
                    ? channel.queueDeclarePassive(r.text("name"))
                    : channel.queueDeclare(r.text("name"), r.flag("durable"), r.flag("exclusive"), r.flag("auto_delete"),
                        r.table("arguments"));
                return Map.of("queue", ok.getQueue(), "messages", ok.getMessageCount(), "consumers", ok.getConsumerCount());
            }
            case "bind" -> channel.queueBind(r.text("queue"), r.text("exchange"), r.text("key"), r.table("arguments"));
            case "bind_exchange" -> channel.exchangeBind(r.text("destination"), r.text("source"), r.text("key"));
            case "purge" -> channel.queuePurge(r.text("queue"));
            case "delete_queue" -> channel.queueDelete(r.text("queue"));
            case "confirm" -> {
                channel.confirmSelect();
                confirms = true;
            }
            case "publish" -> {
                return publish(r);
            }
            case "qos" -> channel.basicQos(r.number("count"));
            case "consume" -> {
                BlockingQueue<Arrived> to = arrived;
                channel.basicConsume(r.text("queue"), false, "", false, r.flag("exclusive"), r.table("arguments"),
                    (tag, message) -> to.add(new Arrived(message.getEnvelope(), message.getProperties(), message.getBody())),
                    tag -> {});
            }
            case "take" -> {
                return receive(r.number("count"), PATIENCE_MS);
            }
            case "quiet" -> {
                return receive(Integer.MAX_VALUE, r.number("ms"));
            }
            case "get" -> {
                GetResponse got = channel.basicGet(r.text("queue"), false);
                Map<String, Object> answer = new HashMap<>();
                answer.put("message", got == null ? null : hold(new Arrived(got.getEnvelope(), got.getProps(), got.getBody())));
                return answer;
            }
            case "ack" -> channel.basicAck(settle(r), r.flag("multiple"));
            case "reject" -> channel.basicReject(settle(r), r.flag("requeue"));
            case "nack" -> channel.basicNack(settle(r), r.flag("multiple"), r.flag("requeue"));
            case "tx_select" -> channel.txSelect();
            case "tx_commit" -> channel.txCommit();
            case "tx_rollback" -> channel.txRollback();
            default -> throw new IllegalArgumentException(r.operation());
        }
        return NOTHING;
    }

    private Map<String, Object> publish(Request r) throws Exception {
        AMQP.BasicProperties.Builder properties = new AMQP.BasicProperties.Builder()
            .headers(r.table("headers"))
            .deliveryMode(r.flag("persistent") ? 2 : 1)
            .expiration(r.text("expiration"));
        if (r.has("priority")) properties.priority(r.number("priority"));
        returned.set(null);
        channel.basicPublish(r.text("exchange"), r.text("key"), r.flag("mandatory"), properties.build(),
            r.text("body").getBytes(StandardCharsets.UTF_8));
        Map<String, Object> answer = new HashMap<>();
        answer.put("confirmed", confirms ? channel.waitForConfirms(PATIENCE_MS) : null);
        answer.put("returned", returned.get());
        return answer;
    }

    private Map<String, Object> receive(int count, long limitMs) throws InterruptedException {
        List<Object> messages = new ArrayList<>();
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(limitMs);
        while (messages.size() < count) {
            Arrived next = arrived.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
            if (next == null) break;
            messages.add(hold(next));
        }
        return Map.of("messages", messages);
    }

    private Map<String, Object> hold(Arrived message) {
        String body = new String(message.body(), StandardCharsets.UTF_8);
        unsettled.put(body, message.envelope().getDeliveryTag());
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("body", body);
        answer.put("redelivered", message.envelope().isRedeliver());
        answer.put("exchange", message.envelope().getExchange());
        answer.put("key", message.envelope().getRoutingKey());
        Map<String, Object> headers = message.properties().getHeaders();
        answer.put("headers", plain(headers == null ? NOTHING : headers));
        answer.put("priority", message.properties().getPriority());
        answer.put("expiration", message.properties().getExpiration());
        return answer;
    }

    private long settle(Request r) {
        return unsettled.remove(r.text("body"));
    }

    private static Object plain(Object value) {
        if (value instanceof Map<?, ?> map) {
            Map<String, Object> result = new LinkedHashMap<>();
            map.forEach((name, item) -> result.put(name.toString(), plain(item)));
            return result;
        }
        if (value instanceof List<?> list) return list.stream().map(WithAmqpClient::plain).toList();
        if (value instanceof Date date) return date.getTime() / 1000;
        if (value == null || value instanceof Number || value instanceof Boolean) return value;
        return value.toString();
    }

    /** The arguments of an operation. */
    private record Request(Map<String, Object> arguments) {
        String operation() {
            return text("do");
        }

        String text(String name) {
            return (String) arguments.get(name);
        }

        boolean flag(String name) {
            return (Boolean) arguments.get(name);
        }

        boolean has(String name) {
            return arguments.get(name) != null;
        }

        int number(String name) {
            return ((Number) arguments.get(name)).intValue();
        }

        @SuppressWarnings("unchecked")
        Map<String, Object> table(String name) {
            return (Map<String, Object>) arguments.get(name);
        }
    }

    /** The code with which the server closed the channel or the connection; none for an error of another kind. */
    private static Integer code(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof ShutdownSignalException shutdown) {
                if (shutdown.getReason() instanceof AMQP.Channel.Close close) return close.getReplyCode();
                if (shutdown.getReason() instanceof AMQP.Connection.Close close) return close.getReplyCode();
            }
        }
        return null;
    }

    public static void main(String[] arguments) throws IOException {
        Gson gson = new GsonBuilder().serializeNulls().setObjectToNumberStrategy(ToNumberPolicy.LONG_OR_DOUBLE).create();
        WithAmqpClient client = new WithAmqpClient();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            @SuppressWarnings("unchecked")
            Map<String, Object> request = gson.fromJson(line, Map.class);
            Map<String, Object> answer;
            try {
                answer = client.run(new Request(request));
            } catch (Exception error) {
                Integer code = code(error);
                answer = code == null ? Map.of("failed", error.toString()) : Map.of("error", code);
            }
            System.out.println(gson.toJson(answer));
        }
        System.exit(0);
    }
}
