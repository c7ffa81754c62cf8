//! Any bytes as a path, a host and a date.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| http_wire::fuzz::target(input));
