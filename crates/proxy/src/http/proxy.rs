//! `proxy_pass` and `proxy_*`: requests go to servers of a group and their answers come back.
//!
//! What a request needs is prepared when the configuration is read ([`Ready`]): the head of the server's request as a list of
//! texts and variables, the names of fields that are hidden, TLS.

mod answer;
mod body;
mod conf;
mod connect;
mod cookie;
mod exchange;
mod head;
mod names;
mod pass;
mod ready;
mod record;
mod relay;
mod rewrite;
mod rows;
mod run;
mod sender;
mod ssl;
mod target;
mod tunnel;
mod uri;
mod vars;

pub(crate) use conf::Conf;
pub(crate) use pass::Pass;
pub(crate) use ready::{settle, tls};
pub(crate) use record::Record;
pub(crate) use rows::TABLES;
pub(crate) use run::run;
pub(crate) use vars::{VARS, cookie, field, trailer};
