//! Servers of others' making behind the balancer, and what each has seen.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::server::free_port;

/// A server that does not accept by then will not.
const START_LIMIT: Duration = Duration::from_secs(10);

/// What Node runs: each request is told in the file as soon as its head is read, and answered once its body is.
const NODE: &str = "
const fs = require('fs'), [port, seen] = process.argv.slice(1);
require('http').createServer({ keepAliveTimeout: 60000 }, (request, response) => {
    const line = `${request.method} ${request.url}`;
    fs.appendFileSync(seen, line + '\\n');
    request.on('end', () => response.end(line));
    request.resume();
}).listen(Number(port), '127.0.0.1');
";

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nginx,
    Node,
}

impl Kind {
    pub(super) const ALL: [Kind; 2] = [Kind::Nginx, Kind::Node];

    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Nginx => "nginx",
            Kind::Node => "node",
        }
    }

    /// Its version; `None` where it is not installed.
    pub(super) fn version(self) -> Option<String> {
        let argument = match self {
            Kind::Nginx => "-v",
            Kind::Node => "--version",
        };
        let output = Command::new(self.word()).arg(argument).output().ok()?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let version = said.trim().rsplit(['/', 'v']).next()?;
        Some(version.to_owned())
    }
}

/// A running server; ended when dropped.
pub(super) struct Backend {
    pub(super) port: u16,
    seen: PathBuf,
    read: usize,
    child: Child,
}

impl Backend {
    pub(super) fn start(kind: Kind, folder: &Path) -> Result<Backend> {
        let port = free_port()?;
        let folder = folder.join(kind.word());
        fs::create_dir_all(&folder)?;
        let seen = folder.join("seen.log");
        fs::write(&seen, "")?;
        let mut process = Command::new(kind.word());
        match kind {
            Kind::Nginx => {
                let config = folder.join("nginx.conf");
                fs::write(&config, nginx(port, &folder))?;
                process.arg("-p").arg(&folder).arg("-c").arg(&config);
            }
            Kind::Node => {
                process.args(["-e", NODE, &port.to_string()]).arg(&seen);
            }
        }
        let log = fs::File::create(folder.join("stderr.log"))?;
        process
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = process.spawn().with_context(|| format!("{process:?}"))?;
        let mut backend = Backend {
            port,
            seen,
            read: 0,
            child,
        };
        wait(port, &mut backend.child)?;
        Ok(backend)
    }

    /// The requests that it has seen since this was asked last.
    pub(super) fn seen(&mut self) -> Result<Vec<String>> {
        let text = fs::read_to_string(&self.seen)?;
        let new = text[self.read..].lines().map(str::to_owned).collect();
        self.read = text.len();
        Ok(new)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Returns once somebody listens on the port.
pub(super) fn wait(port: u16, child: &mut Child) -> Result<()> {
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Some(status) = child.try_wait()? {
            bail!("the server on port {port} ended: {status}");
        }
        if began.elapsed() > START_LIMIT {
            bail!("nobody listens on port {port}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Ends a process and, where it is nginx, its workers.
pub(super) fn end(child: &mut Child) {
    if let Some(pid) = rustix::process::Pid::from_raw(child.id().cast_signed()) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    let _ = child.wait();
}

fn nginx(port: u16, folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; events {{}}
http {{
    log_format seen '$request_method $request_uri';
    access_log {folder}/seen.log seen;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 '$request_method $request_uri'; }} }}
}}
"
    )
}
