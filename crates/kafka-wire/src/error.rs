//! Why bytes are not the message that they should be.

/// Why a message cannot be read. Every variant says where: `at` counts bytes from the start of the
/// frame, after its length prefix.
///
/// All of them are the sender's fault, and none goes away by trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The frame ends before the value does.
    #[error("byte {at}: {needed} bytes are declared or needed, {remaining} remain")]
    Truncated {
        /// Where the value starts.
        at: usize,
        /// How many bytes it takes.
        needed: usize,
        /// How many there are.
        remaining: usize,
    },
    /// A length is negative and does not mean null.
    #[error("byte {at}: a length of {declared}")]
    Length {
        /// Where the length stands.
        at: usize,
        /// What it says.
        declared: i32,
    },
    /// An array declares more elements than the remaining bytes can hold.
    #[error("byte {at}: an array of {declared} elements in {remaining} bytes")]
    Count {
        /// Where the elements start.
        at: usize,
        /// How many are declared.
        declared: usize,
        /// How many bytes there are.
        remaining: usize,
    },
    /// A null stands where this version of the message allows none.
    #[error("byte {at}: null in a field that must have a value")]
    Null {
        /// Where the field starts.
        at: usize,
    },
    /// A string is not UTF-8.
    #[error("byte {at}: a string that is not UTF-8")]
    Utf8 {
        /// Where the text starts.
        at: usize,
    },
    /// A variable-length number does not fit 32 bits.
    #[error("byte {at}: a variable-length number of more than 32 bits")]
    Varint {
        /// Where the number starts.
        at: usize,
    },
    /// The decoded form would take more memory than a frame of this size is allowed.
    #[error("byte {at}: the elements take {wanted} bytes of memory where {left} are allowed")]
    Memory {
        /// Where the elements start.
        at: usize,
        /// How much they take.
        wanted: usize,
        /// What is left of the frame's budget.
        left: usize,
    },
    /// A tagged field's value is shorter than its declared size.
    #[error("byte {at}: a tagged field with {unread} bytes left over")]
    Tag {
        /// Where the value ends.
        at: usize,
        /// How many bytes it did not use.
        unread: usize,
    },
    /// Bytes follow the message.
    #[error("byte {at}: {extra} bytes after the message")]
    Trailing {
        /// Where the message ends.
        at: usize,
        /// How many bytes follow.
        extra: usize,
    },
    /// The message does not exist in this version.
    #[error("{message} has no version {version}")]
    Version {
        /// The message's name.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
}

/// Why a message cannot be written: a mistake of the caller's, which trying again does not mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A value is longer than its length field can say.
    #[error("a value of {len} bytes or elements in a field of at most {max}")]
    TooLong {
        /// How long it is.
        len: usize,
        /// How long it may be.
        max: usize,
    },
    /// The message does not exist in this version.
    #[error("{message} has no version {version}")]
    Version {
        /// The message's name.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
}
