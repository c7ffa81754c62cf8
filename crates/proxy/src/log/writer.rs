//! A worker's own buffers in front of log files.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use base::Monotonic;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::Notify;

use super::LogFile;
use crate::net::clock;

/// How long lines may wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// `buffer=`: written when so many bytes wait; `None`: as soon as the event loop has nothing else to do.
    pub(crate) buffer: Option<usize>,
    /// `flush=`: and when the first one has waited so long.
    pub(crate) flush: Option<Duration>,
    /// `gzip=`: what is written at once is compressed so much, 1 to 9.
    pub(crate) gzip: Option<u32>,
}

/// Lines without `buffer=` are written at the latest when they are so many bytes.
const UNBUFFERED_MAX: usize = 16 << 10;

/// After so many seconds without a line a buffer, and its hold on the file, are given up.
const IDLE_SECONDS: u32 = 10;

/// The buffers of one worker.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    buffers: RefCell<Vec<Buffer>>,
    wake: Rc<Notify>,
}

#[derive(Debug)]
struct Buffer {
    file: Arc<LogFile>,
    limits: Limits,
    bytes: Vec<u8>,
    due: Option<Monotonic>,
    /// Seconds since its last line.
    idle: u32,
}

impl Writer {
    /// Appends what `render` appends, which is whole lines.
    pub(crate) fn line(
        &self,
        file: &Arc<LogFile>,
        limits: Limits,
        render: impl FnOnce(&mut Vec<u8>),
    ) {
        let mut buffers = self.buffers.borrow_mut();
        let known = buffers
            .iter()
            .position(|buffer| Arc::ptr_eq(&buffer.file, file));
        let at = known.unwrap_or_else(|| {
            buffers.push(Buffer {
                file: file.clone(),
                limits,
                bytes: Vec::new(),
                due: None,
                idle: 0,
            });
            buffers.len() - 1
        });
        let buffer = &mut buffers[at];
        buffer.idle = 0;
        let was_empty = buffer.bytes.is_empty();
        let before = buffer.bytes.len();
        render(&mut buffer.bytes);
        let size_max = limits.buffer.unwrap_or(UNBUFFERED_MAX);
        let mut begins = was_empty;
        if buffer.bytes.len() > size_max {
            // The line that did not fit begins the next buffer.
            buffer.write(if before == 0 { usize::MAX } else { before });
            begins = !buffer.bytes.is_empty();
        }
        if limits.buffer.is_none() {
            if was_empty {
                self.wake.notify_one();
            }
        } else if begins && let Some(after) = limits.flush {
            buffer.due = Some(clock::now() + after);
            self.wake.notify_one();
        }
    }

    /// Writes lines without `buffer=` when the event loop comes to it, and others when they have waited for long enough; never
    /// returns. One task per worker runs it.
    pub(crate) async fn run(self: Rc<Self>) {
        loop {
            let waits = self.next().map(|due| due - clock::now());
            let pause = async {
                match waits {
                    Some(left) => tokio::time::sleep(left).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.wake.notified() => {}
                () = pause => {
                    clock::refresh();
                }
            }
            let now = clock::now();
            let is_due = |buffer: &Buffer| buffer.due.is_some_and(|due| due <= now);
            self.write(|buffer| buffer.limits.buffer.is_none() || is_due(buffer));
        }
    }

    /// When the next buffer has waited for long enough.
    fn next(&self) -> Option<Monotonic> {
        self.buffers
            .borrow()
            .iter()
            .filter_map(|buffer| buffer.due)
            .min()
    }

    /// Gives up buffers that nobody writes to any more.
    pub(crate) fn each_second(&self) {
        // Nobody tells that a file's configuration has gone; a buffer that is wanted again is made again.
        let mut buffers = self.buffers.borrow_mut();
        buffers.retain_mut(|buffer| {
            buffer.idle += 1;
            !buffer.bytes.is_empty() || buffer.idle < IDLE_SECONDS
        });
    }

    /// Writes everything: before files are reopened, and at the end.
    pub(crate) fn flush(&self) {
        self.write(|_| true);
    }

    fn write(&self, which: impl Fn(&Buffer) -> bool) {
        for buffer in self.buffers.borrow_mut().iter_mut() {
            if which(buffer) {
                buffer.write(usize::MAX);
            }
        }
    }
}

impl Buffer {
    fn write(&mut self, len: usize) {
        let len = len.min(self.bytes.len());
        if len > 0 {
            let bytes = &self.bytes[..len];
            match self.limits.gzip {
                None => self.file.write(bytes),
                Some(level) => self.file.write(&packed(bytes, level)),
            }
            self.bytes.drain(..len);
        }
        self.due = None;
    }
}

/// Lines as one member of a gzip file, which a file may have many of.
fn packed(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    // Writing to a vector does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::super::Logs;
    use super::*;

    #[test]
    fn lines_wait_as_long_as_they_may() {
        let dir = std::env::temp_dir().join(format!("proxy-writer-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let mut logs = Logs::default();
        let file = logs.file(crate::conf::LogTarget::File(dir.join("log")));
        logs.open().unwrap();
        let text = || std::fs::read_to_string(dir.join("log")).unwrap();
        let writer = Writer::default();
        let limits = Limits {
            buffer: Some(10),
            flush: None,
            gzip: None,
        };
        let line =
            |text: &str| writer.line(&file, limits, |out| out.extend_from_slice(text.as_bytes()));
        line("one\n");
        line("two\n");
        assert_eq!(text(), "");
        line("three\n");
        assert_eq!(text(), "one\ntwo\n");
        line("a line that is too long\n");
        assert_eq!(text(), "one\ntwo\nthree\n");
        drop(writer);
        assert!(text().ends_with("too long\n"));
        let limits = Limits {
            buffer: Some(100),
            flush: None,
            gzip: Some(1),
        };
        std::fs::write(dir.join("log"), "").unwrap();
        let writer = Writer::default();
        for text in [&b"one\n"[..], b"two\n"] {
            writer.line(&file, limits, |out| out.extend_from_slice(text));
            writer.flush();
        }
        let bytes = std::fs::read(dir.join("log")).unwrap();
        let mut unpacked = String::new();
        let mut reader = flate2::read::MultiGzDecoder::new(&bytes[..]);
        std::io::Read::read_to_string(&mut reader, &mut unpacked).unwrap();
        assert_eq!(unpacked, "one\ntwo\n");
        drop(writer);
        // Two workers that had lines for it do not keep a file open that nobody writes to any more.
        let workers = [Writer::default(), Writer::default()];
        for worker in &workers {
            worker.line(&file, Limits::default(), |out| out.push(b'\n'));
            worker.flush();
            (0..IDLE_SECONDS).for_each(|_| worker.each_second());
        }
        drop(logs);
        assert_eq!(Arc::strong_count(&file), 1);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
