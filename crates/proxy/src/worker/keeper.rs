//! The thread for work that belongs to no worker: health checks, name resolution, whatever must be done once per process.

use std::io;
use std::pin::Pin;
use std::thread::JoinHandle;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::thread::{Ended, launch};

/// The number under which the keeper's end is reported.
const NUMBER: usize = usize::MAX;

type Work = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// The keeper. Dropped, its thread ends with all its jobs.
pub(crate) struct Keeper {
    inbox: Option<UnboundedSender<Task>>,
    ends: UnboundedReceiver<Ended>,
    thread: Option<JoinHandle<()>>,
}

/// A job of the keeper, which is cancelled when this is dropped.
#[derive(Debug)]
pub(crate) struct Job(
    #[expect(dead_code, reason = "its being dropped is the message")] oneshot::Sender<()>,
);

struct Task {
    work: Work,
    cancelled: oneshot::Receiver<()>,
}

impl Keeper {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) fn start() -> io::Result<Self> {
        let (inbox, tasks) = unbounded_channel();
        let (ended, ends) = unbounded_channel();
        let thread = launch("keeper".to_owned(), NUMBER, ended, move || keep(tasks))?;
        Ok(Self {
            inbox: Some(inbox),
            ends,
            thread: Some(thread),
        })
    }

    /// Runs what `work` makes on the keeper's thread until it is done or the job is dropped. Alarms, the clock and
    /// `tokio::task::spawn_local` work there. A panic ends the job only.
    pub(crate) fn run<F: Future<Output = ()> + 'static>(
        &self,
        work: impl FnOnce() -> F + Send + 'static,
    ) -> Job {
        let (job, cancelled) = oneshot::channel();
        let work: Work = Box::new(move || Box::pin(work()));
        if let Some(inbox) = &self.inbox {
            // Where the thread is gone, `ended` has it.
            let _ = inbox.send(Task { work, cancelled });
        }
        Job(job)
    }

    /// Completes when the thread has ended by itself, which it does only where it panics.
    pub(crate) async fn ended(&mut self) -> Ended {
        let lost = Ended {
            worker: NUMBER,
            panic: Some("the keeper ended".to_owned()),
        };
        self.ends.recv().await.unwrap_or(lost)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.inbox = None;
        if let Some(thread) = self.thread.take() {
            // A panic has been caught and reported inside.
            let _ = thread.join();
        }
    }
}

async fn keep(mut tasks: UnboundedReceiver<Task>) {
    while let Some(Task { work, cancelled }) = tasks.recv().await {
        tokio::task::spawn_local(async move {
            let work = async { work().await };
            tokio::select! {
                () = work => {}
                _ = cancelled => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Alarm;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn jobs_run_until_they_are_dropped() {
        let keeper = Keeper::start().unwrap();
        let (said, heard) = channel();
        let wait = Duration::from_secs(5);
        let panics = keeper.run(|| async { panic!("only this job ends") });
        let reports = said.clone();
        let job = keeper.run(move || async move {
            let alarm = Alarm::new();
            let pause = std::future::pending::<()>();
            let passed = alarm.within(Duration::from_millis(1), pause).await;
            reports.send(passed.is_err()).unwrap();
            std::future::pending::<()>().await;
        });
        assert!(heard.recv_timeout(wait).unwrap());
        drop(said);
        assert!(heard.recv_timeout(Duration::from_millis(50)).is_err());
        drop(job);
        // The job has gone with what it held.
        assert_eq!(
            heard.recv_timeout(wait),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected)
        );
        drop((panics, keeper));
    }
}
