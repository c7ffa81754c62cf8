//! Replays a target's corpus without a fuzzer: each crate's tests include this file.

use std::path::PathBuf;

/// How many changed inputs follow the corpus.
const MUTATIONS: usize = 2000;

/// A small generator (xorshift), so that a failure comes again with every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }

    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % bound
    }
}

/// Runs a target over the files of its corpus, of which there are at least `files_min`, and over
/// seeded changes of them.
pub(super) fn replay(target: &str, files_min: usize, run: fn(&[u8])) {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut paths: Vec<_> = std::fs::read_dir(corpus.join(target))
        .expect("a corpus")
        .map(|file| file.expect("a listing").path())
        .collect();
    paths.sort();
    assert!(
        paths.len() >= files_min,
        "{target} has {} files only",
        paths.len()
    );
    let files: Vec<_> = paths
        .iter()
        .map(|path| std::fs::read(path).expect("readable"))
        .collect();
    files.iter().for_each(|file| run(file));
    let mut random = Random(4);
    for round in 0..MUTATIONS {
        run(&mutated(&files[round % files.len()], &mut random));
    }
}

/// Some bytes changed, added, repeated or cut off; the extremes are likely, since lengths break there.
fn mutated(data: &[u8], random: &mut Random) -> Vec<u8> {
    let mut data = data.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(data.len() + 1);
        let byte = [0, 1, 0x7f, 0xff, random.byte(), random.byte()][random.below(6)];
        match random.below(8) {
            0 => data.truncate(at),
            1 => data.insert(at, byte),
            2 => data.extend_from_within(at..),
            _ => data
                .iter_mut()
                .skip(at)
                .take([1, 1, 4, 8][random.below(4)])
                .for_each(|old| *old = byte),
        }
    }
    data
}
