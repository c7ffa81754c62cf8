//! The body of a request, as far as it was read.

/// What was read of a body, and how much is still to come.
#[derive(Debug, Default)]
pub(crate) struct Body {
    /// How its end is known.
    pub(crate) framing: Framing,
    /// The bytes in memory; the file's come first.
    pub(crate) memory: Vec<u8>,
    /// Bytes received so far, without chunk framing.
    pub(crate) received: u64,
    /// All of it is there.
    pub(crate) is_complete: bool,
}

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Framing {
    /// There is none.
    #[default]
    None,
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
}

impl Body {
    /// Forgets it.
    pub(crate) fn clear(&mut self) {
        self.framing = Framing::None;
        self.memory.clear();
        self.received = 0;
        self.is_complete = false;
    }
}
