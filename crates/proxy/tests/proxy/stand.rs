//! A proxy that runs in this process, on ports that the system chooses.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nginx_conf::{Finding, Tables};
use proxy::{Config, Nowhere, Origin, Proxy, UpstreamSnapshot};
use tokio::runtime::Runtime;

/// Longer than anything here takes, and short enough that a test that hangs ends.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The proxy, its folder for certificates and logs, and the event loop of whoever controls it.
pub(crate) struct Stand {
    proxy: Option<Proxy>,
    runtime: Runtime,
    folder: PathBuf,
}

impl Stand {
    /// An empty folder. `name` is the test's own.
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("proxy-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self {
            proxy: None,
            runtime,
            folder,
        }
    }

    /// Writes a file that the configuration names.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).unwrap();
    }

    /// Where a file of that name is.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// What a file holds.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    /// The lines of a log, once so many are there: they are written soon after the answer, not before it.
    pub(crate) fn lines(&self, name: &str, count: usize) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let text = self.read(name);
            if text.lines().count() >= count || Instant::now() > until {
                return text.lines().map(str::to_owned).collect();
            }
            std::thread::yield_now();
        }
    }

    /// What the configuration means, or what is wrong with it.
    pub(crate) fn resolve(&self, text: &str) -> Result<Config, Vec<String>> {
        let tables = Tables::of(proxy::specs());
        let parsed = nginx_conf::parse(text.as_bytes(), "test.conf");
        let mut findings = parsed.findings;
        findings.extend(nginx_conf::check(&tables, &parsed.directives));
        let origin = Origin {
            prefix: self.folder.clone(),
            conf_dir: self.folder.clone(),
            logs: false,
            topics: None,
        };
        let config = proxy::resolve(&parsed.directives, &origin, &mut findings);
        let refuses = |finding: &&Finding| finding.verdict.refuses();
        let wrong: Vec<_> = findings.iter().filter(refuses).collect();
        if wrong.is_empty() {
            return Ok(config);
        }
        Err(wrong
            .iter()
            .map(|finding| finding.message.clone())
            .collect())
    }

    /// Runs on a configuration, or takes a new one.
    pub(crate) fn run(&mut self, text: &str) {
        let config = self.resolve(text).unwrap();
        match &mut self.proxy {
            None => {
                let started = Proxy::start(config, Arc::new(Nowhere));
                self.proxy = Some(self.runtime.block_on(started).unwrap());
            }
            Some(proxy) => self.runtime.block_on(proxy.reload(config)).unwrap(),
        }
    }

    /// The groups of servers and what they have counted.
    pub(crate) fn upstreams(&self) -> Vec<UpstreamSnapshot> {
        self.proxy.as_ref().unwrap().figures().upstreams()
    }

    /// How many requests were read.
    pub(crate) fn requests(&self) -> u64 {
        let figures = self.proxy.as_ref().unwrap().figures();
        figures.counters().requests.load(Ordering::Relaxed)
    }

    /// The address of that number.
    pub(crate) fn address(&self, index: usize) -> String {
        self.proxy.as_ref().unwrap().addresses()[index].clone()
    }

    /// A connection to the address of that number.
    pub(crate) fn connect(&self, index: usize) -> TcpStream {
        let client = TcpStream::connect(self.address(index)).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client
    }

    /// Sends bytes and reads until the other side closes.
    pub(crate) fn ask(&self, index: usize, bytes: &[u8]) -> String {
        converse(self.connect(index), bytes)
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        drop(self.proxy.take());
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Sends bytes over whatever carries them, and reads to the end.
pub(crate) fn converse(mut stream: impl Read + Write, bytes: &[u8]) -> String {
    stream.write_all(bytes).unwrap();
    let mut got = Vec::new();
    // A connection that breaks has said what it said.
    let _ = stream.read_to_end(&mut got);
    String::from_utf8_lossy(&got).into_owned()
}
