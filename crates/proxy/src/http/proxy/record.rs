//! What became of a request at the servers that were asked, for `$upstream_…`, messages and metrics.

use std::sync::Arc;

use base::Monotonic;
use http_wire::ResponseHead;

use super::super::Fields;
use crate::net::{Buffer, clock};

/// One server's turn.
#[derive(Debug, Clone)]
pub(crate) struct Try {
    /// Its address; the group's name where no server could be chosen.
    pub(crate) address: Arc<str>,
    /// It is the first one after an internal redirect to another group.
    pub(crate) begins_anew: bool,
    /// 0 for none.
    pub(crate) status: u16,
    started: Monotonic,
    /// Milliseconds until the connection was there.
    pub(crate) connect_ms: Option<u64>,
    /// Until the answer's head was there.
    pub(crate) header_ms: Option<u64>,
    /// Until its end.
    pub(crate) response_ms: Option<u64>,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Bytes of the answer's body.
    pub(crate) body: u64,
}

/// All turns of a request, and the last answer's head.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) tries: Vec<Try>,
    /// The head of the last answer, as places in `buf`.
    pub(crate) head: ResponseHead,
    pub(crate) buf: Buffer,
    /// What followed a chunked body.
    pub(crate) trailers: Fields,
    /// The URL that is asked for, for messages: scheme, `://`, and where the URI is in the request's head.
    pub(crate) is_tls: bool,
    pub(crate) uri: Vec<u8>,
    /// `$proxy_host`
    pub(crate) host: Vec<u8>,
    /// `$proxy_port`
    pub(crate) port: Vec<u8>,
    /// A server is being asked.
    pub(crate) is_busy: bool,
    begins_anew: bool,
}

impl Record {
    /// Forgets everything; memory stays.
    pub(crate) fn clear(&mut self) {
        if self.tries.is_empty() && self.host.is_empty() {
            return;
        }
        self.tries.clear();
        self.head.clear();
        self.buf.clear();
        self.trailers.clear();
        self.uri.clear();
        self.host.clear();
        self.port.clear();
        self.is_busy = false;
        self.begins_anew = false;
    }

    /// A request comes to a group, perhaps not the first one.
    pub(crate) fn enter(&mut self) {
        self.begins_anew = !self.tries.is_empty();
    }

    /// A server's turn begins.
    pub(crate) fn begin(&mut self, address: &Arc<str>) {
        self.head.clear();
        self.buf.clear();
        self.trailers.clear();
        self.is_busy = true;
        self.tries.push(Try {
            address: address.clone(),
            begins_anew: std::mem::take(&mut self.begins_anew),
            status: 0,
            started: clock::now(),
            connect_ms: None,
            header_ms: None,
            response_ms: None,
            sent: 0,
            received: 0,
            body: 0,
        });
    }

    /// The turn under way.
    pub(crate) fn last(&mut self) -> Option<&mut Try> {
        self.tries.last_mut()
    }
}

impl Try {
    /// Milliseconds since it began.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        clock::now().0.saturating_sub(self.started.0)
    }
}
