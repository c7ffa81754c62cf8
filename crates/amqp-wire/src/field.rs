//! The types that the fields of methods and properties have (specification section 4.2.5).

use crate::error::DecodeError;
use crate::reader::Reader;
use crate::short_str::{ShortBytes, ShortStr};
use crate::table::RawTable;
use crate::writer::{Size, Writer};

/// A type's name in the protocol's own description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// One bit; consecutive ones share an octet.
    Bit,
    /// 8 bits, unsigned.
    Octet,
    /// 16 bits, unsigned.
    Short,
    /// 32 bits, unsigned.
    Long,
    /// 64 bits, unsigned.
    Longlong,
    /// 64 bits: seconds since 1970.
    Timestamp,
    /// At most 255 bytes.
    Shortstr,
    /// Bytes after four octets of length.
    Longstr,
    /// Names and values.
    Table,
}

impl FieldType {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bit => "bit",
            Self::Octet => "octet",
            Self::Short => "short",
            Self::Long => "long",
            Self::Longlong => "longlong",
            Self::Timestamp => "timestamp",
            Self::Shortstr => "shortstr",
            Self::Longstr => "longstr",
            Self::Table => "table",
        }
    }
}

/// A field, as the tables of methods and properties declare it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldInfo {
    /// Its name in Rust: the protocol's with `_` for `-`, and `kind` for `type`, which is a keyword.
    pub name: &'static str,
    /// Its type.
    pub field_type: FieldType,
}

/// A type of a field, in both directions.
pub(crate) trait Field<'a>: Sized {
    const TYPE: FieldType;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;

    fn size(&self, size: &mut Size);

    fn write(&self, writer: &mut Writer<'_>);
}

macro_rules! number {
    ($($ty:ty = $name:ident),*) => {$(
        impl Field<'_> for $ty {
            const TYPE: FieldType = FieldType::$name;

            #[inline]
            fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                reader.array().map(Self::from_be_bytes)
            }

            #[inline]
            fn size(&self, size: &mut Size) {
                size.bytes(size_of::<Self>());
            }

            #[inline]
            fn write(&self, writer: &mut Writer<'_>) {
                writer.bytes(&self.to_be_bytes());
            }
        }
    )*};
}

number!(u8 = Octet, u16 = Short, u32 = Long, u64 = Longlong);

impl Field<'_> for bool {
    const TYPE: FieldType = FieldType::Bit;

    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.bit()
    }

    #[inline]
    fn size(&self, size: &mut Size) {
        size.bit();
    }

    #[inline]
    fn write(&self, writer: &mut Writer<'_>) {
        writer.bit(*self);
    }
}

/// A point in time: seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub u64);

impl Field<'_> for Timestamp {
    const TYPE: FieldType = FieldType::Timestamp;

    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        u64::read(reader).map(Self)
    }

    #[inline]
    fn size(&self, size: &mut Size) {
        self.0.size(size);
    }

    #[inline]
    fn write(&self, writer: &mut Writer<'_>) {
        self.0.write(writer);
    }
}

impl<'a> Field<'a> for ShortStr<'a> {
    const TYPE: FieldType = FieldType::Shortstr;

    #[inline]
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let bytes = reader.short()?;
        Self::from_wire(bytes).map_err(|_| DecodeError::Utf8 {
            at: reader.at() - bytes.len(),
        })
    }

    #[inline]
    fn size(&self, size: &mut Size) {
        size.bytes(1 + self.len());
    }

    #[inline]
    fn write(&self, writer: &mut Writer<'_>) {
        writer.short(self.as_bytes());
    }
}

impl<'a> Field<'a> for ShortBytes<'a> {
    const TYPE: FieldType = FieldType::Shortstr;

    #[inline]
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.short().map(Self::from_wire)
    }

    #[inline]
    fn size(&self, size: &mut Size) {
        size.bytes(1 + self.len());
    }

    #[inline]
    fn write(&self, writer: &mut Writer<'_>) {
        writer.short(self);
    }
}

impl<'a> Field<'a> for &'a [u8] {
    const TYPE: FieldType = FieldType::Longstr;

    #[inline]
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.long()
    }

    #[inline]
    fn size(&self, size: &mut Size) {
        size.bytes(4 + self.len());
    }

    #[inline]
    fn write(&self, writer: &mut Writer<'_>) {
        writer.long(self);
    }
}

impl<'a> Field<'a> for RawTable<'a> {
    const TYPE: FieldType = FieldType::Table;

    #[inline]
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.long().map(Self::new)
    }

    #[inline]
    fn size(&self, size: &mut Size) {
        size.bytes(4 + self.as_bytes().len());
    }

    #[inline]
    fn write(&self, writer: &mut Writer<'_>) {
        writer.long(self.as_bytes());
    }
}
