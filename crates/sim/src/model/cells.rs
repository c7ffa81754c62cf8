//! What must be true of cells: a pair that is always written together, as a group's offset commit is.

use crate::violation::{Violation, ensure};
use bytes::Bytes;
use commitlog::{Cell, Cells, Kind};

/// Every so many versions the pair's second cell is removed instead of written.
const REMOVED_EVERY: u64 = 5;

/// Two cells with one version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    key: u64,
    /// The newest version that was acknowledged.
    pub(crate) acked: u64,
    /// The newest version that was sent.
    pub(crate) sent: u64,
}

impl Pair {
    pub(crate) fn new(key: u64) -> Self {
        let (acked, sent) = (0, 0);
        Self { key, acked, sent }
    }

    fn key(&self, second: bool) -> Bytes {
        Bytes::from(format!("{}-{}", self.key, u8::from(second)))
    }

    fn value(version: u64) -> Bytes {
        Bytes::copy_from_slice(&version.to_be_bytes())
    }

    fn second(version: u64) -> Option<Bytes> {
        (!version.is_multiple_of(REMOVED_EVERY)).then(|| Self::value(version))
    }

    /// The change that writes `version`.
    pub(crate) fn change(&self, version: u64) -> Vec<Cell> {
        let cell = |second, value| Cell {
            kind: Kind::Group,
            key: self.key(second),
            value,
        };
        vec![
            cell(false, Some(Self::value(version))),
            cell(true, Self::second(version)),
        ]
    }

    /// Compares with what was recovered, and goes on from there.
    pub(crate) fn check(&mut self, cells: Option<&Cells>) -> Result<(), Violation> {
        let find = |key: Bytes| {
            let mut group = cells?.of(Kind::Group);
            group
                .find(|(of, _)| **of == key)
                .map(|(_, value)| value.clone())
        };
        let first = find(self.key(false));
        let version = match &first {
            Some(value) => value[..].try_into().map_or(u64::MAX, u64::from_be_bytes),
            None => 0,
        };
        ensure((self.acked..=self.sent).contains(&version), "K5", || {
            format!("cell {} is at {version}: {self:?}", self.key)
        })?;
        let second = find(self.key(true));
        let expected = if version == 0 {
            None
        } else {
            Self::second(version)
        };
        ensure(second == expected, "K5", || {
            format!("cell {} is torn: {first:?} and {second:?}", self.key)
        })?;
        // Whoever sent more is gone, and with them what they sent.
        (self.acked, self.sent) = (version, version);
        Ok(())
    }
}
