//! The real nginx: configured, started, asked, stopped.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::Request;
use super::case::Case;
use super::peers::{Peers, folder};
use super::predict::FAIL_TIMEOUT;

/// How long nginx may take to start, and to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// One `upstream` and one `location` for each case.
pub(crate) fn configuration(cases: &[Case], peers: &Peers) -> String {
    let mut upstreams = String::new();
    let mut locations = String::new();
    for (index, case) in cases.iter().enumerate() {
        let mut servers = String::new();
        for line in case.servers.split(';') {
            let line = line.trim();
            let (letter, rest) = line.split_once(' ').unwrap_or((line, ""));
            let (name, _) = peers.server(letter);
            let seconds = FAIL_TIMEOUT.as_secs();
            let _ = writeln!(servers, "server {name} {rest} fail_timeout={seconds};");
        }
        let directive = case.directive;
        let _ = writeln!(upstreams, "upstream c{index} {{\n{directive}\n{servers}}}");
        let _ = writeln!(
            locations,
            "location /{index}/ {{ proxy_pass http://c{index}; }}"
        );
    }
    format!(
        "{upstreams}
server {{
    listen 127.0.0.1:PORT;
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;
    add_header X-Tried $upstream_addr always;
{locations}}}"
    )
}

pub(crate) struct Nginx {
    child: Child,
    connection: BufReader<TcpStream>,
    pub(crate) version: String,
}

impl Nginx {
    pub(crate) fn start(binary: &Path, configuration: &str) -> Result<Self> {
        let about = Command::new(binary)
            .arg("-v")
            .output()
            .with_context(|| format!("{} does not start", binary.display()))?;
        let about = String::from_utf8_lossy(&about.stderr).into_owned();
        let version = about.rsplit('/').next().unwrap_or_default().trim();
        let folder = folder()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let http = configuration.replace("PORT", &port.to_string());
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("{name}_temp_path temp_{name};\n"))
            .collect();
        let text = format!(
            "daemon off;\nmaster_process off;\nworker_processes 1;\npid nginx.pid;\n\
             error_log error.log;\nevents {{}}\nhttp {{\naccess_log off;\n\
             keepalive_requests 100000000;\n{temporary}{http}\n}}\n"
        );
        fs::write(folder.join("nginx.conf"), text)?;
        let mut child = Command::new(binary)
            .arg("-p")
            .arg(&folder)
            .args(["-c", "nginx.conf", "-e", "error.log"])
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("{} does not start", binary.display()))?;
        let connection = connect(&mut child, port).inspect_err(|_| {
            let _ = child.kill();
        })?;
        connection.set_read_timeout(Some(LIMIT))?;
        connection.set_nodelay(true)?;
        Ok(Self {
            child,
            connection: BufReader::new(connection),
            version: version.to_owned(),
        })
    }

    /// Sends a request to a case; returns the peers that nginx tried.
    pub(crate) fn ask(&mut self, case: usize, request: &Request) -> Result<String> {
        let Request { key, client } = request;
        let head = format!(
            "GET /{case}/?key={key} HTTP/1.1\r\nHost: picks\r\nX-Real-IP: {client}\r\n\r\n"
        );
        self.connection.get_mut().write_all(head.as_bytes())?;
        let (mut tried, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            let read = self.connection.read_line(&mut line)?;
            ensure!(read > 0, "nginx closed the connection");
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("X-Tried: ") {
                tried = Some(value.to_owned());
            }
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.parse()?;
            }
        }
        let mut body = vec![0; length];
        std::io::Read::read_exact(&mut self.connection, &mut body)?;
        tried.context("an answer without X-Tried")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn connect(child: &mut Child, port: u16) -> Result<TcpStream> {
    let started = Instant::now();
    loop {
        if let Ok(connection) = TcpStream::connect(("127.0.0.1", port)) {
            return Ok(connection);
        }
        if let Some(status) = child.try_wait()? {
            bail!("nginx ended: {status}");
        }
        ensure!(
            started.elapsed() < LIMIT,
            "nginx does not accept connections"
        );
        thread::sleep(Duration::from_millis(10));
    }
}
