//! One consumer: acknowledges every message by itself.

use anyhow::{Context, Result, bail, ensure};

use crate::amqp_client::{Connection, Event};

pub(super) struct Consumer {
    pub(super) connection: Connection,
    body_bytes: usize,
    pub(super) delivered: u64,
}

impl Consumer {
    pub(super) fn open(
        address: &str,
        queue: &str,
        prefetch: u16,
        body_bytes: usize,
    ) -> Result<Consumer> {
        let mut connection = Connection::open(address)?;
        connection.consume(queue, prefetch)?;
        connection.link.stream.set_nonblocking(true)?;
        Ok(Consumer {
            connection,
            body_bytes,
            delivered: 0,
        })
    }

    /// Takes what has arrived and acknowledges it; `each` gets the number that the publisher gave the message.
    pub(super) fn drain(&mut self, mut each: impl FnMut(u64) -> Result<()>) -> Result<()> {
        while self.connection.link.read().context("read deliveries")? > 0 {
            while let Some(event) = self.connection.event()? {
                let Event::Delivery(delivery) = event else {
                    bail!("{event:?} for a consumer");
                };
                ensure!(
                    delivery.body.len() == self.body_bytes,
                    "a message of {} bytes",
                    delivery.body.len()
                );
                let number = delivery.body.first_chunk().context("a short message")?;
                each(u64::from_be_bytes(*number))?;
                let tag = delivery.tag;
                self.delivered += 1;
                self.connection.link.push_ack(tag);
            }
            self.flush()?;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.connection.link.flush().context("acknowledge")?;
        Ok(())
    }
}
