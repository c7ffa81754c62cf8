//! A server behind the balancer: one thread per connection, which says its name and counts.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// How long the port of a server that was killed may stay taken.
const REBIND_LIMIT: Duration = Duration::from_secs(5);

/// A server that can be killed and started again.
pub(super) struct Member {
    address: &'static str,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    dead: AtomicBool,
    answered: AtomicUsize,
    delay_ms: AtomicU64,
}

impl Member {
    pub(super) fn start(address: &'static str) -> Result<Member> {
        let mut member = Member {
            address,
            shared: Arc::default(),
            thread: None,
        };
        member.revive()?;
        Ok(member)
    }

    /// How many requests it has answered since this was asked last.
    pub(super) fn take_count(&self) -> usize {
        self.shared.answered.swap(0, Ordering::Relaxed)
    }

    /// Lets every answer wait.
    pub(super) fn delay(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.shared.delay_ms.store(ms, Ordering::Relaxed);
    }

    /// Closes the port and every connection.
    pub(super) fn kill(&mut self) {
        self.shared.dead.store(true, Ordering::Relaxed);
        // Wakes the thread; where nobody listens any more it needs no waking.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    /// Listens again.
    pub(super) fn revive(&mut self) -> Result<()> {
        ensure!(self.thread.is_none(), "{} is alive", self.address);
        let began = Instant::now();
        let listener = loop {
            match TcpListener::bind(self.address) {
                Ok(listener) => break listener,
                Err(error) if began.elapsed() > REBIND_LIMIT => {
                    return Err(error).context(self.address);
                }
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        };
        self.shared.dead.store(false, Ordering::Relaxed);
        let (shared, name) = (self.shared.clone(), self.address);
        self.thread = Some(thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.dead.load(Ordering::Relaxed) {
                    return;
                }
                let shared = shared.clone();
                thread::spawn(move || {
                    // A client that goes away is none of ours.
                    let _ = serve(stream, &shared, name);
                });
            }
        }));
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

fn serve(stream: TcpStream, shared: &Shared, name: &str) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while !shared.dead.load(Ordering::Relaxed) {
        match reader.read_line(&mut line) {
            Ok(0) => return Ok(()),
            // The empty line behind the head.
            Ok(_) if line == "\r\n" => line.clear(),
            Ok(_) => {
                line.clear();
                continue;
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        let delay = shared.delay_ms.load(Ordering::Relaxed);
        thread::sleep(Duration::from_millis(delay));
        if shared.dead.load(Ordering::Relaxed) {
            return Ok(());
        }
        let length = name.len();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{name}");
        reader.get_mut().write_all(head.as_bytes())?;
        shared.answered.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
