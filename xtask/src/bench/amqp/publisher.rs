//! One publisher: keeps a window of persistent messages unconfirmed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::amqp_client::{Connection, Event, Template};

/// One write carries at most about this much, so that a large window does not wait for its own encoding.
const BATCH_BYTES: usize = 64 * 1024;

pub(super) struct Publisher {
    pub(super) connection: Connection,
    template: Template,
    window: usize,
    /// When each message from tag `first` on was sent; none once it is confirmed.
    sent: VecDeque<Option<Instant>>,
    first: u64,
    unconfirmed: usize,
    pub(super) published: u64,
}

impl Publisher {
    pub(super) fn open(address: &str, template: Template, window: usize) -> Result<Publisher> {
        let mut connection = Connection::open(address)?;
        connection.confirm_select()?;
        connection.link.stream.set_nonblocking(true)?;
        Ok(Publisher {
            connection,
            template,
            window,
            sent: VecDeque::new(),
            first: 1,
            unconfirmed: 0,
            published: 0,
        })
    }

    /// Messages that were sent and not yet confirmed.
    pub(super) fn unconfirmed(&self) -> usize {
        self.unconfirmed
    }

    /// Sends until the window, `at_most` or the socket is full.
    pub(super) fn fill(&mut self, mut at_most: u64) -> Result<()> {
        let link = &mut self.connection.link;
        while link.flush().context("publish")? {
            let room = self.window - self.unconfirmed;
            if room == 0 || at_most == 0 {
                return Ok(());
            }
            let now = Instant::now();
            for _ in 0..room {
                if at_most == 0 || link.output.len() >= BATCH_BYTES {
                    break;
                }
                self.template.push(&mut link.output, self.published);
                self.published += 1;
                self.sent.push_back(Some(now));
                self.unconfirmed += 1;
                at_most -= 1;
            }
        }
        Ok(())
    }

    /// Takes the confirms that have arrived; `confirmed` gets how long each message took.
    pub(super) fn drain(&mut self, mut confirmed: impl FnMut(Duration)) -> Result<()> {
        while self.connection.link.read().context("read confirms")? > 0 {
            let now = Instant::now();
            while let Some(event) = self.connection.event()? {
                let Event::Confirm {
                    tag,
                    multiple,
                    accepted,
                } = event
                else {
                    anyhow::bail!("{event:?} for a publisher");
                };
                ensure!(accepted, "message {tag} was refused");
                let last = usize::try_from(
                    tag.checked_sub(self.first)
                        .with_context(|| format!("{tag} is confirmed a second time"))?,
                )?;
                ensure!(last < self.sent.len(), "{tag} was never published");
                let from = if multiple { 0 } else { last };
                for sent in self.sent.range_mut(from..=last) {
                    if let Some(sent) = sent.take() {
                        self.unconfirmed -= 1;
                        confirmed(now.saturating_duration_since(sent));
                    }
                }
                while let Some(None) = self.sent.front() {
                    self.sent.pop_front();
                    self.first += 1;
                }
            }
        }
        Ok(())
    }
}
