//! The HTTP face: configuration, requests, and what is done with them.
//!
//! One file per nginx module: its directives (a table of rows), its part of [`Location`], and what it does.

mod access;
mod access_log;
mod auth_basic;
mod auth_request;
mod autoindex;
mod body;
mod client;
mod computed;
mod conditions;
mod config;
mod connection;
mod core;
mod error_page;
mod fields;
mod files;
mod finalize;
mod greet;
mod gzip;
mod headers;
mod health;
mod keep_alive;
mod limit_conn;
mod limit_req;
mod listen;
mod location;
mod lookup;
mod mirror;
mod phases;
mod proxy;
mod read_head;
mod realip;
mod request;
mod resolve;
mod resolver;
mod response;
mod rewrite;
mod route;
mod serve;
mod ssl;
mod stub_status;
mod subrequest;
mod upstream;
mod var;
mod worker;

pub(crate) use client::{Abort, Client, Flow};
pub(crate) use config::{Config, Draft, HttpCx, Server, ServerDraft, UpstreamDraft};
pub(crate) use connection::Connection;
pub(crate) use fields::Fields;
pub(crate) use location::{Handler, Location};
pub(crate) use request::Request;
pub(crate) use resolve::resolve;
pub(crate) use response::Response;
pub(crate) use route::Locations;
pub(crate) use serve::serve;
pub(crate) use var::{Template, Var};
pub(crate) use worker::Worker;

use crate::conf::Row;

/// The tables of all modules that a request really meets.
pub(crate) fn tables() -> impl Iterator<Item = &'static [Row]> {
    [
        resolve::ROWS,
        location::ROWS,
        core::rows::head::ROWS,
        core::rows::body::ROWS,
        core::rows::connection::ROWS,
        core::rows::response::ROWS,
        core::rows::ignored::ROWS,
        listen::ROWS,
        error_page::ROWS,
        files::ROWS,
        access_log::ROWS,
        rewrite::ROWS,
        headers::ROWS,
        access::ROWS,
        realip::ROWS,
        limit_conn::ROWS,
        limit_req::ROWS,
        stub_status::ROWS,
        auth_basic::ROWS,
        auth_request::ROWS,
        mirror::ROWS,
        gzip::ROWS,
        autoindex::ROWS,
        computed::ROWS,
        &ssl::ROWS,
        upstream::ROWS,
        health::ROWS,
        resolver::ROWS,
    ]
    .into_iter()
    .chain(proxy::TABLES)
}
