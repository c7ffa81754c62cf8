//! A life in which the process is a broker: queues, their hosts and the catalog over the log.

use super::Life;
use crate::broker::{self, Broker, Habits, SimEntropy};
use crate::executor::Step;
use crate::rng::Rng;
use crate::violation::{Violation, ensure};
use amqp::queues::{Ground, Opened as OpenedQueues, Queues};
use base::{Clock, Epoch, Incarnation, ShardId};
use cluster::{Catalog, Identity, Loaded};
use commitlog::{Closed, Opened, UpkeepError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// Bytes of messages in memory only. No run comes near it.
const TRANSIENT_BYTES_MAX: usize = 64 << 20;

impl Life<'_> {
    /// Lives as a broker over a log that was opened.
    pub(super) fn live_as_broker(&mut self, opened: Opened) -> Result<(), Violation> {
        for task in opened.tasks {
            self.executor.spawn("log", task);
        }
        let identity = Identity {
            cluster_id: "simulated".to_owned(),
            shards: self.world.shards,
            epoch: Epoch(self.world.epoch),
            incarnation: Incarnation::new(1, u128::from(self.rng.next())),
        };
        let (log, clock) = (opened.log.clone(), Arc::new(self.clock.clone()));
        let entropy = Arc::new(SimEntropy(Mutex::new(self.rng.fork())));
        let cells = opened.cells.get(&ShardId(0)).cloned().unwrap_or_default();
        let loaded = self.finish("catalog", async move {
            Catalog::load(identity, &cells, log, clock, entropy).await
        })?;
        let loaded: Option<Result<Loaded, Closed>> = loaded;
        let Some(loaded) = loaded else {
            return Ok(());
        };
        let Loaded { catalog, task } =
            loaded.map_err(|error| Violation::new("recovery", error.to_string()))?;
        self.executor.spawn("catalog", task);
        let topology = catalog.topology();
        let found: BTreeMap<_, _> = topology
            .queues()
            .map(|queue| (queue.id, queue.name.to_string()))
            .collect();
        self.world
            .books
            .lock()
            .next_life(self.world.epoch, &found)?;
        let catalog = Arc::new(catalog);
        let OpenedQueues { queues, tasks } = Queues::open(Ground {
            log: opened.log.clone(),
            cells: &opened.cells,
            catalog: catalog.clone(),
            topics: Arc::new(broker::NoTopics),
            clock: Arc::new(self.clock.clone()),
            transient_bytes_max: TRANSIENT_BYTES_MAX,
        });
        for task in tasks {
            self.executor.spawn("host", task);
        }
        let (stopper, stop) = watch::channel(false);
        let broker = Broker {
            log: opened.log,
            catalog,
            queues,
            clock: self.clock.clone(),
            books: self.world.books.clone(),
            trace: self.world.trace.clone(),
            stop,
        };
        self.serve_sessions(broker, &stopper)
    }

    fn serve_sessions(
        &mut self,
        broker: Broker,
        stopper: &watch::Sender<bool>,
    ) -> Result<(), Violation> {
        if !self.plan.busy {
            let checked = self.finish("check", broker::check_empty(broker.clone()))?;
            return match checked {
                Some(checked) => checked.and_then(|()| self.stop_broker(broker)),
                None => Ok(()),
            };
        }
        let preparing = broker.clone();
        match self.finish("prepare", async move { preparing.prepare().await })? {
            Some(Ok(true)) => {}
            Some(Err(violation)) => return Err(violation),
            _ => return Ok(()),
        }
        self.start_sessions(&broker);
        if !self.watch_sessions(&broker, stopper)? {
            return Ok(());
        }
        if self.plan.steps.is_none() {
            match self.finish("drain", broker::drain(broker.clone()))? {
                Some(drained) => drained?,
                None => return Ok(()),
            }
        }
        self.stop_broker(broker)
    }

    fn start_sessions(&mut self, broker: &Broker) {
        let unusual = self.rng.one_in(8);
        for client in 0..self.rng.between(2, 4) {
            let habits = Habits {
                client,
                acts: self.rng.between(5, 150),
                mute: false,
                heavy: false,
            };
            let rng = self.rng.fork();
            self.client("session", broker::use_queues(broker.clone(), rng, habits));
        }
        for (client, mute) in [(10, true), (11, false)] {
            let habits = Habits {
                client,
                acts: if unusual { 60 } else { 0 },
                mute,
                heavy: !mute,
            };
            let rng = self.rng.fork();
            self.client("session", broker::use_queues(broker.clone(), rng, habits));
        }
        let (rng, rounds) = (self.rng.fork(), self.rng.below(30));
        self.client("upkeep", look_after(broker.clone(), rng, rounds));
    }

    /// Lets the sessions work; false where the process has ended.
    fn watch_sessions(
        &mut self,
        broker: &Broker,
        stopper: &watch::Sender<bool>,
    ) -> Result<bool, Violation> {
        let start = self.steps;
        loop {
            let step = self.steps - start;
            self.inject(step);
            if self.world.disk.has_stopped() {
                self.world.model.lock().counts.crashes_in_change += 1;
                return Ok(false);
            }
            let failed = broker.log.failure().borrow().is_some();
            ensure(!failed || self.is_failing(), "failure", || {
                "the WAL failed by itself".to_owned()
            })?;
            let working = self.executor.running();
            let working = working
                .iter()
                .any(|name| matches!(*name, "session" | "upkeep"));
            if !working {
                self.heal_space();
                return Ok(!failed);
            }
            if self.plan.steps.is_some_and(|steps| step >= steps) {
                match self.plan.stops_after.take() {
                    _ if self.plan.close => {
                        self.heal_space();
                        stopper.send_replace(true);
                        self.plan.steps = Some(u64::MAX);
                    }
                    Some(changes) => {
                        self.plan.steps = Some(step + 500);
                        self.set_faults(|faults| faults.stops_after = Some(changes));
                    }
                    None => return Ok(false),
                }
            }
            if self.step()? == Step::Idle && !self.heal_space() {
                let running = self.executor.running();
                let detail =
                    format!("nothing moves, failed: {failed}, and these wait: {running:?}");
                return Err(Violation::new("answer", detail));
            }
        }
    }

    /// Ends the hosts, the catalog and the log, in this order.
    fn stop_broker(&mut self, broker: Broker) -> Result<(), Violation> {
        let failing = self.is_failing();
        let Broker {
            log,
            queues,
            catalog,
            ..
        } = broker;
        drop(queues);
        self.run_out("host")?;
        drop(catalog);
        self.run_out("catalog")?;
        if self.world.disk.has_stopped() {
            return Ok(());
        }
        let closed = self.finish("close", async move { log.close().await })?;
        match closed {
            Some(Err(error)) if !failing => {
                return Err(Violation::new("close", error.to_string()));
            }
            None => return Ok(()),
            _ => {}
        }
        while self.step()? == Step::Ran {}
        let running = self.executor.running();
        ensure(
            running.is_empty() || self.world.disk.has_stopped(),
            "close",
            || format!("the log was dropped and these go on: {running:?}"),
        )
    }

    /// Waits until the tasks of this name have ended.
    fn run_out(&mut self, name: &'static str) -> Result<(), Violation> {
        while self.executor.running().contains(&name) && !self.world.disk.has_stopped() {
            let step = self.step()?;
            ensure(step == Step::Ran, "close", || {
                format!("{name} never ends: {:?}", self.executor.running())
            })?;
        }
        Ok(())
    }
}

/// Checkpoints and retention at any time.
async fn look_after(broker: Broker, mut rng: Rng, rounds: u64) -> Result<(), Violation> {
    for _ in 0..rounds {
        if broker.stopping() {
            break;
        }
        let ms = rng.between(1, 40);
        broker.clock.sleep_ms(ms).await;
        let done = if rng.one_in(3) {
            broker.log.retain(broker.clock.wall()).await
        } else {
            broker.log.look_after().await
        };
        if matches!(done, Err(UpkeepError::Closed(_))) {
            break;
        }
    }
    Ok(())
}
