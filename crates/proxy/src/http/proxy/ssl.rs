//! `proxy_ssl_*`: TLS to the servers.

use super::super::Var;
use crate::ssl::Outward;

pub(crate) use crate::ssl::Tls;

/// What is written.
pub(crate) type Ssl = Outward<Var>;
