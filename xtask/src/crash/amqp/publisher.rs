//! A publisher that outlives the server: each message is sent once, with confirms or in transactions.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::label::Label;
use super::topology::Lane;
use crate::amqp_client::{CHANNEL, Connection, Event, Method, TX_COMMIT_OK, Template};

/// Messages without a confirm.
const WINDOW: u64 = 150;

/// Messages of one transaction.
const TRANSACTION: u64 = 10;

/// Published messages of a lane that its consumers have not yet seen. Publishers wait at this many, so that a run of
/// hundreds of kills does not end with a long drain.
const BEHIND_MAX: i64 = 3000;

/// A publisher that may not send looks again after this time.
const PAUSE: Duration = Duration::from_millis(1);

/// What the server has said about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing, up to a kill: it may be there.
    None,
    Confirmed,
    /// `basic.nack`: it may be there, but nobody may rely on it.
    Refused,
}

/// How a publisher learns that a message is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Confirms,
    Transactions,
}

/// The publisher.
pub(super) struct Publisher {
    pub(super) id: u64,
    pub(super) lane: Lane,
    pub(super) style: Style,
    /// The answer to each message that was sent.
    pub(super) answers: Vec<Answer>,
    shared: Arc<Shared>,
    /// How far the consumers of the lane are behind.
    behind: Arc<AtomicI64>,
}

/// What others look at while a publisher runs.
#[derive(Default)]
pub(super) struct Shared {
    /// Messages sent in this life of the server.
    sent: AtomicU64,
    /// The number of the first of them.
    first: AtomicU64,
}

impl Shared {
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// Whether a message was published in this life of the server.
    pub(super) fn is_new(&self, number: u64) -> bool {
        number >= self.first.load(Ordering::SeqCst)
    }
}

impl Publisher {
    pub(super) fn new(id: u64, lane: Lane, style: Style, behind: Arc<AtomicI64>) -> Publisher {
        Publisher {
            id,
            lane,
            style,
            answers: Vec::new(),
            shared: Arc::default(),
            behind,
        }
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// To be called before every life of the server, and before its consumers look.
    pub(super) fn begin_life(&self) {
        self.shared.sent.store(0, Ordering::SeqCst);
        let first = self.answers.len() as u64;
        self.shared.first.store(first, Ordering::SeqCst);
    }

    /// Publishes until the server is gone; returns how many messages it answered.
    pub(super) fn drive(&mut self, address: &str) -> Result<u64> {
        let first = self.answers.len();
        let Ok(mut connection) = Connection::open(address) else {
            return Ok(0);
        };
        match self.style {
            Style::Confirms => {
                if connection.confirm_select().is_ok() {
                    self.with_confirms(&mut connection)?;
                }
            }
            Style::Transactions => {
                if connection.tx_select().is_ok() {
                    self.with_transactions(&mut connection)?;
                }
            }
        }
        let life = &self.answers[first..];
        let answered = life
            .iter()
            .filter(|answer| **answer != Answer::None)
            .count() as u64;
        // What was never answered may never be seen; the lane does not wait for it.
        let unanswered = i64::try_from(life.len() as u64 - answered)?;
        self.behind.fetch_sub(unanswered, Ordering::SeqCst);
        Ok(answered)
    }

    fn publish(&mut self, connection: &mut Connection) {
        let label = Label {
            publisher: self.id,
            number: self.answers.len() as u64,
        };
        let key = self.lane.key(label);
        Template::new(self.lane.exchange(), &key, &label.body())
            .push(&mut connection.link.output, label.number);
        self.answers.push(Answer::None);
        self.behind.fetch_add(1, Ordering::SeqCst);
    }

    fn may_publish(&self) -> bool {
        self.behind.load(Ordering::SeqCst) < BEHIND_MAX
    }

    fn with_confirms(&mut self, connection: &mut Connection) -> Result<()> {
        let first = self.answers.len();
        let mut confirms = Confirms {
            first,
            floor: first,
            open: 0,
        };
        loop {
            let mut sent = 0;
            while confirms.open < WINDOW && self.may_publish() {
                self.publish(connection);
                confirms.open += 1;
                sent += 1;
            }
            if connection.link.flush().is_err() {
                return self.drain(connection, &mut confirms);
            }
            self.shared.sent.fetch_add(sent, Ordering::SeqCst);
            if confirms.open == 0 && !has_news(connection)? {
                std::thread::sleep(PAUSE);
                continue;
            }
            match connection.link.read() {
                Err(_) => return Ok(()),
                Ok(0) => bail!("{} messages are not confirmed for a minute", confirms.open),
                Ok(_) => confirms.take(&mut self.answers, connection)?,
            }
        }
    }

    /// Reads what the server had confirmed before it went.
    fn drain(&mut self, connection: &mut Connection, confirms: &mut Confirms) -> Result<()> {
        while connection.link.read().is_ok_and(|count| count > 0) {
            confirms.take(&mut self.answers, connection)?;
        }
        Ok(())
    }

    fn with_transactions(&mut self, connection: &mut Connection) -> Result<()> {
        loop {
            if !self.may_publish() {
                std::thread::sleep(PAUSE);
                if has_news(connection)? && connection.link.read().is_err() {
                    return Ok(());
                }
                continue;
            }
            let first = self.answers.len();
            for _ in 0..TRANSACTION {
                self.publish(connection);
            }
            connection.link.push(CHANNEL, &Method::commit());
            if connection.link.flush().is_err() {
                return Ok(());
            }
            self.shared.sent.fetch_add(TRANSACTION, Ordering::SeqCst);
            loop {
                match connection.event()? {
                    Some(Event::Answer(TX_COMMIT_OK, _)) => break,
                    Some(other) => bail!("{other:?} for a publisher with transactions"),
                    None => match connection.link.read() {
                        Err(_) => return Ok(()),
                        Ok(0) => bail!("a transaction is not committed for a minute"),
                        Ok(_) => {}
                    },
                }
            }
            self.answers[first..].fill(Answer::Confirmed);
        }
    }
}

/// Whether there is something to read, the end of the connection included: a publisher that waits for consumers must
/// notice that the server is gone.
fn has_news(connection: &Connection) -> Result<bool> {
    let stream = &connection.link.stream;
    stream.set_nonblocking(true)?;
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false)?;
    Ok(!peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock))
}

/// The confirms of one connection: A2, each publish gets exactly one of ack and nack.
struct Confirms {
    /// Index of the message with delivery tag 1.
    first: usize,
    /// Every message of the connection below this index has its answer.
    floor: usize,
    /// Messages without an answer.
    open: u64,
}

impl Confirms {
    fn take(&mut self, answers: &mut [Answer], connection: &mut Connection) -> Result<()> {
        while let Some(event) = connection.event()? {
            let Event::Confirm {
                tag,
                multiple,
                accepted,
            } = event
            else {
                bail!("{event:?} for a publisher with confirms");
            };
            self.note(answers, tag, multiple, accepted)?;
        }
        Ok(())
    }

    fn note(
        &mut self,
        answers: &mut [Answer],
        tag: u64,
        multiple: bool,
        accepted: bool,
    ) -> Result<()> {
        let answer = if accepted {
            Answer::Confirmed
        } else {
            Answer::Refused
        };
        let published = (answers.len() - self.first) as u64;
        ensure!(
            (1..=published).contains(&tag) || (multiple && tag == 0),
            "A2: tag {tag} is confirmed, {published} messages were published"
        );
        let index = self.first + usize::try_from(tag)? - 1;
        let named = if multiple {
            self.floor..index + 1
        } else {
            index..index + 1
        };
        let mut noted = 0;
        for known in &mut answers[named] {
            if *known == Answer::None {
                *known = answer;
                noted += 1;
            } else {
                // With `multiple`, a tag may stand for messages that have their answer.
                ensure!(multiple, "A2: tag {tag} is answered twice");
            }
        }
        ensure!(
            noted > 0,
            "A2: up to tag {tag} everything is answered already"
        );
        self.open -= noted;
        while self.floor < answers.len() && answers[self.floor] != Answer::None {
            self.floor += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five messages on a connection after three of an earlier one.
    fn five() -> (Confirms, Vec<Answer>) {
        let confirms = Confirms {
            first: 3,
            floor: 3,
            open: 5,
        };
        (confirms, vec![Answer::None; 8])
    }

    #[test]
    fn each_message_gets_one_answer() {
        let (mut confirms, mut answers) = five();
        confirms.note(&mut answers, 2, false, true).unwrap();
        confirms.note(&mut answers, 3, true, true).unwrap();
        confirms.note(&mut answers, 5, false, false).unwrap();
        use Answer::{Confirmed, None, Refused};
        assert_eq!(
            answers,
            [
                None, None, None, Confirmed, Confirmed, Confirmed, None, Refused
            ]
        );
        assert_eq!((confirms.open, confirms.floor), (1, 6));
    }

    #[test]
    fn a_second_answer_and_one_to_nothing_are_noticed() {
        for (tag, multiple) in [(2, false), (2, true), (6, false), (6, true), (0, false)] {
            let (mut confirms, mut answers) = five();
            confirms.note(&mut answers, 2, true, true).unwrap();
            let error = confirms.note(&mut answers, tag, multiple, true);
            assert!(
                error.unwrap_err().to_string().contains("A2"),
                "{tag} {multiple}"
            );
        }
    }
}
