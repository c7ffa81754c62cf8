//! Declarations and deletions.

use crate::rabbit::{Rabbit, short, table};
use crate::world::World;
use amqp_wire::{Method, MethodFields, RawTable, Value, basic, channel, queue};

const LOCKED: &str = "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'mine' in vhost '/'. It could be originally declared on another connection or the exclusive property value does not match that of the original declaration.";

/// Sends a method on a new channel, and returns how the channel is closed for it.
async fn refused<M: MethodFields>(client: &mut Rabbit, method: &M) -> (u16, String) {
    client.channel(9).await;
    client.send(9, method);
    let closed = client.expect("channel.close").await.close();
    client.send(9, &channel::CloseOk {});
    closed
}

fn declare(name: &str) -> queue::Declare<'_> {
    queue::Declare {
        queue: short(name),
        ..queue::Declare::default()
    }
}

#[test]
fn pitfall_10_a_passive_declaration_looks_at_the_name_only() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        let arguments = table(&[("x-max-length", Value::I32(5))]);
        let mut passive = queue::Declare {
            passive: true,
            arguments: RawTable::new(&arguments),
            auto_delete: true,
            ..declare("q")
        };
        assert_eq!(
            refused(&mut client, &passive).await,
            (404, "NOT_FOUND - no queue 'q' in vhost '/'".to_owned())
        );
        client.declare("q", &[]).await;
        client.publish("", "q", "m");
        passive.durable = false;
        let counted = client.ask(1, &passive, "queue.declare-ok").await;
        assert!(
            matches!(counted.method(), Method::QueueDeclareOk(ok) if ok.message_count == 1),
            "what was published before on the connection counts: {:?}",
            counted.method()
        );
    });
}

#[test]
fn pitfall_11_another_declaration_is_refused_and_integers_count_by_value() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client
            .declare("q", &[("x-message-ttl", Value::I32(5000))])
            .await;
        for same in [Value::I64(5000), Value::I16(5000), Value::U32(5000)] {
            client.declare("q", &[("x-message-ttl", same)]).await;
        }
        let arguments = table(&[("x-message-ttl", Value::I32(5001))]);
        let other = queue::Declare {
            durable: true,
            arguments: RawTable::new(&arguments),
            ..declare("q")
        };
        assert_eq!(
            refused(&mut client, &other).await,
            (406, "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received the value '5001' of type 'signedint' but current is the value '5000' of type 'signedint'".to_owned())
        );
        assert_eq!(
            refused(&mut client, &declare("q")).await,
            (406, "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but current is 'true'".to_owned())
        );
    });
}

#[test]
fn pitfall_12_an_exclusive_queue_is_locked_for_others_and_gone_with_its_owner() {
    let world = World::new();
    world.run(async {
        let mut owner = Rabbit::open(&world).await;
        let mut other = Rabbit::open(&world).await;
        let mine = queue::Declare {
            exclusive: true,
            ..declare("mine")
        };
        owner.ask(1, &mine, "queue.declare-ok").await;
        owner.ask(1, &mine, "queue.declare-ok").await;
        let locked = (405, LOCKED.to_owned());
        let name = short("mine");
        let passive = queue::Declare {
            passive: true,
            ..declare("mine")
        };
        assert_eq!(refused(&mut other, &mine).await, locked);
        assert_eq!(refused(&mut other, &declare("mine")).await, locked);
        assert_eq!(refused(&mut other, &passive).await, locked);
        let get = basic::Get {
            queue: name,
            ..basic::Get::default()
        };
        assert_eq!(refused(&mut other, &get).await, locked);
        let consume = basic::Consume {
            queue: name,
            ..basic::Consume::default()
        };
        assert_eq!(refused(&mut other, &consume).await, locked);
        let purge = queue::Purge {
            queue: name,
            ..queue::Purge::default()
        };
        assert_eq!(refused(&mut other, &purge).await, locked);
        let delete = queue::Delete {
            queue: name,
            ..queue::Delete::default()
        };
        assert_eq!(refused(&mut other, &delete).await, locked);
        let exchange = short("amq.direct");
        let bind = queue::Bind {
            queue: name,
            exchange,
            ..queue::Bind::default()
        };
        assert_eq!(refused(&mut other, &bind).await, locked);
        // Whoever hears that the owner's connection is closed can have the name.
        owner
            .ask(
                0,
                &amqp_wire::connection::Close::default(),
                "connection.close-ok",
            )
            .await;
        assert!(owner.session.is_over());
        other.ask(1, &mine, "queue.declare-ok").await;
        // The same where the connection breaks.
        other.break_off().await;
        let mut third = Rabbit::open(&world).await;
        loop {
            third.channel(2).await;
            third.send(2, &mine);
            let received = third.next().await;
            if received.name() == "queue.declare-ok" {
                break;
            }
            assert_eq!(received.close().0, 405, "its end is on its way");
            third.send(2, &channel::CloseOk {});
            third.pass(std::time::Duration::from_millis(1)).await;
        }
    });
}

#[test]
fn pitfall_13_exclusive_consumers_and_conditions_of_deletion() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        let name = short("q");
        let delete = queue::Delete {
            queue: name,
            ..queue::Delete::default()
        };
        let deleted = client.ask(1, &delete, "queue.delete-ok").await;
        assert!(matches!(deleted.method(), Method::QueueDeleteOk(ok) if ok.message_count == 0));
        client.declare("q", &[]).await;
        let exclusive = basic::Consume {
            queue: name,
            exclusive: true,
            ..basic::Consume::default()
        };
        let consume = basic::Consume {
            queue: name,
            ..basic::Consume::default()
        };
        client.channel(2).await;
        client.ask(2, &exclusive, "basic.consume-ok").await;
        let in_use = "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use";
        assert_eq!(
            refused(&mut client, &consume).await,
            (403, in_use.to_owned())
        );
        assert_eq!(
            refused(&mut client, &exclusive).await,
            (403, in_use.to_owned())
        );
        let if_unused = queue::Delete {
            if_unused: true,
            ..delete
        };
        let text = "PRECONDITION_FAILED - queue 'q' in vhost '/' in use";
        assert_eq!(
            refused(&mut client, &if_unused).await,
            (406, text.to_owned())
        );
        client
            .ask(2, &channel::Close::default(), "channel.close-ok")
            .await;
        client.consume(1, "q", "plain").await;
        assert_eq!(
            refused(&mut client, &exclusive).await,
            (403, in_use.to_owned())
        );
        let cancel = basic::Cancel {
            consumer_tag: short("plain"),
            nowait: false,
        };
        client.ask(1, &cancel, "basic.cancel-ok").await;
        client.publish("", "q", "m");
        let if_empty = queue::Delete {
            if_empty: true,
            ..delete
        };
        let text = "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty";
        assert_eq!(
            refused(&mut client, &if_empty).await,
            (406, text.to_owned())
        );
        let deleted = client.ask(1, &delete, "queue.delete-ok").await;
        assert!(matches!(deleted.method(), Method::QueueDeleteOk(ok) if ok.message_count == 1));
    });
}

#[test]
fn pitfall_14_an_auto_delete_queue_stays_until_a_consumer_was_there() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        let fleeting = queue::Declare {
            auto_delete: true,
            ..declare("fleeting")
        };
        client.ask(1, &fleeting, "queue.declare-ok").await;
        client.publish("", "fleeting", "m");
        assert!(
            client.get("fleeting").await.is_some(),
            "a get is no consumer"
        );
        client.pass(std::time::Duration::from_secs(60)).await;
        client.ask(1, &fleeting, "queue.declare-ok").await;
        client.consume(1, "fleeting", "one").await;
        client.consume(1, "fleeting", "two").await;
        for (tag, stays) in [("one", true), ("two", false)] {
            let cancel = basic::Cancel {
                consumer_tag: short(tag),
                nowait: false,
            };
            client.ask(1, &cancel, "basic.cancel-ok").await;
            client.pass(std::time::Duration::from_millis(100)).await;
            assert_eq!(world.queue("fleeting").is_some(), stays, "{tag}");
        }
    });
}

#[test]
fn pitfall_22_an_empty_queue_name_is_that_of_the_last_declaration_on_the_channel() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        let nothing = (404, "NOT_FOUND - no previously declared queue".to_owned());
        assert_eq!(refused(&mut client, &basic::Get::default()).await, nothing);
        let named = client
            .ask(1, &queue::Declare::default(), "queue.declare-ok")
            .await;
        let Method::QueueDeclareOk(ok) = named.method() else {
            panic!()
        };
        assert!(ok.queue.starts_with("amq.gen-"), "{}", ok.queue);
        let name = ok.queue.to_string();
        // The empty key of such a binding is the queue's name.
        let bind = queue::Bind {
            exchange: short("amq.direct"),
            ..queue::Bind::default()
        };
        client.ask(1, &bind, "queue.bind-ok").await;
        client.publish("amq.direct", &name, "bound");
        assert_eq!(client.get("").await.expect("bound").delivery().2, "bound");
        client
            .ask(1, &basic::Consume::default(), "basic.consume-ok")
            .await;
        client.publish("", &name, "consumed");
        assert_eq!(client.delivery().await.2, "consumed");
        // Another channel has declared nothing.
        assert_eq!(
            refused(&mut client, &basic::Consume::default()).await,
            nothing
        );
    });
}
