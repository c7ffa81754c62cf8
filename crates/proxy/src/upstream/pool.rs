//! Connections to servers that wait for the next request, of one worker.
//!
//! Nobody watches a waiting connection: whether its server has closed it is seen when it is taken, and once a second by
//! [`Pool::sweep`], which costs less than a task for each.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use balancer::PeerId;
use base::Monotonic;
use tokio::task::unconstrained;

use super::Keepalive;
use crate::net::{Alarm, Transport, clock};

/// What a connection is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lane {
    /// Whom it leads to.
    pub(crate) peer: PeerId,
    /// The TLS that it was made with; 0 for none.
    pub(crate) tls: u64,
    /// The name that the server was called by in TLS, and what else it was told there.
    pub(crate) name: Option<Arc<[u8]>>,
    /// Our address, where it was chosen: others may see clients by it.
    pub(crate) bind: Option<SocketAddr>,
    /// The only `proxy_pass` that may use it; 0 where all of the group's may.
    pub(crate) pass: u64,
}

/// A connection to a server.
pub(crate) struct Link {
    pub(crate) transport: Transport,
    /// The deadline of whatever the server is waited for.
    pub(crate) alarm: Alarm,
    /// Requests that were sent on it before.
    pub(crate) requests: u64,
    made: Monotonic,
    lane: Lane,
}

impl Link {
    /// A connection that was just made.
    pub(crate) fn new(transport: Transport, alarm: Alarm, lane: Lane) -> Self {
        Self {
            transport,
            alarm,
            requests: 0,
            made: clock::now(),
            lane,
        }
    }

    /// Whether the server has neither closed it nor sent what nobody asked for.
    fn is_quiet(&mut self) -> bool {
        // A task may look at so many sockets and no more before it has to wait, and is told then that nothing is there: that
        // rule of the event loop does not hold here.
        let transport = &mut self.transport;
        let look = std::future::poll_fn(|cx| {
            if transport.poll_read_ready(cx).is_pending() {
                return Poll::Ready(true);
            }
            // The event loop may remember bytes that were read; looking at the socket tells.
            let is_open = transport.poll_closed(cx).is_pending();
            Poll::Ready(is_open && transport.poll_read_ready(cx).is_pending())
        });
        let looked = pin!(unconstrained(look)).poll(&mut Context::from_waker(Waker::noop()));
        looked == Poll::Ready(true)
    }
}

struct Idle {
    link: Link,
    until: Monotonic,
}

/// The pool: a list per group, the longest idle first.
#[derive(Default)]
pub(crate) struct Pool {
    groups: RefCell<Vec<VecDeque<Idle>>>,
}

impl Pool {
    /// A connection that is good for `lane`, the one that was used last.
    pub(crate) fn take(&self, group: usize, lane: &Lane) -> Option<Link> {
        let mut groups = self.groups.borrow_mut();
        let list = groups.get_mut(group)?;
        loop {
            let at = list.iter().rposition(|idle| idle.link.lane == *lane)?;
            let mut idle = list.remove(at)?;
            if idle.link.is_quiet() && clock::now() < idle.until {
                return Some(idle.link);
            }
        }
    }

    /// Keeps a connection whose response was read to its end; the one that waits longest goes where there are too many.
    pub(crate) fn give(&self, group: usize, rules: &Keepalive, mut link: Link) {
        let now = clock::now();
        link.requests += 1;
        if rules.idle_max == 0
            || link.requests >= rules.requests_max
            || now - link.made >= rules.time
        {
            return;
        }
        link.alarm.clear();
        let mut groups = self.groups.borrow_mut();
        if groups.len() <= group {
            groups.resize_with(group + 1, VecDeque::new);
        }
        let list = &mut groups[group];
        while list.len() >= rules.idle_max {
            list.pop_front();
        }
        list.push_back(Idle {
            link,
            until: now + rules.timeout,
        });
    }

    /// Drops what has waited for too long and what its server has closed.
    pub(crate) fn sweep(&self) {
        let now = clock::now();
        for list in self.groups.borrow_mut().iter_mut() {
            list.retain_mut(|idle| now < idle.until && idle.link.is_quiet());
        }
    }
}
