//! The HTTP face: configuration, requests, and what is done with them.
//!
//! One file per nginx module: its directives (a table of rows), its part of [`Location`], and what it does.

mod config;
mod location;
mod request;
mod resolve;
mod rewrite;
mod route;
mod var;

pub(crate) use config::{Config, Draft, HttpCx, Server, ServerDraft, UpstreamDraft};
pub(crate) use location::{Handler, Location};
pub(crate) use request::Request;
pub(crate) use resolve::resolve;
pub(crate) use route::Locations;
pub(crate) use var::{Template, Var};

use crate::conf::Row;

/// The tables of all modules.
pub(crate) fn tables() -> impl Iterator<Item = &'static [Row]> {
    [resolve::ROWS, location::ROWS, rewrite::ROWS].into_iter()
}
