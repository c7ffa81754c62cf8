//! A promise that was broken.

/// Which one, and how it showed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{promise}: {detail}")]
pub struct Violation {
    /// The invariant, by its name in `ARCHITECTURE.md`, or a word for one that has none.
    pub promise: &'static str,
    /// What was expected and what was found.
    pub detail: String,
}

impl Violation {
    pub(crate) fn new(promise: &'static str, detail: impl Into<String>) -> Self {
        Self {
            promise,
            detail: detail.into(),
        }
    }
}

/// Fails with a violation of `promise` unless `holds`.
pub(crate) fn ensure(
    holds: bool,
    promise: &'static str,
    detail: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if holds {
        Ok(())
    } else {
        Err(Violation::new(promise, detail()))
    }
}
