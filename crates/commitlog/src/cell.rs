//! Cells: small durable values under a key, for coordinators and the catalog.
//!
//! A shard keeps the newest value of each cell; what the value means is its owner's business.

use crate::frame::Kind;
use base::{Packer, Truncated, Unpacker};
use bytes::Bytes;
use std::collections::BTreeMap;

/// One change of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Whose cell: [`Kind::Group`], [`Kind::Producer`], [`Kind::Catalog`] or [`Kind::Queue`].
    pub kind: Kind,
    /// The key, unique within its kind and shard.
    pub key: Bytes,
    /// The new value; `None` removes the cell.
    pub value: Option<Bytes>,
}

impl Cell {
    /// The payload of the cell's frame: a presence byte, the key and the value.
    pub(crate) fn pack(&self) -> Bytes {
        let value_len = self.value.as_ref().map_or(0, |value| 4 + value.len());
        let mut packer = Packer::with_capacity(5 + self.key.len() + value_len);
        packer.u8(u8::from(self.value.is_some())).bytes(&self.key);
        if let Some(value) = &self.value {
            packer.bytes(value);
        }
        packer.finish()
    }

    /// Reads a frame's payload. Key and value are copies: the frame is part of something large.
    pub(crate) fn unpack(kind: Kind, payload: &Bytes) -> Result<Self, Truncated> {
        let mut input = Unpacker::new(payload.clone());
        let present = input.u8()? != 0;
        let key = Bytes::copy_from_slice(&input.bytes()?);
        let value = if present {
            Some(Bytes::copy_from_slice(&input.bytes()?))
        } else {
            None
        };
        Ok(Self { kind, key, value })
    }
}

/// The newest values of a shard's cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cells(BTreeMap<(Kind, Bytes), Bytes>);

impl Cells {
    /// The cells of one kind in the order of their keys.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.0
            .iter()
            .filter(move |((of, _), _)| *of == kind)
            .map(|((_, key), value)| (key, value))
    }

    pub(crate) fn apply(&mut self, cell: Cell) {
        match cell.value {
            Some(value) => self.0.insert((cell.kind, cell.key), value),
            None => self.0.remove(&(cell.kind, cell.key)),
        };
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&(Kind, Bytes), &Bytes)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Cells};
    use crate::frame::Kind;
    use bytes::Bytes;

    #[test]
    fn the_newest_value_stays_and_a_removed_cell_goes() {
        let cell = |key: &'static str, value: Option<&'static str>| {
            let cell = Cell {
                kind: Kind::Group,
                key: Bytes::from(key),
                value: value.map(Bytes::from),
            };
            assert_eq!(Cell::unpack(Kind::Group, &cell.pack()), Ok(cell.clone()));
            cell
        };
        let mut cells = Cells::default();
        for change in [
            cell("a", Some("1")),
            cell("b", Some("")),
            cell("a", Some("2")),
            cell("c", Some("3")),
            cell("c", None),
        ] {
            cells.apply(change);
        }
        let left: Vec<_> = cells
            .of(Kind::Group)
            .map(|(key, value)| (&key[..], &value[..]))
            .collect();
        assert_eq!(left, [(&b"a"[..], &b"2"[..]), (b"b", b"")]);
        assert_eq!(cells.of(Kind::Catalog).count(), 0);
    }
}
