//! Requests over HTTP, one after the other on kept connections, and who answered them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// Clients that ask at the same time.
const CLIENTS: usize = 4;
/// What a client waits between two requests: the demonstration is no benchmark.
const PAUSE: Duration = Duration::from_millis(4);
/// Longer than any answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// The servers' answers have some ten bytes.
const BODY_LEN_MAX: u64 = 1 << 10;

/// What happened to some requests.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// How many answers had which text.
    pub(super) answers: BTreeMap<String, u64>,
    /// How many requests had no answer, or a bad one.
    pub(super) failed: u64,
    /// Why the last of them failed.
    pub(super) failure: Option<String>,
}

impl Tally {
    pub(super) fn requests(&self) -> u64 {
        self.answers.values().sum::<u64>() + self.failed
    }

    /// Who answered, and how often.
    pub(super) fn spread(&self) -> String {
        let each = self.answers.iter().map(|(who, n)| format!("{who}: {n}"));
        each.collect::<Vec<_>>().join(", ")
    }
}

/// Clients at work. Dropped, they stop.
#[derive(Debug)]
pub(super) struct Traffic {
    tally: Arc<Mutex<Tally>>,
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

impl Traffic {
    pub(super) fn start(address: SocketAddr) -> Self {
        let (tally, stop) = (Arc::<Mutex<Tally>>::default(), Arc::<AtomicBool>::default());
        let client = |_| {
            let (tally, stop) = (tally.clone(), stop.clone());
            std::thread::spawn(move || run(address, &tally, &stop))
        };
        Self {
            clients: (0..CLIENTS).map(client).collect(),
            tally,
            stop,
        }
    }

    /// What happened since it was asked last.
    pub(super) fn take(&self) -> Tally {
        std::mem::take(&mut lock(&self.tally))
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            // One that panicked has told so.
            let _ = client.join();
        }
    }
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(address: SocketAddr, tally: &Mutex<Tally>, stop: &AtomicBool) {
    let mut connection = None;
    while !stop.load(Ordering::Relaxed) {
        match ask(address, &mut connection) {
            Ok(text) => *lock(tally).answers.entry(text).or_default() += 1,
            Err(error) => {
                connection = None;
                let mut tally = lock(tally);
                tally.failed += 1;
                tally.failure = Some(format!("{error:#}"));
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// One request; the connection is kept for the next one where the server says nothing else.
pub(super) fn ask(
    address: SocketAddr,
    connection: &mut Option<BufReader<TcpStream>>,
) -> Result<String> {
    let mut reader = match connection.take() {
        Some(reader) => reader,
        None => {
            let stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(ANSWER_LIMIT))?;
            BufReader::new(stream)
        }
    };
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n");
    reader.get_mut().write_all(request.as_bytes())?;
    let mut status = String::new();
    reader.read_line(&mut status)?;
    let (mut len, mut closes) = (0, false);
    loop {
        let mut line = String::new();
        ensure!(reader.read_line(&mut line)? > 0, "the answer was cut off");
        let line = line.trim_end().to_ascii_lowercase();
        match line.split_once(':') {
            Some(("content-length", value)) => len = value.trim().parse::<u64>()?,
            Some(("connection", value)) => closes = value.trim() == "close",
            Some(_) => {}
            None => break,
        }
    }
    ensure!(status.starts_with("HTTP/1.1 200"), "{}", status.trim_end());
    let mut body = String::new();
    let read = reader.by_ref().take(len.min(BODY_LEN_MAX));
    { read }.read_to_string(&mut body).context("the body")?;
    if !closes {
        *connection = Some(reader);
    }
    Ok(body.trim_end().to_owned())
}
