//! Message properties: flags for those that are there, then their values (specification section 4.2.6.1).
//!
//! They travel and are stored as [`RawProperties`]. [`RawProperties::decode`] reads all of them without memory: a
//! changed message is written by changing a field of [`Properties`] and encoding it again.

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{DecodeError, EncodeError};
use crate::field::{Field, FieldInfo, Timestamp};
use crate::reader::Reader;
use crate::short_str::ShortBytes;
use crate::table::RawTable;
use crate::writer::{Size, Writer};

/// Properties as they travel: the flags and the values. Nothing is checked until they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawProperties<'a>(&'a [u8]);

impl<'a> RawProperties<'a> {
    /// No property at all.
    pub const EMPTY: RawProperties<'static> = RawProperties(&[0, 0]);

    /// Properties of these bytes.
    #[inline]
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[inline]
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Reads all properties; the headers stay raw.
    #[inline]
    pub fn decode(self) -> Result<Properties<'a>, DecodeError> {
        Properties::decode(self)
    }

    /// Reads all properties and checks the headers, too: after that no reading of them fails.
    #[inline]
    pub fn validate(self) -> Result<Properties<'a>, DecodeError> {
        let properties = self.decode()?;
        if let Some(headers) = properties.headers {
            let start = self.0.len() - properties.size_from_headers();
            headers.validate().map_err(|error| error.offset(start))?;
        }
        Ok(properties)
    }
}

impl Default for RawProperties<'_> {
    fn default() -> Self {
        Self::EMPTY
    }
}

macro_rules! properties {
    ($($(#[$meta:meta])* $field:ident: $ty:ty = $bit:literal,)*) => {
        /// The properties of a message, borrowed from their bytes or from whatever they are made of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Properties<'a> {
            $($(#[$meta])* pub $field: Option<$ty>,)*
        }

        #[cfg(any(test, feature = "arbitrary"))]
        impl<'a> crate::arbitrary::Arbitrary<'a> for Properties<'a> {
            fn arbitrary(source: &mut crate::arbitrary::Source<'a>) -> Self {
                Self { $($field: crate::arbitrary::Arbitrary::arbitrary(source),)* }
            }
        }

        impl<'a> Properties<'a> {
            /// What the table says, in order.
            pub const FIELDS: &'static [FieldInfo] = &[$(FieldInfo {
                name: stringify!($field),
                field_type: <$ty as Field>::TYPE,
            },)*];

            /// The flags that are a property's.
            const KNOWN_FLAGS: u16 = $(1 << $bit)|*;

            #[inline]
            fn decode(raw: RawProperties<'a>) -> Result<Self, DecodeError> {
                let mut reader = Reader::new(raw.0);
                let flags = u16::read(&mut reader)?;
                if flags & !Self::KNOWN_FLAGS != 0 {
                    return Err(DecodeError::PropertyFlags { flags });
                }
                let mut properties = Self::default();
                $(
                    if flags & (1 << $bit) != 0 {
                        properties.$field = Some(Field::read(&mut reader)?);
                    }
                )*
                reader.finish()?;
                Ok(properties)
            }

            /// How many bytes they take.
            #[must_use]
            pub fn size(&self) -> usize {
                let mut size = Size::default();
                0_u16.size(&mut size);
                $(
                    if let Some(value) = &self.$field {
                        value.size(&mut size);
                    }
                )*
                size.total()
            }

            /// Appends flags and values.
            ///
            /// # Errors
            /// Where the headers are too long for any frame.
            pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
                check_size(self.size())?;
                let flags = 0 $(| u16::from(self.$field.is_some()) << $bit)*;
                out.put_u16(flags);
                let mut writer = Writer::new(out);
                $(
                    if let Some(value) = &self.$field {
                        value.write(&mut writer);
                    }
                )*
                Ok(())
            }
        }
    };
}

properties! {
    /// The MIME type of the body.
    content_type: ShortBytes<'a> = 15,
    /// The MIME encoding of the body.
    content_encoding: ShortBytes<'a> = 14,
    /// The application's own names and values, and RabbitMQ's (`CC`, `x-death`, ...).
    headers: RawTable<'a> = 13,
    /// 1: may be lost by a restart. 2: persistent.
    delivery_mode: u8 = 12,
    /// 0 to 9, or up to a queue's `x-max-priority`.
    priority: u8 = 11,
    /// What this message belongs to, for the application.
    correlation_id: ShortBytes<'a> = 10,
    /// Where an answer goes.
    reply_to: ShortBytes<'a> = 9,
    /// How long the message may wait: milliseconds as decimal digits.
    expiration: ShortBytes<'a> = 8,
    /// The message's name, for the application.
    message_id: ShortBytes<'a> = 7,
    /// When it was made, says the application.
    timestamp: Timestamp = 6,
    /// What kind of message it is, for the application: `type` in the protocol.
    kind: ShortBytes<'a> = 5,
    /// Who published it; the server compares it with the connection's user.
    user_id: ShortBytes<'a> = 4,
    /// Which application published it.
    app_id: ShortBytes<'a> = 3,
    /// Reserved.
    cluster_id: ShortBytes<'a> = 2,
}

impl Properties<'_> {
    /// The bytes: what [`RawProperties::new`] takes.
    ///
    /// # Errors
    /// Where the headers are too long for any frame.
    pub fn to_bytes(&self) -> Result<Bytes, EncodeError> {
        let mut out = BytesMut::with_capacity(self.size());
        self.encode(&mut out)?;
        Ok(out.freeze())
    }

    /// How many bytes the headers' content and what follows it take.
    fn size_from_headers(&self) -> usize {
        let before = Self {
            content_type: self.content_type,
            content_encoding: self.content_encoding,
            headers: Some(RawTable::default()),
            ..Self::default()
        };
        self.size() - before.size()
    }
}

pub(crate) fn check_size(len: usize) -> Result<u32, EncodeError> {
    u32::try_from(len).map_err(|_| EncodeError::TooLong {
        len,
        max: u32::MAX as usize,
    })
}

#[cfg(test)]
mod tests;
