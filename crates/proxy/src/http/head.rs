//! The head of a request, as places in the bytes that it was read from.

use std::ops::Range;

/// Bytes in a buffer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The bytes.
    pub(crate) fn of(self, buf: &[u8]) -> &[u8] {
        buf.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }

    fn new(range: Range<usize>) -> Self {
        // Heads are far shorter than 4 GiB: the configuration bounds them.
        let place = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            start: place(range.start),
            end: place(range.end),
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Delete,
    Options,
    Trace,
    Connect,
    Patch,
    Other,
}

/// Which HTTP it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Version {
    Http09,
    Http10,
    #[default]
    Http11,
}

/// A field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: Span,
    pub(crate) value: Span,
}

/// A request's head.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) line: Span,
    pub(crate) method: Method,
    pub(crate) method_span: Span,
    pub(crate) target: Span,
    pub(crate) version: Version,
    pub(crate) fields: Vec<Field>,
}

/// More fields are refused by the parser.
const FIELDS_MAX: usize = 100;

impl Head {
    /// Reads a head; `Ok(None)` where it is not whole, else its length.
    pub(crate) fn parse(&mut self, buf: &[u8]) -> Result<Option<usize>, u16> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut request = httparse::Request::new(&mut fields);
        let status = request.parse(buf).map_err(|_| 400_u16)?;
        let httparse::Status::Complete(len) = status else {
            return Ok(None);
        };
        let place = |bytes: &[u8]| {
            let start = bytes.as_ptr().addr() - buf.as_ptr().addr();
            Span::new(start..start + bytes.len())
        };
        let method = request.method.unwrap_or_default().as_bytes();
        self.method_span = place(method);
        self.method = match method {
            b"GET" => Method::Get,
            b"HEAD" => Method::Head,
            b"POST" => Method::Post,
            b"PUT" => Method::Put,
            _ => Method::Other,
        };
        self.target = place(request.path.unwrap_or_default().as_bytes());
        self.version = if request.version == Some(0) {
            Version::Http10
        } else {
            Version::Http11
        };
        let end = buf.iter().position(|b| *b == b'\r' || *b == b'\n');
        self.line = Span::new(self.method_span.start as usize..end.unwrap_or(0));
        self.fields.clear();
        for field in request.headers.iter() {
            self.fields.push(Field {
                name: place(field.name.as_bytes()),
                value: place(field.value),
            });
        }
        Ok(Some(len))
    }
}
