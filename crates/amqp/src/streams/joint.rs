//! Publishes that went to several queues, and are answered once.

use crate::mail::{Notice, SessionId, Ticket};
use std::collections::HashMap;

/// What is missing of an answer, and what is known of it.
#[derive(Debug, Default)]
struct Joint {
    missing: usize,
    rejected: Vec<u32>,
}

/// Answers that are not complete.
#[derive(Debug, Default)]
pub(crate) struct Joints(HashMap<(SessionId, Ticket), Joint>);

impl Joints {
    /// So many answers will come.
    pub(crate) fn expect(&mut self, session: SessionId, ticket: Ticket, parts: usize) {
        let joint = Joint {
            missing: parts,
            rejected: Vec::new(),
        };
        self.0.insert((session, ticket), joint);
    }

    /// One has come; returns the whole answer when it was the last one, or the only one.
    pub(crate) fn done(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        mut rejected: Vec<u32>,
    ) -> Option<Notice> {
        if let Some(joint) = self.0.get_mut(&(session, ticket)) {
            joint.rejected.append(&mut rejected);
            joint.missing = joint.missing.saturating_sub(1);
            if joint.missing > 0 {
                return None;
            }
            rejected = std::mem::take(&mut joint.rejected);
            rejected.sort_unstable();
            rejected.dedup();
            self.0.remove(&(session, ticket));
        }
        Some(Notice::Published { ticket, rejected })
    }
}

#[cfg(test)]
mod tests {
    use super::Joints;
    use crate::mail::{Notice, SessionId, Ticket};

    #[test]
    fn an_answer_is_given_when_all_parts_of_it_have_come() {
        let mut joints = Joints::default();
        let (session, ticket) = (SessionId(1), Ticket(5));
        joints.expect(session, ticket, 3);
        assert!(joints.done(session, ticket, vec![7, 2]).is_none());
        assert!(joints.done(session, ticket, vec![]).is_none());
        let answer = joints.done(session, ticket, vec![2]);
        let Some(Notice::Published {
            ticket: Ticket(5),
            rejected,
        }) = answer
        else {
            panic!("no answer");
        };
        assert_eq!(rejected, [2, 7]);
        assert!(joints.0.is_empty());
        // Nobody waits for another part of this one.
        let answer = joints.done(session, ticket, vec![1]);
        assert!(matches!(answer, Some(Notice::Published { rejected, .. }) if rejected == [1]));
    }
}
