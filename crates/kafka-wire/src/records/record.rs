//! One record: its borrowed view, its owned form and its headers.

use bytes::{BufMut, Bytes, BytesMut};

use super::varint;

/// A record that owns its parts, which are slices of one shared buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Offset in the partition.
    pub offset: i64,
    /// Milliseconds since 1970, -1 where there is none.
    pub timestamp: i64,
    /// The key.
    pub key: Option<Bytes>,
    /// The value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// The headers, in their order.
    pub headers: Headers,
}

/// A record whose parts borrow from its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordView<'a> {
    /// Offset in the partition.
    pub offset: i64,
    /// Milliseconds since 1970, -1 where there is none.
    pub timestamp: i64,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers, in their order.
    pub headers: HeadersView<'a>,
}

/// One header of a record (KIP-82).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The key, which Kafka's own client wants to be UTF-8; it need not be unique.
    pub key: Bytes,
    /// The value.
    pub value: Option<Bytes>,
}

/// A record's headers, kept in their encoded form, so that a record costs no memory of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    count: usize,
    encoded: Bytes,
}

/// The headers of a [`RecordView`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeadersView<'a> {
    count: usize,
    encoded: &'a [u8],
}

impl Headers {
    /// The number of headers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The headers one by one.
    pub fn iter(&self) -> impl Iterator<Item = Header> + '_ {
        self.view().iter().map(|(key, value)| Header {
            key: self.encoded.slice_ref(key),
            value: value.map(|value| self.encoded.slice_ref(value)),
        })
    }

    /// The same headers, borrowed.
    #[must_use]
    pub fn view(&self) -> HeadersView<'_> {
        HeadersView {
            count: self.count,
            encoded: &self.encoded,
        }
    }
}

impl<'a> FromIterator<(&'a [u8], Option<&'a [u8]>)> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>>(headers: I) -> Self {
        let mut encoded = BytesMut::new();
        let mut count = 0;
        for (key, value) in headers {
            put_bytes(&mut encoded, Some(key));
            put_bytes(&mut encoded, value);
            count += 1;
        }
        Self {
            count,
            encoded: encoded.freeze(),
        }
    }
}

impl<'a> HeadersView<'a> {
    /// The number of headers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The headers' keys and values one by one.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        // The bytes were walked when the record was read, so no header fails to parse here.
        let mut rest = self.encoded;
        (0..self.count).map_while(move |_| read_header(&mut rest).ok())
    }
}

impl<'a> RecordView<'a> {
    /// Takes a record off the front of a batch's records. Offset and timestamp are the deltas.
    pub(super) fn read(input: &mut &'a [u8]) -> Result<Self, &'static str> {
        const CUT: &str = "it ends inside a number";
        let mut body = read_bytes(input)?.ok_or("a length is negative")?;
        // No attribute of a record is defined: the byte is skipped, as Kafka does.
        let (_, rest) = body.split_first().ok_or("it has no attributes")?;
        body = rest;
        let timestamp = varint::read_i64(&mut body).ok_or(CUT)?;
        let offset = i64::from(varint::read_i32(&mut body).ok_or(CUT)?);
        let key = read_bytes(&mut body)?;
        let value = read_bytes(&mut body)?;
        let count = varint::read_i32(&mut body).ok_or(CUT)?;
        let count = usize::try_from(count).map_err(|_| "its number of headers is negative")?;
        let encoded = body;
        if count > encoded.len() {
            return Err("it declares more headers than its bytes can hold");
        }
        for _ in 0..count {
            read_header(&mut body)?;
        }
        if !body.is_empty() {
            return Err("its length is larger than its parts");
        }
        Ok(Self {
            offset,
            timestamp,
            key,
            value,
            headers: HeadersView { count, encoded },
        })
    }

    /// The same record with its parts as slices of `buffer`, which they must borrow from.
    pub(super) fn to_owned_in(self, buffer: &Bytes) -> Record {
        Record {
            offset: self.offset,
            timestamp: self.timestamp,
            key: self.key.map(|key| buffer.slice_ref(key)),
            value: self.value.map(|value| buffer.slice_ref(value)),
            headers: Headers {
                count: self.headers.count,
                encoded: buffer.slice_ref(self.headers.encoded),
            },
        }
    }

    /// Appends the record in its encoded form. Offset and timestamp are the deltas.
    pub(super) fn write(&self, output: &mut BytesMut) {
        varint::write(output, as_i64(self.body_len()));
        output.put_u8(0);
        varint::write(output, self.timestamp);
        varint::write(output, self.offset);
        put_bytes(output, self.key);
        put_bytes(output, self.value);
        varint::write(output, as_i64(self.headers.count));
        output.put_slice(self.headers.encoded);
    }

    /// The length of the encoded form, in bytes.
    pub(super) fn encoded_len(&self) -> usize {
        let body = self.body_len();
        varint::len(as_i64(body)) + body
    }

    fn body_len(&self) -> usize {
        1 + varint::len(self.timestamp)
            + varint::len(self.offset)
            + bytes_len(self.key)
            + bytes_len(self.value)
            + varint::len(as_i64(self.headers.count))
            + self.headers.encoded.len()
    }
}

fn read_header<'a>(input: &mut &'a [u8]) -> Result<(&'a [u8], Option<&'a [u8]>), &'static str> {
    let key = read_bytes(input)?.ok_or("a header has no key")?;
    Ok((key, read_bytes(input)?))
}

/// Takes a length and that many bytes off the front; the length -1 stands for null.
fn read_bytes<'a>(input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, &'static str> {
    let len = varint::read_i32(input).ok_or("it ends inside a length")?;
    if len == -1 {
        return Ok(None);
    }
    let len = usize::try_from(len).map_err(|_| "a length is negative")?;
    let (bytes, rest) = input
        .split_at_checked(len)
        .ok_or("a length is larger than what is left")?;
    *input = rest;
    Ok(Some(bytes))
}

fn put_bytes(output: &mut BytesMut, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            varint::write(output, as_i64(bytes.len()));
            output.put_slice(bytes);
        }
        None => varint::write(output, -1),
    }
}

fn bytes_len(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varint::len(as_i64(bytes.len())) + bytes.len())
}

/// A length in memory as a number on the wire: no slice is longer than `isize::MAX`.
fn as_i64(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}
