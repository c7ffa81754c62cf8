use std::sync::Arc;
use std::time::Instant;

use super::super::ledger::Promises;
use super::super::publisher::Style;
use super::*;
use crate::server::Kind;

/// A publisher of work that sent three messages: one confirmed of each decision.
struct Case {
    publisher: Publisher,
    ledgers: HashMap<Queue, Ledger>,
}

fn rejected(number: u64) -> Label {
    let labels = (0..).map(|number| Label {
        publisher: 0,
        number,
    });
    labels
        .filter(|label| label.decision() == Decision::Reject)
        .nth(usize::try_from(number).unwrap())
        .unwrap()
}

impl Case {
    /// Everything as it should be for messages up to and with the second that is rejected.
    fn sound() -> Case {
        let mut publisher = Publisher::new(0, Lane::Work, Style::Confirms, Arc::default());
        let mut ledgers: HashMap<Queue, Ledger> =
            Queue::all().map(|queue| (queue, ledger())).collect();
        for number in 0..=rejected(1).number {
            let label = Label {
                publisher: 0,
                number,
            };
            publisher.answers.push(Answer::Confirmed);
            settle(&mut ledgers, Queue::Work(label.work_queue()), label);
            if label.decision() == Decision::Reject {
                settle(&mut ledgers, Queue::Dead(label.dead_queue()), label);
            }
        }
        Case { publisher, ledgers }
    }

    fn judge(&self, safe_dead_letters: bool) -> Result<Found> {
        let verdict = Verdict {
            ledgers: self
                .ledgers
                .iter()
                .map(|(queue, one)| (*queue, one))
                .collect(),
            promises: Promises {
                durable_commits: true,
                safe_dead_letters,
                stored_before_shown: true,
            },
        };
        verdict.check(std::slice::from_ref(&self.publisher))
    }

    fn fails_with(&self, words: &str) {
        let error = self.judge(true).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

fn ledger() -> Ledger {
    Ledger::new(Promises::of(Kind::Mainstay), true)
}

fn settle(ledgers: &mut HashMap<Queue, Ledger>, queue: Queue, label: Label) {
    let ledger = ledgers.get_mut(&queue).unwrap();
    ledger.deliver(label, false, false).unwrap();
    ledger.settle(&[label], Instant::now());
}

#[test]
fn a_sound_run_is_counted() {
    let found = Case::sound().judge(true).unwrap();
    assert_eq!(found.confirmed, rejected(1).number + 1);
    assert_eq!(found.dead_lettered, 2);
    assert_eq!((found.refused, found.unanswered), (0, 0));
}

#[test]
fn a_confirmed_message_that_never_came_is_noticed() {
    let mut case = Case::sound();
    case.publisher.answers.push(Answer::Confirmed);
    case.fails_with("A1");
    // Without a confirm nobody may rely on it.
    *case.publisher.answers.last_mut().unwrap() = Answer::None;
    assert_eq!(case.judge(true).unwrap().unanswered, 1);
}

#[test]
fn a_message_in_hand_that_never_came_again_is_noticed() {
    let mut case = Case::sound();
    let label = Label {
        publisher: 0,
        number: case.publisher.answers.len() as u64,
    };
    case.publisher.answers.push(Answer::None);
    let ledger = case
        .ledgers
        .get_mut(&Queue::Work(label.work_queue()))
        .unwrap();
    ledger.deliver(label, false, false).unwrap();
    ledger.killed(Instant::now());
    case.fails_with("A1");
}

#[test]
fn dead_letters_are_in_one_place() {
    let mut case = Case::sound();
    let label = rejected(0);
    case.ledgers
        .insert(Queue::Dead(label.dead_queue()), ledger());
    case.fails_with("neither in its source");
    assert!(case.judge(false).unwrap().dead_letters_lost > 0);
    let mut case = Case::sound();
    let other = (0..)
        .map(|number| Label {
            publisher: 0,
            number,
        })
        .find(|label| label.decision() == Decision::Acknowledge)
        .unwrap();
    settle(&mut case.ledgers, Queue::Dead(other.dead_queue()), other);
    case.fails_with("was not rejected");
}

#[test]
fn invented_messages_are_noticed() {
    let mut case = Case::sound();
    let label = Label {
        publisher: 0,
        number: 1_000_000,
    };
    settle(&mut case.ledgers, Queue::Fan(0), label);
    case.fails_with("never sent");
}
