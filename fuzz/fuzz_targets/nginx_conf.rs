//! Any bytes as a configuration file.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| nginx_conf::fuzz::parse_write_parse(input));
