//! Names and values in an arena that is used again: the fields of a head, or of trailers, that we send.

/// Fields in their order. Cleared, it keeps its memory for the next response.
#[derive(Debug, Default, Clone)]
pub(crate) struct Fields {
    bytes: Vec<u8>,
    items: Vec<Item>,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    start: usize,
    name_len: usize,
    value_len: usize,
}

impl Fields {
    /// Adds a field. Bytes that would end the field are left out of its value, so that no value becomes a field of its own.
    pub(crate) fn push(&mut self, name: &[u8], value: &[u8]) {
        self.push_with(name, |out| out.extend_from_slice(value));
    }

    /// Adds a field whose value `write` appends to the bytes that it is given. What it appends is the value.
    pub(crate) fn push_with(&mut self, name: &[u8], write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(name);
        let value_start = self.bytes.len();
        write(&mut self.bytes);
        let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
        if self.bytes[value_start..].iter().any(is_break) {
            for byte in &mut self.bytes[value_start..] {
                if is_break(byte) {
                    *byte = b' ';
                }
            }
        }
        self.items.push(Item {
            start,
            name_len: name.len(),
            value_len: self.bytes.len() - value_start,
        });
    }

    /// The value of the first field of that name, in either case.
    pub(crate) fn find(&self, name: &[u8]) -> Option<&[u8]> {
        let mut fields = self.iter();
        let found = fields.find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }

    /// The values of all fields of that name.
    pub(crate) fn all<'f>(&'f self, name: &'f [u8]) -> impl Iterator<Item = &'f [u8]> + use<'f> {
        self.iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Whether there is a field of that name.
    pub(crate) fn has(&self, name: &[u8]) -> bool {
        self.find(name).is_some()
    }

    /// Takes all fields of that name away.
    pub(crate) fn remove(&mut self, name: &[u8]) {
        self.retain(|other, _| !other.eq_ignore_ascii_case(name));
    }

    /// Keeps the fields that `keep` wants.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&[u8], &[u8]) -> bool) {
        let bytes = &self.bytes;
        self.items.retain(|item| {
            let (name, value) = item.of(bytes);
            keep(name, value)
        });
    }

    /// Takes all fields of that name away and adds one.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8]) {
        self.remove(name);
        self.push(name, value);
    }

    /// Names and values in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.items.iter().map(|item| item.of(&self.bytes))
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Forgets all of them.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
    }

    /// Appends them as they stand in a head.
    pub(crate) fn render(&self, out: &mut Vec<u8>) {
        for (name, value) in self.iter() {
            out.extend_from_slice(name);
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
    }
}

impl Item {
    fn of(self, bytes: &[u8]) -> (&[u8], &[u8]) {
        let value = self.start + self.name_len;
        (
            &bytes[self.start..value],
            &bytes[value..value + self.value_len],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Fields;

    #[test]
    fn fields_come_and_go() {
        let mut fields = Fields::default();
        fields.push(b"A", b"1");
        fields.push(b"B", b"2");
        fields.push(b"a", b"3\r\nX: y");
        assert_eq!(fields.find(b"a"), Some(&b"1"[..]));
        assert_eq!(fields.all(b"A").count(), 2);
        let mut out = Vec::new();
        fields.render(&mut out);
        assert_eq!(out, b"A: 1\r\nB: 2\r\na: 3  X: y\r\n");
        fields.set(b"a", b"4");
        assert_eq!(fields.iter().count(), 2);
        fields.remove(b"b");
        assert!(!fields.has(b"B") && fields.has(b"A"));
        fields.clear();
        assert!(fields.is_empty());
    }
}
