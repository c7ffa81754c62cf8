//! nginx's own directives that are not the balancer's: what is ignored safely and what is not supported yet.

use nginx_conf::{Context, MAIN, Spec};

const EVENTS: Context = Context("events");

const PROCESSES: &str = "it tunes nginx's own processes and event loop";
const SENDING: &str = "it tunes nginx's own way of reading and sending";
const HASHES: &str = "it sizes nginx's own tables";
const STREAM: &str = "TCP and UDP load balancing";

/// nginx's directives.
pub(crate) static NGINX: &[Spec] = &[
    Spec::ignored("worker_cpu_affinity", &[MAIN], PROCESSES),
    Spec::ignored("worker_priority", &[MAIN], PROCESSES),
    Spec::ignored("worker_rlimit_core", &[MAIN], PROCESSES),
    Spec::ignored("worker_rlimit_nofile", &[MAIN], PROCESSES),
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
    Spec::not_yet("stream", &[MAIN], STREAM),
    Spec::not_yet("mail", &[MAIN], "mail proxying"),
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
