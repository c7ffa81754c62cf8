//! Every compression there and back, the clients' peculiarities, damage and bombs.

use super::{Compression, DecompressError, Limits, lz4, snappy};
use crate::records::fixtures::{Random, damaged, pattern, with};

/// The length of an lz4 frame's magic number and header without a content size.
const LZ4_HEADER_CHECKSUM_AT: usize = 6;

fn compressed(compression: Compression, input: &[u8]) -> Vec<u8> {
    compression.compress(input).unwrap().into_owned()
}

fn check(compression: Compression, input: &[u8], output: &[u8]) {
    let limits = Limits::default();
    let read = compression.decompress(input, limits).unwrap();
    assert!(read == output, "{compression} came back different");
    let read = compression
        .decompress_message(input, limits.output_max(input.len()))
        .unwrap();
    assert!(
        read == output,
        "{compression} came back different from a message"
    );
}

fn check_corrupt(compression: Compression, input: &[u8]) {
    let read = compression.decompress(input, Limits::default());
    assert!(
        matches!(read, Err(DecompressError::Corrupt { .. })),
        "{compression}: {read:?}"
    );
}

#[test]
fn ids_and_names_are_kafkas() {
    for (id, name) in (0..).zip(["none", "gzip", "snappy", "lz4", "zstd"]) {
        let compression = Compression::from_id(id).unwrap();
        assert_eq!(
            (
                compression.id(),
                compression.name(),
                compression.to_string()
            ),
            (id, name, name.to_owned())
        );
    }
    assert_eq!([-1, 5, 6, 7, 8].map(Compression::from_id), [None; 5]);
}

#[test]
fn data_comes_back() {
    let mut random = Random(1);
    let edges = [0, 1, 2, 3, 12, 13, 100];
    let blocks = [32 << 10, 64 << 10, 128 << 10]
        .into_iter()
        .flat_map(|block| [block - 1, block, block + 1]);
    for len in edges.into_iter().chain(blocks).chain([300_000]) {
        let noise: Vec<u8> = (0..len).map(|_| random.byte()).collect();
        for data in [vec![0; len], pattern(len), random.bytes(len), noise] {
            for compression in Compression::ALL {
                check(compression, &compressed(compression, &data), &data);
            }
        }
    }
}

#[test]
fn streams_one_after_the_other_are_one() {
    let (first, second) = (pattern(100_000), b"second".to_vec());
    let both = [&first[..], &second].concat();
    for compression in [
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        let joined = [&first, &second].map(|data| compressed(compression, data));
        check(compression, &joined.concat(), &both);
    }
    // A skippable frame is skipped.
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 0xaa, 0xbb];
    for compression in [Compression::Lz4, Compression::Zstd] {
        let input = [&skippable[..], &compressed(compression, &first)].concat();
        check(compression, &input, &first);
    }
}

#[test]
fn snappy_is_read_raw_and_in_blocks() {
    let data = pattern(100_000);
    let raw = snap::raw::Encoder::new().compress_vec(&data).unwrap();
    check(Compression::Snappy, &raw, &data);
    check(Compression::Snappy, &[0], b"");
    // Raw data of the length that the mark of the block framing would declare is no trouble.
    let data = pattern(10_626);
    let raw = snap::raw::Encoder::new().compress_vec(&data).unwrap();
    assert_eq!(raw[..2], *b"\x82S");
    check(Compression::Snappy, &raw, &data);
    // The version numbers of the framing are not looked at.
    let mut framed = compressed(Compression::Snappy, &data);
    assert!(framed.starts_with(b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01"));
    framed[8..16].copy_from_slice(&[1, 0, 0, 0, 1, 0, 0, 0]);
    check(Compression::Snappy, &framed, &data);
}

#[test]
fn lz4_frames_of_every_kind_are_read() {
    let data = pattern(150_000);
    for fixture in with("frame") {
        check(Compression::Lz4, &fixture.bytes, &data);
        // Every checksum and size that the frame has is compared. Each third change is tried.
        if fixture.is("everything") {
            for (at, input) in damaged(&fixture.bytes).step_by(3) {
                assert!(
                    Compression::Lz4
                        .decompress(&input, Limits::default())
                        .is_err(),
                    "damage at {at} was not noticed"
                );
            }
        }
    }
}

#[test]
fn the_wrong_header_checksum_is_read_in_messages_only() {
    let data = pattern(1000);
    let mut frame = compressed(Compression::Lz4, &data);
    // KAFKA-3160: the checksum is computed from the magic number on.
    let wrong = twox_hash::XxHash32::oneshot(0, &frame[..LZ4_HEADER_CHECKSUM_AT]).to_le_bytes()[1];
    assert_ne!(wrong, frame[LZ4_HEADER_CHECKSUM_AT]);
    frame[LZ4_HEADER_CHECKSUM_AT] = wrong;
    check_corrupt(Compression::Lz4, &frame);
    let read = Compression::Lz4
        .decompress_message(&frame, data.len())
        .unwrap();
    assert_eq!(read, data);
    // The fixtures of old clients do have it.
    let old = with("v0").into_iter().filter(|fixture| fixture.is("lz4"));
    assert_eq!(
        old.filter(|fixture| {
            let at = fixture.bytes.windows(4).position(|of| *of == frame[..4]);
            let frame = &fixture.bytes[at.unwrap()..];
            lz4::decompress(frame, 1 << 20, lz4::HeaderChecksum::Verify).is_err()
                && lz4::decompress(frame, 1 << 20, lz4::HeaderChecksum::Ignore).is_ok()
        })
        .count(),
        6
    );
}

#[test]
fn cut_data_is_refused() {
    let data = pattern(40_000);
    for compression in [Compression::Gzip, Compression::Lz4, Compression::Zstd] {
        let input = compressed(compression, &data);
        for len in 0..input.len() {
            check_corrupt(compression, &input[..len]);
        }
    }
    // Snappy's block framing has no end mark: a prefix that ends with a block is good.
    let input = compressed(Compression::Snappy, &data);
    let good = (0..input.len())
        .filter(|&len| {
            Compression::Snappy
                .decompress(&input[..len], Limits::default())
                .is_ok()
        })
        .count();
    assert_eq!(good, 2, "after the mark and after the first of two blocks");
}

#[test]
fn damaged_data_never_panics() {
    let data = pattern(3000);
    for compression in Compression::ALL {
        let limits = Limits::default();
        for (_, input) in damaged(&compressed(compression, &data)) {
            let read = compression.decompress(&input, limits);
            assert!(read.is_err() || read.unwrap().len() <= limits.output_max(input.len()));
        }
    }
}

#[test]
fn bombs_are_refused_before_they_fill_memory() {
    let limits = Limits {
        output_bytes_max: 1 << 20,
        ratio_max: 100,
        ratio_free_bytes: 64 << 10,
    };
    let zeros = vec![0; 8 << 20];
    for compression in [Compression::Gzip, Compression::Lz4, Compression::Zstd] {
        let bomb = compressed(compression, &zeros);
        check_bomb(compression, &bomb, limits);
        check_bomb(compression, &bomb, Limits::default());
    }
    // Snappy reaches 21:1 only, so that the absolute limit is what it meets.
    let bomb = compressed(Compression::Snappy, &zeros);
    check_bomb(Compression::Snappy, &bomb, limits);
}

fn check_bomb(compression: Compression, bomb: &[u8], limits: Limits) {
    let bytes_max = limits.output_max(bomb.len());
    let mut read = None;
    let memory = allocation_counter::measure(|| {
        read = Some(compression.decompress(bomb, limits).map(|_| ()));
    });
    let refusal = DecompressError::TooLarge {
        compression,
        bytes_max,
    };
    assert_eq!(read, Some(Err(refusal)));
    // A growing buffer is held twice for a moment, and is at most twice as large as what is in it.
    let memory_max = 4 * bytes_max as u64 + (64 << 10);
    assert!(
        memory.bytes_max <= memory_max,
        "{compression} took {} bytes",
        memory.bytes_max
    );
}

#[test]
fn declared_sizes_are_not_believed() {
    // Raw snappy that declares 4 GiB less 1, and 1 MiB in 10 bytes.
    let huge = [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0; 5]].concat();
    let large = [&[0x80, 0x80, 0x40][..], &[0; 7]].concat();
    // A block of 2 GiB in the block framing.
    let block = [
        &b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01"[..],
        &[0x7f, 0xff, 0xff, 0xff, 0],
    ]
    .concat();
    // lz4: blocks of 4 MiB, of which there is one of 3 bytes.
    let lz4 = [
        0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73, 3, 0, 0, 0, 1, 2, 3,
    ];
    // zstd: a window of 128 MiB and one empty block.
    let window = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x01, 0x00, 0x00];
    for (compression, input) in [
        (Compression::Snappy, &huge[..]),
        (Compression::Snappy, &large),
        (Compression::Snappy, &block),
        (Compression::Lz4, &lz4),
        (Compression::Zstd, &window),
    ] {
        let memory = allocation_counter::measure(|| {
            let _ = compression.decompress(input, Limits::default());
        });
        assert!(
            memory.bytes_max <= 256 << 10,
            "{compression} took {} bytes",
            memory.bytes_max
        );
    }
    // zstd and lz4: a content size of 2^60 bytes is refused as such.
    let zstd = [
        &[0x28, 0xb5, 0x2f, 0xfd, 0xe0][..],
        &(1_u64 << 60).to_le_bytes(),
    ]
    .concat();
    let zstd = [&zstd[..], &[0x01, 0x00, 0x00]].concat();
    assert!(
        Compression::Zstd
            .decompress(&zstd, Limits::default())
            .is_err()
    );
    let descriptor = [&[0x68, 0x40][..], &(1_u64 << 60).to_le_bytes()].concat();
    let checksum = twox_hash::XxHash32::oneshot(0, &descriptor).to_le_bytes()[1];
    let lz4 = [
        &[0x04, 0x22, 0x4d, 0x18][..],
        &descriptor,
        &[checksum],
        &[0; 4],
    ]
    .concat();
    assert!(matches!(
        Compression::Lz4.decompress(&lz4, Limits::default()),
        Err(DecompressError::TooLarge { .. })
    ));
}

#[test]
fn the_limits_are_the_smallest_that_holds() {
    let limits = Limits {
        output_bytes_max: 1000,
        ratio_max: 10,
        ratio_free_bytes: 50,
    };
    for (input, output) in [(0, 50), (4, 50), (6, 60), (99, 990), (500, 1000)] {
        assert_eq!(limits.output_max(input), output);
    }
    // An output of just the limit passes.
    let data = pattern(1000);
    for compression in Compression::ALL {
        let input = compressed(compression, &data);
        let read = |bytes_max| {
            let limits = Limits {
                output_bytes_max: bytes_max,
                ratio_max: usize::MAX,
                ratio_free_bytes: 0,
            };
            compression.decompress(&input, limits).is_ok()
        };
        assert!(read(1000), "{compression}");
        assert_eq!(read(999), compression == Compression::None, "{compression}");
    }
    assert_eq!(snappy::decompress(&[0], 0), Ok(vec![]));
}
