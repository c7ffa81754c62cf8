//! What stands outside of the blocks, and nginx's own machinery.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use nginx_conf::{Body, Context, Kind, MAIN, Param, Presence, Spec};

use super::{Apply, ErrorLog, Row, error_log, number, time, word};

/// Directives outside of the blocks that the balancer, or the process around it, acts on.
#[derive(Debug, Clone, Default)]
pub struct Main {
    /// `worker_processes`: event loops; `None` for one per processor.
    pub workers: Option<NonZeroUsize>,
    /// `pid`: the file with the process id.
    pub pid: Option<PathBuf>,
    /// `error_log` outside of the blocks; where it is empty, whoever runs the balancer decides.
    pub error_log: Vec<ErrorLog>,
    /// `worker_shutdown_timeout`: how long connections may go on after the server was told to quit; `None` for ever.
    pub worker_shutdown_timeout: Option<Duration>,
}

/// More event loops than any machine has processors.
const WORKERS_MAX: usize = 1024;
const EVENTS: Context = Context("events");
const PROCESSES: &str = "it tunes nginx's own processes and event loop";
const FOREGROUND: &str =
    "Mainstay is one process, stays in the foreground and runs as the user that started it";
const TARGET_AND_LEVEL: &[Param] = &[
    Param::required("target", Kind::Text),
    Param {
        name: "level",
        kind: Kind::Text,
        presence: Presence::Optional,
    },
];

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
    Row::new(
        Spec::new(
            "error_log",
            &[MAIN],
            TARGET_AND_LEVEL,
            "Where messages about the server's own work go, in nginx's form: a file, or `stderr`; and the slightest that are written: `debug`, `info`, `notice`, `warn`, `error` (the default), `crit`, `alert` or `emerg`. Without it they go to the file that `-e` names, else to standard error. May stand several times.",
        )
        .repeatable(),
        Apply::Main(|main, directive, cx| {
            main.error_log.push(error_log::read(directive, cx)?);
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "worker_shutdown_timeout",
            &[MAIN],
            &[Param::required("time", Kind::Text)],
            "How long connections may go on after a graceful stop (SIGQUIT) or a reload that ends them; without it until they end by themselves.",
        ),
        Apply::Main(|main, directive, _| {
            main.worker_shutdown_timeout = Some(time(word(directive, 0)?)?);
            Ok(())
        }),
    ),
    Row::inert(Spec::ignored("user", &[MAIN], FOREGROUND)),
    Row::inert(Spec::ignored("daemon", &[MAIN], FOREGROUND)),
    Row::inert(Spec::ignored("master_process", &[MAIN], FOREGROUND)),
    Row::inert(Spec::ignored("events", &[MAIN], PROCESSES).body(Body::Block(EVENTS))),
];
