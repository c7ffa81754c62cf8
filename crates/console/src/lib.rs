//! What operators see over HTTP: health and metrics, computed from read-only snapshots.
//!
//! It turns a path into an answer; sockets and HTTP are the node's.

mod exposition;

pub use exposition::{Exposition, Kind};

/// Where a node is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Recovering; nothing is served yet.
    Starting,
    /// Serving.
    Ready,
    /// Finishing what was begun; nothing new is taken.
    Draining,
    /// The log takes no more writes.
    Failed,
}

/// What the console shows.
pub trait Source: Send + Sync {
    /// Where the node is in its life.
    fn phase(&self) -> Phase;

    /// Writes all metrics.
    fn metrics(&self, out: &mut Exposition);
}

/// An answer to a GET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// Media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

const TEXT: &str = "text/plain; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers a GET of `path`.
///
/// `/livez` is 200 while the process can still do its work, `/startupz` once recovery is over,
/// `/readyz` while new work is taken; otherwise 503 with the reason. `/metrics` is OpenMetrics 1.0.
#[must_use]
pub fn respond(path: &str, source: &dyn Source) -> Answer {
    let phase = source.phase();
    match path {
        "/livez" => check(phase != Phase::Failed, phase),
        "/startupz" => check(phase != Phase::Starting, phase),
        "/readyz" => check(phase == Phase::Ready, phase),
        "/metrics" => {
            let mut out = Exposition::new();
            source.metrics(&mut out);
            Answer {
                status: 200,
                content_type: OPENMETRICS,
                body: out.finish(),
            }
        }
        _ => Answer {
            status: 404,
            content_type: TEXT,
            body: "not found; there are /livez, /readyz, /startupz and /metrics\n".to_owned(),
        },
    }
}

fn check(good: bool, phase: Phase) -> Answer {
    let word = match phase {
        Phase::Starting => "starting",
        Phase::Ready => "ready",
        Phase::Draining => "draining",
        Phase::Failed => "failed: the log takes no more writes",
    };
    Answer {
        status: if good { 200 } else { 503 },
        content_type: TEXT,
        body: format!("{word}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Exposition, Kind, Phase, Source, respond};

    struct At(Phase);

    impl Source for At {
        fn phase(&self) -> Phase {
            self.0
        }

        fn metrics(&self, out: &mut Exposition) {
            out.family(
                "mainstay_wal_written_bytes",
                Kind::Counter,
                "Bytes written.",
            )
            .sample(&[], 7);
        }
    }

    #[test]
    fn health_follows_the_phase() {
        for (phase, expected) in [
            (Phase::Starting, [200, 503, 503]),
            (Phase::Ready, [200, 200, 200]),
            (Phase::Draining, [200, 200, 503]),
            (Phase::Failed, [503, 200, 503]),
        ] {
            let source = At(phase);
            assert_eq!(
                ["/livez", "/startupz", "/readyz"].map(|path| respond(path, &source).status),
                expected,
                "{phase:?}"
            );
        }
        assert_eq!(respond("/", &At(Phase::Ready)).status, 404);
    }

    #[test]
    fn metrics_are_openmetrics() {
        let answer = respond("/metrics", &At(Phase::Ready));
        assert_eq!(
            answer.body,
            "# TYPE mainstay_wal_written_bytes counter\n# UNIT mainstay_wal_written_bytes bytes\n# HELP mainstay_wal_written_bytes Bytes written.\nmainstay_wal_written_bytes_total 7\n# EOF\n"
        );
    }
}
