//! Messages as tables: one line per field gives the struct and both directions of every version.
//!
//! ```text
//! messages! {
//!     /// Asks where leader epochs end.
//!     request ExampleRequest 0..=4, flexible 3.. {
//!         replica_id: i32 [3..] = -2;
//!         topics: Option<Vec<ExampleTopic>> [0..] nullable [2..];
//!         cluster_id: Option<Str> [3..] tag 0;
//!     }
//!     struct ExampleTopic { name: Str [0..]; }
//! }
//! ```
//! A field has a type, the versions that carry it, for an `Option` the versions that know null (all,
//! if nothing is said), the number of a tagged field (KIP-482; numbers ascend), and its default (that
//! of the type, if nothing is said; an `Option`'s is `None`).
//!
//! What a version does not carry reads as its default, and is left out when written; null in a
//! version that knows none is written as the empty value. Unknown tagged fields are passed over.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::encoded::Encoded;
use crate::error::{DecodeError, EncodeError};
use crate::reader::{Format, Reader};
use crate::wire::Wire;
use crate::writer::Writer;

/// A request's or a response's body, or another versioned message.
pub trait Message: Wire {
    /// Its name in Kafka's protocol guide.
    const NAME: &'static str;

    /// The versions that it exists in.
    const VERSIONS: RangeInclusive<i16>;

    /// The first flexible version (KIP-482), if there is one.
    const FLEXIBLE_FROM: Option<i16>;

    /// How a version is laid out.
    #[inline]
    #[must_use]
    fn format(version: i16) -> Format {
        let flexible = matches!(Self::FLEXIBLE_FROM, Some(first) if version >= first);
        Format { version, flexible }
    }

    /// Reads the message that `bytes` holds, and nothing else.
    fn decode(bytes: &Bytes, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            return Err(DecodeError::Version {
                message: Self::NAME,
                version,
            });
        }
        let mut reader = Reader::new(bytes, 0, Self::format(version));
        let message = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(message)
    }

    /// Writes the message alone, without header and length prefix.
    fn encode(&self, version: i16) -> Result<Encoded, EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            return Err(EncodeError::Version {
                message: Self::NAME,
                version,
            });
        }
        let mut writer = Writer::new(Self::format(version));
        self.write(&mut writer);
        writer.finish()
    }
}

/// Declares messages and the structs within them, see the [module's documentation](self).
macro_rules! messages {
    () => {};
    (
        $(#[$meta:meta])*
        struct $name:ident { $($fields:tt)* }
        $($rest:tt)*
    ) => {
        $crate::message::wire_struct! { $(#[$meta])* $name { $($fields)* } }
        $crate::message::messages! { $($rest)* }
    };
    (
        $(#[$meta:meta])*
        $kind:ident $name:ident $oldest:literal ..= $newest:literal $(, flexible $flexible:literal ..)?
        { $($fields:tt)* }
        $($rest:tt)*
    ) => {
        $crate::message::wire_struct! {
            $(#[$meta])*
            ///
            #[doc = concat!("A ", stringify!($kind), " in versions ", $oldest, " to ", $newest, ".")]
            $name { $($fields)* }
        }

        impl $crate::message::Message for $name {
            const NAME: &'static str = stringify!($name);
            const VERSIONS: std::ops::RangeInclusive<i16> = $oldest..=$newest;
            const FLEXIBLE_FROM: Option<i16> =
                $crate::message::optional_clause!(Some, None, $($flexible)?);
        }

        $crate::message::messages! { $($rest)* }
    };
}

/// `$some($value)` where there is a value, otherwise `$none`.
macro_rules! optional_clause {
    ($some:ident, $none:expr, $value:expr) => {
        $some($value)
    };
    ($some:ident, $none:expr,) => {
        $none
    };
}

/// One struct with its default and both directions.
macro_rules! wire_struct {
    (
        $(#[$meta:meta])*
        $name:ident {
            $(
                $(#[$field_meta:meta])*
                $field:ident: $ty:ty [$versions:pat]
                $(nullable [$nullable:pat])?
                $(tag $tag:literal)?
                $(= $default:expr)?;
            )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $(
                $(#[$field_meta])*
                ///
                #[doc = concat!("In versions `", stringify!($versions), "`.")]
                pub $field: $ty,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $crate::message::default_value!($ty, $($default)?),)* }
            }
        }

        impl $crate::wire::Wire for $name {
            #[inline]
            fn read(
                reader: &mut $crate::reader::Reader<'_>,
            ) -> Result<Self, $crate::error::DecodeError> {
                let format = reader.format();
                $(
                    #[allow(unused_mut, reason = "only tagged fields are set twice")]
                    let mut $field: $ty = $crate::message::read_field!(
                        reader, format, $versions, [$($nullable)?] [$($tag)?],
                        $crate::message::default_value!($ty, $($default)?)
                    );
                )*
                if format.flexible {
                    for _ in 0..reader.varint()? {
                        let tag = reader.enter_tag()?;
                        let known = $(
                            $crate::message::read_tagged!(
                                reader, format, tag, $field, $versions, [$($tag)?]
                            ) ||
                        )* false;
                        if !known {
                            reader.skip_tag();
                        }
                        reader.leave_tag(tag)?;
                    }
                }
                Ok(Self { $($field),* })
            }

            #[inline]
            fn write(&self, writer: &mut $crate::writer::Writer) {
                let format = writer.format();
                $(
                    $crate::message::write_field!(
                        writer, format, self.$field, $versions, [$($nullable)?] [$($tag)?]
                    );
                )*
                if format.flexible {
                    let tags = 0_u32 $(
                        + $crate::message::count_tagged!(
                            format, self.$field, $versions, [$($tag)?],
                            $crate::message::default_value!($ty, $($default)?)
                        )
                    )*;
                    writer.varint(tags);
                    $(
                        $crate::message::write_tagged!(
                            writer, format, self.$field, $versions, [$($tag)?],
                            $crate::message::default_value!($ty, $($default)?)
                        );
                    )*
                }
            }

            #[inline]
            fn wire_min(format: $crate::reader::Format) -> usize {
                usize::from(format.flexible) $(
                    + $crate::message::wire_min_field!(format, $ty, $versions, [$($tag)?])
                )*
            }
        }

        #[cfg(any(test, feature = "arbitrary"))]
        impl $crate::arbitrary::Arbitrary for $name {
            fn arbitrary(source: &mut $crate::arbitrary::Source, default: Self) -> Self {
                let format = source.format();
                Self {
                    $($field: $crate::message::arbitrary_field!(
                        source, format, $versions, [$($nullable)?], default.$field
                    ),)*
                }
            }
        }
    };
}

/// What a field holds when nothing is said.
macro_rules! default_value {
    ($ty:ty, $default:expr) => {
        $default
    };
    ($ty:ty,) => {
        <$ty>::default()
    };
}

/// Reads an untagged field where the version carries it; a tagged one starts as its default.
macro_rules! read_field {
    ($reader:ident, $format:ident, $versions:pat, [$($nullable:pat)?] [$tag:literal], $default:expr) => {
        $default
    };
    ($reader:ident, $format:ident, $versions:pat, [] [], $default:expr) => {
        if matches!($format.version, $versions) {
            $crate::wire::Wire::read($reader)?
        } else {
            $default
        }
    };
    ($reader:ident, $format:ident, $versions:pat, [$nullable:pat] [], $default:expr) => {
        if matches!($format.version, $nullable) {
            $crate::wire::Wire::read($reader)?
        } else if matches!($format.version, $versions) {
            Some($crate::wire::Wire::read($reader)?)
        } else {
            $default
        }
    };
}

/// Reads a tagged field if the tag is its own, and says whether it was.
macro_rules! read_tagged {
    ($reader:ident, $format:ident, $found:ident, $field:ident, $versions:pat, []) => {
        false
    };
    ($reader:ident, $format:ident, $found:ident, $field:ident, $versions:pat, [$tag:literal]) => {
        if $found.number == $tag && matches!($format.version, $versions) {
            $field = $crate::wire::Wire::read($reader)?;
            true
        } else {
            false
        }
    };
}

/// Writes an untagged field where the version carries it.
macro_rules! write_field {
    ($writer:ident, $format:ident, $field:expr, $versions:pat, [$($nullable:pat)?] [$tag:literal]) => {};
    ($writer:ident, $format:ident, $field:expr, $versions:pat, [] []) => {
        if matches!($format.version, $versions) {
            $crate::wire::Wire::write(&$field, $writer);
        }
    };
    ($writer:ident, $format:ident, $field:expr, $versions:pat, [$nullable:pat] []) => {
        if matches!($format.version, $versions) {
            if matches!($format.version, $nullable) {
                $crate::wire::Wire::write(&$field, $writer);
            } else {
                $crate::wire::Nullable::write_not_null(&$field, $writer);
            }
        }
    };
}

/// 1 for a tagged field that is to be written, which a default never is.
macro_rules! count_tagged {
    ($format:ident, $field:expr, $versions:pat, [], $default:expr) => {
        0
    };
    ($format:ident, $field:expr, $versions:pat, [$tag:literal], $default:expr) => {
        u32::from(matches!($format.version, $versions) && $field != $default)
    };
}

/// Writes a tagged field that is not its default.
macro_rules! write_tagged {
    ($writer:ident, $format:ident, $field:expr, $versions:pat, [], $default:expr) => {};
    ($writer:ident, $format:ident, $field:expr, $versions:pat, [$tag:literal], $default:expr) => {
        if matches!($format.version, $versions) && $field != $default {
            $writer.tagged($tag, |writer| $crate::wire::Wire::write(&$field, writer));
        }
    };
}

/// The fewest bytes that a field takes.
macro_rules! wire_min_field {
    ($format:ident, $ty:ty, $versions:pat, [$tag:literal]) => {
        0
    };
    ($format:ident, $ty:ty, $versions:pat, []) => {
        if matches!($format.version, $versions) {
            <$ty as $crate::wire::Wire>::wire_min($format)
        } else {
            0
        }
    };
}

/// A value for a field that the version carries.
#[cfg(any(test, feature = "arbitrary"))]
macro_rules! arbitrary_field {
    ($source:ident, $format:ident, $versions:pat, [], $default:expr) => {
        if matches!($format.version, $versions) {
            $crate::arbitrary::Arbitrary::arbitrary($source, $default)
        } else {
            $default
        }
    };
    ($source:ident, $format:ident, $versions:pat, [$nullable:pat], $default:expr) => {
        if !matches!($format.version, $versions) {
            $default
        } else if matches!($format.version, $nullable) {
            $crate::arbitrary::Arbitrary::arbitrary($source, $default)
        } else {
            $crate::arbitrary::ArbitraryNullable::arbitrary_not_null($source)
        }
    };
}

#[cfg(any(test, feature = "arbitrary"))]
pub(crate) use arbitrary_field;

pub(crate) use {
    count_tagged, default_value, messages, optional_clause, read_field, read_tagged,
    wire_min_field, wire_struct, write_field, write_tagged,
};

#[cfg(test)]
mod tests;
