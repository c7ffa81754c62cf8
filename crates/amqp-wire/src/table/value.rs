//! Tables that own their values and can be changed.

use bytes::{BufMut, Bytes, BytesMut};

use super::raw::{NESTING_MAX, RawArray, RawTable, RawValue};
use crate::error::{DecodeError, EncodeError};
use crate::short_str::SHORT_STR_MAX;

/// A table's owned form may take this many times its size on the wire, ...
pub const TABLE_MEMORY_FACTOR: usize = 4;

/// ... and this many bytes besides: enough for some 900 tiny values (a name of one letter and a boolean), which
/// take more than four times their size. No table of a real client has as many.
pub const TABLE_MEMORY_FLOOR: usize = 64 * 1024;

/// What an entry takes in memory, at most.
const ENTRY_SIZE: usize = size_of::<(Bytes, Value)>();

/// Names and values, in order. A name is at most 255 bytes, which is checked when the table is written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table(Vec<(Bytes, Value)>);

/// A value within a table; see [`RawValue`] for its types on the wire.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `t`
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
    /// `l`
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
    LongStr(Bytes),
    /// `A`
    Array(Vec<Value>),
    /// `T`: seconds since 1970.
    Timestamp(u64),
    /// `F`
    Table(Table),
    /// `V`
    Void,
    /// `x`
    Bytes(Bytes),
}

impl Table {
    /// A table without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Reads all of a table. Its bytes are copied once and shared by the values, so that what the table came
    /// from is not kept alive.
    pub fn decode(table: RawTable<'_>) -> Result<Self, DecodeError> {
        let len = table.as_bytes().len();
        let wanted = len + table.count_entries()? * ENTRY_SIZE;
        let allowed = TABLE_MEMORY_FACTOR * len + TABLE_MEMORY_FLOOR;
        if wanted > allowed {
            return Err(DecodeError::Memory {
                len,
                wanted,
                allowed,
            });
        }
        let owner = Bytes::copy_from_slice(table.as_bytes());
        own_table(&owner, RawTable::new(&owner))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Value)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The first value under a name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        let entry = self.0.iter().find(|(name, _)| name == key.as_bytes());
        entry.map(|(_, value)| value)
    }

    /// The first value under a name, to be changed.
    #[must_use]
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let entry = self.0.iter_mut().find(|(name, _)| name == key.as_bytes());
        entry.map(|(_, value)| value)
    }

    /// Sets the value under a name: in its old place, or at the end.
    pub fn insert(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.get_mut(key) {
            Some(old) => *old = value,
            None => self.push(Bytes::copy_from_slice(key.as_bytes()), value),
        }
    }

    /// Adds an entry at the end, without a look at whether the name is there.
    pub fn push(&mut self, key: impl Into<Bytes>, value: impl Into<Value>) {
        self.0.push((key.into(), value.into()));
    }

    /// Removes all values under a name and gives back the first.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let mut removed = None;
        self.0.retain_mut(|(name, value)| {
            let stays = name != key.as_bytes();
            if !stays && removed.is_none() {
                removed = Some(std::mem::replace(value, Value::Void));
            }
            stays
        });
        removed
    }

    /// The content as it travels, without its length: what [`RawTable::new`] takes.
    pub fn to_bytes(&self) -> Result<Bytes, EncodeError> {
        let mut out = BytesMut::new();
        self.encode(&mut out)?;
        Ok(out.freeze())
    }

    /// Appends the content, without its length. After an error the buffer holds a part of it.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        encode_table(self, out, 0)
    }
}

impl<K: Into<Bytes>, V: Into<Value>> FromIterator<(K, V)> for Table {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        Self(
            entries
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

impl Value {
    /// A copy of a value; a table or an array is read whole.
    pub fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        match value {
            RawValue::Table(table) => Table::decode(table).map(Self::Table),
            RawValue::Array(array) => {
                // An array's content is that of a table with one entry, less five bytes and the name.
                let mut table = BytesMut::new();
                table.put_slice(b"\0A");
                let len = array.as_bytes().len();
                table.put_u32(u32::try_from(len).unwrap_or(u32::MAX));
                table.put_slice(array.as_bytes());
                let mut table = Table::decode(RawTable::new(&table))?;
                Ok(table.remove("").unwrap_or(Self::Void))
            }
            RawValue::LongStr(bytes) => Ok(Self::LongStr(Bytes::copy_from_slice(bytes))),
            RawValue::Bytes(bytes) => Ok(Self::Bytes(Bytes::copy_from_slice(bytes))),
            flat => own_value(&Bytes::new(), flat),
        }
    }

    /// The value, if it is an integer of any width; a timestamp is none.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match *self {
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
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::LongStr(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($ty:ty => $variant:ident;)*) => {$(
        impl From<$ty> for Value {
            fn from(value: $ty) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from! {
    bool => Bool;
    i32 => I32;
    u32 => U32;
    i64 => I64;
    f64 => F64;
    String => LongStr;
    Table => Table;
    Vec<Value> => Array;
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::LongStr(Bytes::copy_from_slice(text.as_bytes()))
    }
}

fn own_table(owner: &Bytes, table: RawTable<'_>) -> Result<Table, DecodeError> {
    let mut entries = Vec::with_capacity(table.iter().count());
    for entry in table.iter() {
        let (name, value) = entry?;
        entries.push((owner.slice_ref(name.as_bytes()), own_value(owner, value)?));
    }
    Ok(Table(entries))
}

fn own_array(owner: &Bytes, array: RawArray<'_>) -> Result<Vec<Value>, DecodeError> {
    let mut values = Vec::with_capacity(array.iter().count());
    for value in array.iter() {
        values.push(own_value(owner, value?)?);
    }
    Ok(values)
}

/// A value whose bytes lie within `owner`, and whose nesting was checked.
fn own_value(owner: &Bytes, value: RawValue<'_>) -> Result<Value, DecodeError> {
    Ok(match value {
        RawValue::Bool(value) => Value::Bool(value),
        RawValue::I8(value) => Value::I8(value),
        RawValue::U8(value) => Value::U8(value),
        RawValue::I16(value) => Value::I16(value),
        RawValue::U16(value) => Value::U16(value),
        RawValue::I32(value) => Value::I32(value),
        RawValue::U32(value) => Value::U32(value),
        RawValue::I64(value) => Value::I64(value),
        RawValue::F32(value) => Value::F32(value),
        RawValue::F64(value) => Value::F64(value),
        RawValue::Decimal { scale, value } => Value::Decimal { scale, value },
        RawValue::LongStr(bytes) => Value::LongStr(owner.slice_ref(bytes)),
        RawValue::Array(array) => Value::Array(own_array(owner, array)?),
        RawValue::Timestamp(seconds) => Value::Timestamp(seconds),
        RawValue::Table(table) => Value::Table(own_table(owner, table)?),
        RawValue::Void => Value::Void,
        RawValue::Bytes(bytes) => Value::Bytes(owner.slice_ref(bytes)),
    })
}

fn encode_table(table: &Table, out: &mut BytesMut, depth: usize) -> Result<(), EncodeError> {
    for (key, value) in &table.0 {
        let len = u8::try_from(key.len()).map_err(|_| EncodeError::TooLong {
            len: key.len(),
            max: SHORT_STR_MAX,
        })?;
        out.put_u8(len);
        out.put_slice(key);
        encode_value(value, out, depth)?;
    }
    Ok(())
}

fn encode_value(value: &Value, out: &mut BytesMut, depth: usize) -> Result<(), EncodeError> {
    fn fixed<const N: usize>(
        out: &mut BytesMut,
        code: u8,
        bytes: [u8; N],
    ) -> Result<(), EncodeError> {
        out.put_u8(code);
        out.put_slice(&bytes);
        Ok(())
    }
    match value {
        Value::Bool(value) => fixed(out, b't', [u8::from(*value)]),
        Value::I8(value) => fixed(out, b'b', value.to_be_bytes()),
        Value::U8(value) => fixed(out, b'B', [*value]),
        Value::I16(value) => fixed(out, b's', value.to_be_bytes()),
        Value::U16(value) => fixed(out, b'u', value.to_be_bytes()),
        Value::I32(value) => fixed(out, b'I', value.to_be_bytes()),
        Value::U32(value) => fixed(out, b'i', value.to_be_bytes()),
        Value::I64(value) => fixed(out, b'l', value.to_be_bytes()),
        Value::F32(value) => fixed(out, b'f', value.to_be_bytes()),
        Value::F64(value) => fixed(out, b'd', value.to_be_bytes()),
        Value::Decimal { scale, value } => {
            out.put_slice(&[b'D', *scale]);
            out.put_u32(*value);
            Ok(())
        }
        Value::Timestamp(seconds) => fixed(out, b'T', seconds.to_be_bytes()),
        Value::Void => fixed(out, b'V', []),
        Value::LongStr(bytes) => sized(out, b'S', |out| append(out, bytes)),
        Value::Bytes(bytes) => sized(out, b'x', |out| append(out, bytes)),
        Value::Table(_) | Value::Array(_) if depth == NESTING_MAX => {
            Err(EncodeError::Nesting { max: NESTING_MAX })
        }
        Value::Table(table) => sized(out, b'F', |out| encode_table(table, out, depth + 1)),
        Value::Array(values) => sized(out, b'A', |out| {
            values
                .iter()
                .try_for_each(|value| encode_value(value, out, depth + 1))
        }),
    }
}

fn append(out: &mut BytesMut, bytes: &[u8]) -> Result<(), EncodeError> {
    out.put_slice(bytes);
    Ok(())
}

/// Writes a type and what `content` appends, with its length before it.
fn sized(
    out: &mut BytesMut,
    code: u8,
    content: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    out.put_u8(code);
    let start = out.len();
    out.put_u32(0);
    content(out)?;
    let len = out.len() - start - 4;
    let declared = u32::try_from(len).map_err(|_| EncodeError::TooLong {
        len,
        max: u32::MAX as usize,
    })?;
    out[start..start + 4].copy_from_slice(&declared.to_be_bytes());
    Ok(())
}
