//! Tables as they travel: bytes that are read as one goes.

use crate::error::DecodeError;
use crate::reader::Reader;
use crate::short_str::ShortBytes;

/// How deeply tables and arrays may be nested in a table. Real ones stay below five (`x-death` is a table in an
/// array in a table); reading and dropping nested values takes stack.
pub const NESTING_MAX: usize = 32;

/// The content of a table, without its length: pairs of a name and a value. Nothing is checked until it is read.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct RawTable<'a>(&'a [u8]);

/// The content of an array, without its length. Nothing is checked until it is read.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct RawArray<'a>(&'a [u8]);

/// A value within a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RawValue<'a> {
    /// `t`: any octet but 0 is true.
    Bool(bool),
    /// `b`
    I8(i8),
    /// `B`
    U8(u8),
    /// `s`
    I16(i16),
    /// `u`
    U16(u16),
    /// `I`
    I32(i32),
    /// `i`
    U32(u32),
    /// `l`, and `L` when it is read.
    I64(i64),
    /// `f`
    F32(f32),
    /// `d`
    F64(f64),
    /// `D`: `value` divided by ten to the power of `scale`.
    Decimal {
        /// How many digits are behind the point.
        scale: u8,
        /// The digits.
        value: u32,
    },
    /// `S`: mostly text.
    LongStr(&'a [u8]),
    /// `A`
    Array(RawArray<'a>),
    /// `T`: seconds since 1970.
    Timestamp(u64),
    /// `F`
    Table(RawTable<'a>),
    /// `V`
    Void,
    /// `x`
    Bytes(&'a [u8]),
}

impl<'a> RawTable<'a> {
    /// A table with this content.
    #[inline]
    #[must_use]
    pub const fn new(content: &'a [u8]) -> Self {
        Self(content)
    }

    /// The content.
    #[inline]
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether there are no entries.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The entries, in order. Values inside of nested tables are passed over, not read; an error ends it.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = Result<(ShortBytes<'a>, RawValue<'a>), DecodeError>> {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || next(&mut reader, entry))
    }

    /// The first value under a name; what stands behind it is not looked at.
    #[inline]
    pub fn get(self, key: &str) -> Result<Option<RawValue<'a>>, DecodeError> {
        let mut reader = Reader::new(self.0);
        while !reader.is_at_end() {
            let (name, value) = entry(&mut reader)?;
            if name.as_bytes() == key.as_bytes() {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// Checks all of it, nested values included, without memory. After that no reading of it fails.
    pub fn validate(self) -> Result<(), DecodeError> {
        self.count_entries().map(drop)
    }

    /// How many values there are, nested ones included; all of it is checked.
    pub(crate) fn count_entries(self) -> Result<usize, DecodeError> {
        count_table(self.0, 0)
    }
}

impl<'a> RawArray<'a> {
    /// An array with this content.
    #[inline]
    #[must_use]
    pub const fn new(content: &'a [u8]) -> Self {
        Self(content)
    }

    /// The content.
    #[inline]
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether there are no values.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The values, in order. Values inside of nested ones are passed over, not read; an error ends it.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = Result<RawValue<'a>, DecodeError>> {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || next(&mut reader, value))
    }
}

impl<'a> RawValue<'a> {
    /// The value, if it is an integer of any width; a timestamp is none.
    #[must_use]
    pub fn as_integer(self) -> Option<i64> {
        match self {
            Self::I8(value) => Some(value.into()),
            Self::U8(value) => Some(value.into()),
            Self::I16(value) => Some(value.into()),
            Self::U16(value) => Some(value.into()),
            Self::I32(value) => Some(value.into()),
            Self::U32(value) => Some(value.into()),
            Self::I64(value) => Some(value),
            _ => None,
        }
    }

    /// The value, if it is a long string that is text.
    #[must_use]
    pub fn as_str(self) -> Option<&'a str> {
        match self {
            Self::LongStr(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    /// The value, if it is a boolean.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The value, if it is a table.
    #[must_use]
    pub fn as_table(self) -> Option<RawTable<'a>> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The value, if it is an array.
    #[must_use]
    pub fn as_array(self) -> Option<RawArray<'a>> {
        match self {
            Self::Array(array) => Some(array),
            _ => None,
        }
    }
}

impl std::fmt::Debug for RawTable<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A table nested too deeply is shown as its error, since showing takes stack, too.
        match self.validate() {
            Ok(()) => f.debug_map().entries(self.iter().flatten()).finish(),
            Err(error) => write!(f, "{{{error}}}"),
        }
    }
}

impl std::fmt::Debug for RawArray<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match count_array(self.0, 0) {
            Ok(_) => f.debug_list().entries(self.iter().flatten()).finish(),
            Err(error) => write!(f, "[{error}]"),
        }
    }
}

fn next<'a, T>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Option<Result<T, DecodeError>> {
    if reader.is_at_end() {
        return None;
    }
    let item = read(reader);
    if item.is_err() {
        *reader = Reader::new(&[]);
    }
    Some(item)
}

#[inline]
fn entry<'a>(reader: &mut Reader<'a>) -> Result<(ShortBytes<'a>, RawValue<'a>), DecodeError> {
    let name = ShortBytes::from_wire(reader.short()?);
    Ok((name, value(reader)?))
}

#[inline]
fn value<'a>(reader: &mut Reader<'a>) -> Result<RawValue<'a>, DecodeError> {
    Ok(match reader.octet()? {
        b'S' => RawValue::LongStr(reader.long()?),
        b'I' => RawValue::I32(i32::from_be_bytes(reader.array()?)),
        b't' => RawValue::Bool(reader.octet()? != 0),
        b'l' | b'L' => RawValue::I64(i64::from_be_bytes(reader.array()?)),
        b'F' => RawValue::Table(RawTable(reader.long()?)),
        b'A' => RawValue::Array(RawArray(reader.long()?)),
        b'T' => RawValue::Timestamp(u64::from_be_bytes(reader.array()?)),
        b'b' => RawValue::I8(i8::from_be_bytes(reader.array()?)),
        b'B' => RawValue::U8(reader.octet()?),
        b's' => RawValue::I16(i16::from_be_bytes(reader.array()?)),
        b'u' => RawValue::U16(u16::from_be_bytes(reader.array()?)),
        b'i' => RawValue::U32(u32::from_be_bytes(reader.array()?)),
        b'f' => RawValue::F32(f32::from_be_bytes(reader.array()?)),
        b'd' => RawValue::F64(f64::from_be_bytes(reader.array()?)),
        b'D' => RawValue::Decimal {
            scale: reader.octet()?,
            value: u32::from_be_bytes(reader.array()?),
        },
        b'V' => RawValue::Void,
        b'x' => RawValue::Bytes(reader.long()?),
        found => {
            return Err(DecodeError::UnknownFieldType {
                at: reader.at() - 1,
                found,
            });
        }
    })
}

fn count_table(content: &[u8], depth: usize) -> Result<usize, DecodeError> {
    count(content, depth, |reader| {
        entry(reader).map(|(_, value)| value)
    })
}

fn count_array(content: &[u8], depth: usize) -> Result<usize, DecodeError> {
    count(content, depth, value)
}

/// Counts the values of a table or an array at a depth, and those within them.
fn count<'a>(
    content: &'a [u8],
    depth: usize,
    read: impl Fn(&mut Reader<'a>) -> Result<RawValue<'a>, DecodeError>,
) -> Result<usize, DecodeError> {
    if depth > NESTING_MAX {
        return Err(DecodeError::Nesting {
            at: 0,
            max: NESTING_MAX,
        });
    }
    let mut reader = Reader::new(content);
    let mut values = 0;
    while !reader.is_at_end() {
        let (inner, counted) = match read(&mut reader)? {
            RawValue::Table(table) => (table.0, count_table(table.0, depth + 1)),
            RawValue::Array(array) => (array.0, count_array(array.0, depth + 1)),
            _ => (&[][..], Ok(0)),
        };
        values += 1 + counted.map_err(|error| error.offset(reader.at() - inner.len()))?;
    }
    Ok(values)
}
