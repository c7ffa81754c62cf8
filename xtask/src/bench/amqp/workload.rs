//! The workloads: one publisher, and a consumer for each queue that its messages go to.

use anyhow::Result;

use super::consumer::Consumer;
use super::load::Load;
use super::publisher::Publisher;
use crate::amqp_client::{Connection, Template, Value};
use crate::server::Server;

/// Messages that a consumer may hold unacknowledged.
pub(super) const PREFETCH: u16 = 1000;

pub(super) struct Workload {
    pub(super) name: &'static str,
    /// Also the prefix of the names of its queues.
    slug: &'static str,
    /// Bytes of each message's body.
    body_bytes: usize,
    /// Messages in flight without a confirm.
    window: usize,
    /// Queues that each message goes to.
    queues: usize,
}

pub(super) const WORKLOADS: &[Workload] = &[
    Workload {
        name: "100 B, window 1000",
        slug: "small",
        body_bytes: 100,
        window: 1000,
        queues: 1,
    },
    Workload {
        name: "1 KiB, window 1000",
        slug: "large",
        body_bytes: 1024,
        window: 1000,
        queues: 1,
    },
    ONE_BY_ONE,
    Workload {
        name: "100 B, window 1000, fan-out to 10 queues",
        slug: "fan",
        body_bytes: 100,
        window: 1000,
        queues: 10,
    },
];

/// Every message waits for the confirm of the one before.
pub(super) const ONE_BY_ONE: Workload = Workload {
    name: "100 B, window 1",
    slug: "single",
    body_bytes: 100,
    window: 1,
    queues: 1,
};

impl Workload {
    /// Makes the queues, empty or not, and opens the connections.
    pub(super) fn load(&self, server: &Server, arguments: &[(&str, Value<'_>)]) -> Result<Load> {
        let address = &server.spec.amqp_address()?;
        let queues: Vec<String> = (0..self.queues)
            .map(|number| format!("{}-{number}", self.slug))
            .collect();
        let mut setup = Connection::open(address)?;
        let exchange = match queues.len() {
            1 => "",
            _ => {
                setup.declare_exchange(self.slug, "fanout")?;
                self.slug
            }
        };
        for queue in &queues {
            setup.declare_queue(queue, arguments)?;
            if !exchange.is_empty() {
                setup.bind(queue, exchange, "")?;
            }
        }
        let template = Template::new(exchange, &queues[0], &vec![b'x'; self.body_bytes]);
        let consumers = queues
            .iter()
            .map(|queue| Consumer::open(address, queue, PREFETCH, self.body_bytes))
            .collect::<Result<_>>()?;
        let publisher = Publisher::open(address, template, self.window)?;
        Load::new(vec![publisher], consumers)
    }
}
