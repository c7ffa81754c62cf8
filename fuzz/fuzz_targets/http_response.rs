//! Any bytes as the head of a response.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| http_wire::fuzz::response(input));
