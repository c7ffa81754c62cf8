#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| kafka::fuzz::group_entry(input));
