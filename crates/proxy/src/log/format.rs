//! `log_format`: a line with variables, and how their values are made safe in it.

use crate::script::{Part, Scope, Template};

/// What becomes of bytes in values that could be taken for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Escape {
    /// `"`, `\`, control characters and bytes from 0x7f on are `\xHH`; what has no value is `-`.
    #[default]
    Default,
    /// As in a string of JSON.
    Json,
    /// Nothing.
    None,
}

/// A line, without its end.
#[derive(Debug, Clone)]
pub(crate) struct Format<V> {
    pub(crate) name: Box<str>,
    pub(crate) escape: Escape,
    pub(crate) template: Template<V>,
}

impl<V> Format<V> {
    /// Appends the line and its end.
    pub(crate) fn render(&self, scope: &(impl Scope<V> + ?Sized), out: &mut Vec<u8>) {
        for part in self.template.parts() {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                Part::Variable(variable) => {
                    let start = out.len();
                    let found = scope.append(variable, out);
                    match self.escape {
                        Escape::Default if !found => out.push(b'-'),
                        Escape::Default => escape(out, start, is_plain, escape_hex),
                        Escape::Json => escape(out, start, is_json_plain, escape_json),
                        Escape::None => {}
                    }
                }
            }
        }
        out.push(b'\n');
    }
}

/// Escapes what follows `start`. Nearly all values have nothing to escape, so they are looked over in place first.
fn escape(out: &mut Vec<u8>, start: usize, plain: fn(u8) -> bool, write: fn(u8, &mut Vec<u8>)) {
    let Some(first) = out[start..].iter().position(|byte| !plain(*byte)) else {
        return;
    };
    let rest = out.split_off(start + first);
    for byte in rest {
        if plain(byte) {
            out.push(byte);
        } else {
            write(byte, out);
        }
    }
}

const fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte < 0x7f && byte != b'"' && byte != b'\\'
}

const fn is_json_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

fn escape_hex(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\x");
    out.push(DIGITS[usize::from(byte >> 4)]);
    out.push(DIGITS[usize::from(byte & 15)]);
}

fn escape_json(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(DIGITS[usize::from(byte >> 4)]);
            return out.push(DIGITS[usize::from(byte & 15)]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Values;
    impl Scope<&'static str> for Values {
        fn append(&self, variable: &&'static str, out: &mut Vec<u8>) -> bool {
            out.extend_from_slice(variable.as_bytes());
            !variable.is_empty()
        }
    }

    #[test]
    fn values_are_made_safe() {
        let check = |escape, value: &'static str, expected: &str| {
            let parts = vec![Part::Text(b"["[..].into()), Part::Variable(value)];
            let format = Format {
                name: "x".into(),
                escape,
                template: Template::of(parts),
            };
            let mut out = b"before".to_vec();
            format.render(&Values, &mut out);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text, format!("before[{expected}\n"), "{escape:?} {value}");
        };
        check(
            Escape::Default,
            "a\"b\\\n\u{e4}",
            "a\\x22b\\x5C\\x0A\\xC3\\xA4",
        );
        check(Escape::Default, "", "-");
        check(
            Escape::Json,
            "a\"b\\\n\u{1}\u{e4}",
            "a\\\"b\\\\\\n\\u0001\u{e4}",
        );
        check(Escape::Json, "", "");
        check(Escape::None, "a\"b\\", "a\"b\\");
    }
}
