//! All workers, as the rest of the process sees them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::seat::{self, Order};
use super::service::{Seat, Service};
use super::thread::{Ended, launch};
use crate::net::Listeners;

/// The workers of one process. Dropped, it stops them.
pub(crate) struct Workers<S: Service> {
    members: Vec<Member<S>>,
    /// What a worker that starts is given.
    config: Arc<S::Config>,
    listeners: Listeners,
    ends: UnboundedReceiver<Ended>,
    /// Is cloned into each thread.
    ended: UnboundedSender<Ended>,
}

struct Member<S: Service> {
    number: usize,
    orders: UnboundedSender<Order<S>>,
    live: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
    /// It was told to quit because there are fewer workers now.
    surplus: bool,
}

impl<S: Service> Workers<S> {
    /// Starts as many workers as `listeners` was bound for, and returns when all of them listen.
    ///
    /// # Errors
    ///
    /// A thread that cannot be started, a socket that cannot be listened on; the workers that run are stopped.
    pub(crate) async fn start(listeners: Listeners, config: Arc<S::Config>) -> io::Result<Self> {
        let (ended, ends) = unbounded_channel();
        let mut workers = Self {
            members: Vec::new(),
            config,
            listeners,
            ends,
            ended,
        };
        workers.grow().await?;
        Ok(workers)
    }

    /// Gives a new configuration to all workers; returns when nothing is accepted under the old one. There are then as many
    /// workers as `listeners` was bound for. Connections that are served under the old one may go on for `allowed`, where it says
    /// a time.
    ///
    /// # Errors
    ///
    /// A socket that cannot be registered or a thread that cannot be started; the configuration is in force all the same, and
    /// every other socket is listened on.
    pub(crate) async fn configure(
        &mut self,
        listeners: Listeners,
        config: Arc<S::Config>,
        allowed: Option<Duration>,
    ) -> io::Result<()> {
        self.config = config;
        self.listeners = listeners;
        let count = self.listeners.workers();
        for member in &mut self.members {
            if member.number >= count && !member.surplus {
                member.surplus = true;
                member.tell(Order::Quit(allowed));
            }
        }
        let answers: Vec<_> = self
            .members
            .iter()
            .map(|member| {
                let (done, answer) = oneshot::channel();
                member.tell(Order::Configure {
                    config: Arc::clone(&self.config),
                    listeners: self.listeners.clone(),
                    allowed,
                    done,
                });
                answer
            })
            .collect();
        let mut outcome = Ok(());
        for answer in answers {
            // A worker that is gone is reported as such.
            outcome = outcome.and(answer.await.unwrap_or(Ok(())));
        }
        outcome.and(self.grow().await)
    }

    /// Does something in every worker, soon.
    pub(crate) fn call(&self, call: impl Fn(&S) + Clone + Send + 'static) {
        for member in &self.members {
            let call = call.clone();
            member.tell(Order::Call(Box::new(move |service| call(service))));
        }
    }

    /// Lets all workers end when their connections have, at the latest after `time`. [`Self::ended`] tells when each has.
    pub(crate) fn quit(&mut self, time: Option<Duration>) {
        self.listeners = Listeners::default();
        for member in &self.members {
            member.tell(Order::Quit(time));
        }
    }

    /// Ends all workers at once, and waits until they have.
    pub(crate) fn stop(&mut self) {
        self.listeners = Listeners::default();
        for member in &self.members {
            member.tell(Order::Stop);
        }
        for member in &mut self.members {
            member.join();
        }
        self.members.clear();
    }

    /// The next worker that ended, by itself or after [`Self::quit`], but not because there were too many; `None` when none is
    /// left.
    pub(crate) async fn ended(&mut self) -> Option<Ended> {
        while !self.members.is_empty() {
            let ended = self.ends.recv().await?;
            let same = |member: &Member<S>| member.number == ended.worker && member.is_finished();
            if let Some(place) = self.members.iter().position(same) {
                let mut member = self.members.swap_remove(place);
                member.join();
                if member.surplus && ended.panic.is_none() {
                    continue;
                }
                return Some(ended);
            }
        }
        None
    }

    /// Starts workers in the places of those that ended by themselves. One that there were too many of has none.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub(crate) async fn replace(&mut self) -> io::Result<()> {
        self.grow().await
    }

    /// How many connections are being served.
    pub(crate) fn live(&self) -> usize {
        let live = |member: &Member<S>| member.live.load(Ordering::Relaxed);
        self.members.iter().map(live).sum()
    }

    async fn grow(&mut self) -> io::Result<()> {
        for number in 0..self.listeners.workers() {
            let seated = |member: &Member<S>| member.number == number && !member.surplus;
            if !self.members.iter().any(seated) {
                self.add(number).await?;
            }
        }
        Ok(())
    }

    async fn add(&mut self, number: usize) -> io::Result<()> {
        let (orders, inbox) = unbounded_channel();
        let (ready, answer) = oneshot::channel();
        let live = Arc::new(AtomicUsize::new(0));
        let seat = Seat {
            worker: number,
            live: Arc::clone(&live),
        };
        let (config, listeners) = (Arc::clone(&self.config), self.listeners.clone());
        let main = move || seat::run(seat, config, listeners, inbox, ready);
        let thread = launch(format!("worker {number}"), number, self.ended.clone(), main)?;
        self.members.push(Member {
            number,
            orders,
            live,
            thread: Some(thread),
            surplus: false,
        });
        let lost = |_| Err(io::Error::other("the worker ended while it started"));
        answer.await.unwrap_or_else(lost)
    }
}

impl<S: Service> Member<S> {
    /// A worker that is gone hears nothing; its end is reported elsewhere.
    fn tell(&self, order: Order<S>) {
        let _ = self.orders.send(order);
    }

    /// The thread has said its last word: it takes no orders any more.
    fn is_finished(&self) -> bool {
        self.orders.is_closed()
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic has been caught and reported inside.
            let _ = thread.join();
        }
    }
}

impl<S: Service> Drop for Workers<S> {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;
