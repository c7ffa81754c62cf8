//! The head of a response of an upstream: the status line and its fields.
//!
//! Laxer than the head of a request, as nginx is: a line may end with a line feed alone and the reason may be missing. What decides where
//! the response ends is as strict.

use crate::error::BadResponse;
use crate::field::{Fields, Line, parse_line};
use crate::limits::{HEAD_LEN_MAX, ResponseLimits};
use crate::lines::{LineAt, Lines};
use crate::method::Version;
use crate::name::FieldName;
use crate::request::Parsed;
use crate::request_line::minor_version;
use crate::span::Span;

/// What a status line starts with.
const START: &[u8] = b"HTTP/";

/// A response head, reused from response to response.
#[derive(Clone, Debug, Default)]
pub struct ResponseHead {
    version: Version,
    status: u16,
    status_line: Span,
    fields: Fields,
    lines: Lines,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Line,
    Fields,
    Complete,
}

impl ResponseHead {
    /// Parses on; see [`crate::RequestHead::parse`] for what holds for the buffer. A status of 1xx is a head like any other: the next
    /// one follows it.
    ///
    /// # Errors
    /// What is wrong with the response. [`BadResponse::NoStatusLine`] is found with the first byte that is none of a status line's.
    pub fn parse(&mut self, buf: &[u8], limits: &ResponseLimits) -> Result<Parsed, BadResponse> {
        if self.stage == Stage::Complete {
            self.clear();
        }
        if self.stage == Stage::Line {
            let len = buf.len().min(START.len());
            if buf[..len] != START[..len] {
                return Err(BadResponse::NoStatusLine);
            }
        }
        while self.stage != Stage::Complete {
            let Some(line) = self.lines.take(buf) else {
                return incomplete(buf, limits);
            };
            if self.lines.next > limits.head_len_max.min(HEAD_LEN_MAX) {
                return Err(BadResponse::HeadTooLarge);
            }
            match self.stage {
                Stage::Line => self.take_status_line(buf, line)?,
                _ => self.take_field_line(buf, line, limits)?,
            }
        }
        Ok(Parsed::Complete {
            len: self.lines.next,
        })
    }

    /// Forgets the response; the memory stays.
    pub fn clear(&mut self) {
        self.fields.clear();
        self.lines = Lines::default();
        self.stage = Stage::Line;
        self.status = 0;
    }

    /// Forgets the response and gives the memory back.
    pub fn shrink(&mut self) {
        self.clear();
        self.fields.shrink();
    }

    /// How many bytes of the buffer the head takes, once it is complete.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "a complete head is never empty"
    )]
    pub const fn len(&self) -> usize {
        self.lines.next
    }

    /// The version; HTTP/1.0 for anything older than 1.1.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The status, of three digits.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The status with its reason, such as `404 Not Found`, as it was sent.
    #[must_use]
    pub const fn status_line(&self) -> Span {
        self.status_line
    }

    /// The reason; empty where there is none.
    #[must_use]
    pub fn reason(&self) -> Span {
        let Span { start, end } = self.status_line;
        Span {
            start: end.min(start.saturating_add(4)),
            end,
        }
    }

    /// The fields, without repetitions of those that nginx passes once only.
    #[must_use]
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The value of the first field of that known name.
    #[must_use]
    pub fn value<'a>(&self, buf: &'a [u8], id: FieldName) -> Option<&'a [u8]> {
        self.fields.find(id).map(|field| field.value.of(buf))
    }

    fn take_status_line(&mut self, buf: &[u8], line: LineAt) -> Result<(), BadResponse> {
        if line.is_dirty {
            return Err(BadResponse::NoStatusLine);
        }
        let bytes = &buf[line.start..line.end];
        let (version, at, status) = parse_status(bytes).ok_or(BadResponse::NoStatusLine)?;
        self.version = version;
        self.status = status;
        self.status_line = Span::new(line.start + at, line.end);
        self.stage = Stage::Fields;
        Ok(())
    }

    fn take_field_line(
        &mut self,
        buf: &[u8],
        line: LineAt,
        limits: &ResponseLimits,
    ) -> Result<(), BadResponse> {
        if line.start == line.end {
            self.stage = Stage::Complete;
            return Ok(());
        }
        if line.is_dirty {
            return Err(BadResponse::FieldLine);
        }
        let field = match parse_line(buf, line.start, line.end, true) {
            Line::Field(field) | Line::OddName(field) => field,
            // Some servers repeat the status line among the fields.
            Line::Invalid if buf[line.start..line.end].starts_with(START) => return Ok(()),
            Line::Invalid => return Err(BadResponse::FieldLine),
        };
        if self.fields.has(field.id) {
            match field.id {
                FieldName::ContentLength | FieldName::TransferEncoding => {
                    return Err(BadResponse::DuplicateField);
                }
                id if id.is_first_wins_in_response() => return Ok(()),
                _ => {}
            }
        }
        if self.fields.len() >= limits.fields_max {
            return Err(BadResponse::TooManyFields);
        }
        self.fields.push(field);
        Ok(())
    }
}

/// A head that has no end yet has its bound, too.
fn incomplete(buf: &[u8], limits: &ResponseLimits) -> Result<Parsed, BadResponse> {
    if buf.len() >= limits.head_len_max.min(HEAD_LEN_MAX) {
        return Err(BadResponse::HeadTooLarge);
    }
    Ok(Parsed::Partial)
}

/// The version, the offset of the status and the status of a status line.
fn parse_status(line: &[u8]) -> Option<(Version, usize, u16)> {
    let rest = line.strip_prefix(START)?;
    let dot = memchr::memchr(b'.', rest)?;
    let (major, rest) = (&rest[..dot], &rest[dot + 1..]);
    let valid = (1..=3).contains(&major.len()) && major.iter().all(u8::is_ascii_digit);
    let space = memchr::memchr(b' ', rest)?;
    let minor = minor_version(&rest[..space])?;
    let version = match major {
        [b'0', ..] => return None,
        b"1" => minor,
        _ => Version::Http11,
    };
    let blanks = rest[space..].iter().take_while(|byte| **byte == b' ');
    let rest = &rest[space + blanks.count()..];
    let digits = rest.get(..3)?;
    let starts_well = matches!(digits[0], b'1'..=b'9') && digits.iter().all(u8::is_ascii_digit);
    // Some servers write a subcode after a dot.
    let ends_well = matches!(rest.get(3), None | Some(b' ' | b'.'));
    let status = digits.iter().fold(0u16, |status, digit| {
        status.wrapping_mul(10) + u16::from(digit.wrapping_sub(b'0'))
    });
    (valid && starts_well && ends_well).then_some((version, line.len() - rest.len(), status))
}
