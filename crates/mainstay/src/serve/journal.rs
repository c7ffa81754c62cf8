//! Where the process's own messages go: standard error in Mainstay's form, or the files of `error_log` in nginx's.
//!
//! The balancer writes what concerns requests to its logs itself. Each line is one write to the end of its file, so that both
//! may have the same file open.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use jiff::tz::TimeZone;
use node::settings::LogFormat;
use proxy::{ErrorLog, LogTarget, Severity};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, dynamic_filter_fn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The machine's time zone, or UTC where it has none.
static ZONE: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::try_system().unwrap_or(TimeZone::UTC));

/// The open logs; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Journal(Arc<RwLock<Vec<Open>>>);

#[derive(Debug)]
struct Open {
    log: ErrorLog,
    /// `None` for standard error.
    file: Option<File>,
}

impl Journal {
    /// Begins to write messages: to standard error until [`Self::open`] names files.
    pub(super) fn start(format: LogFormat) -> Self {
        let journal = Self::default();
        let plain = {
            let journal = journal.clone();
            dynamic_filter_fn(move |_, _| journal.is_empty())
        };
        let level = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
        let own = tracing_subscriber::fmt::layer().with_writer(io::stderr);
        let own = match format {
            LogFormat::Text => own
                .with_ansi(io::stderr().is_terminal())
                .with_target(false)
                .boxed(),
            LogFormat::Json => own.json().flatten_event(true).boxed(),
        };
        // A subscriber that is set already, by a test say, stays.
        let _ = tracing_subscriber::registry()
            .with(own.with_filter(level.and(plain)))
            .with(journal.clone())
            .try_init();
        journal
    }

    /// Writes to these logs from now on. Where one cannot be opened nothing changes.
    ///
    /// # Errors
    /// What the system says of the first that cannot be opened, with its name.
    pub(super) fn open(&self, logs: &[ErrorLog]) -> io::Result<()> {
        let opened: io::Result<Vec<Open>> = logs.iter().map(Open::new).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = opened?;
        Ok(())
    }

    /// Opens the files anew under their names.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn reopen(&self) -> io::Result<()> {
        let opened = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let logs: Vec<ErrorLog> = opened.iter().map(|open| open.log.clone()).collect();
        drop(opened);
        self.open(&logs)
    }

    /// Writes one message, whatever tracing filters.
    pub(super) fn say(&self, severity: Severity, text: &str) {
        let opened = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if !opened.iter().any(|open| open.log.level <= severity) {
            return;
        }
        let line = line(severity, text);
        for open in opened.iter().filter(|open| open.log.level <= severity) {
            // A log that cannot be written has nowhere to be complained about.
            let _ = match &open.file {
                Some(file) => (&*file).write_all(line.as_bytes()),
                None => io::stderr().lock().write_all(line.as_bytes()),
            };
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let opened = self.0.read().unwrap_or_else(PoisonError::into_inner);
        opened.is_empty()
    }
}

impl Open {
    fn new(log: &ErrorLog) -> io::Result<Self> {
        let file = match &log.target {
            LogTarget::Stderr => None,
            LogTarget::File(path) => {
                let opened = OpenOptions::new().append(true).create(true).open(path);
                let named = |error: io::Error| {
                    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
                };
                Some(opened.map_err(named)?)
            }
        };
        Ok(Self {
            log: log.clone(),
            file,
        })
    }
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let severity = match *event.metadata().level() {
            Level::ERROR => Severity::Error,
            Level::WARN => Severity::Warn,
            Level::INFO => Severity::Notice,
            Level::DEBUG => Severity::Info,
            Level::TRACE => Severity::Debug,
        };
        // What libraries tell of their inner workings is for whoever asks for it on standard error.
        if severity < Severity::Notice && !event.metadata().target().starts_with("mainstay") {
            return;
        }
        if self.is_empty() {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        self.say(severity, &format!("{}{}", text.message, text.fields));
    }
}

/// A message with its fields behind it.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, ", {name}: {value:?}"),
        };
    }
}

/// nginx's form: time, severity, process, text.
fn line(severity: Severity, text: &str) -> String {
    let instant = jiff::Timestamp::now();
    let here = ZONE.to_offset(instant).to_datetime(instant);
    let now = here.strftime("%Y/%m/%d %H:%M:%S");
    let (word, process) = (severity.word(), std::process::id());
    let mut line = format!("{now} [{word}] {process}#0: ");
    for c in text.chars() {
        match c {
            c if c.is_control() => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::{Journal, line};
    use proxy::{ErrorLog, LogTarget, Severity};

    #[test]
    fn a_line_has_nginxs_form_and_stays_one() {
        let line = line(Severity::Warn, "a\nb");
        let (time, rest) = line.split_at(19);
        let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
        assert_eq!((digits(time), time.matches('/').count()), (14, 2));
        assert_eq!(rest, format!(" [warn] {}#0: a\\nb\n", std::process::id()));
    }

    #[test]
    fn what_is_grave_enough_is_written_and_a_moved_file_is_made_anew() {
        let dir = std::env::temp_dir().join(format!("mainstay-journal-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let (path, moved) = (dir.join("error.log"), dir.join("error.log.1"));
        let journal = Journal::default();
        assert!(journal.is_empty());
        let log = ErrorLog {
            target: LogTarget::File(path.clone()),
            level: Severity::Warn,
        };
        journal.open(std::slice::from_ref(&log)).unwrap();
        journal.say(Severity::Notice, "quiet");
        journal.say(Severity::Error, "first");
        std::fs::rename(&path, &moved).unwrap();
        journal.say(Severity::Error, "second");
        journal.reopen().unwrap();
        journal.say(Severity::Warn, "third");
        let texts = [&moved, &path].map(|path| {
            let content = std::fs::read_to_string(path).unwrap();
            let last = |line: &str| line.rsplit(' ').next().unwrap().to_owned();
            content.lines().map(last).collect::<Vec<_>>()
        });
        assert_eq!(texts, [vec!["first", "second"], vec!["third"]]);
        let nowhere = ErrorLog {
            target: LogTarget::File(dir.join("no/such")),
            ..log
        };
        assert!(journal.open(&[nowhere]).is_err());
        assert!(!journal.is_empty());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
