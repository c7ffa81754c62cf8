//! Values of every message from a seed, for tests and for the seeds of the fuzzers.
//!
//! Only fields that a version carries get values, so that what is generated for a version survives
//! being written and read in it. The same seed, format and shape give the same value.

use bytes::Bytes;

use crate::chunks::Chunks;
use crate::error_code::ErrorCode;
use crate::message::Message;
use crate::reader::Format;
use crate::str::Str;
use crate::uuid::Uuid;
use crate::writer::SHARE_MIN;

/// How large the generated values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A few elements in each array, short and sometimes long strings and bytes.
    Mixed,
    /// As many elements as possible in as few bytes as possible: everything is its default or empty,
    /// but arrays at nesting depth `depth` have `count` elements, and those around them have one.
    Dense {
        /// The depth, 0 for the arrays of the message itself.
        depth: usize,
        /// The number of elements.
        count: usize,
    },
}

/// Where generated values come from.
#[derive(Debug, Clone)]
pub struct Source {
    state: u64,
    format: Format,
    shape: Shape,
    depth: usize,
}

impl Source {
    /// Starts at a seed.
    #[must_use]
    pub fn new(seed: u64, format: Format, shape: Shape) -> Self {
        Self {
            state: seed,
            format,
            shape,
            depth: 0,
        }
    }

    /// The version that values are generated for.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// A number (Steele, Lea, Flood: splitmix64).
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        usize::try_from(self.number() % bound).unwrap_or_default()
    }

    /// One time in `n`.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn is_dense(&self) -> bool {
        matches!(self.shape, Shape::Dense { .. })
    }

    fn array_len(&mut self) -> usize {
        match self.shape {
            Shape::Mixed => self.below(4),
            Shape::Dense { depth, count } => match self.depth.cmp(&depth) {
                std::cmp::Ordering::Less => 1,
                std::cmp::Ordering::Equal => count,
                std::cmp::Ordering::Greater => 0,
            },
        }
    }

    fn text_len(&mut self) -> usize {
        if self.one_in(8) {
            self.below(300)
        } else {
            self.below(12)
        }
    }
}

/// A type whose values can be generated.
pub trait Arbitrary: Sized {
    /// A value; `default` is what a field of the type holds when nothing is said.
    fn arbitrary(source: &mut Source, default: Self) -> Self;
}

/// A type that can be null, which not every version knows.
pub trait ArbitraryNullable: Sized {
    /// A value that is not null.
    fn arbitrary_not_null(source: &mut Source) -> Self;
}

/// A message for one of its versions.
#[must_use]
pub fn message<M: Message + Arbitrary + Default>(seed: u64, version: i16, shape: Shape) -> M {
    M::arbitrary(
        &mut Source::new(seed, M::format(version), shape),
        M::default(),
    )
}

macro_rules! arbitrary_number {
    ($($ty:ty),*) => {$(
        impl Arbitrary for $ty {
            #[allow(clippy::cast_possible_truncation, reason = "any bits will do")]
            fn arbitrary(source: &mut Source, default: Self) -> Self {
                match source.is_dense() || source.one_in(8) {
                    true => default,
                    false if source.one_in(8) => Self::MAX,
                    false if source.one_in(8) => Self::MIN,
                    false => source.number() as Self,
                }
            }
        }
    )*};
}

arbitrary_number!(i8, i16, i32, i64);

impl Arbitrary for bool {
    fn arbitrary(source: &mut Source, default: Self) -> Self {
        if source.is_dense() {
            default
        } else {
            source.one_in(2)
        }
    }
}

impl Arbitrary for ErrorCode {
    fn arbitrary(source: &mut Source, default: Self) -> Self {
        if source.is_dense() {
            default
        } else {
            Self::ALL[source.below(Self::ALL.len())]
        }
    }
}

impl Arbitrary for Uuid {
    fn arbitrary(source: &mut Source, default: Self) -> Self {
        if source.is_dense() {
            return default;
        }
        Self::from((u128::from(source.number()) << 64) | u128::from(source.number()))
    }
}

impl Arbitrary for Str {
    fn arbitrary(source: &mut Source, default: Self) -> Self {
        const LETTERS: &[char] = &['a', 'b', 'z', '0', '-', '.', 'ß', '日', '🦀'];
        if source.is_dense() {
            return default;
        }
        let len = source.text_len();
        let text: String = (0..len)
            .map(|_| LETTERS[source.below(LETTERS.len())])
            .collect();
        Self::from(text)
    }
}

impl Arbitrary for Bytes {
    fn arbitrary(source: &mut Source, default: Self) -> Self {
        if source.is_dense() {
            return default;
        }
        let len = if source.one_in(8) {
            SHARE_MIN + source.below(99)
        } else {
            source.text_len()
        };
        (0..len).map(|_| source.number().to_le_bytes()[0]).collect()
    }
}

impl Arbitrary for Chunks {
    fn arbitrary(source: &mut Source, default: Self) -> Self {
        if source.is_dense() {
            return default;
        }
        let pieces: Vec<Bytes> = (0..source.below(4))
            .map(|_| Bytes::arbitrary(source, Bytes::new()))
            .collect();
        Self::from(pieces)
    }
}

impl<T: Arbitrary + Default + Clone> Arbitrary for Vec<T> {
    fn arbitrary(source: &mut Source, _default: Self) -> Self {
        let len = source.array_len();
        source.depth += 1;
        let elements = if source.is_dense() {
            vec![T::arbitrary(source, T::default()); len]
        } else {
            (0..len)
                .map(|_| T::arbitrary(source, T::default()))
                .collect()
        };
        source.depth -= 1;
        elements
    }
}

impl<T: Arbitrary + Default> Arbitrary for Option<T> {
    fn arbitrary(source: &mut Source, _default: Self) -> Self {
        let null = !source.is_dense() && source.one_in(4);
        (!null).then(|| T::arbitrary(source, T::default()))
    }
}

impl<T: Arbitrary + Default> ArbitraryNullable for Option<T> {
    fn arbitrary_not_null(source: &mut Source) -> Self {
        Some(T::arbitrary(source, T::default()))
    }
}
