//! The load generator: publishers and consumers on one thread, and what they saw in a measured interval.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};

use super::consumer::Consumer;
use super::publisher::Publisher;
use crate::bench::load::percentile;
use crate::server::{Server, Usage};

/// A server that neither confirms nor delivers anything for this long has hung.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Published messages that consumers have not yet seen. Publishers wait at this many, so that what is measured
/// is messages on their whole way and not a growing queue; it is ten times what the largest window holds.
const BEHIND_MAX: u64 = 10_000;

pub(super) struct Load {
    publishers: Vec<Publisher>,
    consumers: Vec<Consumer>,
    epoll: OwnedFd,
    /// Messages that may be published in all.
    publish_max: u64,
    /// Microseconds from publish to confirm.
    latencies: Vec<u32>,
}

/// What an interval of load came to.
pub(super) struct Interval {
    pub(super) confirmed: u64,
    pub(super) delivered: u64,
    pub(super) elapsed: Duration,
    pub(super) server_cpu: Duration,
    pub(super) client_cpu: Duration,
    pub(super) written_bytes: u64,
    /// Ascending, in microseconds.
    latencies: Vec<u32>,
}

impl Interval {
    /// The latency that `share` of the confirms stayed below, in milliseconds.
    pub(super) fn percentile_ms(&self, share: f64) -> f64 {
        percentile(&self.latencies, share).map_or(0.0, |micros| f64::from(micros) / 1000.0)
    }
}

impl Load {
    pub(super) fn new(publishers: Vec<Publisher>, consumers: Vec<Consumer>) -> Result<Load> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let sockets = publishers
            .iter()
            .map(|publisher| &publisher.connection)
            .chain(consumers.iter().map(|consumer| &consumer.connection))
            .map(|connection| &connection.link.stream);
        for (index, socket) in (0..).zip(sockets) {
            // Edge-triggered: every wake-up reads and writes until the socket has no more.
            let interest = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            epoll::add(&epoll, socket, EventData::new_u64(index), interest)?;
        }
        Ok(Load {
            publishers,
            consumers,
            epoll,
            publish_max: u64::MAX,
            latencies: Vec::new(),
        })
    }

    /// Publishes no more than this many messages in all; without it, as many as there is time for.
    pub(super) fn publish_at_most(&mut self, messages: u64) {
        self.publish_max = messages;
    }

    pub(super) fn delivered(&self) -> u64 {
        self.consumers
            .iter()
            .map(|consumer| consumer.delivered)
            .sum()
    }

    /// Keeps the load up for a while.
    pub(super) fn drive(&mut self, time: Duration) -> Result<()> {
        let started = Instant::now();
        self.drive_while(|_| started.elapsed() < time, &mut |_| Ok(()))
    }

    /// Keeps the load up as long as `wanted`; `each` gets the number of every message that is delivered.
    pub(super) fn drive_while(
        &mut self,
        mut wanted: impl FnMut(&Load) -> bool,
        each: &mut impl FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        let mut heard = Instant::now();
        let mut events = Vec::with_capacity(self.publishers.len() + self.consumers.len());
        while wanted(self) {
            self.fill()?;
            epoll::wait(
                &self.epoll,
                spare_capacity(&mut events),
                Some(&Timespec {
                    tv_sec: 0,
                    tv_nsec: 100_000_000,
                }),
            )?;
            if events.is_empty() {
                ensure!(
                    heard.elapsed() < SILENCE_MAX,
                    "nothing from the server for {SILENCE_MAX:?}"
                );
                continue;
            }
            heard = Instant::now();
            for event in events.drain(..) {
                self.attend(usize::try_from(event.data.u64())?, each)?;
            }
        }
        Ok(())
    }

    fn attend(&mut self, index: usize, each: &mut impl FnMut(u64) -> Result<()>) -> Result<()> {
        let latencies = &mut self.latencies;
        match self.publishers.get_mut(index) {
            Some(publisher) => publisher
                .drain(|took| latencies.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX))),
            None => {
                let consumer = &mut self.consumers[index - self.publishers.len()];
                consumer.flush()?;
                consumer.drain(each)
            }
        }
    }

    fn fill(&mut self) -> Result<()> {
        // Each consumer gets every message: one queue and one consumer, or a queue for each consumer.
        let slowest = self.consumers.iter().map(|consumer| consumer.delivered);
        let may = slowest
            .min()
            .map_or(u64::MAX, |seen| seen + BEHIND_MAX)
            .min(self.publish_max);
        let at_most = may.saturating_sub(self.published());
        self.publishers
            .iter_mut()
            .try_for_each(|publisher| publisher.fill(at_most))
    }

    /// Messages that were sent and not yet confirmed.
    pub(super) fn unconfirmed(&self) -> usize {
        self.publishers.iter().map(Publisher::unconfirmed).sum()
    }

    /// Messages that were sent at all.
    pub(super) fn published(&self) -> u64 {
        self.publishers.iter().map(|one| one.published).sum()
    }

    /// Warms up, then measures.
    pub(super) fn measure(
        &mut self,
        server: &Server,
        warmup: Duration,
        time: Duration,
    ) -> Result<Interval> {
        self.drive(warmup)?;
        self.latencies.clear();
        let delivered = self.delivered();
        let (server_before, client_before) = (server.usage()?, Usage::own()?);
        let started = Instant::now();
        self.drive(time)?;
        let elapsed = started.elapsed();
        let (server_after, client_after) = (server.usage()?, Usage::own()?);
        let mut latencies = std::mem::take(&mut self.latencies);
        latencies.sort_unstable();
        Ok(Interval {
            confirmed: u64::try_from(latencies.len())?,
            delivered: self.delivered() - delivered,
            elapsed,
            server_cpu: server_after - server_before,
            client_cpu: client_after - client_before,
            written_bytes: server_after.written_bytes - server_before.written_bytes,
            latencies,
        })
    }
}
