//! Variables of a session.

use super::Session;
use crate::script::{self, Registry, Scope, UserId};
use crate::{said, ssl};

/// A word with variables of a session.
pub(crate) type Template = script::Template<Var>;

/// Appends a variable's value; `false` where it has none.
pub(crate) type Getter = fn(&Session, &mut Vec<u8>) -> bool;

/// What `$name` means in the `stream` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Var {
    /// One of ours.
    Builtin(Builtin),
    /// `$ssl_…`: what is known of the client's TLS.
    Ssl(ssl::Variable),
    /// `$proxy_protocol_…`: what the client's PROXY header said.
    Said(said::Variable),
    /// `$0` to `$9`.
    Capture(u8),
    /// A variable of the configuration.
    User(UserId),
}

/// A variable of ours.
#[derive(Clone, Copy)]
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    pub(crate) get: Getter,
}

impl PartialEq for Builtin {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Builtin {}

impl std::fmt::Debug for Builtin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "${}", self.name)
    }
}

/// The tables of all modules that have variables.
const TABLES: &[&[Builtin]] = &[super::session::VARS, super::record::VARS];

/// A registry that knows them all.
pub(crate) fn registry() -> Registry<Var> {
    Registry::new(|name, _| builtin(name), Var::User)
}

fn builtin(name: &str) -> Option<Var> {
    if let Some(digit) = name.bytes().next().filter(u8::is_ascii_digit) {
        return Some(Var::Capture(digit - b'0'));
    }
    let mut all = TABLES.iter().copied().flatten();
    let own = all.find(|builtin| builtin.name == name);
    own.map(|builtin| Var::Builtin(*builtin))
        .or_else(|| ssl::variable(name).map(Var::Ssl))
        .or_else(|| said::variable(name).map(Var::Said))
}

impl Scope<Var> for Session {
    fn append(&self, variable: &Var, out: &mut Vec<u8>) -> bool {
        match variable {
            Var::Builtin(builtin) => (builtin.get)(self, out),
            Var::Ssl(variable) => variable.append(self.tls.as_deref(), out),
            Var::Said(variable) => variable.append(self.said.as_deref(), out),
            Var::Capture(index) => self.append_capture(*index, out),
            Var::User(id) => self.append_user(*id, out),
        }
    }
}
