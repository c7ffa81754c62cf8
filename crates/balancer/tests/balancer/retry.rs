//! What may be sent again, as data.

use std::time::Duration;

use balancer::Failure;
use balancer::retry::{Conditions, Progress, Rules, is_idempotent};
use base::Monotonic;

const START: Monotonic = Monotonic(5_000);

fn rules(words: &str) -> Rules {
    let on = words
        .split(' ')
        .map(|word| Conditions::parse(word).unwrap());
    Rules {
        on: on.fold(Conditions::NONE, |all, one| all | one),
        tries: 0,
        timeout: Some(Duration::from_secs(1)),
    }
}

/// `method` with `!` after it where bytes of the body are gone, `*` where the client has part of an answer,
/// and `.` where nothing was sent yet.
fn progress(method: &str) -> Progress {
    let name = method.trim_end_matches(['!', '*', '.']);
    Progress {
        idempotent: is_idempotent(name.as_bytes()),
        sent: !method.contains('.'),
        body_gone: method.contains('!'),
        answered: method.contains('*'),
    }
}

#[test]
fn what_is_sent_again() {
    use Failure::{Connect, Error, InvalidHeader, Stale, Status, Timeout};
    let cases = [
        ("error timeout", Error, "GET", true),
        ("error timeout", Timeout, "PUT", true),
        ("error timeout", Connect, "POST.", true),
        ("error timeout", Error, "POST", false),
        ("error timeout", Error, "LOCK", false),
        ("error timeout", Error, "PATCH", false),
        ("error timeout non_idempotent", Error, "POST", true),
        ("error timeout non_idempotent", Error, "POST!", false),
        ("error timeout", Error, "PUT!", false),
        ("error timeout", Error, "GET*", false),
        ("error timeout", InvalidHeader, "GET", false),
        ("error invalid_header", InvalidHeader, "GET", true),
        ("timeout", Error, "GET", false),
        ("off", Error, "GET", false),
        ("error off", Error, "GET", false),
        ("error timeout", Status(502), "GET", false),
        ("http_502", Status(502), "GET", true),
        ("http_502", Status(503), "GET", false),
        ("http_403 http_404 http_429", Status(404), "GET", true),
        (
            "http_500 http_502 http_503 http_504",
            Status(501),
            "GET",
            false,
        ),
        ("error", Stale, "GET", true),
        ("off", Stale, "GET", true),
        ("error", Stale, "POST", false),
        ("error", Stale, "GET!", false),
    ];
    for (words, failure, method, expected) in cases {
        let rules = rules(words);
        let mut attempts = rules.begin(2, START);
        let again = attempts.again(&rules, failure, progress(method), START);
        assert_eq!(again, expected, "{words}: {failure} of {method}");
        if let Failure::Status(status) = failure {
            let mut attempts = rules.begin(2, START);
            let passes = attempts.passes_on(&rules, status, progress(method), START);
            assert_eq!(passes, expected, "{words}: {failure} of {method}");
        }
    }
}

#[test]
fn attempts_end() {
    let rules = Rules {
        tries: 2,
        ..rules("error http_503")
    };
    let get = progress("GET");
    let mut attempts = rules.begin(3, START);
    assert!(attempts.again(&rules, Failure::Stale, get, START));
    assert!(attempts.again(&rules, Failure::Error, get, START));
    assert!(
        !attempts.passes_on(&rules, 503, get, START),
        "the last answer stands"
    );
    assert!(!attempts.again(&rules, Failure::Error, get, START));

    let late = START + Duration::from_secs(1);
    assert!(
        !rules
            .begin(3, START)
            .again(&rules, Failure::Error, get, late)
    );
    assert!(
        !rules
            .begin(1, START)
            .again(&rules, Failure::Error, get, START)
    );
}

#[test]
fn the_client_is_told_what_went_wrong() {
    let expected = [
        (Failure::Connect, 502),
        (Failure::Error, 502),
        (Failure::InvalidHeader, 502),
        (Failure::Timeout, 504),
        (Failure::Status(503), 503),
    ];
    for (failure, status) in expected {
        assert_eq!(failure.gateway_status(), status);
    }
    assert_eq!(Conditions::parse("http_501"), None);
}
