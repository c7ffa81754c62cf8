//! Methods of AMQP 0-9-1: those that the harness uses, written and read.

use anyhow::{Context, Result};

/// Class and method, as the specification numbers them.
type Id = (u16, u16);

pub(super) const CONNECTION_START: Id = (10, 10);
pub(super) const CONNECTION_START_OK: Id = (10, 11);
pub(super) const CONNECTION_TUNE: Id = (10, 30);
pub(super) const CONNECTION_TUNE_OK: Id = (10, 31);
pub(super) const CONNECTION_OPEN: Id = (10, 40);
pub(super) const CONNECTION_OPEN_OK: Id = (10, 41);
pub(super) const CONNECTION_CLOSE: Id = (10, 50);
pub(super) const CHANNEL_OPEN: Id = (20, 10);
pub(super) const CHANNEL_OPEN_OK: Id = (20, 11);
pub(super) const CHANNEL_CLOSE: Id = (20, 40);
pub(super) const EXCHANGE_DECLARE: Id = (40, 10);
pub(super) const EXCHANGE_DECLARE_OK: Id = (40, 11);
pub(super) const QUEUE_DECLARE: Id = (50, 10);
pub(super) const QUEUE_DECLARE_OK: Id = (50, 11);
pub(super) const QUEUE_BIND: Id = (50, 20);
pub(super) const QUEUE_BIND_OK: Id = (50, 21);
pub(super) const BASIC_QOS: Id = (60, 10);
pub(super) const BASIC_QOS_OK: Id = (60, 11);
pub(super) const BASIC_CONSUME: Id = (60, 20);
pub(super) const BASIC_CONSUME_OK: Id = (60, 21);
pub(super) const BASIC_PUBLISH: Id = (60, 40);
pub(super) const BASIC_DELIVER: Id = (60, 60);
pub(super) const BASIC_GET: Id = (60, 70);
pub(super) const BASIC_GET_OK: Id = (60, 71);
pub(super) const BASIC_GET_EMPTY: Id = (60, 72);
pub(super) const BASIC_ACK: Id = (60, 80);
pub(super) const BASIC_REJECT: Id = (60, 90);
pub(super) const BASIC_NACK: Id = (60, 120);
pub(super) const CONFIRM_SELECT: Id = (85, 10);
pub(super) const CONFIRM_SELECT_OK: Id = (85, 11);
pub(super) const TX_SELECT: Id = (90, 10);
pub(super) const TX_SELECT_OK: Id = (90, 11);
pub(super) const TX_COMMIT: Id = (90, 20);
/// The answer to [`Method::commit`].
pub(crate) const TX_COMMIT_OK: Id = (90, 21);

/// A field of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Text(&'a str),
}

/// A method being written: class, method, arguments.
pub(crate) struct Method {
    pub(super) payload: Vec<u8>,
}

impl Method {
    pub(super) fn new((class, method): Id) -> Method {
        Method {
            payload: [class.to_be_bytes(), method.to_be_bytes()].concat(),
        }
    }

    /// Acknowledges a delivery, or with `multiple` everything up to it.
    pub(crate) fn ack(tag: u64, multiple: bool) -> Method {
        Method::new(BASIC_ACK).u64(tag).bits(&[multiple])
    }

    /// Refuses a delivery; it is dead-lettered, or goes back where it was.
    pub(crate) fn nack(tag: u64, requeue: bool) -> Method {
        Method::new(BASIC_NACK).u64(tag).bits(&[false, requeue])
    }

    /// The older form of [`Method::nack`].
    pub(crate) fn reject(tag: u64, requeue: bool) -> Method {
        Method::new(BASIC_REJECT).u64(tag).bits(&[requeue])
    }

    pub(crate) fn commit() -> Method {
        Method::new(TX_COMMIT)
    }

    pub(super) fn u16(mut self, value: u16) -> Method {
        self.payload.extend(value.to_be_bytes());
        self
    }

    pub(super) fn u32(mut self, value: u32) -> Method {
        self.payload.extend(value.to_be_bytes());
        self
    }

    pub(super) fn u64(mut self, value: u64) -> Method {
        self.payload.extend(value.to_be_bytes());
        self
    }

    /// Up to eight flags in one byte, the first in the lowest bit.
    pub(super) fn bits(mut self, bits: &[bool]) -> Method {
        let byte = bits
            .iter()
            .rev()
            .fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        self.payload.push(byte);
        self
    }

    pub(super) fn short_text(mut self, text: &str) -> Method {
        short_text(&mut self.payload, text);
        self
    }

    pub(super) fn long_text(mut self, text: &str) -> Method {
        long_text(&mut self.payload, text);
        self
    }

    pub(super) fn table(mut self, fields: &[(&str, Value<'_>)]) -> Method {
        let mut table = Vec::new();
        for (name, Value::Text(text)) in fields {
            short_text(&mut table, name);
            table.push(b'S');
            long_text(&mut table, text);
        }
        let len = u32::try_from(table.len()).expect("the harness's tables are short");
        self.payload.extend(len.to_be_bytes());
        self.payload.extend(table);
        self
    }
}

fn short_text(into: &mut Vec<u8>, text: &str) {
    into.push(u8::try_from(text.len()).expect("the harness's names are short"));
    into.extend_from_slice(text.as_bytes());
}

fn long_text(into: &mut Vec<u8>, text: &str) {
    let len = u32::try_from(text.len()).expect("the harness's texts are short");
    into.extend(len.to_be_bytes());
    into.extend_from_slice(text.as_bytes());
}

/// Takes arguments off the front of a method's payload.
pub(super) struct Arguments<'a> {
    rest: &'a [u8],
}

impl<'a> Arguments<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Arguments<'a> {
        Arguments { rest: payload }
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .context("a short method")?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_be_bytes(self.fixed()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_be_bytes(self.fixed()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.fixed()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_be_bytes(self.fixed()?))
    }

    pub(super) fn short_text(&mut self) -> Result<&'a str> {
        let len = usize::from(self.u8()?);
        let (taken, rest) = self.rest.split_at_checked(len).context("a short method")?;
        self.rest = rest;
        Ok(std::str::from_utf8(taken)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_written_as_the_specification_says() {
        let method = Method::new(QUEUE_DECLARE)
            .u16(0)
            .short_text("q")
            .bits(&[false, true, false, false, true])
            .table(&[("x", Value::Text("ab"))]);
        assert_eq!(
            method.payload,
            b"\0\x32\0\x0a\0\0\x01q\x12\0\0\0\x09\x01xS\0\0\0\x02ab"
        );
        let mut arguments = Arguments::new(&method.payload);
        assert_eq!(
            (arguments.u16().unwrap(), arguments.u16().unwrap()),
            QUEUE_DECLARE
        );
        assert_eq!(arguments.u16().unwrap(), 0);
        assert_eq!(arguments.short_text().unwrap(), "q");
        assert_eq!(arguments.u8().unwrap(), 0x12);
        assert_eq!(arguments.u32().unwrap(), 9);
        assert_eq!(arguments.short_text().unwrap(), "x");
        assert!(arguments.u64().is_err(), "seven bytes are left");
    }
}
