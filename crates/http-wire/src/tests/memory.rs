//! A message costs no memory once buffers have their size, and hostile ones cost no more than their limits.

use allocation_counter::measure;

use crate::escape::{EscapeSet, escape};
use crate::target::normalise;
use crate::{
    BodyFraming, ChunkedDecoder, FieldName, Limits, Method, Parsed, RequestHead, ResponseHead,
    ResponseLimits, Step, hop, proxy_protocol, request_framing, request_keeps_alive,
    response_framing, response_keeps_alive, write_chunk_head,
};

const REQUEST: &[u8] = b"POST /a/../%62?c=d HTTP/1.1\r\nHost: Example.com:80\r\n\
    User-Agent: a\r\nAccept: */*\r\nCookie: b=c\r\nConnection: close, X-A\r\nX-A: d\r\n\
    Content-Length: 9\r\nBad_name: e\r\n\r\n";

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nServer: a\r\nServer: b\r\nSet-Cookie: c\r\n\
    Transfer-Encoding: chunked\r\nX-Own: d\r\n\r\n";

const BODY: &[u8] = b"3;ext\r\nabc\r\n4\r\ndefg\r\n0\r\nChecksum: 1\r\n\r\n";

const PROXY: &[u8] = b"PROXY TCP6 2001:db8::1 2001:db8::2 65535 443\r\n";

/// What a connection keeps from message to message.
#[derive(Default)]
struct Kept {
    request: RequestHead,
    response: ResponseHead,
    decoder: ChunkedDecoder,
    path: Vec<u8>,
    out: Vec<u8>,
}

impl Kept {
    /// A request and its response, the heads byte by byte.
    fn exchange(&mut self) {
        let limits = Limits::default();
        let last = (1..=REQUEST.len())
            .map(|len| self.request.parse(&REQUEST[..len], &limits))
            .last();
        let len = REQUEST.len();
        assert_eq!(last, Some(Ok(Parsed::Complete { len })));
        let framing = request_framing(&self.request, REQUEST);
        assert_eq!(framing, Ok(BodyFraming::Length(9)));
        assert!(!request_keeps_alive(&self.request, REQUEST));
        let fields = self.request.fields();
        let listed = fields.as_slice().iter();
        let listed = listed.filter(|field| hop::is_listed(fields, REQUEST, field));
        assert_eq!(listed.count(), 1);
        assert!(self.request.value(REQUEST, FieldName::Cookie).is_some());
        let raw = self.request.path_and_query().of(REQUEST);
        assert!(normalise(raw, true, &mut self.path).is_ok());
        self.out.clear();
        escape(&self.path, EscapeSet::Uri, &mut self.out);
        let host = self.request.host(REQUEST).unwrap();
        host.write_lower(&mut self.out);
        crate::date::write_date(1_000_000_000, &mut self.out);
        write_chunk_head(4096, &mut self.out);
        self.answer();
        let header = proxy_protocol::parse(PROXY).unwrap().unwrap();
        proxy_protocol::encode_v1(header.endpoints, &mut self.out);
        let encoded = proxy_protocol::encode_v2(header.endpoints, &[], true, &mut self.out);
        assert!(encoded.is_ok());
    }

    fn answer(&mut self) {
        let limits = ResponseLimits::default();
        let last = (1..=RESPONSE.len())
            .map(|len| self.response.parse(&RESPONSE[..len], &limits))
            .last();
        assert!(matches!(last, Some(Ok(Parsed::Complete { .. }))));
        let framing = response_framing(&self.response, RESPONSE, Method::Post).unwrap();
        assert!(response_keeps_alive(&self.response, RESPONSE, framing));
        self.decoder.clear();
        let mut at = 0;
        while let Step::Data(range) = self.decoder.decode(BODY, at).unwrap() {
            at = range.end;
        }
        assert_eq!(self.decoder.trailer_fields().count(), 1);
    }
}

#[test]
fn messages_cost_nothing_once_warm() {
    let mut kept = Kept::default();
    kept.exchange();
    let used = measure(|| (0..100).for_each(|_| kept.exchange()));
    assert_eq!(used.count_total, 0, "{used:?}");
}

#[test]
fn hostile_messages_cost_what_limits_allow() {
    let mut kept = Kept::default();
    let limits = Limits {
        fields_max: 100,
        head_len_max: 1 << 20,
        ..Limits::default()
    };
    let fields = [b"GET / HTTP/1.0\r\n".as_slice(), &b"A:\r\n".repeat(50_000)].concat();
    let trailers = [b"0\r\n".as_slice(), &b"A: b\r\n".repeat(50_000)].concat();
    let used = measure(|| {
        assert!(kept.request.parse(&fields, &limits).is_err());
        assert!(kept.decoder.decode(&trailers, 0).is_err());
    });
    assert!(used.bytes_max < 32 << 10, "{used:?}");
    kept.request.shrink();
    let size = size_of::<RequestHead>() + size_of::<ResponseHead>();
    assert!(size <= 512, "{size} bytes of two heads");
}
