//! The head of a request: the request line and its fields.
//!
//! A head is parsed where it lies: it is offsets into the buffer of the connection, and its list of fields is used again for the
//! next one, so that a request costs no memory in the steady state. Line ends, blanks and names are strict where two
//! readers could disagree about where a message ends; the rest is taken as nginx takes it.

use crate::error::BadRequest;
use crate::field::{Field, Fields, Line, parse_line};
use crate::host::Host;
use crate::limits::{HEAD_LEN_MAX, Limits};
use crate::lines::{LineAt, Lines};
use crate::method::{Method, Version};
use crate::name::FieldName;
use crate::request_line::{self, RequestLine};
use crate::span::Span;

/// How far a parser came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The head goes on: call again with the same bytes and more of them.
    Partial,
    /// The head is complete and takes this many bytes of the buffer.
    Complete {
        /// Bytes from the start of the buffer, empty lines before the request line included.
        len: usize,
    },
}

/// A request head, reused from request to request.
#[derive(Clone, Debug, Default)]
pub struct RequestHead {
    line: RequestLine,
    fields: Fields,
    lines: Lines,
    stage: Stage,
    dropped: Option<Span>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Line,
    Fields,
    Complete,
}

impl RequestHead {
    /// Parses on. The buffer starts with the bytes that it started with before, until the head is complete, refused or
    /// [cleared](Self::clear); what was parsed is not looked at again.
    ///
    /// # Errors
    /// What is wrong with the request; parsing it on is of no use.
    pub fn parse(&mut self, buf: &[u8], limits: &Limits) -> Result<Parsed, BadRequest> {
        if self.stage == Stage::Complete {
            self.clear();
        }
        if self.stage == Stage::Line && !self.parse_request_line(buf, limits)? {
            return Ok(Parsed::Partial);
        }
        while self.stage == Stage::Fields {
            let Some(line) = self.lines.take(buf) else {
                self.check_incomplete(buf, limits)?;
                return Ok(Parsed::Partial);
            };
            self.take_field_line(buf, line, limits)?;
        }
        if self.line.version == Version::Http11 && !self.fields.has(FieldName::Host) {
            return Err(BadRequest::NoHost);
        }
        Ok(Parsed::Complete {
            len: self.lines.next,
        })
    }

    /// Forgets the request; the memory stays.
    pub fn clear(&mut self) {
        self.line = RequestLine::default();
        self.fields.clear();
        self.lines = Lines::default();
        self.stage = Stage::Line;
        self.dropped = None;
    }

    /// Forgets the request and gives the memory back, for a connection that is idle.
    pub fn shrink(&mut self) {
        self.clear();
        self.fields.shrink();
    }

    /// Whether a byte of a request line was seen: a connection that ends before is merely idle.
    #[must_use]
    pub fn has_begun(&self, buf: &[u8]) -> bool {
        self.stage != Stage::Line || buf.len() > self.lines.next
    }

    /// Whether the request line is complete, and what it says may be asked for.
    #[must_use]
    pub fn has_line(&self) -> bool {
        self.stage != Stage::Line
    }

    fn parse_request_line(&mut self, buf: &[u8], limits: &Limits) -> Result<bool, BadRequest> {
        self.lines.skip_blank(buf);
        let start = self.lines.next;
        if start > limits.line_len_max {
            return Err(BadRequest::Line);
        }
        let Some(line) = self.lines.take(buf) else {
            let begun = buf.get(start..).unwrap_or_default();
            request_line::check_start(begun)?;
            return if begun.len() >= limits.line_len_max {
                Err(BadRequest::LineTooLong)
            } else {
                Ok(false)
            };
        };
        request_line::check_start(&buf[line.start..line.end])?;
        if self.lines.next - start > limits.line_len_max {
            return Err(BadRequest::LineTooLong);
        }
        if line.is_dirty || (line.bare_lf && !limits.bare_lf) {
            return Err(BadRequest::Line);
        }
        self.line = request_line::parse(buf, line)?;
        self.stage = match self.line.version {
            Version::Http09 => Stage::Complete,
            _ => Stage::Fields,
        };
        if self.target_host_is_invalid(buf) {
            return Err(BadRequest::TargetHost);
        }
        Ok(true)
    }

    fn target_host_is_invalid(&self, buf: &[u8]) -> bool {
        let host = self.line.host;
        host.is_some_and(|host| Host::parse(host.of(buf)).is_none())
    }

    /// A field line that has no end yet has its bound, too.
    fn check_incomplete(&self, buf: &[u8], limits: &Limits) -> Result<(), BadRequest> {
        if buf.len() - self.lines.next >= limits.field_len_max {
            return Err(BadRequest::FieldTooLong);
        }
        if buf.len() >= limits.head_len_max.min(HEAD_LEN_MAX) {
            return Err(BadRequest::HeadTooLarge);
        }
        Ok(())
    }

    fn take_field_line(
        &mut self,
        buf: &[u8],
        line: LineAt,
        limits: &Limits,
    ) -> Result<(), BadRequest> {
        if self.lines.next - line.start > limits.field_len_max {
            return Err(BadRequest::FieldTooLong);
        }
        if self.lines.next > limits.head_len_max.min(HEAD_LEN_MAX) {
            return Err(BadRequest::HeadTooLarge);
        }
        if line.is_dirty || (line.bare_lf && !limits.bare_lf) {
            return Err(BadRequest::FieldLine);
        }
        if line.start == line.end {
            self.stage = Stage::Complete;
            return Ok(());
        }
        let underscores = limits.underscores_in_headers;
        let field = match parse_line(buf, line.start, line.end, underscores) {
            Line::Field(field) => field,
            Line::OddName(_) if limits.ignore_invalid_headers => {
                self.dropped = Some(Span::new(line.start, line.end));
                return Ok(());
            }
            Line::OddName(field) => field,
            Line::Invalid => return Err(BadRequest::FieldLine),
        };
        if self.fields.len() >= limits.fields_max {
            return Err(BadRequest::TooManyFields);
        }
        self.check_field(buf, &field)?;
        self.fields.push(field);
        Ok(())
    }

    fn check_field(&self, buf: &[u8], field: &Field) -> Result<(), BadRequest> {
        if field.id.is_single_in_request() && self.fields.has(field.id) {
            return Err(match field.id {
                FieldName::Host => BadRequest::DuplicateHost,
                _ => BadRequest::DuplicateField,
            });
        }
        if field.id == FieldName::Host && Host::parse(field.value.of(buf)).is_none() {
            return Err(BadRequest::Host);
        }
        Ok(())
    }
}

/// What a head says; spans are offsets into the buffer that was parsed.
impl RequestHead {
    /// The method.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.line.method
    }

    /// The method as it was sent.
    #[must_use]
    pub const fn method_name(&self) -> Span {
        self.line.method_name
    }

    /// The version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.line.version
    }

    /// The version as it was sent, such as `HTTP/1.1`; empty in HTTP/0.9.
    #[must_use]
    pub const fn protocol(&self) -> Span {
        self.line.protocol
    }

    /// The whole request line without its end (`$request`).
    #[must_use]
    pub const fn request_line(&self) -> Span {
        self.line.whole
    }

    /// The request target as it was sent, in whichever of its forms.
    #[must_use]
    pub const fn target(&self) -> Span {
        self.line.target
    }

    /// The path and the query of the target (`$request_uri`): `/` where an absolute target or one of CONNECT has none; it
    /// starts with `?` where an absolute target has a query only.
    #[must_use]
    pub const fn path_and_query(&self) -> Span {
        self.line.path
    }

    /// The scheme of an absolute target.
    #[must_use]
    pub const fn scheme(&self) -> Option<Span> {
        self.line.scheme
    }

    /// The host and port of an absolute target or one of CONNECT.
    #[must_use]
    pub const fn target_host(&self) -> Option<Span> {
        self.line.host
    }

    /// The host that was asked for: the target's, which has precedence (RFC 9112 3.2.2), or the Host field's.
    #[must_use]
    pub fn host<'a>(&self, buf: &'a [u8]) -> Option<Host<'a>> {
        let field = self.fields.find(FieldName::Host).map(|field| field.value);
        Host::parse(self.line.host.or(field)?.of(buf))
    }

    /// The fields.
    #[must_use]
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The value of the first field of that known name.
    #[must_use]
    pub fn value<'a>(&self, buf: &'a [u8], id: FieldName) -> Option<&'a [u8]> {
        self.fields.find(id).map(|field| field.value.of(buf))
    }

    /// The last line that was dropped because of its name, for the error log.
    #[must_use]
    pub const fn dropped(&self) -> Option<Span> {
        self.dropped
    }
}
