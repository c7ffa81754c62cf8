#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| amqp_wire::fuzz::content_header(input));
