//! The load generator: many connections on one thread, and what they saw in a measured interval.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};

use super::connection::Connection;
use crate::server::{Server, Usage};

/// A server that answers nothing for this long has hung.
const SILENCE_MAX: Duration = Duration::from_secs(30);

pub(super) struct Load {
    connections: Vec<Connection>,
    epoll: OwnedFd,
}

/// What an interval of load came to.
pub(super) struct Interval {
    pub(super) requests: u64,
    pub(super) elapsed: Duration,
    pub(super) server_cpu: Duration,
    pub(super) client_cpu: Duration,
    pub(super) written_bytes: u64,
    /// Ascending, in microseconds.
    latencies: Vec<u32>,
}

impl Interval {
    /// The latency that `share` of the requests stayed below, in milliseconds.
    pub(super) fn percentile_ms(&self, share: f64) -> Option<f64> {
        percentile(&self.latencies, share).map(|micros| f64::from(micros) / 1000.0)
    }
}

/// The value below which `share` of an ascending list lies (nearest rank).
pub(super) fn percentile(ascending: &[u32], share: f64) -> Option<u32> {
    let last = ascending.len().checked_sub(1)?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index of a list that fits into memory, and a share between 0 and 1"
    )]
    let index = (last as f64 * share).round() as usize;
    ascending.get(index).copied()
}

impl Load {
    /// Opens one connection for each request, with `depth` requests in flight on each.
    pub(super) fn open(address: &str, requests: Vec<Vec<u8>>, depth: usize) -> Result<Load> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::new();
        for (index, request) in (0..).zip(requests) {
            let connection = Connection::open(address, request, depth)?;
            // Edge-triggered: every wake-up reads and writes until the socket has no more.
            let interest = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            epoll::add(
                &epoll,
                &connection.stream,
                EventData::new_u64(index),
                interest,
            )?;
            connections.push(connection);
        }
        Ok(Load { connections, epoll })
    }

    /// Keeps the load up for a while; returns how long each answered request took, in microseconds.
    pub(super) fn drive(&mut self, time: Duration) -> Result<Vec<u32>> {
        let mut latencies = Vec::new();
        for connection in &mut self.connections {
            connection.fill()?;
        }
        let started = Instant::now();
        let mut heard = started;
        let mut events = Vec::with_capacity(self.connections.len());
        while started.elapsed() < time {
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
                    "no answer for {SILENCE_MAX:?}"
                );
                continue;
            }
            heard = Instant::now();
            for event in events.drain(..) {
                let connection = &mut self.connections[usize::try_from(event.data.u64())?];
                connection.drain(|took| {
                    latencies.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX))
                })?;
                connection.fill()?;
            }
        }
        Ok(latencies)
    }

    /// Warms up, then measures.
    pub(super) fn measure(
        &mut self,
        server: &Server,
        warmup: Duration,
        time: Duration,
    ) -> Result<Interval> {
        self.drive(warmup)?;
        let (server_before, client_before) = (server.usage()?, Usage::own()?);
        let started = Instant::now();
        let mut latencies = self.drive(time)?;
        let elapsed = started.elapsed();
        let (server_after, client_after) = (server.usage()?, Usage::own()?);
        latencies.sort_unstable();
        Ok(Interval {
            requests: u64::try_from(latencies.len())?,
            elapsed,
            server_cpu: server_after - server_before,
            client_cpu: client_after - client_before,
            written_bytes: server_after.written_bytes - server_before.written_bytes,
            latencies,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let ascending: Vec<u32> = (1..=101).collect();
        assert_eq!(percentile(&ascending, 0.5), Some(51));
        assert_eq!(percentile(&ascending, 0.99), Some(100));
        assert_eq!(percentile(&[], 0.5), None);
    }
}
