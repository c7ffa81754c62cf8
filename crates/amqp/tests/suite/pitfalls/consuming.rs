//! Consumers and their limits; the handshake.

use crate::rabbit::{Rabbit, short};
use crate::world::World;
use amqp_wire::basic;

#[test]
fn pitfall_05_a_consumer_tag_cannot_be_used_twice() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.declare("q", &[]).await;
        client.consume(1, "q", "c").await;
        // On another channel it is another one.
        client.channel(2).await;
        client.consume(2, "q", "c").await;
        let again = basic::Consume {
            queue: short("q"),
            consumer_tag: short("c"),
            ..basic::Consume::default()
        };
        client.send(1, &again);
        let closed = client.expect("connection.close").await.close();
        assert_eq!(
            closed,
            (
                530,
                "NOT_ALLOWED - attempt to reuse consumer tag 'c'".to_owned()
            )
        );
    });
}

/// Takes what comes until `count` deliveries have, and returns their tags; then nothing more may come.
async fn exactly(client: &mut Rabbit, count: usize) -> Vec<u64> {
    let mut tags = Vec::new();
    while tags.len() < count {
        let received = client.next().await;
        if received.name() == "basic.deliver" {
            tags.push(received.delivery().0);
        }
    }
    client.pass(std::time::Duration::from_millis(200)).await;
    let mut more = client.until_quiet(1, "q").await;
    more.retain(|received| received.name() == "basic.deliver");
    assert!(more.is_empty(), "{more:?}");
    tags
}

#[test]
fn pitfall_09_prefetch_is_of_new_consumers_or_of_the_channel_and_changes_while_running() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.declare("q", &[]).await;
        for number in 0..100 {
            client.publish("", "q", &number.to_string());
        }
        // Of consumers that begin from now on, each by itself.
        client.qos(1, 3, false).await;
        client.expect("basic.qos-ok").await;
        client.consume(1, "q", "three").await;
        exactly(&mut client, 3).await;
        client.qos(1, 2, false).await;
        client.expect("basic.qos-ok").await;
        client.consume(1, "q", "two").await;
        exactly(&mut client, 2).await;
        // The first one still has three.
        client.ack(5, true);
        exactly(&mut client, 5).await;
        client.ack(0, true);
        for tag in ["three", "two"] {
            let cancel = basic::Cancel {
                consumer_tag: short(tag),
                nowait: false,
            };
            client.send(1, &cancel);
        }
        client.until_quiet(1, "q").await;
        let recover = basic::Recover { requeue: true };
        client.ask(1, &recover, "basic.recover-ok").await;

        // Of the channel: its consumers share it.
        client.channel(2).await;
        client.qos(2, 0, false).await;
        client.expect("basic.qos-ok").await;
        client.qos(2, 4, true).await;
        client.expect("basic.qos-ok").await;
        for tag in ["one", "another"] {
            let consume = basic::Consume {
                queue: short("q"),
                consumer_tag: short(tag),
                ..basic::Consume::default()
            };
            client.send(2, &consume);
        }
        exactly(&mut client, 4).await;
        // Raised while running: the difference comes at once.
        client.qos(2, 7, true).await;
        exactly(&mut client, 3).await;
        // Lowered: nothing comes before enough is settled.
        client.qos(2, 2, true).await;
        let ack = |delivery_tag| basic::Ack {
            delivery_tag,
            multiple: true,
        };
        client.send(2, &ack(5));
        exactly(&mut client, 0).await;
        client.send(2, &ack(6));
        exactly(&mut client, 1).await;
        // Taken away: everything comes.
        client.qos(2, 0, true).await;
        let mut rest = 0;
        while rest < 40 {
            let received = client.next().await;
            rest += usize::from(received.name() == "basic.deliver");
        }
    });
}

#[test]
fn pitfall_18_a_wrong_protocol_header_is_answered_with_the_right_one() {
    let world = World::new();
    for header in [
        b"AMQP\x00\x01\x00\x00",
        b"AMQP\x03\x01\x00\x00",
        b"AMQP\x01\x01\x00\x09",
        b"GET / HT",
    ] {
        let mut client = Rabbit::raw(&world);
        client.bytes(header);
        assert_eq!(
            &client.session.output().buffer()[..],
            b"AMQP\x00\x00\x09\x01"
        );
        assert!(client.session.is_over());
    }
}
