//! Values of every method, of properties and of tables from a seed, for tests and for the seeds of the fuzzers.
//!
//! Methods borrow, so what they borrow from is made first: a [`Pool`] of strings and tables. The same seed gives
//! the same values.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::field::Timestamp;
use crate::method::{Method, for_each_method};
use crate::methods::{access, basic, channel, confirm, connection, exchange, queue, tx};
use crate::properties::Properties;
use crate::short_str::{SHORT_STR_MAX, ShortBytes, ShortStr};
use crate::table::{RawTable, Table, Value};

/// How many strings and tables there are to choose from.
const POOL_LEN: usize = 16;

/// How deeply generated tables are nested.
const DEPTH_MAX: usize = 3;

/// Random numbers (Steele, Lea, Flood: splitmix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts at a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.number() % bound as u64).unwrap_or_default()
    }

    /// One time in `n`.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// Any octet.
    pub fn octet(&mut self) -> u8 {
        self.number().to_le_bytes()[0]
    }

    /// Bytes of any kind, `len_max` at most.
    pub fn bytes(&mut self, len_max: usize) -> Vec<u8> {
        (0..self.below(len_max + 1)).map(|_| self.octet()).collect()
    }

    /// Text that fits a short string.
    pub fn text(&mut self) -> String {
        const LETTERS: &[char] = &['a', 'b', 'z', '0', '-', '.', 'ß', '日', '🦀'];
        let len_max = if self.one_in(8) { 80 } else { 12 };
        let text: String = (0..self.below(len_max))
            .map(|_| LETTERS[self.below(LETTERS.len())])
            .collect();
        text[..text.floor_char_boundary(SHORT_STR_MAX)].to_owned()
    }

    /// A table with names in ascending order, none twice.
    pub fn table(&mut self) -> Table {
        self.table_at(0)
    }

    fn table_at(&mut self, depth: usize) -> Table {
        let entries: BTreeMap<String, Value> = (0..self.below(5))
            .map(|_| (self.text(), self.value_at(depth)))
            .collect();
        entries.into_iter().collect()
    }

    fn value_at(&mut self, depth: usize) -> Value {
        let kinds = if depth < DEPTH_MAX { 17 } else { 15 };
        let [a, b, c, d, ..] = self.number().to_le_bytes();
        match self.below(kinds) {
            0 => Value::Bool(self.one_in(2)),
            1 => Value::I8(i8::from_be_bytes([a])),
            2 => Value::U8(a),
            3 => Value::I16(i16::from_be_bytes([a, b])),
            4 => Value::U16(u16::from_be_bytes([a, b])),
            5 => Value::I32(i32::from_be_bytes([a, b, c, d])),
            6 => Value::U32(u32::from_be_bytes([a, b, c, d])),
            7 => Value::I64(self.number().cast_signed()),
            // Not any bits: those that are no number differ from themselves.
            8 => Value::F32(f32::from(i16::from_be_bytes([a, b])) / 8.0),
            9 => Value::F64(f64::from(i32::from_be_bytes([a, b, c, d])) / 8.0),
            10 => Value::Decimal {
                scale: a,
                value: u32::from_be_bytes([a, b, c, d]),
            },
            11 => Value::from(self.text()),
            12 => Value::Timestamp(self.number()),
            13 => Value::Void,
            14 => Value::Bytes(Bytes::from(self.bytes(20))),
            15 => Value::Table(self.table_at(depth + 1)),
            _ => Value::Array(
                (0..self.below(4))
                    .map(|_| self.value_at(depth + 1))
                    .collect(),
            ),
        }
    }
}

/// Strings and tables that values can borrow.
#[derive(Debug)]
pub struct Pool {
    texts: Vec<String>,
    longs: Vec<Vec<u8>>,
    tables: Vec<Bytes>,
}

impl Pool {
    /// The strings and tables of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self {
            texts: (0..POOL_LEN).map(|_| random.text()).collect(),
            longs: (0..POOL_LEN).map(|_| random.bytes(400)).collect(),
            tables: (0..POOL_LEN)
                .map(|_| random.table().to_bytes().unwrap_or_default())
                .collect(),
        }
    }

    /// The values of a seed that borrow from here.
    #[must_use]
    pub fn source(&self, seed: u64) -> Source<'_> {
        Source {
            random: Random::new(seed),
            pool: self,
        }
    }

    /// One of each method.
    #[must_use]
    pub fn methods(&self, seed: u64) -> Vec<Method<'_>> {
        let mut source = self.source(seed);
        macro_rules! each {
            ($($variant:ident $module:ident $name:ident $(<$lifetime:lifetime>)?;)*) => {
                vec![$(Method::$variant($module::$name::arbitrary(&mut source))),*]
            };
        }
        for_each_method!(each)
    }

    /// A set of properties.
    #[must_use]
    pub fn properties(&self, seed: u64) -> Properties<'_> {
        Properties::arbitrary(&mut self.source(seed))
    }
}

/// Where generated values come from.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    random: Random,
    pool: &'a Pool,
}

/// A type whose values can be generated.
pub trait Arbitrary<'a>: Sized {
    /// A value.
    fn arbitrary(source: &mut Source<'a>) -> Self;
}

macro_rules! arbitrary_number {
    ($($ty:ty),*) => {$(
        impl Arbitrary<'_> for $ty {
            #[allow(clippy::cast_possible_truncation, reason = "any bits will do")]
            fn arbitrary(source: &mut Source<'_>) -> Self {
                match source.random.below(8) {
                    0 => 0,
                    1 => Self::MAX,
                    _ => source.random.number() as Self,
                }
            }
        }
    )*};
}

arbitrary_number!(u8, u16, u32, u64);

impl Arbitrary<'_> for bool {
    fn arbitrary(source: &mut Source<'_>) -> Self {
        source.random.one_in(2)
    }
}

impl Arbitrary<'_> for Timestamp {
    fn arbitrary(source: &mut Source<'_>) -> Self {
        Self(source.random.number())
    }
}

impl<'a> Arbitrary<'a> for ShortStr<'a> {
    fn arbitrary(source: &mut Source<'a>) -> Self {
        Self::clipped(&source.pool.texts[source.random.below(POOL_LEN)])
    }
}

impl<'a> Arbitrary<'a> for ShortBytes<'a> {
    fn arbitrary(source: &mut Source<'a>) -> Self {
        ShortStr::arbitrary(source).into()
    }
}

impl<'a> Arbitrary<'a> for &'a [u8] {
    fn arbitrary(source: &mut Source<'a>) -> Self {
        &source.pool.longs[source.random.below(POOL_LEN)]
    }
}

impl<'a> Arbitrary<'a> for RawTable<'a> {
    fn arbitrary(source: &mut Source<'a>) -> Self {
        Self::new(&source.pool.tables[source.random.below(POOL_LEN)])
    }
}

impl<'a, T: Arbitrary<'a>> Arbitrary<'a> for Option<T> {
    fn arbitrary(source: &mut Source<'a>) -> Self {
        source.random.one_in(2).then(|| T::arbitrary(source))
    }
}
