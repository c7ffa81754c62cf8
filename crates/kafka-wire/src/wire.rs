//! How values of each type stand on the wire.

use bytes::Bytes;

use crate::chunks::Chunks;
use crate::error::DecodeError;
use crate::error_code::ErrorCode;
use crate::reader::{Format, Reader};
use crate::str::Str;
use crate::uuid::Uuid;
use crate::writer::Writer;

/// A type that a field of a message can have.
pub trait Wire: Sized {
    /// Reads a value in the reader's version.
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Writes the value in the writer's version.
    fn write(&self, writer: &mut Writer);

    /// The fewest bytes that a value takes in that version.
    fn wire_min(format: Format) -> usize;
}

/// A type that can be null, which not every version knows.
pub trait Nullable {
    /// Writes the value, or the empty value in place of null.
    fn write_not_null(&self, writer: &mut Writer);
}

macro_rules! wire_number {
    ($($ty:ty),*) => {$(
        impl Wire for $ty {
            #[inline]
            fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self::from_be_bytes(reader.array()?))
            }

            #[inline]
            fn write(&self, writer: &mut Writer) {
                writer.put(&self.to_be_bytes());
            }

            #[inline]
            fn wire_min(_: Format) -> usize {
                size_of::<Self>()
            }
        }
    )*};
}

wire_number!(i8, i16, i32, i64);

impl Wire for bool {
    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(reader.array::<1>()? != [0])
    }

    #[inline]
    fn write(&self, writer: &mut Writer) {
        writer.put(&[u8::from(*self)]);
    }

    #[inline]
    fn wire_min(_: Format) -> usize {
        1
    }
}

impl Wire for ErrorCode {
    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.i16().map(Self::from_code)
    }

    #[inline]
    fn write(&self, writer: &mut Writer) {
        self.code().write(writer);
    }

    #[inline]
    fn wire_min(_: Format) -> usize {
        size_of::<i16>()
    }
}

impl Wire for Uuid {
    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.uuid()
    }

    #[inline]
    fn write(&self, writer: &mut Writer) {
        writer.uuid(*self);
    }

    #[inline]
    fn wire_min(_: Format) -> usize {
        size_of::<Self>()
    }
}

impl Wire for Option<Str> {
    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.string()
    }

    #[inline]
    fn write(&self, writer: &mut Writer) {
        writer.string(self.as_deref());
    }

    #[inline]
    fn wire_min(format: Format) -> usize {
        if format.flexible { 1 } else { size_of::<i16>() }
    }
}

impl Wire for Option<Bytes> {
    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.bytes()
    }

    #[inline]
    fn write(&self, writer: &mut Writer) {
        writer.bytes(self.as_ref());
    }

    #[inline]
    fn wire_min(format: Format) -> usize {
        if format.flexible { 1 } else { size_of::<i32>() }
    }
}

impl Wire for Option<Chunks> {
    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(reader.bytes()?.map(Chunks::from))
    }

    #[inline]
    fn write(&self, writer: &mut Writer) {
        writer.chunks(self.as_ref());
    }

    #[inline]
    fn wire_min(format: Format) -> usize {
        Option::<Bytes>::wire_min(format)
    }
}

impl<T: Wire> Wire for Option<Vec<T>> {
    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.count(T::wire_min(reader.format()), size_of::<T>())?;
        let Some(count) = count else { return Ok(None) };
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            elements.push(T::read(reader)?);
        }
        Ok(Some(elements))
    }

    #[inline]
    fn write(&self, writer: &mut Writer) {
        match self {
            Some(elements) => elements.write(writer),
            None => writer.len(None),
        }
    }

    #[inline]
    fn wire_min(format: Format) -> usize {
        if format.flexible { 1 } else { size_of::<i32>() }
    }
}

impl<T: Wire + Default> Nullable for Option<T> {
    fn write_not_null(&self, writer: &mut Writer) {
        match self {
            Some(value) => value.write(writer),
            None => T::default().write(writer),
        }
    }
}

/// Reads a value that may not be null.
#[inline]
fn not_null<T>(reader: &mut Reader<'_>) -> Result<T, DecodeError>
where
    Option<T>: Wire,
{
    let at = reader.position();
    Option::<T>::read(reader)?.ok_or(DecodeError::Null { at })
}

impl Wire for Str {
    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        not_null(reader)
    }

    #[inline]
    fn write(&self, writer: &mut Writer) {
        writer.string(Some(self.as_str()));
    }

    #[inline]
    fn wire_min(format: Format) -> usize {
        Option::<Self>::wire_min(format)
    }
}

impl Wire for Bytes {
    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        not_null(reader)
    }

    #[inline]
    fn write(&self, writer: &mut Writer) {
        writer.bytes(Some(self));
    }

    #[inline]
    fn wire_min(format: Format) -> usize {
        Option::<Self>::wire_min(format)
    }
}

impl<T: Wire> Wire for Vec<T> {
    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        not_null(reader)
    }

    #[inline]
    fn write(&self, writer: &mut Writer) {
        writer.len(Some(self.len()));
        for element in self {
            element.write(writer);
        }
    }

    #[inline]
    fn wire_min(format: Format) -> usize {
        Option::<Self>::wire_min(format)
    }
}
