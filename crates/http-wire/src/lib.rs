//! HTTP/1 and the PROXY protocol: bytes in, values out.
