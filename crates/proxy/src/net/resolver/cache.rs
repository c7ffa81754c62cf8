//! Answers that hold, and questions that are under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{ResolveError, Resolved};
use crate::net::clock;

/// Names that are kept. A proxy whose upstreams' names come from requests may see any number; each has some 200 bytes.
const NAMES_MAX: usize = 10_000;

type Outcome = Result<Arc<Resolved>, ResolveError>;

/// What is known, by name and kind.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<HashMap<String, Entry>>);

#[derive(Debug)]
enum Entry {
    Known(Arc<Resolved>),
    /// Somebody asks; the outcome comes here, or the channel closes where that one gave up.
    Asked(watch::Receiver<Option<Outcome>>),
}

impl Cache {
    /// What is known of `key`; where it is nothing, `ask` is asked, by one of all that want to know at the same time.
    pub(super) async fn get<F>(&self, key: &str, ask: impl Fn() -> F) -> Outcome
    where
        F: Future<Output = Result<Resolved, ResolveError>>,
    {
        loop {
            let mut outcome = match self.look(key) {
                Looked::Known(resolved) => return Ok(resolved),
                Looked::Ours(turn) => return turn.finish(ask().await),
                Looked::Asked(outcome) => outcome,
            };
            if let Ok(outcome) = outcome.wait_for(Option::is_some).await
                && let Some(outcome) = &*outcome
            {
                return outcome.clone();
            }
        }
    }

    fn look(&self, key: &str) -> Looked<'_> {
        let now = clock::refresh();
        let mut entries = self.lock();
        match entries.get(key) {
            Some(Entry::Known(known)) if known.until > now => {
                return Looked::Known(Arc::clone(known));
            }
            Some(Entry::Asked(outcome)) if outcome.has_changed().is_ok() => {
                return Looked::Asked(outcome.clone());
            }
            _ => {}
        }
        if entries.len() >= NAMES_MAX {
            let holds = |entry: &Entry| match entry {
                Entry::Known(known) => known.until > now,
                Entry::Asked(_) => true,
            };
            entries.retain(|_, entry| holds(entry));
        }
        if entries.len() >= NAMES_MAX {
            entries.retain(|_, entry| matches!(entry, Entry::Asked(_)));
        }
        let (told, outcome) = watch::channel(None);
        entries.insert(key.to_owned(), Entry::Asked(outcome));
        Looked::Ours(Turn {
            cache: self,
            key: key.to_owned(),
            told,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        // Nothing that is done under the lock leaves it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Looked<'a> {
    Known(Arc<Resolved>),
    Asked(watch::Receiver<Option<Outcome>>),
    Ours(Turn<'a>),
}

/// The right to ask. Dropped without an outcome, it passes to another who waits.
struct Turn<'a> {
    cache: &'a Cache,
    key: String,
    told: watch::Sender<Option<Outcome>>,
}

impl Turn<'_> {
    fn finish(self, outcome: Result<Resolved, ResolveError>) -> Outcome {
        let outcome = outcome.map(Arc::new);
        let mut entries = self.cache.lock();
        match &outcome {
            Ok(resolved) => {
                entries.insert(self.key.clone(), Entry::Known(Arc::clone(resolved)));
            }
            Err(_) => {
                entries.remove(&self.key);
            }
        }
        drop(entries);
        self.told.send_replace(Some(outcome.clone()));
        outcome
    }
}
