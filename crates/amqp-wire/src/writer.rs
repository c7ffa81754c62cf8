//! The end of a buffer, where fields are appended, and their size before that.

use bytes::{BufMut, BytesMut};

/// Appends fields. Lengths were checked by whoever checked the size of the whole.
pub(crate) struct Writer<'a> {
    out: &'a mut BytesMut,
    /// The number of the next bit in the last octet; 0 where the next bit starts an octet.
    bit: u8,
}

impl<'a> Writer<'a> {
    #[inline]
    pub(crate) fn new(out: &'a mut BytesMut) -> Self {
        Self { out, bit: 0 }
    }

    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.bit = 0;
        self.out.put_slice(bytes);
    }

    /// At most 255 bytes after an octet that says how many.
    #[inline]
    pub(crate) fn short(&mut self, bytes: &[u8]) {
        self.bit = 0;
        let len = u8::try_from(bytes.len()).expect("short strings are short by construction");
        self.out.put_u8(len);
        self.out.put_slice(bytes);
    }

    /// Bytes after four octets that say how many.
    #[inline]
    pub(crate) fn long(&mut self, bytes: &[u8]) {
        self.bit = 0;
        let len =
            u32::try_from(bytes.len()).expect("it is part of a frame, whose size fits 32 bits");
        self.out.put_u32(len);
        self.out.put_slice(bytes);
    }

    #[inline]
    pub(crate) fn bit(&mut self, set: bool) {
        match self.out.last_mut() {
            Some(octet) if self.bit > 0 => *octet |= u8::from(set) << self.bit,
            _ => self.out.put_u8(u8::from(set)),
        }
        self.bit = (self.bit + 1) % 8;
    }
}

/// Counts what a [`Writer`] would write.
#[derive(Debug, Default)]
pub(crate) struct Size {
    bytes: usize,
    bit: u8,
}

impl Size {
    #[inline]
    pub(crate) fn bytes(&mut self, len: usize) {
        self.bit = 0;
        self.bytes += len;
    }

    #[inline]
    pub(crate) fn bit(&mut self) {
        self.bytes += usize::from(self.bit == 0);
        self.bit = (self.bit + 1) % 8;
    }

    #[inline]
    pub(crate) fn total(&self) -> usize {
        self.bytes
    }
}
