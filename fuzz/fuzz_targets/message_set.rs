#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kafka_wire::fuzz_records::message_set(data));
