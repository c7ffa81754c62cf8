//! The demonstration, from end to end: every part of it fails where something does not survive.

use crate::mainstay;

#[test]
fn what_is_killed_costs_nothing() {
    let run = mainstay(&["demo"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    // A kill each of a worker, a server behind the balancer, and everything.
    assert_eq!(run.stdout.matches("KILLED ").count(), 3, "{run:?}");
    let (_, survived) = run.stdout.split_once("\nWhat survived\n").unwrap();
    for expected in [
        "message sent: read back",
        "5 of 5 tasks done, none lost, none done twice",
        "none failed; used again after it returned",
        "1000 of 1000 events and 100 of 100 tasks were there",
    ] {
        assert!(survived.contains(expected), "{run:?}");
    }
}
