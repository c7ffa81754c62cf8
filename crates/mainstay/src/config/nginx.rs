//! nginx's own directives as far as they are known: what is ignored safely and what is not supported yet.
//!
//! A file that holds only the inside of `http {}`, as tutorials print it, is meant to work one day,
//! so http-level names stand in the main context too.

use nginx_conf::{Body, Context, MAIN, Spec};

const EVENTS: Context = Context("events");

const PROCESSES: &str = "it tunes nginx's own processes and event loop";
const FOREGROUND: &str =
    "Mainstay is one process, stays in the foreground and runs as the user that started it";
const SENDING: &str = "it tunes nginx's own way of reading and sending";
const HASHES: &str = "it sizes nginx's own tables";
const HTTP: &str = "HTTP load balancing";
const STREAM: &str = "TCP and UDP load balancing";

/// nginx's directives.
pub(crate) static NGINX: &[Spec] = &[
    Spec::ignored("user", &[MAIN], FOREGROUND),
    Spec::ignored("daemon", &[MAIN], FOREGROUND),
    Spec::ignored("master_process", &[MAIN], FOREGROUND),
    Spec::ignored("events", &[MAIN], PROCESSES).body(Body::Block(EVENTS)),
    Spec::ignored("worker_processes", &[MAIN], PROCESSES),
    Spec::ignored("worker_cpu_affinity", &[MAIN], PROCESSES),
    Spec::ignored("worker_priority", &[MAIN], PROCESSES),
    Spec::ignored("worker_rlimit_core", &[MAIN], PROCESSES),
    Spec::ignored("worker_rlimit_nofile", &[MAIN], PROCESSES),
    Spec::ignored("worker_shutdown_timeout", &[MAIN], PROCESSES),
    Spec::ignored("timer_resolution", &[MAIN], PROCESSES),
    Spec::ignored("lock_file", &[MAIN], PROCESSES),
    Spec::ignored("thread_pool", &[MAIN], PROCESSES),
    Spec::ignored("pcre_jit", &[MAIN], PROCESSES),
    Spec::ignored("sendfile", &[MAIN], SENDING),
    Spec::ignored("sendfile_max_chunk", &[MAIN], SENDING),
    Spec::ignored("tcp_nopush", &[MAIN], SENDING),
    Spec::ignored("tcp_nodelay", &[MAIN], SENDING),
    Spec::ignored("aio", &[MAIN], SENDING),
    Spec::ignored("directio", &[MAIN], SENDING),
    Spec::ignored("output_buffers", &[MAIN], SENDING),
    Spec::ignored("postpone_output", &[MAIN], SENDING),
    Spec::ignored("types_hash_max_size", &[MAIN], HASHES),
    Spec::ignored("types_hash_bucket_size", &[MAIN], HASHES),
    Spec::ignored("server_names_hash_max_size", &[MAIN], HASHES),
    Spec::ignored("server_names_hash_bucket_size", &[MAIN], HASHES),
    Spec::ignored("variables_hash_max_size", &[MAIN], HASHES),
    Spec::ignored("variables_hash_bucket_size", &[MAIN], HASHES),
    Spec::ignored("map_hash_max_size", &[MAIN], HASHES),
    Spec::ignored("map_hash_bucket_size", &[MAIN], HASHES),
    Spec::ignored("worker_connections", &[EVENTS], PROCESSES),
    Spec::ignored("worker_aio_requests", &[EVENTS], PROCESSES),
    Spec::ignored("use", &[EVENTS], PROCESSES),
    Spec::ignored("multi_accept", &[EVENTS], PROCESSES),
    Spec::ignored("accept_mutex", &[EVENTS], PROCESSES),
    Spec::ignored("accept_mutex_delay", &[EVENTS], PROCESSES),
    Spec::ignored("debug_connection", &[EVENTS], PROCESSES),
    Spec::not_yet("http", &[MAIN], HTTP),
    Spec::not_yet("upstream", &[MAIN], HTTP),
    Spec::not_yet("server", &[MAIN], HTTP),
    Spec::not_yet("map", &[MAIN], HTTP),
    Spec::not_yet("geo", &[MAIN], HTTP),
    Spec::not_yet("split_clients", &[MAIN], HTTP),
    Spec::not_yet("match", &[MAIN], HTTP),
    Spec::not_yet("types", &[MAIN], HTTP),
    Spec::not_yet("default_type", &[MAIN], HTTP),
    Spec::not_yet("log_format", &[MAIN], HTTP),
    Spec::not_yet("access_log", &[MAIN], HTTP),
    Spec::not_yet("keepalive_timeout", &[MAIN], HTTP),
    Spec::not_yet("client_max_body_size", &[MAIN], HTTP),
    Spec::not_yet("gzip", &[MAIN], HTTP),
    Spec::not_yet("limit_req_zone", &[MAIN], HTTP),
    Spec::not_yet("limit_conn_zone", &[MAIN], HTTP),
    Spec::not_yet("proxy_cache_path", &[MAIN], HTTP),
    Spec::not_yet("resolver", &[MAIN], HTTP),
    Spec::not_yet("stream", &[MAIN], STREAM),
    Spec::not_yet("mail", &[MAIN], "mail proxying"),
    Spec::not_yet("pid", &[MAIN], "a file with the process id"),
    Spec::not_yet(
        "error_log",
        &[MAIN],
        "log files; the log goes to standard error",
    ),
    Spec::not_yet(
        "load_module",
        &[MAIN],
        "modules that are loaded at run time",
    ),
    Spec::not_yet("env", &[MAIN], "choosing environment variables"),
    Spec::not_yet(
        "working_directory",
        &[MAIN],
        "changing the working directory",
    ),
];
