//! `ssl_…` of the TCP face: TLS to clients.

use crate::conf::Row;
use crate::conf::contexts::STREAMS;
use crate::ssl::rows;

/// The table.
pub(crate) static ROWS: [Row; rows::COUNT_OF] = rows::rows!(STREAMS, StreamServer);
