//! Bytes of Kafka's protocol before its compact ('flexible') encodings: big-endian numbers, strings and arrays
//! with a length in front.

use anyhow::{Context, Result, ensure};

use super::Api;

/// A whole request: length, header version 1, body.
pub(crate) fn request(api: Api, correlation: i32, body: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer
        .i32(0)
        .i16(api.key)
        .i16(api.version)
        .i32(correlation)
        .string("xtask");
    let mut bytes = writer.bytes;
    bytes.extend_from_slice(body);
    let length = i32::try_from(bytes.len() - 4).expect("the harness builds no request of 2 GiB");
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    bytes
}

/// Appends values.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn bool(&mut self, value: bool) -> &mut Self {
        self.bytes.push(u8::from(value));
        self
    }

    pub(crate) fn i8(&mut self, value: i8) -> &mut Self {
        self.bytes.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn i16(&mut self, value: i16) -> &mut Self {
        self.bytes.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn i32(&mut self, value: i32) -> &mut Self {
        self.bytes.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn i64(&mut self, value: i64) -> &mut Self {
        self.bytes.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn string(&mut self, value: &str) -> &mut Self {
        self.i16(i16::try_from(value.len()).expect("the harness's strings are short"));
        self.bytes.extend_from_slice(value.as_bytes());
        self
    }

    /// Bytes with their length in front, as records stand in a Produce request.
    pub(crate) fn blob(&mut self, value: &[u8]) -> &mut Self {
        self.i32(i32::try_from(value.len()).expect("the harness builds no batch of 2 GiB"));
        self.bytes.extend_from_slice(value);
        self
    }

    /// A signed number in zigzag and groups of seven bits, as inside a record.
    pub(crate) fn varint(&mut self, value: i64) -> &mut Self {
        let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
        loop {
            let [group, ..] = (rest & 0x7f).to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                self.bytes.push(group);
                return self;
            }
            self.bytes.push(group | 0x80);
        }
    }
}

/// Takes values off the front.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .context("the answer is too short")?;
        self.rest = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.bytes(N)?.try_into()?)
    }

    pub(crate) fn i16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.fixed()?))
    }

    pub(crate) fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.fixed()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.fixed()?))
    }

    pub(crate) fn string(&mut self) -> Result<String> {
        self.nullable_string()?.context("a null string")
    }

    pub(crate) fn nullable_string(&mut self) -> Result<Option<String>> {
        let length = self.i16()?;
        if length < 0 {
            return Ok(None);
        }
        let bytes = self.bytes(usize::try_from(length)?)?;
        Ok(Some(String::from_utf8(bytes.to_vec())?))
    }

    /// Bytes with their length in front; null is empty.
    pub(crate) fn blob(&mut self) -> Result<&'a [u8]> {
        let length = self.i32()?;
        self.bytes(usize::try_from(length.max(0))?)
    }

    pub(crate) fn array<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let count = usize::try_from(self.i32()?.max(0))?;
        ensure!(
            count <= self.rest.len(),
            "an array of {count} items in {} bytes",
            self.rest.len()
        );
        (0..count).map(|_| item(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_values_are_read_back() {
        let mut writer = Writer::default();
        writer
            .bool(true)
            .i16(-2)
            .i32(3)
            .i64(-4)
            .string("five")
            .blob(b"six");
        let mut reader = Reader::new(&writer.bytes);
        assert_eq!(reader.bytes(1).unwrap(), [1]);
        assert_eq!(reader.i16().unwrap(), -2);
        assert_eq!(reader.i32().unwrap(), 3);
        assert_eq!(reader.i64().unwrap(), -4);
        assert_eq!(reader.string().unwrap(), "five");
        assert_eq!(reader.blob().unwrap(), b"six");
        assert!(reader.bytes(1).is_err());
    }

    #[test]
    fn varints_are_zigzag() {
        let encode = |value| std::mem::take(&mut Writer::default().varint(value).bytes);
        assert_eq!(encode(0), [0]);
        assert_eq!(encode(-1), [1]);
        assert_eq!(encode(63), [126]);
        assert_eq!(encode(64), [0x80, 1]);
        assert_eq!(encode(1024), [0x80, 0x10]);
    }
}
