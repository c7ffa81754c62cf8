//! One setup in the words of nginx and in those of HAProxy.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use rustix::process::geteuid;

use crate::command;

/// What a balancer is set up to do.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) workers: u32,
    /// Connections of clients and to upstream servers together, per worker.
    pub(crate) connections: u32,
    pub(crate) access_log: bool,
    /// A folder with `certificate.pem`, `key.pem` and both in `both.pem`.
    pub(crate) certificate: Option<PathBuf>,
    /// Address of each upstream server.
    pub(crate) upstreams: Vec<String>,
    /// Further parameters of each upstream server, in nginx's words.
    pub(crate) server_parameters: String,
    /// Further directives of the location, in nginx's words.
    pub(crate) location: String,
    /// Further directives of the group of upstream servers, in nginx's words.
    pub(crate) group: String,
}

impl Setup {
    pub(crate) fn new(workers: u32, upstreams: Vec<String>) -> Setup {
        Setup {
            workers,
            connections: 4096,
            access_log: false,
            certificate: None,
            upstreams,
            server_parameters: String::new(),
            location: String::new(),
            group: String::new(),
        }
    }

    /// The configuration that nginx and Mainstay are given.
    pub(super) fn nginx(&self, folder: &Path, port: u16, tls_port: Option<u16>) -> String {
        let folder = folder.display();
        let mut text = String::new();
        // A worker that is nobody could not enter the folder.
        if geteuid().is_root() {
            text += "user root;\n";
        }
        let log = if self.access_log {
            format!("{folder}/access.log combined")
        } else {
            "off".to_owned()
        };
        let mut listen = format!("        listen 127.0.0.1:{port} reuseport backlog=4096;\n");
        if let (Some(tls_port), Some(certificate)) = (tls_port, &self.certificate) {
            let certificate = certificate.display();
            listen += &format!(
                "        listen 127.0.0.1:{tls_port} ssl reuseport backlog=4096;\n        \
                 ssl_protocols TLSv1.2 TLSv1.3;\n        \
                 ssl_certificate {certificate}/certificate.pem;\n        \
                 ssl_certificate_key {certificate}/key.pem;\n"
            );
        }
        let mut servers = String::new();
        for address in &self.upstreams {
            servers += &format!("        server {address} {};\n", self.server_parameters);
        }
        text += &format!(
            "worker_processes {};
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
events {{
    worker_connections {};
}}
http {{
    access_log {log};
    keepalive_timeout 3600s;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    upstream backend {{
{servers}{}        keepalive 1024;
        keepalive_requests 1000000000;
    }}
    server {{
{listen}        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
{}        }}
    }}
}}
",
            self.workers,
            self.connections,
            indented(&self.group, 8),
            indented(&self.location, 12)
        );
        text
    }

    /// The same for HAProxy, as far as the benchmark goes: what is set for a group or a location has no counterpart here.
    pub(super) fn haproxy(&self, port: u16, tls_port: Option<u16>) -> String {
        let mut text = format!(
            "global
    nbthread {}
    no strict-limits
    tune.pool-low-fd-ratio 80
    tune.pool-high-fd-ratio 90
    maxconn {}
",
            self.workers,
            u64::from(self.connections) * u64::from(self.workers)
        );
        if self.access_log {
            text += "    log stdout format raw local0 info\n";
        }
        text += "defaults
    mode http
    timeout connect 60s
    timeout client 3600s
    timeout http-keep-alive 3600s
    timeout server 60s
    http-reuse always
";
        if self.access_log {
            text += "    log global\n    log-format \"%ci - - [%trl] %{+Q}r %ST %B \\\"%[capture.req.hdr(0)]\\\" \\\"%[capture.req.hdr(1)]\\\"\"\n";
        }
        let _ = write!(
            text,
            "frontend clients\n    bind 127.0.0.1:{port} shards by-thread backlog 4096\n"
        );
        if let (Some(tls_port), Some(certificate)) = (tls_port, &self.certificate) {
            text += &format!(
                "    bind 127.0.0.1:{tls_port} shards by-thread backlog 4096 ssl crt {}/both.pem ssl-min-ver TLSv1.2\n",
                certificate.display()
            );
        }
        if self.access_log {
            text += "    capture request header Referer len 256\n    capture request header User-Agent len 256\n";
        }
        text += "    default_backend servers\nbackend servers\n";
        for (number, address) in self.upstreams.iter().enumerate() {
            text += &format!("    server server{number} {address}\n");
        }
        text
    }
}

/// Each line further to the right.
fn indented(text: &str, by: usize) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| format!("{}{}\n", " ".repeat(by), line.trim()))
        .collect()
}

/// A folder with a certificate of its own making for `localhost`, on the curve that servers use by default.
pub(crate) fn certificate(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let folder = folder.canonicalize()?;
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-nodes", "-days", "30", "-newkey", "ec"]);
    openssl.args([
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-subj",
        "/CN=localhost",
    ]);
    openssl.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
    openssl
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    command::run_quietly(&mut openssl).context("openssl makes a certificate")?;
    let both = [fs::read(&certificate)?, fs::read(&key)?].concat();
    fs::write(folder.join("both.pem"), both)?;
    Ok(folder)
}
