//! Any bytes as a chunked body.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| http_wire::fuzz::chunked(input));
