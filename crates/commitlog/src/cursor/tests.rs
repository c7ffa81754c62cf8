use super::{BLOCK_LEN, Cursor, OFFSETS_END, RETURNED_MAX};
use base::{Offset, Packer, Unpacker};
use std::collections::BTreeSet;

/// The same numbers in every run: a linear congruential generator.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: Offset) -> Offset {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        i64::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

fn round_trip(cursor: &Cursor) {
    let mut packer = Packer::new();
    cursor.pack(&mut packer);
    let mut input = Unpacker::new(packer.finish());
    assert_eq!(Cursor::unpack(&mut input).as_ref(), Ok(cursor));
    assert!(input.is_empty());
}

/// Settles ranges of about this length in random order and compares with a plain set after each.
fn check_against_a_set(seed: u64, first: Offset, len_max: Offset, end: Offset, rounds: usize) {
    let mut numbers = Numbers(seed);
    let mut cursor = Cursor::new(first);
    let mut left: BTreeSet<Offset> = (first..end).collect();
    for round in 0..rounds {
        let start = first + numbers.below(end - first);
        let range = start..(start + 1 + numbers.below(len_max)).min(end);
        cursor.settle(range.clone());
        left.retain(|offset| !range.contains(offset));
        let floor = left.first().copied().unwrap_or(end);
        assert_eq!(cursor.floor(), floor, "seed {seed}, round {round}");
        let probe = first + numbers.below(end - first);
        assert_eq!(cursor.is_settled(probe), !left.contains(&probe));
        let next = left.range(probe..).next().copied();
        assert_eq!(cursor.unsettled(probe..end).next(), next);
        assert_eq!(
            cursor.unsettled_count(probe),
            left.range(..probe).count() as u64
        );
        if round % 16 == 0 {
            assert!(cursor.unsettled(0..end).eq(left.iter().copied()));
            let before = cursor.clone();
            cursor.settle(range);
            assert_eq!(cursor, before, "settling again changes nothing");
            round_trip(&cursor);
        }
    }
    cursor.settle(0..end);
    assert_eq!(
        cursor,
        Cursor::new(end),
        "nothing is left of what was above the floor"
    );
}

#[test]
fn a_cursor_says_what_a_plain_set_says() {
    for seed in 0..8 {
        check_against_a_set(seed, 0, 3, 300, 400);
        check_against_a_set(seed, 4090, 900, 20_000, 100);
        check_against_a_set(seed, 100, 9000, 40_000, 40);
    }
}

#[test]
fn the_order_of_settling_does_not_matter() {
    let ranges = [
        5..7,
        4000..4097,
        0..2,
        8192..16_384,
        4097..8192,
        2..3,
        100..4001,
    ];
    let mut forward = Cursor::default();
    ranges
        .iter()
        .for_each(|range| forward.settle(range.clone()));
    let mut backward = Cursor::default();
    ranges
        .iter()
        .rev()
        .for_each(|range| backward.settle(range.clone()));
    assert_eq!(forward, backward);
    assert_eq!(forward.floor(), 3);
    assert_eq!(
        forward.unsettled(0..20_000).take(4).collect::<Vec<_>>(),
        [3, 4, 7, 8]
    );
    assert!(forward.are_settled(100..16_384) && !forward.are_settled(99..101));
}

#[test]
fn a_million_offsets_settled_at_random_take_about_a_bit_each() {
    const END: Offset = 1_000_000;
    // A stride that meets every offset but 0 in an order that looks like chance.
    let mut cursor = Cursor::default();
    for number in 1..END {
        cursor.settle((number * 618_033 % END)..(number * 618_033 % END) + 1);
        if number == END / 2 {
            assert!(cursor.memory_bytes() < 140_000, "{}", cursor.memory_bytes());
        }
    }
    assert_eq!((cursor.floor(), cursor.unsettled_count(END)), (0, 1));
    // Full blocks are one run: offset 0 alone keeps the first block's map, and the end the last one's.
    assert!(
        cursor.memory_bytes() < 2 * 600 + 300,
        "{}",
        cursor.memory_bytes()
    );
    let blocks = END / BLOCK_LEN;
    cursor.settle(END..(blocks + 1) * BLOCK_LEN);
    cursor.settle(0..1);
    assert_eq!(cursor, Cursor::new((blocks + 1) * BLOCK_LEN));
}

#[test]
fn delivery_counts_only_grow_and_go_with_their_offset() {
    let mut cursor = Cursor::default();
    cursor.settle(3..4);
    for (offset, count) in [(1, 2), (1, 1), (2, 7), (3, 9), (-1, 4), (5, 0)] {
        cursor.note_returned(offset, count);
    }
    let counts = |cursor: &Cursor| [0, 1, 2, 3, 5].map(|offset| cursor.returned(offset));
    assert_eq!(counts(&cursor), [0, 2, 7, 0, 0]);
    round_trip(&cursor);
    cursor.settle(0..2);
    assert_eq!(counts(&cursor), [0, 0, 7, 0, 0]);
}

#[test]
fn delivery_counts_are_bounded() {
    let mut cursor = Cursor::default();
    let more = i64::try_from(RETURNED_MAX).expect("small") + 10;
    (0..more).for_each(|offset| cursor.note_returned(offset, 1));
    assert_eq!(
        (cursor.returned(more - 11), cursor.returned(more - 10)),
        (1, 0)
    );
    cursor.note_returned(0, 2);
    assert_eq!(cursor.returned(0), 2, "who is known goes on");
}

#[test]
fn offsets_at_the_end_of_all_offsets_do_no_harm() {
    let mut cursor = Cursor::new(7);
    cursor.settle(Offset::MAX - 10..Offset::MAX);
    cursor.settle(9..9);
    cursor.settle(Offset::MIN..3);
    assert_eq!(cursor, Cursor::new(7));
    cursor.settle(10_000..Offset::MAX);
    assert!(cursor.is_settled(OFFSETS_END - 1) && !cursor.is_settled(OFFSETS_END));
    assert_eq!(cursor.next_unsettled(Offset::MAX), Offset::MAX);
    assert_eq!(cursor.unsettled(Offset::MAX - 1..Offset::MAX).count(), 1);
    cursor.settle(0..Offset::MAX);
    assert_eq!(cursor.floor(), OFFSETS_END);
    assert_eq!(cursor.unsettled_count(OFFSETS_END), 0);
    round_trip(&cursor);
}

#[test]
fn what_no_cursor_looks_like_is_refused() {
    let mut cursor = Cursor::new(10);
    cursor.settle(8192..16_384);
    cursor.settle(12..13);
    cursor.note_returned(11, 3);
    let mut packer = Packer::new();
    cursor.pack(&mut packer);
    let good = packer.finish();
    // Floor, both ends of the run, the block, its bit for offset 10, and the delivery count's offset.
    for (at, value) in [
        (0, 12),
        (0, 9),
        (12, 1),
        (13, 0),
        (20, 1),
        (32, 1),
        (41, 4),
        (41, 31),
        (556, 12),
    ] {
        let mut bad = good.to_vec();
        bad[at] = value;
        let outcome = Cursor::unpack(&mut Unpacker::new(bad.into()));
        assert!(outcome.is_err(), "byte {at} as {value}: {outcome:?}");
    }
}
