//! The bytes that real clients made (`tests/fixtures/records/README.md`), what they hold, and seeded
//! data.

use std::path::PathBuf;

use bytes::Bytes;

/// One file.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
}

/// What a record holds: timestamp, key, value, headers.
pub(crate) type Expected = (
    i64,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Vec<(&'static str, Option<&'static str>)>,
);

const BASE: i64 = 1_700_000_000_000;

impl Fixture {
    pub(crate) fn is(&self, part: &str) -> bool {
        self.name.split(['-', '.']).any(|of_name| of_name == part)
    }

    /// The records that the client was given, with the timestamps that a reader sees.
    pub(crate) fn expected(&self) -> Vec<Expected> {
        let mut records = if self.is("big") { big() } else { small() };
        for (timestamp, _, _, headers) in &mut records {
            if self.is("v0") {
                *timestamp = -1;
            } else if self.is("append") {
                *timestamp = BASE + 9000;
            }
            if !self.is("v2") {
                headers.clear();
            }
        }
        records
    }

    /// The offset of the first record.
    pub(crate) fn base_offset(&self) -> i64 {
        if self.is("java") { 100 } else { 0 }
    }
}

/// All files whose names have the part.
pub(crate) fn with(part: &str) -> Vec<Fixture> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/records");
    let mut fixtures: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|of| of == "bin" || of == "lz4")
        })
        .map(|path| Fixture {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            bytes: std::fs::read(&path).unwrap().into(),
        })
        .filter(|fixture| fixture.is(part))
        .collect();
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!fixtures.is_empty(), "no fixture is named {part}");
    fixtures
}

/// One file.
pub(crate) fn named(name: &str) -> Bytes {
    let fixture = with(name.split('-').next().unwrap())
        .into_iter()
        .find(|fixture| fixture.name == format!("{name}.bin"));
    fixture.unwrap().bytes
}

pub(crate) fn small() -> Vec<Expected> {
    let headers = vec![("h1", Some("v1")), ("h2", None), ("h1", Some(""))];
    vec![
        (BASE, None, Some(b"Hello, Kafka!".to_vec()), vec![]),
        (BASE + 5000, Some(b"key".to_vec()), Some(vec![]), vec![]),
        (BASE + 2000, Some(vec![]), None, vec![]),
        (
            BASE + 3000,
            Some(b"k3".to_vec()),
            Some(b"abcdefgh".repeat(100)),
            headers,
        ),
    ]
}

fn big() -> Vec<Expected> {
    (0..3)
        .map(|i| {
            (
                BASE + i,
                Some(b"big".to_vec()),
                Some(pattern(50_000)),
                vec![],
            )
        })
        .collect()
}

/// The bytes that the fixtures are filled with.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}

/// SplitMix64: the tests' randomness, the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// Bytes that compress somewhat.
    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(len);
        while out.len() < len {
            if out.len() > 8 && self.below(2) == 0 {
                let from = self.below(out.len() - 4);
                out.extend_from_within(from..from + 4);
            } else {
                out.push(self.byte());
            }
        }
        out.truncate(len);
        out
    }

    /// Null, empty, short or long.
    pub(crate) fn field(&mut self) -> Option<Vec<u8>> {
        let len = match self.below(6) {
            0 => return None,
            1 => 0,
            5 => self.below(40_000),
            _ => self.below(100),
        };
        Some(self.bytes(len))
    }
}

/// Every prefix of `bytes`, and `bytes` with one bit of each byte flipped, with the place of the change.
pub(crate) fn damaged(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    let prefixes = (0..bytes.len()).map(|len| (len, bytes[..len].to_vec()));
    let flips = (0..bytes.len()).map(|at| {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1 << (at % 8);
        (at, flipped)
    });
    prefixes.chain(flips)
}
