//! Which topics the members of a consumer group read, as far as that can be known.
//!
//! The coordinator looks into subscriptions for two reasons only: offsets of topics that are read neither expire nor
//! can be deleted (KIP-211, KIP-496), and a static member that comes back with other topics causes a rebalance
//! (KAFKA-12759). Subscriptions that cannot be read are no error: the group works on.

use std::collections::BTreeSet;

use bytes::{Buf, Bytes};

/// The protocol type of ordinary consumers.
pub(super) const CONSUMER: &str = "consumer";

/// The topics of a group's members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subscribed {
    /// The members are no consumers, or nobody knows what they read.
    Unknown,
    /// Names of topics.
    To(BTreeSet<String>),
}

impl Subscribed {
    /// The union of several members' subscriptions; unknown if one of them cannot be read.
    pub(super) fn union(subscriptions: impl Iterator<Item = Bytes>) -> Self {
        let mut all = BTreeSet::new();
        for subscription in subscriptions {
            match topics(subscription) {
                Some(topics) => all.extend(topics),
                None => return Self::Unknown,
            }
        }
        Self::To(all)
    }
}

/// The topics of one subscription: a 16-bit version, then an array of strings with 16-bit lengths, which every
/// version of `ConsumerProtocolSubscription` begins with. None if that is not what stands there.
pub(super) fn topics(mut subscription: Bytes) -> Option<BTreeSet<String>> {
    let _version = subscription.try_get_i16().ok()?;
    let count = usize::try_from(subscription.try_get_i32().ok()?).ok()?;
    let mut topics = BTreeSet::new();
    for _ in 0..count {
        // Nothing is reserved by the declared count: it ends where the bytes end.
        let len = usize::try_from(subscription.try_get_i16().ok()?).ok()?;
        if subscription.len() < len {
            return None;
        }
        topics.insert(String::from_utf8(subscription.split_to(len).into()).ok()?);
    }
    Some(topics)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Subscribed, topics};

    #[test]
    fn subscriptions_are_read_as_far_as_they_can_be() {
        let check = |bytes: &'static [u8], expected: Option<&[&str]>| {
            let names = topics(Bytes::from_static(bytes));
            let expected = expected.map(|names| names.iter().map(|n| (*n).to_owned()).collect());
            assert_eq!(names, expected, "{bytes:?}");
        };
        check(
            b"\0\x03\0\0\0\x02\0\x01a\0\x02bc, and more",
            Some(&["a", "bc"]),
        );
        check(b"\0\0\0\0\0\0", Some(&[]));
        check(b"", None);
        check(b"\0\0\x7f\xff\xff\xff\0\x01a", None);
        check(b"\0\0\xff\xff\xff\xff", None);
        check(b"\0\0\0\0\0\x01\0\x05abc", None);
        check(b"\0\0\0\0\0\x01\0\x01\xff", None);
    }

    #[test]
    fn one_unreadable_subscription_makes_the_union_unknown() {
        let good = Bytes::from_static(b"\0\0\0\0\0\x01\0\x01a");
        let union = Subscribed::union([good.clone(), good.clone()].into_iter());
        assert_eq!(union, Subscribed::To(["a".to_owned()].into()));
        let union = Subscribed::union([good, Bytes::new()].into_iter());
        assert_eq!(union, Subscribed::Unknown);
    }
}
