//! What operators see and do over HTTP: health and metrics, computed from read-only snapshots, and the
//! part of RabbitMQ's management API that commands and definitions need.
//!
//! It turns a request into an answer; sockets and HTTP are the node's.

mod answer;
mod api;
mod exposition;
mod hosts;
mod request;

pub use answer::Answer;
pub use api::{Api, BODY_BYTES_MAX, Caller};
pub use exposition::{Exposition, Family, Kind};
pub use hosts::{Counts, Declaration, Hosts, Refusal};
pub use request::{Head, Method};

use answer::TEXT;

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
            Answer::new(200, OPENMETRICS, out.finish())
        }
        _ => {
            let text = "not found; there are /livez, /readyz, /startupz, /metrics and /api\n";
            Answer::new(404, TEXT, text.to_owned())
        }
    }
}

fn check(good: bool, phase: Phase) -> Answer {
    let word = match phase {
        Phase::Starting => "starting",
        Phase::Ready => "ready",
        Phase::Draining => "draining",
        Phase::Failed => "failed: the log takes no more writes",
    };
    Answer::new(if good { 200 } else { 503 }, TEXT, format!("{word}\n"))
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
