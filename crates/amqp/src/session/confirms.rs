//! The answers to the publishes of a channel in confirm mode: each gets exactly one of ack and nack.
//!
//! What is answered in order is told by one ack for many; what overtakes others by acks of its own.

use std::collections::VecDeque;

/// Consecutive publishes that are answered together.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: u64,
    count: u64,
}

/// What a client is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All up to this one that were not answered before are accepted.
    AckUpTo(u64),
    /// This one is accepted.
    Ack(u64),
    /// This one is not.
    Nack(u64),
}

/// The publishes of a channel that are not answered.
#[derive(Debug, Default)]
pub(crate) struct Confirms {
    /// How many publishes there were.
    published: u64,
    /// What is not answered, in order.
    spans: VecDeque<Span>,
    /// The last one that can be told to be accepted with all before it, and how many are told by that.
    accepted: (u64, u64),
}

impl Confirms {
    /// Numbers a publish that begins a span, which is to be answered by [`Self::settle`].
    pub(crate) fn begin(&mut self) -> u64 {
        self.published += 1;
        self.spans.push_back(Span {
            first: self.published,
            count: 1,
        });
        self.published
    }

    /// The number of the next publish.
    pub(crate) fn next(&self) -> u64 {
        self.published + 1
    }

    /// Adds a publish to the span that was begun last, which must not be answered yet.
    pub(crate) fn extend(&mut self) {
        if let Some(span) = self.spans.back_mut() {
            span.count += 1;
            self.published += 1;
        }
    }

    /// Numbers a publish that is accepted at once.
    pub(crate) fn accept(&mut self, verdicts: &mut Vec<Verdict>) {
        let first = self.begin();
        self.settle(first, &[], verdicts);
    }

    /// Answers the span that begins with `first`: these publishes, in order, were rejected, all others
    /// of it accepted. A span that is unknown was answered before.
    pub(crate) fn settle(&mut self, first: u64, rejected: &[u64], verdicts: &mut Vec<Verdict>) {
        let Ok(index) = self.spans.binary_search_by_key(&first, |span| span.first) else {
            return;
        };
        let Some(span) = self.spans.remove(index) else {
            return;
        };
        if index == 0 && rejected.is_empty() {
            self.accepted = (span.first + span.count - 1, self.accepted.1 + span.count);
            return;
        }
        // Others before it are not answered, or it is divided: each is told by itself.
        verdicts.extend(self.flush());
        let numbers = span.first..span.first + span.count;
        verdicts.extend(numbers.map(|number| match rejected.binary_search(&number) {
            Ok(_) => Verdict::Nack(number),
            Err(_) => Verdict::Ack(number),
        }));
    }

    /// What can be told and was not.
    pub(crate) fn flush(&mut self) -> Option<Verdict> {
        let (last, count) = std::mem::take(&mut self.accepted);
        match count {
            0 => None,
            1 => Some(Verdict::Ack(last)),
            _ => Some(Verdict::AckUpTo(last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Confirms, Verdict};
    use Verdict::{Ack, AckUpTo, Nack};

    /// Begins spans of these lengths, settles them in this order, and returns what is told.
    fn check(lengths: &[u64], order: &[(usize, &[u64])]) -> Vec<Verdict> {
        let (mut confirms, mut firsts, mut verdicts) =
            (Confirms::default(), Vec::new(), Vec::new());
        for length in lengths {
            firsts.push(confirms.begin());
            (1..*length).for_each(|_| confirms.extend());
        }
        for (span, rejected) in order {
            confirms.settle(firsts[*span], rejected, &mut verdicts);
        }
        verdicts.extend(confirms.flush());
        verdicts.extend(confirms.flush());
        verdicts
    }

    #[test]
    fn what_is_in_order_is_told_once() {
        assert_eq!(
            check(&[3, 2], &[(0, &[]), (1, &[]), (0, &[])]),
            vec![AckUpTo(5)]
        );
        assert_eq!(check(&[1], &[(0, &[])]), vec![Ack(1)]);
        assert_eq!(check(&[], &[]), vec![]);
    }

    #[test]
    fn what_overtakes_is_told_by_itself() {
        assert_eq!(
            check(&[1, 2, 1], &[(1, &[]), (0, &[]), (2, &[])]),
            vec![Ack(2), Ack(3), AckUpTo(4)]
        );
        assert_eq!(check(&[2, 1], &[(1, &[3])]), vec![Nack(3)]);
    }

    #[test]
    fn the_rejected_are_told_apart() {
        assert_eq!(
            check(&[2, 3], &[(0, &[]), (1, &[4])]),
            vec![AckUpTo(2), Ack(3), Nack(4), Ack(5)]
        );
        assert_eq!(check(&[1], &[(0, &[1])]), vec![Nack(1)]);
    }

    #[test]
    fn what_is_accepted_at_once_waits_for_nobody() {
        let (mut confirms, mut verdicts) = (Confirms::default(), Vec::new());
        confirms.begin();
        confirms.accept(&mut verdicts);
        assert_eq!(verdicts, vec![Ack(2)]);
    }
}
