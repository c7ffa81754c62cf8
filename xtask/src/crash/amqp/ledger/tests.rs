use super::*;

fn label(number: u64) -> Label {
    Label {
        publisher: 1,
        number,
    }
}

/// A ledger that has seen messages 0 to 4 and has them in hand, and the time of its kill.
fn five_in_hand() -> (Ledger, Instant) {
    let mut ledger = Ledger::new(Promises::of(Kind::Mainstay), true);
    for number in 0..5 {
        assert!(ledger.deliver(label(number), false, true).unwrap());
    }
    (ledger, Instant::now() + 10 * SETTLED_AFTER)
}

fn says(result: Result<bool>, words: &str) {
    let error = result.unwrap_err().to_string();
    assert!(error.contains(words), "{error}");
}

#[test]
fn what_was_in_hand_must_come_again_and_be_marked() {
    let (mut ledger, at) = five_in_hand();
    assert_eq!(ledger.killed(at), 5);
    says(ledger.deliver(label(0), false, false), "A1");
    let (mut ledger, at) = five_in_hand();
    ledger.killed(at);
    assert!(!ledger.deliver(label(0), true, false).unwrap());
    // 1 is passed over.
    says(ledger.deliver(label(2), true, false), "A1: message 1");
    let (mut ledger, at) = five_in_hand();
    ledger.killed(at);
    says(ledger.deliver(label(9), false, false), "A1: message 0");
    assert_eq!(ledger.rest(label(3)), Rest::Lost);
}

#[test]
fn a_durable_acknowledgement_holds() {
    let (mut ledger, at) = five_in_hand();
    ledger.settle(&[label(0)], at - SETTLED_AFTER - Duration::from_millis(1));
    ledger.settle(&[label(1)], at - SETTLED_AFTER / 2);
    assert_eq!(ledger.killed(at), 4, "0 is settled for good");
    says(ledger.deliver(label(0), true, false), "A3");
    // 1 may come again, or may not.
    ledger.deliver(label(1), true, false).unwrap();
    let (mut ledger, at) = five_in_hand();
    ledger.settle(&[label(0), label(1)], at);
    ledger.killed(at);
    ledger.deliver(label(2), true, false).unwrap();
    assert_eq!(ledger.rest(label(1)), Rest::Settled);
}

#[test]
fn an_acknowledgement_holds_at_once_while_the_server_lives() {
    let (mut ledger, at) = five_in_hand();
    ledger.settle(&[label(0)], at);
    says(ledger.deliver(label(0), true, true), "a second time");
    says(ledger.deliver(label(1), true, true), "a second time");
}

#[test]
fn transactions_count_when_they_are_committed() {
    let (mut ledger, at) = five_in_hand();
    ledger.settle_in_transaction(label(0));
    ledger.commit();
    ledger.committed();
    ledger.settle_in_transaction(label(1));
    ledger.commit();
    assert!(ledger.is_committing());
    ledger.settle_in_transaction(label(2));
    assert_eq!(ledger.uncommitted(), 1);
    assert_eq!(ledger.killed(at), 4);
    says(ledger.deliver(label(0), true, false), "A3");
    assert_eq!(ledger.rest(label(1)), Rest::Settled);
    // The commit of 2 was never sent.
    says(ledger.deliver(label(3), true, false), "A1: message 2");
}

#[test]
fn order_is_that_of_publishing_but_for_what_was_requeued() {
    let (mut ledger, _) = five_in_hand();
    ledger.requeue(label(2));
    ledger.deliver(label(5), false, true).unwrap();
    ledger.deliver(label(2), true, true).unwrap();
    ledger.deliver(label(7), false, true).unwrap();
    says(ledger.deliver(label(6), false, true), "comes after 7");
    let (mut ledger, at) = five_in_hand();
    ledger.requeue(label(2));
    says(ledger.deliver(label(2), false, true), "A1");
    ledger.killed(at);
    // After a kill it is back at its place.
    for number in 0..5 {
        ledger.deliver(label(number), true, false).unwrap();
    }
}

#[test]
fn what_was_never_delivered_is_not_marked() {
    let mut ledger = Ledger::new(Promises::of(Kind::Mainstay), true);
    says(ledger.deliver(label(0), true, true), "never delivered");
    // Before a kill nobody knows what was on its way.
    ledger.deliver(label(1), true, false).unwrap();
}

#[test]
fn at_the_end_everything_that_was_settled_is_gone() {
    let (mut ledger, at) = five_in_hand();
    ledger.settle(&[label(0)], at);
    ledger.close();
    says(ledger.deliver(label(0), true, false), "A3");
    assert_eq!(ledger.rest(label(0)), Rest::Settled);
    assert_eq!(ledger.rest(label(9)), Rest::Unseen);
    assert_eq!(ledger.rest(label(1)), Rest::Lost);
}
