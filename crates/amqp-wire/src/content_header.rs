//! The header frame of a content: its class, the size of its body, its properties.

use crate::error::DecodeError;
use crate::field::Field;
use crate::properties::RawProperties;
use crate::reader::Reader;

/// The only class whose methods carry contents.
pub const CLASS_BASIC: u16 = 60;

/// What a header frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentHeader<'a> {
    /// The class of the method that came before.
    pub class_id: u16,
    /// 0, says the specification; nobody looks.
    pub weight: u16,
    /// How many bytes of body follow, in all body frames together.
    pub body_size: u64,
    /// The properties, unread.
    pub properties: RawProperties<'a>,
}

impl<'a> ContentHeader<'a> {
    /// Reads the payload of a header frame. The properties are not looked at: see
    /// [`RawProperties::validate`].
    #[inline]
    pub fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        Ok(Self {
            class_id: Field::read(&mut reader)?,
            weight: Field::read(&mut reader)?,
            body_size: Field::read(&mut reader)?,
            properties: RawProperties::new(reader.rest()),
        })
    }
}
