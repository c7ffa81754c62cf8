//! Methods as tables: one line per field gives the struct and both directions.
//!
//! ```text
//! methods! {
//!     basic = 60;
//!
//!     /// Puts a message into an exchange.
//!     Publish<'a> = 40 "publish" {
//!         ticket: u16,
//!         exchange: ShortStr<'a>,
//!         mandatory: bool,
//!     }
//! }
//! ```
//! The tables in [`crate::methods`] are compared with RabbitMQ's published description by a test. A method that
//! is read must fill its payload exactly.

use bytes::BytesMut;

use crate::error::DecodeError;
use crate::field::FieldInfo;
use crate::methods::{access, basic, channel, confirm, connection, exchange, queue, tx};
use crate::reader::Reader;

/// What can be written as a method frame: a method's struct, or a [`Method`].
pub trait MethodFields {
    /// The numbers of its class and of itself.
    fn ids(&self) -> (u16, u16);

    /// How many bytes its fields take.
    fn size(&self) -> usize;

    /// Appends its fields, whose size was found to fit a frame.
    ///
    /// # Panics
    /// Where they do not fit, which [`encode_method`](crate::encode_method) looks at before.
    fn write(&self, out: &mut BytesMut);
}

/// What the tables say about a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodInfo {
    /// The name of its class.
    pub class: &'static str,
    /// Its name in the protocol.
    pub name: &'static str,
    /// The number of its class.
    pub class_id: u16,
    /// Its number.
    pub method_id: u16,
    /// Its fields, in order.
    pub fields: &'static [FieldInfo],
}

/// Declares the methods of a class, see the [module's documentation](self).
macro_rules! methods {
    (
        $class:ident = $class_id:literal;
        $(
            $(#[$meta:meta])*
            $name:ident $(<$lifetime:lifetime>)? = $id:literal $wire:literal {
                $($(#[$field_meta:meta])* $field:ident: $ty:ty,)*
            }
        )*
    ) => {
        $(
            $(#[$meta])*
            ///
            #[doc = concat!("`", stringify!($class), ".", $wire, "`")]
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
            pub struct $name $(<$lifetime>)? {
                $($(#[$field_meta])* pub $field: $ty,)*
            }

            impl $(<$lifetime>)? $name $(<$lifetime>)? {
                /// What the table says.
                pub const INFO: $crate::method::MethodInfo = $crate::method::MethodInfo {
                    class: stringify!($class),
                    name: $wire,
                    class_id: $class_id,
                    method_id: $id,
                    fields: &[$($crate::field::FieldInfo {
                        name: stringify!($field),
                        field_type: <$ty as $crate::field::Field>::TYPE,
                    },)*],
                };

                /// Class and method in one number.
                pub(crate) const ID: u32 = ($class_id << 16) | $id;
            }

            impl<'a> $crate::method::ReadFields<'a> for $name $(<$lifetime>)? {
                #[inline]
                #[allow(unused_variables, reason = "some methods have no fields")]
                fn read(
                    reader: &mut $crate::reader::Reader<'a>,
                ) -> Result<Self, $crate::error::DecodeError> {
                    Ok(Self { $($field: $crate::field::Field::read(reader)?,)* })
                }
            }

            #[cfg(any(test, feature = "arbitrary"))]
            impl<'a> $crate::arbitrary::Arbitrary<'a> for $name $(<$lifetime>)? {
                #[allow(unused_variables, reason = "some methods have no fields")]
                fn arbitrary(source: &mut $crate::arbitrary::Source<'a>) -> Self {
                    Self { $($field: $crate::arbitrary::Arbitrary::arbitrary(source),)* }
                }
            }

            impl $(<$lifetime>)? $crate::method::MethodFields for $name $(<$lifetime>)? {
                #[inline]
                fn ids(&self) -> (u16, u16) {
                    ($class_id, $id)
                }

                #[inline]
                fn size(&self) -> usize {
                    #[allow(unused_mut, reason = "some methods have no fields")]
                    let mut size = $crate::writer::Size::default();
                    $($crate::field::Field::size(&self.$field, &mut size);)*
                    size.total()
                }

                #[inline]
                #[allow(unused_variables, unused_mut, reason = "some methods have no fields")]
                fn write(&self, out: &mut bytes::BytesMut) {
                    let mut writer = $crate::writer::Writer::new(out);
                    $($crate::field::Field::write(&self.$field, &mut writer);)*
                }
            }
        )*
    };
}

/// Calls a macro with every method: the variant, the module, the struct, its lifetime if it borrows.
macro_rules! for_each_method {
    ($macro:ident) => {
        $macro! {
            ConnectionStart connection Start <'a>;
            ConnectionStartOk connection StartOk <'a>;
            ConnectionSecure connection Secure <'a>;
            ConnectionSecureOk connection SecureOk <'a>;
            ConnectionTune connection Tune ;
            ConnectionTuneOk connection TuneOk ;
            ConnectionOpen connection Open <'a>;
            ConnectionOpenOk connection OpenOk <'a>;
            ConnectionClose connection Close <'a>;
            ConnectionCloseOk connection CloseOk ;
            ConnectionBlocked connection Blocked <'a>;
            ConnectionUnblocked connection Unblocked ;
            ConnectionUpdateSecret connection UpdateSecret <'a>;
            ConnectionUpdateSecretOk connection UpdateSecretOk ;
            ChannelOpen channel Open <'a>;
            ChannelOpenOk channel OpenOk <'a>;
            ChannelFlow channel Flow ;
            ChannelFlowOk channel FlowOk ;
            ChannelClose channel Close <'a>;
            ChannelCloseOk channel CloseOk ;
            AccessRequest access Request <'a>;
            AccessRequestOk access RequestOk ;
            ExchangeDeclare exchange Declare <'a>;
            ExchangeDeclareOk exchange DeclareOk ;
            ExchangeDelete exchange Delete <'a>;
            ExchangeDeleteOk exchange DeleteOk ;
            ExchangeBind exchange Bind <'a>;
            ExchangeBindOk exchange BindOk ;
            ExchangeUnbind exchange Unbind <'a>;
            ExchangeUnbindOk exchange UnbindOk ;
            QueueDeclare queue Declare <'a>;
            QueueDeclareOk queue DeclareOk <'a>;
            QueueBind queue Bind <'a>;
            QueueBindOk queue BindOk ;
            QueuePurge queue Purge <'a>;
            QueuePurgeOk queue PurgeOk ;
            QueueDelete queue Delete <'a>;
            QueueDeleteOk queue DeleteOk ;
            QueueUnbind queue Unbind <'a>;
            QueueUnbindOk queue UnbindOk ;
            BasicQos basic Qos ;
            BasicQosOk basic QosOk ;
            BasicConsume basic Consume <'a>;
            BasicConsumeOk basic ConsumeOk <'a>;
            BasicCancel basic Cancel <'a>;
            BasicCancelOk basic CancelOk <'a>;
            BasicPublish basic Publish <'a>;
            BasicReturn basic Return <'a>;
            BasicDeliver basic Deliver <'a>;
            BasicGet basic Get <'a>;
            BasicGetOk basic GetOk <'a>;
            BasicGetEmpty basic GetEmpty <'a>;
            BasicAck basic Ack ;
            BasicReject basic Reject ;
            BasicRecoverAsync basic RecoverAsync ;
            BasicRecover basic Recover ;
            BasicRecoverOk basic RecoverOk ;
            BasicNack basic Nack ;
            ConfirmSelect confirm Select ;
            ConfirmSelectOk confirm SelectOk ;
            TxSelect tx Select ;
            TxSelectOk tx SelectOk ;
            TxCommit tx Commit ;
            TxCommitOk tx CommitOk ;
            TxRollback tx Rollback ;
            TxRollbackOk tx RollbackOk ;
        }
    };
}

/// A struct that can be read from a method's payload.
pub(crate) trait ReadFields<'a>: Sized {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;
}

macro_rules! method_enum {
    ($($variant:ident $module:ident $name:ident $(<$lifetime:lifetime>)?;)*) => {
        /// A method of any class.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Method<'a> {
            $(
                #[doc = concat!("[`", stringify!($module), "::", stringify!($name), "`]")]
                $variant($module::$name $(<$lifetime>)?),
            )*
        }

        impl<'a> Method<'a> {
            /// Every method there is, in the order of their numbers.
            pub const ALL: &'static [MethodInfo] = &[$($module::$name::INFO),*];

            /// Reads the payload of a method frame.
            #[inline]
            pub fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
                let mut reader = Reader::new(payload);
                let id = u32::from_be_bytes(reader.array()?);
                let method = match id {
                    $($module::$name::ID => Self::$variant(ReadFields::read(&mut reader)?),)*
                    _ => return Err(unknown(id)),
                };
                reader.finish()?;
                Ok(method)
            }

            /// What the tables say about it.
            #[must_use]
            pub fn info(&self) -> &'static MethodInfo {
                match self {
                    $(Self::$variant(_) => const { &$module::$name::INFO },)*
                }
            }
        }

        impl MethodFields for Method<'_> {
            fn ids(&self) -> (u16, u16) {
                match self {
                    $(Self::$variant(method) => method.ids(),)*
                }
            }

            fn size(&self) -> usize {
                match self {
                    $(Self::$variant(method) => method.size(),)*
                }
            }

            fn write(&self, out: &mut BytesMut) {
                match self {
                    $(Self::$variant(method) => method.write(out),)*
                }
            }
        }

        $(
            impl<'a> From<$module::$name $(<$lifetime>)?> for Method<'a> {
                fn from(method: $module::$name $(<$lifetime>)?) -> Self {
                    Self::$variant(method)
                }
            }
        )*
    };
}

for_each_method!(method_enum);

#[cold]
fn unknown(id: u32) -> DecodeError {
    let [a, b, c, d] = id.to_be_bytes();
    DecodeError::UnknownMethod {
        class: u16::from_be_bytes([a, b]),
        method: u16::from_be_bytes([c, d]),
    }
}

/// As `basic.publish`.
impl std::fmt::Display for MethodInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.class, self.name)
    }
}

#[cfg(any(test, feature = "arbitrary"))]
pub(crate) use for_each_method;
pub(crate) use methods;
