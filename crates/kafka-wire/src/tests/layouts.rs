//! The bytes of every message at every version are those that Apache Kafka's own classes read and
//! write.
//!
//! `layouts.txt` holds a CRC-32C of generated messages for each. The bytes behind them were read and
//! written again by the message classes of Apache Kafka 3.9.1 (versions that Kafka 4.0 dropped) and
//! 4.2.0 (versions that came after 3.9), equal to the last byte. `kafka-protocol`, the oracle of
//! [`super::differential`], has neither the oldest nor the newest versions; this pins them.
//! Whoever changes the generator or a table writes the file anew with `UPDATE_EXPECT=1`, and owes
//! that comparison for what was not in it.

use std::fmt::Write;

use expect_test::expect_file;

use super::{AnyMessage, Check, for_every_message, sample};
use crate::arbitrary::Shape;

const SEEDS: u64 = 30;

struct Layouts(String);

impl Check for Layouts {
    fn check<M: AnyMessage>(&mut self, version: i16) {
        let crc = (0..SEEDS).fold(0, |crc, seed| {
            crc32c::crc32c_append(crc, &sample::<M>(seed, version, Shape::Mixed))
        });
        writeln!(self.0, "{} {version} {crc:08x}", M::NAME).unwrap();
    }
}

#[test]
fn layouts_are_those_of_apache_kafka() {
    let mut layouts = Layouts(String::new());
    for_every_message(&mut layouts);
    expect_file!["layouts.txt"].assert_eq(&layouts.0);
}
