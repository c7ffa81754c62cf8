//! Every directive that nginx 1.31 has, so that none is called unknown: what is ignored safely, and what is not built yet.
//!
//! These tables stand behind all others: where a module of ours has a line for a directive in a context, that line holds, and
//! the one here means nothing. Names are grouped by what they are for; the reasons are user documentation.

mod http;
mod stream;

use nginx_conf::{Context, MAIN, Spec};

use super::Row;

/// Makes rows of groups: `ignored CONTEXTS, REASON: "name" "name" …;`
macro_rules! known {
    ($($support:ident $contexts:expr, $reason:expr => $($name:literal)+;)+) => {
        &[$($(Row::inert(Spec::$support($name, $contexts, $reason)),)+)+]
    };
}
use known;

/// The tables.
pub(super) const TABLES: [&[Row]; 3] = [PROCESS, http::ROWS, stream::ROWS];

const EVENTS: Context = Context("events");
const PROCESSES: &str = "it tunes nginx's own processes and event loop";
const TABLE_SIZES: &str = "it sizes nginx's own tables and pools";
const FILES: &str = "it tunes nginx's own way of reading and sending";
const LOG_LEVELS: &str = "refusals are told at the level error";
const TLS_TUNING: &str = "rustls has its own ways: records fit what is sent, sessions can be resumed for 12 hours at most, there are no finite-field groups and no stapling";
const TLS: &str = "sessions are kept without being told";

const PROCESS: &[Row] = known! {
    ignored &[EVENTS], PROCESSES =>
        "devpoll_changes" "devpoll_events" "epoll_events" "worker_aio_requests" "eventport_events"
        "iocp_threads" "post_acceptex" "acceptex_read" "kqueue_changes" "kqueue_events" "worker_connections"
        "use" "multi_accept" "accept_mutex" "accept_mutex_delay" "debug_connection";
    ignored &[MAIN], PROCESSES =>
        "daemon" "master_process" "timer_resolution" "lock_file" "debug_points" "user" "worker_priority"
        "worker_cpu_affinity" "worker_rlimit_nofile" "worker_rlimit_core" "worker_shutdown_timeout"
        "pcre_jit" "thread_pool" "ssl_object_cache_inheritable" "google_perftools_profiles";
    not_yet &[MAIN], "this part of nginx's own processes" =>
        "pid" "worker_processes" "working_directory" "env" "load_module" "error_log" "ssl_engine";
    not_yet &[MAIN], "mail proxying" =>
        "mail";
};
