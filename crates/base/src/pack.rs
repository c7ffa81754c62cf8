//! Reading and writing of our own binary formats (`docs/formats/`): little-endian integers,
//! byte strings with a 32-bit length.
//!
//! Every declared length is checked against the bytes that remain before memory is reserved.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The input ended inside a value, or a declared length is larger than what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truncated;

impl std::fmt::Display for Truncated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the value ends before its declared length")
    }
}

impl std::error::Error for Truncated {}

/// Appends values to a buffer.
#[derive(Debug, Default)]
pub struct Packer(BytesMut);

impl Packer {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts with room for `len` bytes, where the length is known.
    #[must_use]
    pub fn with_capacity(len: usize) -> Self {
        Self(BytesMut::with_capacity(len))
    }

    /// Appends one byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.0.put_u8(value);
        self
    }

    /// Appends two bytes.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.0.put_u16_le(value);
        self
    }

    /// Appends four bytes.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.0.put_u32_le(value);
        self
    }

    /// Appends four bytes, signed.
    pub fn i32(&mut self, value: i32) -> &mut Self {
        self.0.put_i32_le(value);
        self
    }

    /// Appends eight bytes.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.0.put_u64_le(value);
        self
    }

    /// Appends eight bytes, signed.
    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.0.put_i64_le(value);
        self
    }

    /// Appends sixteen bytes.
    pub fn u128(&mut self, value: u128) -> &mut Self {
        self.0.put_u128_le(value);
        self
    }

    /// Appends a 32-bit length and the bytes. Panics on 4 GiB and more, which no limit lets through.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.count(value.len());
        self.0.put_slice(value);
        self
    }

    /// Appends a string as its UTF-8 bytes.
    pub fn str(&mut self, value: &str) -> &mut Self {
        self.bytes(value.as_bytes())
    }

    /// Appends a presence byte and, where there is one, the string.
    pub fn opt_str(&mut self, value: Option<&str>) -> &mut Self {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            self.str(value);
        }
        self
    }

    /// Appends the number of elements that follow.
    pub fn count(&mut self, count: usize) -> &mut Self {
        self.u32(u32::try_from(count).expect("limits keep counts below 2^32"))
    }

    /// How many bytes have been written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What has been written.
    #[must_use]
    pub fn finish(self) -> Bytes {
        self.0.freeze()
    }
}

/// Takes values off the front of a buffer; byte strings are slices of it, not copies.
#[derive(Debug, Clone)]
pub struct Unpacker(Bytes);

impl Unpacker {
    /// Reads `input` from its start.
    #[must_use]
    pub fn new(input: Bytes) -> Self {
        Self(input)
    }

    fn need(&self, count: usize) -> Result<(), Truncated> {
        if self.0.len() < count {
            Err(Truncated)
        } else {
            Ok(())
        }
    }

    /// Takes one byte.
    pub fn u8(&mut self) -> Result<u8, Truncated> {
        self.need(1)?;
        Ok(self.0.get_u8())
    }

    /// Takes two bytes.
    pub fn u16(&mut self) -> Result<u16, Truncated> {
        self.need(2)?;
        Ok(self.0.get_u16_le())
    }

    /// Takes four bytes.
    pub fn u32(&mut self) -> Result<u32, Truncated> {
        self.need(4)?;
        Ok(self.0.get_u32_le())
    }

    /// Takes four bytes, signed.
    pub fn i32(&mut self) -> Result<i32, Truncated> {
        self.need(4)?;
        Ok(self.0.get_i32_le())
    }

    /// Takes eight bytes.
    pub fn u64(&mut self) -> Result<u64, Truncated> {
        self.need(8)?;
        Ok(self.0.get_u64_le())
    }

    /// Takes eight bytes, signed.
    pub fn i64(&mut self) -> Result<i64, Truncated> {
        self.need(8)?;
        Ok(self.0.get_i64_le())
    }

    /// Takes sixteen bytes.
    pub fn u128(&mut self) -> Result<u128, Truncated> {
        self.need(16)?;
        Ok(self.0.get_u128_le())
    }

    /// Takes a byte string.
    pub fn bytes(&mut self) -> Result<Bytes, Truncated> {
        let len = self.u32()? as usize;
        self.need(len)?;
        Ok(self.0.split_to(len))
    }

    /// Takes a string; bytes that are not UTF-8 count as damage.
    pub fn str(&mut self) -> Result<String, Truncated> {
        String::from_utf8(self.bytes()?.into()).map_err(|_| Truncated)
    }

    /// Takes an optional string.
    pub fn opt_str(&mut self) -> Result<Option<String>, Truncated> {
        if self.u8()? == 0 {
            Ok(None)
        } else {
            self.str().map(Some)
        }
    }

    /// Takes the number of elements that follow, each of at least `element_len_min` bytes.
    pub fn count(&mut self, element_len_min: usize) -> Result<usize, Truncated> {
        let count = self.u32()? as usize;
        self.need(count.saturating_mul(element_len_min.max(1)))?;
        Ok(count)
    }

    /// What has not been taken yet.
    #[must_use]
    pub fn rest(&self) -> &Bytes {
        &self.0
    }

    /// Whether everything has been taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Packer, Truncated, Unpacker};

    #[test]
    fn what_was_packed_is_unpacked() {
        let mut packer = Packer::new();
        packer
            .u8(1)
            .u16(2)
            .u32(3)
            .i32(-4)
            .u64(5)
            .i64(-6)
            .u128(7)
            .str("acht")
            .opt_str(None)
            .opt_str(Some("zehn"))
            .count(2);
        packer.u8(0).u8(0);
        let mut unpacker = Unpacker::new(packer.finish());
        assert_eq!(unpacker.u8(), Ok(1));
        assert_eq!(unpacker.u16(), Ok(2));
        assert_eq!(unpacker.u32(), Ok(3));
        assert_eq!(unpacker.i32(), Ok(-4));
        assert_eq!(unpacker.u64(), Ok(5));
        assert_eq!(unpacker.i64(), Ok(-6));
        assert_eq!(unpacker.u128(), Ok(7));
        assert_eq!(unpacker.str(), Ok("acht".to_owned()));
        assert_eq!(unpacker.opt_str(), Ok(None));
        assert_eq!(unpacker.opt_str(), Ok(Some("zehn".to_owned())));
        assert_eq!(unpacker.count(1), Ok(2));
    }

    #[test]
    fn a_length_beyond_the_input_is_refused_before_anything_is_reserved() {
        let mut packer = Packer::new();
        packer.u32(u32::MAX).u8(0);
        let mut bytes = Unpacker::new(packer.finish());
        assert_eq!(bytes.clone().count(8), Err(Truncated));
        assert_eq!(bytes.bytes(), Err(Truncated));
    }
}
