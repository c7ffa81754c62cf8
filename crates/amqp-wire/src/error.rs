//! Why bytes are not the frame, method, table or header that they should be.
//!
//! The errors hold facts; which reply code a peer is told, and on which level, is decided above.

/// Why a frame cannot be cut from the stream. The connection has lost its place and cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The first octet is no frame type.
    #[error("unknown frame type {found}")]
    UnknownType {
        /// The octet.
        found: u8,
    },
    /// The frame is larger than was negotiated.
    #[error("a frame of {size} bytes, at most {frame_max} were negotiated")]
    TooLarge {
        /// The size that the frame declares, with its 8 octets of framing.
        size: u64,
        /// The largest size allowed.
        frame_max: u32,
    },
    /// The octet after the payload is not the frame end.
    #[error("a frame ends with octet {found:#04x}, not 0xce")]
    End {
        /// The octet.
        found: u8,
    },
}

/// Why a payload cannot be read. `at` counts bytes from the start of what was to be decoded.
///
/// All of them are the sender's fault, and none goes away by trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The payload ends before the value does.
    #[error("byte {at}: {needed} bytes are declared or needed, {remaining} remain")]
    Truncated {
        /// Where the value starts.
        at: usize,
        /// How many bytes it takes.
        needed: usize,
        /// How many there are.
        remaining: usize,
    },
    /// Bytes follow the value.
    #[error("byte {at}: {extra} bytes after the end")]
    Trailing {
        /// Where the value ends.
        at: usize,
        /// How many bytes follow.
        extra: usize,
    },
    /// A short string of a method is not UTF-8.
    #[error("byte {at}: a short string that is not UTF-8")]
    Utf8 {
        /// Where the text starts.
        at: usize,
    },
    /// The class or the method does not exist.
    #[error("class {class} has no method {method}, or does not exist")]
    UnknownMethod {
        /// The number of the class.
        class: u16,
        /// The number of the method.
        method: u16,
    },
    /// A field's type does not exist.
    #[error("byte {at}: unknown field type {found:#04x}")]
    UnknownFieldType {
        /// Where the type stands.
        at: usize,
        /// The octet.
        found: u8,
    },
    /// Tables and arrays are nested too deeply.
    #[error("byte {at}: tables and arrays are nested more than {max} deep")]
    Nesting {
        /// Where the innermost one starts.
        at: usize,
        /// How deep they may be.
        max: usize,
    },
    /// A property is announced that does not exist.
    #[error("property flags {flags:#06x} announce a property that does not exist")]
    PropertyFlags {
        /// The flags.
        flags: u16,
    },
    /// The owned form would take more memory than a table of this size is allowed.
    #[error(
        "a table of {len} bytes would take {wanted} bytes of memory where {allowed} are allowed"
    )]
    Memory {
        /// The size of the table.
        len: usize,
        /// What its owned form would take.
        wanted: usize,
        /// What it may take.
        allowed: usize,
    },
}

impl DecodeError {
    /// The same error in bytes that start `offset` before those that were decoded.
    #[must_use]
    pub(crate) fn offset(mut self, offset: usize) -> Self {
        match &mut self {
            Self::Truncated { at, .. }
            | Self::Trailing { at, .. }
            | Self::Utf8 { at }
            | Self::UnknownFieldType { at, .. }
            | Self::Nesting { at, .. } => *at += offset,
            Self::UnknownMethod { .. } | Self::PropertyFlags { .. } | Self::Memory { .. } => {}
        }
        self
    }
}

/// Why a value cannot be written: a mistake of the caller's, which trying again does not mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A value is longer than its length field can say.
    #[error("a value of {len} bytes in a field of at most {max}")]
    TooLong {
        /// How long it is.
        len: usize,
        /// How long it may be.
        max: usize,
    },
    /// Tables and arrays are nested more deeply than a receiver of ours would read.
    #[error("tables and arrays are nested more than {max} deep")]
    Nesting {
        /// How deep they may be.
        max: usize,
    },
}
