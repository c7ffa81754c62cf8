//! `proxy_pass` and `proxy_*`: requests go to servers of a group and their answers come back.
//!
//! What a request needs is prepared when the configuration is read ([`Ready`]): the head of the server's request as a list of
//! texts and variables, the names of fields that are hidden, TLS.

mod conf;
mod head;
mod names;
mod pass;
mod ready;
mod rewrite;
mod rows;
mod ssl;
mod uri;

pub(crate) use conf::Conf;
pub(crate) use pass::Pass;
pub(crate) use ready::{Ready, settle};
pub(crate) use rows::TABLES;
