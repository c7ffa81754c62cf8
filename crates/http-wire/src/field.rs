//! Field lines: one line, one field, and the list of a head.

use crate::name::FieldName;
use crate::span::Span;

/// One field of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name, where it is a known one.
    pub id: FieldName,
    /// The name as it was sent.
    pub name: Span,
    /// The value, without the blanks around it.
    pub value: Span,
}

/// The fields of a head in the order in which they came; its memory is used again for the next head.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    list: Vec<Field>,
    /// Which known names there are.
    seen: u128,
}

impl Fields {
    /// All of them.
    #[must_use]
    pub fn as_slice(&self) -> &[Field] {
        &self.list
    }

    /// The first of that known name.
    #[must_use]
    pub fn find(&self, id: FieldName) -> Option<&Field> {
        self.find_all(id).next()
    }

    /// All of that known name, in their order.
    pub fn find_all(&self, id: FieldName) -> impl Iterator<Item = &Field> {
        let list: &[Field] = if self.has(id) { &self.list } else { &[] };
        list.iter().filter(move |field| field.id == id)
    }

    /// Whether there is one of that known name.
    #[must_use]
    pub const fn has(&self, id: FieldName) -> bool {
        self.seen & id.bit() != 0
    }

    /// Gives the memory of the list back, for a connection that is idle.
    pub fn shrink(&mut self) {
        self.clear();
        self.list = Vec::new();
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.seen = 0;
    }

    pub(crate) const fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn push(&mut self, field: Field) {
        self.seen |= field.id.bit();
        self.list.push(field);
    }
}

/// What a field line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Field(Field),
    /// A field whose name has characters that are no part of any name in use.
    OddName(Field),
    /// Not a field at all.
    Invalid,
}

/// What a byte is within a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    Underscore,
    Colon,
    Odd,
    Forbidden,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Odd; 256];
    let mut byte = 0u8;
    loop {
        classes[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => Class::Plain,
            b'_' => Class::Underscore,
            b':' => Class::Colon,
            0..=b' ' | 0x7f => Class::Forbidden,
            _ => Class::Odd,
        };
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    classes
};

/// Whether a byte is one of nearly all names: a letter, a digit or `-`.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        plain[byte] = matches!(CLASSES[byte], Class::Plain);
        byte += 1;
    }
    plain
};

/// Parses a line that has neither a zero byte nor a stray carriage return. A line without a colon is a field without a value,
/// as nginx has it. A name is never followed by blanks, nor is a line a continuation of the one before (RFC 9112 5.1, 5.2).
pub(crate) fn parse_line(buf: &[u8], start: usize, end: usize, underscores: bool) -> Line {
    let line = &buf[start..end];
    let plain = line.iter().position(|byte| !PLAIN[usize::from(*byte)]);
    let (name_len, odd) = match plain.map(|at| (at, line[at])) {
        Some((at, b':')) => (at, false),
        Some(_) => match parse_name(line, underscores) {
            Some(parsed) => parsed,
            None => return Line::Invalid,
        },
        None => (line.len(), false),
    };
    if name_len == 0 {
        return Line::Invalid;
    }
    let mut value_start = (start + name_len + 1).min(end);
    let mut value_end = end;
    let is_blank = |at: usize| matches!(buf[at], b' ' | b'\t');
    while value_start < value_end && is_blank(value_start) {
        value_start += 1;
    }
    while value_end > value_start && is_blank(value_end - 1) {
        value_end -= 1;
    }
    let field = Field {
        id: FieldName::from_bytes(&line[..name_len]),
        name: Span::new(start, start + name_len),
        value: Span::new(value_start, value_end),
    };
    if odd {
        Line::OddName(field)
    } else {
        Line::Field(field)
    }
}

/// The length of a name with bytes that are seldom in one, and whether they are odd; nothing where they may not be.
fn parse_name(line: &[u8], underscores: bool) -> Option<(usize, bool)> {
    let mut odd = false;
    for (at, byte) in line.iter().enumerate() {
        match CLASSES[usize::from(*byte)] {
            Class::Plain => {}
            Class::Underscore => odd |= !underscores,
            Class::Odd => odd = true,
            Class::Colon => return Some((at, odd)),
            Class::Forbidden => return None,
        }
    }
    Some((line.len(), odd))
}
