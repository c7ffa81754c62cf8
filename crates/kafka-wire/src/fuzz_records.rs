//! The fuzz targets of record batches, message sets and decompressors: what must hold for any bytes.
//!
//! Each function panics where a promise of its module is broken. They live here, and not in the fuzz
//! crate, so that `cargo test` replays the corpus in `fuzz/corpus` through the same code.

use bytes::{Bytes, BytesMut};

use crate::compression::{Compression, Limits};
use crate::message_set::{Cut, DownConvert, Magic, Messages, down_convert, up_convert};
use crate::record_batch::{BatchHeader, renew_crc};
use crate::records::{Records, first_at_or_after, latest, validate};

/// Small enough for a fuzzer to reach the limits.
const LIMITS: Limits = Limits {
    output_bytes_max: 1 << 20,
    ratio_max: 100,
    ratio_free_bytes: 64 << 10,
};

/// The version of Produce in which every compression is allowed.
const PRODUCE_VERSION: i16 = 9;

/// Reads, validates, searches and down-converts the bytes as a record batch, as they are and with a
/// checksum that fits.
pub fn record_batch(data: &[u8]) {
    check_batch(data);
    if let Ok(header) = BatchHeader::parse(data) {
        let mut sealed = data[..header.len].to_vec();
        renew_crc(&mut sealed);
        check_batch(&sealed);
    }
}

fn check_batch(data: &[u8]) {
    let accepted = validate(data, PRODUCE_VERSION);
    let Ok(records) = Records::new(&Bytes::copy_from_slice(data), LIMITS) else {
        return;
    };
    let header = *records.header();
    let records: Result<Vec<_>, _> = records.collect();
    for record in records.iter().flatten() {
        assert_eq!(record.headers.iter().count(), record.headers.len());
    }
    if let Ok(records) = &records {
        assert_eq!(i32::try_from(records.len()), Ok(header.records_count));
    }
    if accepted.is_ok() && header.compression() == Compression::None.id() {
        assert!(records.is_ok(), "an accepted batch can be read");
    }
    let latest = latest(data, LIMITS);
    if let Ok(Some(latest)) = latest {
        let found = first_at_or_after(data, latest.timestamp, i64::MIN, LIMITS);
        assert_eq!(
            found,
            Ok(Some(latest)),
            "the latest is the first of its time"
        );
    }
    for magic in [Magic::V0, Magic::V1] {
        check_down_conversion(data, magic);
    }
}

fn check_down_conversion(batch: &[u8], magic: Magic) {
    let ask = DownConvert {
        magic,
        from_offset: 0,
        bytes_max: 1 << 20,
        cut: Cut::FirstWhole,
        limits: LIMITS,
    };
    if let Ok(converted) = down_convert([batch], &ask) {
        for message in Messages::new(&converted.set, LIMITS) {
            assert!(message.is_ok(), "what we write can be read: {message:?}");
        }
    }
}

/// Reads the bytes as a message set and converts it up and down again, as it is and with outer
/// checksums that fit.
pub fn message_set(data: &[u8]) {
    check_set(&Bytes::copy_from_slice(data));
    let mut sealed = BytesMut::from(data);
    seal_messages(&mut sealed);
    check_set(&sealed.freeze());
}

/// Writes the right checksum into each message of a set, as far as sizes can be followed.
fn seal_messages(set: &mut [u8]) {
    const CRC_AT: usize = 12;
    const COVERED_AT: usize = 16;
    let mut rest = set;
    while let Some(size) = rest.get(8..CRC_AT) {
        let size = size
            .iter()
            .fold(0, |size, byte| size << 8 | usize::from(*byte));
        let Some((message, after)) = rest.split_at_mut_checked(CRC_AT + size) else {
            return;
        };
        if let Some(covered) = message.get(COVERED_AT..) {
            let crc = crc32fast::hash(covered);
            message[CRC_AT..COVERED_AT].copy_from_slice(&crc.to_be_bytes());
        }
        rest = after;
    }
}

fn check_set(set: &Bytes) {
    let messages: Result<Vec<_>, _> = Messages::new(set, LIMITS).collect();
    let Ok(batch) = up_convert(set, LIMITS) else {
        return;
    };
    let messages = messages.unwrap_or_default();
    assert!(!messages.is_empty(), "what is converted can be read");
    // What we compress ourselves may compress better than the limits allow strangers to.
    let limits = Limits {
        ratio_free_bytes: LIMITS.output_bytes_max << 4,
        output_bytes_max: LIMITS.output_bytes_max << 4,
        ..LIMITS
    };
    let accepted = validate(&batch, 0);
    assert!(
        accepted.is_ok(),
        "what is converted is accepted: {accepted:?}"
    );
    let records: Result<Vec<_>, _> = match Records::new(&batch, limits) {
        Ok(records) => records.collect(),
        Err(error) => Err(error),
    };
    let records = records.unwrap_or_default();
    assert_eq!(records.len(), messages.len());
    for (record, message) in records.iter().zip(&messages) {
        assert_eq!(
            (record.timestamp, &record.key, &record.value),
            (message.timestamp, &message.key, &message.value)
        );
    }
}

/// Decompresses the bytes after the first, which chooses the compression, and compresses the output
/// again.
pub fn decompress(data: &[u8]) {
    let Some((choice, input)) = data.split_first() else {
        return;
    };
    let Some(compression) = Compression::from_id(i16::from(choice & 7)) else {
        return;
    };
    let lenient = compression.decompress_message(input, LIMITS.output_max(input.len()));
    let Ok(output) = compression.decompress(input, LIMITS) else {
        return;
    };
    assert_eq!(
        lenient.as_ref(),
        Ok(&output),
        "the lenient reader reads more"
    );
    assert!(compression == Compression::None || output.len() <= LIMITS.output_max(input.len()));
    let again = compression.compress(&output);
    let limits = Limits {
        ratio_free_bytes: LIMITS.output_bytes_max,
        ..LIMITS
    };
    assert_eq!(
        again.map(|again| compression
            .decompress(&again, limits)
            .is_ok_and(|round| round == output)),
        Ok(true),
        "what we compress comes back"
    );
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{decompress, message_set, record_batch};
    use crate::records::fixtures::Random;

    /// How often each file of the corpus is changed.
    const MUTATIONS: usize = 50;

    /// Runs a target over its corpus, and over seeded changes of each file.
    fn replay(target: &str, run: fn(&[u8])) {
        let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
        let mut files: Vec<_> = std::fs::read_dir(corpus.join(target))
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        assert!(!files.is_empty());
        let mut random = Random(4);
        for file in files {
            let data = std::fs::read(&file).unwrap();
            run(&data);
            for _ in 0..MUTATIONS {
                run(&mutated(&data, &mut random));
            }
        }
    }

    fn mutated(data: &[u8], random: &mut Random) -> Vec<u8> {
        let mut data = data.to_vec();
        for _ in 0..=random.below(4) {
            let at = random.below(data.len() + 1);
            match random.below(4) {
                0 => data.truncate(at),
                1 => data.insert(at, random.byte()),
                2 => data.extend_from_within(at..),
                _ => data.iter_mut().skip(at).take(1).for_each(|byte| {
                    *byte = random.byte();
                }),
            }
        }
        data
    }

    #[test]
    fn record_batches() {
        replay("record_batch", record_batch);
    }

    #[test]
    fn message_sets() {
        replay("message_set", message_set);
    }

    #[test]
    fn decompressors() {
        replay("decompress", decompress);
    }
}
