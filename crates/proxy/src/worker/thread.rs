//! A thread with an event loop of its own, whose end is reported whatever the reason.

use std::any::Any;
use std::io;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc::UnboundedSender;

use crate::net;

/// Threads beside each worker for what would block it: cold files, slow hashes of passwords. More would not make one disk or a
/// few processors faster, and what waits for one holds its memory meanwhile.
const BLOCKING_MAX: usize = 16;

/// A thread has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Which one.
    pub(crate) worker: usize,
    /// What it said, where it panicked.
    pub(crate) panic: Option<String>,
}

/// Starts a thread that runs what `main` makes, with the alarms and the clock of the thread running beside it.
pub(super) fn launch<F: Future<Output = ()> + 'static>(
    name: String,
    worker: usize,
    ends: UnboundedSender<Ended>,
    main: impl FnOnce() -> F + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name).spawn(move || {
        let panic = match run(main) {
            Ok(()) => None,
            Err(Failed::Loop(error)) => Some(format!("no event loop: {error}")),
            Err(Failed::Panic(payload)) => Some(text(&*payload)),
        };
        // Nobody may be listening any more.
        let _ = ends.send(Ended { worker, panic });
    })
}

enum Failed {
    Loop(io::Error),
    Panic(Box<dyn Any + Send>),
}

fn run<F: Future<Output = ()> + 'static>(main: impl FnOnce() -> F + 'static) -> Result<(), Failed> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_MAX)
        .build_local(LocalOptions::default())
        .map_err(Failed::Loop)?;
    runtime.block_on(async {
        tokio::task::spawn_local(net::tick());
        // In a task of its own, so that its panic does not unwind through everybody else's.
        let main = tokio::task::spawn_local(async { main().await });
        match main.await.map_err(tokio::task::JoinError::try_into_panic) {
            Err(Ok(payload)) => Err(Failed::Panic(payload)),
            _ => Ok(()),
        }
    })
}

fn text(payload: &(dyn Any + Send)) -> String {
    let fixed = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    fixed
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}
