//! What stands outside of the blocks, and nginx's own machinery.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use nginx_conf::{Body, Context, Kind, MAIN, Param, Spec};

use super::{Apply, Row, number, word};

/// Directives outside of the blocks that the balancer, or the process around it, acts on.
#[derive(Debug, Clone, Default)]
pub struct Main {
    /// `worker_processes`: event loops; `None` for one per processor.
    pub workers: Option<NonZeroUsize>,
    /// `pid`: the file with the process id.
    pub pid: Option<PathBuf>,
}

/// More event loops than any machine has processors.
const WORKERS_MAX: usize = 1024;
const EVENTS: Context = Context("events");
const PROCESSES: &str = "it tunes nginx's own processes and event loop";

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "worker_processes",
            &[MAIN],
            &[Param::required("number", Kind::Text)],
            "How many event loops the balancer runs: a number, or `auto` for one per processor.",
        )
        .default("auto"),
        Apply::Main(|main, directive, _| {
            main.workers = match word(directive, 0)? {
                "auto" => None,
                text => {
                    let count = usize::try_from(number(text)?).ok();
                    let count = count
                        .filter(|count| *count <= WORKERS_MAX)
                        .and_then(NonZeroUsize::new);
                    Some(count.ok_or_else(|| format!("expected auto or 1 to {WORKERS_MAX}"))?)
                }
            };
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "pid",
            &[MAIN],
            &[Param::required("file", Kind::Text)],
            "The file that the process id is written to once everything is bound.",
        ),
        Apply::Main(|main, directive, cx| {
            main.pid = Some(cx.paths.at_prefix(word(directive, 0)?));
            Ok(())
        }),
    ),
    Row::inert(Spec::ignored("events", &[MAIN], PROCESSES).body(Body::Block(EVENTS))),
];
