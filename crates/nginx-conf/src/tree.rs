//! The syntax tree: directives with their arguments and blocks, each word with its place.

use crate::Place;

/// One word, with quotes and escapes already taken off. Variables (`$name`, `${name}`) stand in it as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What the word says.
    pub text: String,
    /// Where its first character (or its quote) stands.
    pub place: Place,
}

impl Word {
    /// A word at a place.
    #[must_use]
    pub fn new(text: impl Into<String>, place: Place) -> Self {
        Self {
            text: text.into(),
            place,
        }
    }
}

/// A directive: a name, arguments, and either `;` or a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// The first word.
    pub name: Word,
    /// The words after it.
    pub args: Vec<Word>,
    /// What stands between its braces; `None` where it ends with `;`.
    pub block: Option<Vec<Directive>>,
}

impl Directive {
    /// The text of the first argument.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.args.first().map(|word| word.text.as_str())
    }
}
