//! nginx's configuration language: bytes in, a checked tree with positions out.
//!
//! The crate promises nginx's own lexical rules ([`Lexer`]), a tree whose every word knows its file,
//! line and column ([`Directive`]), `include` through an injected [`Reader`] ([`load`]), and a
//! [`check`] of the whole tree against tables of directives ([`Tables`]) that lists *all* problems at
//! once. The same tables make the documentation ([`docs`]) and hold the defaults.
//!
//! It performs no I/O, does not know which directives exist (its users bring the tables), does not
//! evaluate variables, and never panics on input.

mod check;
pub mod docs;
mod finding;
pub mod fuzz;
mod glob;
mod include;
mod kind;
mod lexer;
mod parser;
mod place;
mod spec;
mod suggest;
mod tree;
pub mod value;

pub use check::check;
pub use finding::{Finding, Verdict};
pub use include::{FILES_MAX, INCLUDE_DEPTH_MAX, LEN_MAX, Reader, Tree, load};
pub use kind::{Kind, Value};
pub use lexer::{Lexer, Token, WORD_LEN_MAX};
pub use parser::{BLOCK_DEPTH_MAX, Parsed, parse};
pub use place::Place;
pub use spec::{Args, Body, Context, MAIN, Param, Presence, Spec, Support, Tables};
pub use tree::{Directive, Word};
