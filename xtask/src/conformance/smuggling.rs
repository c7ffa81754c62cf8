//! Requests that two parsers may read differently, sent raw through the balancer to a real nginx and a Node server.
//!
//! No server may see the request that hides in another one, and whoever asks next must get the answer to its own question.
//! What each payload is answered is told, not judged: refusing and passing on in one reading are both safe. (A balancer that
//! takes a payload for two requests in a row, as nginx does where a chunk ends with LF alone, fails here without being deceived.)
//! A server that is not installed is left out, with a word.

mod backend;
mod payloads;

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{folder, report};
use crate::balancer::Program;
use crate::results::{self, Outcome, Provenance, Suite, Test};
use crate::server::free_port;
use backend::{Backend, Kind};
use payloads::{OPEN, PAYLOADS, Payload, SMUGGLED};

/// After so much silence nothing more comes: the servers answer within milliseconds.
const SILENCE: Duration = Duration::from_millis(250);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Requests that follow each payload, on the connections to servers that it left behind.
const NEXT: usize = 3;

#[derive(clap::Args)]
pub(super) struct Options {
    /// The program under test, an nginx to compare with for example; by default this repository's release build.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Only payloads whose name contains this; the results are printed and not written.
    #[arg(long)]
    only: Option<String>,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let program = match &options.binary {
        None => Program::mainstay()?,
        Some(path) => Program::of(&path.canonicalize()?)?,
    };
    let folder = folder().join("smuggling").join(program.word());
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let mut versions = vec![(program.word().to_owned(), program.version()?)];
    let mut tests = Vec::new();
    for kind in Kind::ALL {
        let Some(version) = kind.version() else {
            println!(
                "SKIPPED: {} is not installed, nothing was sent to it",
                kind.word()
            );
            continue;
        };
        let name = format!("{} {version}", kind.word());
        // The program under test has its name already.
        versions.push((format!("{} behind it", kind.word()), version));
        let mut backend = Backend::start(kind, &folder)?;
        for buffering in ["on", "off"] {
            let proxy = Proxy::start(&program, &folder, backend.port, buffering)?;
            control(&proxy, &mut backend)?;
            for payload in PAYLOADS {
                let chosen = |only: &String| payload.name.contains(only.as_str());
                if options.only.as_ref().is_none_or(chosen) {
                    let subject = format!("{name}, proxy_request_buffering {buffering}");
                    tests.push(test(subject, payload, &proxy, &mut backend));
                    tests.last().into_iter().for_each(report);
                }
            }
        }
    }
    let passed = tests.iter().all(|test| test.outcome == Outcome::Passed);
    println!("{} payloads were sent", tests.len());
    if options.only.is_none() && !tests.is_empty() {
        write(&program, versions, tests)?;
    }
    ensure!(passed, "a request was smuggled, or an answer went astray");
    Ok(())
}

fn test(subject: String, payload: &Payload, proxy: &Proxy, backend: &mut Backend) -> Test {
    let began = Instant::now();
    let outcome = attempt(payload, proxy, backend);
    Test {
        subject: Some(subject),
        name: payload.name.to_owned(),
        outcome: match outcome {
            Ok(_) => Outcome::Passed,
            Err(_) => Outcome::Failed,
        },
        seconds: began.elapsed().as_secs_f64(),
        detail: Some(outcome.unwrap_or_else(|error| format!("{error:#}"))),
    }
}

/// Two requests in one piece, which is nothing wrong: the second one must be seen, or nothing that follows proves anything.
fn control(proxy: &Proxy, backend: &mut Backend) -> Result<()> {
    proxy.send(format!("{OPEN}{SMUGGLED}").as_bytes())?;
    let seen = seen(backend, |seen| seen.len() >= 2)?;
    ensure!(
        seen == ["GET /payload", "GET /smuggled"],
        "the server saw {seen:?} of two requests"
    );
    Ok(())
}

/// Sends the payload and what follows it; says what became of it.
fn attempt(payload: &Payload, proxy: &Proxy, backend: &mut Backend) -> Result<String> {
    backend.seen()?;
    let answer = proxy.send(&payload.bytes())?;
    for number in 0..NEXT {
        let path = format!("/next/{number}");
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let got = proxy.send(request.as_bytes())?;
        ensure!(
            got.starts_with("HTTP/1.1 200 ") && got.contains(&format!("GET {path}")),
            "the request after it was answered {got:?}"
        );
    }
    let seen = seen(backend, |seen| next(seen) >= NEXT)?;
    let smuggled = seen.iter().find(|line| line.starts_with("GET /smuggled"));
    ensure!(smuggled.is_none(), "the server saw {seen:?}");
    ensure!(next(&seen) == NEXT, "the server saw {seen:?}");
    let passed = seen.len() - NEXT;
    let served = answer.matches("HTTP/1.1 200 ").count();
    ensure!(served <= passed, "{served} answers to {seen:?}");
    let status = match answer.strip_prefix("HTTP/1.1 ") {
        Some(rest) => rest.split(' ').next().unwrap_or_default(),
        None if answer.is_empty() => "no answer",
        None => "an answer without a head",
    };
    Ok(match passed {
        0 => format!("{status}, the server saw nothing"),
        _ => format!("{status}, the server saw {}", seen[..passed].join(" and ")),
    })
}

/// How many of these follow a payload.
fn next(seen: &[String]) -> usize {
    seen.iter()
        .filter(|line| line.starts_with("GET /next/"))
        .count()
}

/// What a server has seen, once that is enough: nginx tells of a request after it has answered it.
fn seen(backend: &mut Backend, enough: impl Fn(&[String]) -> bool) -> Result<Vec<String>> {
    let began = Instant::now();
    let mut seen = backend.seen()?;
    while !enough(&seen) && began.elapsed() < ANSWER_LIMIT {
        std::thread::sleep(Duration::from_millis(5));
        seen.extend(backend.seen()?);
    }
    Ok(seen)
}

/// The balancer in front of one server; ended when dropped.
struct Proxy {
    port: u16,
    child: Child,
}

impl Proxy {
    fn start(program: &Program, folder: &Path, server: u16, buffering: &str) -> Result<Proxy> {
        let port = free_port()?;
        let at = folder.display();
        let text = format!(
            "daemon off; worker_processes 1; pid {at}/pid; error_log {at}/error.log info; events {{}}
http {{
    access_log off; client_body_temp_path {at}/body; proxy_temp_path {at}/proxy;
    fastcgi_temp_path {at}/fastcgi; uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
    upstream servers {{ server 127.0.0.1:{server}; keepalive 4; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://servers; proxy_request_buffering {buffering};
            proxy_http_version 1.1; proxy_set_header Connection '';
        }}
    }}
}}
"
        );
        let config = folder.join("proxy.conf");
        fs::write(&config, text)?;
        let log = fs::File::create(folder.join("stderr.log"))?;
        let mut process = Command::new(program.binary());
        process.arg("-p").arg(folder).arg("-c").arg(&config);
        process
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let mut child = process.spawn().with_context(|| format!("{process:?}"))?;
        backend::wait(port, &mut child)?;
        Ok(Proxy { port, child })
    }

    /// Sends bytes on a connection of their own, and reads until it is closed or nothing more comes.
    fn send(&self, bytes: &[u8]) -> Result<String> {
        let mut client = TcpStream::connect(("127.0.0.1", self.port))?;
        client.set_read_timeout(Some(SILENCE))?;
        // It may be refused before all is sent.
        let _ = client.write_all(bytes);
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        let began = Instant::now();
        while began.elapsed() < ANSWER_LIMIT {
            match client.read(&mut piece) {
                Ok(0) => break,
                Ok(len) => answer.extend_from_slice(&piece[..len]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => return Err(error).context("the answer"),
            }
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        backend::end(&mut self.child);
    }
}

fn write(program: &Program, versions: Vec<(String, String)>, tests: Vec<Test>) -> Result<()> {
    let server = program.word().to_owned();
    let name = match program {
        Program::Mainstay(_) => "conformance-smuggling".to_owned(),
        other => format!("conformance-smuggling-{}", other.word()),
    };
    let suite = Suite {
        suite: "smuggling".to_owned(),
        server,
        provenance: Provenance::now("conformance smuggling", versions)?,
        tests,
    };
    results::write(&name, &suite)
}
