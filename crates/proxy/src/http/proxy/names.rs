//! Sets of field names, asked for every field of every message.

use http_wire::{Field, FieldName};

/// A set of names, without regard to case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// Those that are known by sight.
    known: u128,
    others: Vec<Box<[u8]>>,
}

const fn bit(id: FieldName) -> u128 {
    match id {
        FieldName::Other => 0,
        known => 1 << known as u8,
    }
}

impl Names {
    /// Adds a name.
    pub(crate) fn add(&mut self, name: &[u8]) {
        match FieldName::from_bytes(name) {
            FieldName::Other if !self.has_other(name) => self.others.push(name.into()),
            id => self.known |= bit(id),
        }
    }

    /// Takes a name out.
    pub(crate) fn remove(&mut self, name: &[u8]) {
        self.known &= !bit(FieldName::from_bytes(name));
        self.others
            .retain(|other| !other.eq_ignore_ascii_case(name));
    }

    fn has_other(&self, name: &[u8]) -> bool {
        let mut others = self.others.iter();
        others.any(|other| other.eq_ignore_ascii_case(name))
    }

    /// Whether a name is in it.
    pub(crate) fn has(&self, name: &[u8]) -> bool {
        match FieldName::from_bytes(name) {
            FieldName::Other => self.has_other(name),
            id => self.known & bit(id) != 0,
        }
    }

    /// Whether a field's name is in it.
    pub(crate) fn has_field(&self, field: &Field, buf: &[u8]) -> bool {
        match field.id {
            FieldName::Other => !self.others.is_empty() && self.has_other(field.name.of(buf)),
            id => self.known & bit(id) != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn names_come_and_go() {
        let mut names = Names::default();
        for name in ["Date", "X-Mine", "x-mine", "ETag"] {
            names.add(name.as_bytes());
        }
        assert!(names.has(b"DATE") && names.has(b"x-MINE") && names.has(b"etag"));
        assert!(!names.has(b"Host") && !names.has(b"X-Yours"));
        names.remove(b"X-MINE");
        names.remove(b"date");
        assert!(!names.has(b"x-mine") && !names.has(b"Date") && names.has(b"ETag"));
    }
}
