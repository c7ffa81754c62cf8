//! A place in a payload.

use crate::error::DecodeError;

/// Takes values off the front of a payload. Every length is compared with what remains before it is used.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    len: usize,
    /// The octet that the next bit is in, and the bit's number; 0 where the next bit starts an octet.
    bits: u8,
    bit: u8,
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            len: bytes.len(),
            bits: 0,
            bit: 0,
        }
    }

    /// How many bytes were taken.
    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.len - self.rest.len()
    }

    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// What was not taken.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Succeeds where everything was taken.
    #[inline]
    pub(crate) fn finish(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(DecodeError::Trailing {
            at: self.at(),
            extra: self.rest.len(),
        })
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.bit = 0;
        let Some((head, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.truncated(N));
        };
        self.rest = rest;
        Ok(*head)
    }

    #[inline]
    pub(crate) fn octet(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[octet]| octet)
    }

    #[inline]
    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        self.bit = 0;
        let Some((head, rest)) = self.rest.split_at_checked(len) else {
            return Err(self.truncated(len));
        };
        self.rest = rest;
        Ok(head)
    }

    /// Bytes after an octet that says how many.
    #[inline]
    pub(crate) fn short(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.octet()?;
        self.bytes(usize::from(len))
    }

    /// Bytes after four octets that say how many.
    #[inline]
    pub(crate) fn long(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = u32::from_be_bytes(self.array()?);
        self.bytes(len as usize)
    }

    /// The next of consecutive bits, which share octets from the lowest bit on.
    #[inline]
    pub(crate) fn bit(&mut self) -> Result<bool, DecodeError> {
        let bit = self.bit;
        if bit == 0 {
            self.bits = self.octet()?;
        }
        self.bit = (bit + 1) % 8;
        Ok(self.bits >> bit & 1 == 1)
    }

    #[cold]
    fn truncated(&self, needed: usize) -> DecodeError {
        DecodeError::Truncated {
            at: self.at(),
            needed,
            remaining: self.rest.len(),
        }
    }
}
