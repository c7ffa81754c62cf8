//! Offsets that were settled and are not written down yet, as few ranges as they can be told in.

use base::Offset;
use std::ops::Range;

/// A collection of offsets. Offsets that come in order cost one comparison each.
#[derive(Debug, Default)]
pub(crate) struct Ranges(Vec<Range<Offset>>);

impl Ranges {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one offset.
    pub(crate) fn push(&mut self, offset: Offset) {
        self.push_range(offset..offset + 1);
    }

    /// Adds all offsets of a range.
    pub(crate) fn push_range(&mut self, range: Range<Offset>) {
        if range.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            Some(last) if last.start == range.end => last.start = range.start,
            _ => self.0.push(range),
        }
    }

    /// Takes all of them, ascending and without ranges that touch.
    pub(crate) fn take(&mut self) -> Vec<Range<Offset>> {
        let mut ranges = std::mem::take(&mut self.0);
        if ranges.len() < 2 {
            return ranges;
        }
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.dedup_by(|next, kept| {
            let touching = next.start <= kept.end;
            if touching {
                kept.end = kept.end.max(next.end);
            }
            touching
        });
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::Ranges;
    use std::ops::Range;

    fn check(offsets: &[i64], expected: &[(i64, i64)]) {
        let mut ranges = Ranges::default();
        offsets.iter().for_each(|offset| ranges.push(*offset));
        let expected: Vec<Range<i64>> = expected.iter().map(|(start, end)| *start..*end).collect();
        assert_eq!(ranges.take(), expected, "{offsets:?}");
        assert!(ranges.is_empty());
    }

    #[test]
    fn offsets_become_few_ranges() {
        check(&[], &[]);
        check(&[3, 4, 5], &[(3, 6)]);
        check(&[5, 4, 3], &[(3, 6)]);
        check(&[1, 9, 2, 8, 5], &[(1, 3), (5, 6), (8, 10)]);
        check(&[7, 7, 6, 8], &[(6, 9)]);
    }
}
