//! Clients that keep asking a balancer and check every byte that they get.
//!
//! All that they ask is idempotent, so a balancer may send it again as long as nothing was answered. A client does so itself
//! in one case only, as every HTTP client does: a kept-alive connection that is closed before a byte of the answer came
//! is replaced, once.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use crate::http_client::{HttpClient, Progress};
use crate::upstream;

/// Between two requests of a client: the balancer is to be busy, and the machine not full.
const PAUSE: Duration = Duration::from_millis(2);

/// A request that takes longer has met a server that does not answer.
const SLOW: Duration = Duration::from_millis(700);

/// Failures that are kept with their words; further ones are only counted.
const WORDS_MAX: usize = 50;

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    KeepAlive,
    /// A connection for each request.
    OneEach,
    /// It takes a long answer in small pieces.
    SlowClient,
    /// It asks for what takes a while to begin.
    SlowUpstream,
    /// It sends a body with PUT.
    Upload,
}

/// What the clients saw; times count from the start of the load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) requests: u64,
    /// Kept-alive connections that the balancer closed as a request came.
    pub(crate) replaced: u64,
    pub(crate) failures: u64,
    /// When, and what happened.
    pub(crate) words: Vec<(Duration, String)>,
    /// Answers that ended early, by the server that had begun them.
    pub(crate) cut: Vec<(Duration, String)>,
    /// When requests were sent that took long, and how long.
    pub(crate) slow: Vec<(Duration, Duration)>,
    /// Answers by server.
    pub(crate) by_upstream: BTreeMap<String, u64>,
}

/// A load while it lasts.
pub(crate) struct Ask {
    address: String,
    started: Instant,
    over: AtomicBool,
    totals: Mutex<Totals>,
}

impl Ask {
    /// Runs these clients until `meanwhile` returns; gives what it returned and what the clients saw.
    pub(crate) fn during<T>(
        address: &str,
        styles: &[Style],
        meanwhile: impl FnOnce(&Ask) -> Result<T>,
    ) -> Result<(T, Totals)> {
        let ask = Ask {
            address: address.to_owned(),
            started: Instant::now(),
            over: AtomicBool::new(false),
            totals: Mutex::new(Totals::default()),
        };
        let outcome = std::thread::scope(|scope| {
            for (seed, style) in (1..).zip(styles) {
                let ask = &ask;
                scope.spawn(move || ask.keep_asking(*style, seed));
            }
            let outcome = meanwhile(&ask);
            ask.over.store(true, Ordering::Relaxed);
            outcome
        })?;
        let totals = ask.totals.into_inner();
        let totals = totals.map_err(|_| anyhow!("a client panicked"))?;
        ensure!(totals.requests > 0, "nothing was asked");
        Ok((outcome, totals))
    }

    /// How long the load has lasted.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// What was seen so far.
    pub(crate) fn so_far(&self) -> Totals {
        self.totals
            .lock()
            .map(|totals| totals.clone())
            .unwrap_or_default()
    }

    fn note(&self, note: impl FnOnce(&mut Totals)) {
        if let Ok(mut totals) = self.totals.lock() {
            note(&mut totals);
        }
    }

    fn keep_asking(&self, style: Style, seed: u32) {
        let mut dice = seed.wrapping_mul(2_654_435_761);
        let mut kept = None;
        while !self.over.load(Ordering::Relaxed) {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            self.ask(style, dice >> 8, &mut kept);
            if style == Style::OneEach {
                kept = None;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// One request, and what became of it.
    fn ask(&self, style: Style, thrown: u32, kept: &mut Option<HttpClient>) {
        let request = Request::new(style, thrown);
        let sent = self.elapsed();
        let mut reused = kept.is_some();
        while let Err((progress, what)) = self.try_once(&request, kept) {
            *kept = None;
            if reused && progress == Progress::Nothing && self.elapsed() - sent < SLOW {
                reused = false;
                self.note(|totals| totals.replaced += 1);
                continue;
            }
            let at = self.elapsed();
            self.note(|totals| match progress {
                Progress::Head(Some(upstream)) => totals.cut.push((at, upstream)),
                _ => totals.fail(at, format!("{style:?}: {what}")),
            });
            break;
        }
        let took = self.elapsed() - sent;
        self.note(|totals| {
            totals.requests += 1;
            if took > SLOW && matches!(style, Style::KeepAlive | Style::OneEach) {
                totals.slow.push((sent, took));
            }
        });
    }

    fn try_once(
        &self,
        request: &Request,
        kept: &mut Option<HttpClient>,
    ) -> Result<(), (Progress, String)> {
        let mut client = match kept.take() {
            Some(client) => client,
            None => {
                let client = HttpClient::connect(&self.address);
                let client = client.map_err(|error| (Progress::Begun, format!("{error:#}")))?;
                match request.rest {
                    Some(rest) => client.slow(rest),
                    None => client,
                }
            }
        };
        let answer = client
            .request(request.method, &request.path, request.upload)
            .map_err(|error| (client.progress().clone(), format!("{error:#}")))?;
        if answer.status != 200 {
            return Err((Progress::Begun, format!("status {}", answer.status)));
        }
        if answer.body != request.expected {
            let what = format!("{}: the body is not what was asked for", request.path);
            return Err((Progress::Begun, what));
        }
        self.note(|totals| {
            let upstream = answer.upstream.clone().unwrap_or_default();
            *totals.by_upstream.entry(upstream).or_default() += 1;
        });
        if answer.keep_alive {
            *kept = Some(client);
        }
        Ok(())
    }
}

impl Totals {
    fn fail(&mut self, at: Duration, what: String) {
        self.failures += 1;
        if self.words.len() < WORDS_MAX {
            self.words.push((at, what));
        }
    }

    /// Answers that ended early although their server was not killed just then: nobody but the balancer ended them.
    pub(crate) fn fail_unexcused(&mut self, kills: &[(Duration, String)]) {
        // A slow client notices after it has taken what came before.
        let excused = |at: Duration, upstream: &str| {
            kills.iter().any(|(killed, name)| {
                name == upstream && at >= *killed && at - *killed < Duration::from_secs(3)
            })
        };
        for (at, upstream) in std::mem::take(&mut self.cut) {
            if excused(at, &upstream) {
                self.cut.push((at, upstream));
            } else {
                self.fail(at, format!("the answer of {upstream} ended early"));
            }
        }
    }
}

struct Request {
    method: &'static str,
    path: String,
    upload: &'static [u8],
    expected: &'static [u8],
    rest: Option<Duration>,
}

impl Request {
    fn new(style: Style, thrown: u32) -> Request {
        let offset = usize::try_from(thrown % 60_000).unwrap_or(0);
        let length = match style {
            Style::SlowClient => 64 * 1024,
            _ => usize::try_from(thrown % 8000).unwrap_or(0) + 1,
        };
        let mut path = upstream::path(length, offset);
        if style == Style::SlowUpstream {
            path += "?delay=200";
        }
        let upload = match style {
            Style::Upload => upstream::body(32 * 1024, offset).unwrap_or_default(),
            _ => &[],
        };
        Request {
            method: if style == Style::Upload { "PUT" } else { "GET" },
            path,
            upload,
            expected: upstream::body(length, offset).unwrap_or_default(),
            rest: (style == Style::SlowClient).then_some(Duration::from_millis(20)),
        }
    }
}
