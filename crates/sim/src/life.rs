//! One life: a process that opens the log, serves its clients and ends.

use crate::client::{self, Context, Excuses};
use crate::clock::SimClock;
use crate::executor::{Executor, Step};
use crate::pool::SimPool;
use crate::rng::Rng;
use crate::run::World;
use crate::violation::{Violation, ensure};
use base::{Clock, Epoch, Incarnation};
use commitlog::{FileWal, Ground, Log, OpenError, Opened, Options};
use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{LocalObjects, SimDisk, SimFaults};
use tokio::sync::watch;

/// Steps after which a life that should have come to rest is taken for stuck.
const STEPS_MAX: u64 = 500_000;
/// What the log keeps free for deletions (its own constant), bytes.
const RESERVE: u64 = 64 << 20;

/// What becomes of the disk at the end of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The next process finds everything that was written.
    Kill,
    /// The next process finds what was synced, and some of the rest.
    PowerLoss,
}

/// What is to happen in a life.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// The life ends after so many steps, or after that many changes of the disk behind them.
    steps: Option<u64>,
    /// The machine stops in the middle of a change.
    stops_after: Option<u64>,
    /// It stops while it recovers.
    stops_in_recovery: bool,
    /// The disk fails to sync from some step on.
    sync_fails: bool,
    /// The disk fills up at some step, for so many steps; `true`: up to the last byte.
    full: Option<(u64, u64, bool)>,
    /// Clients that come.
    busy: bool,
    /// The clients finish and the log is closed.
    close: bool,
    end: End,
}

impl Plan {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let steps = rng.between(20, 2500);
        let full_at = rng.below(steps);
        let full = (full_at, rng.between(20, 600), rng.one_in(2));
        Self {
            steps: Some(steps),
            stops_after: rng.one_in(2).then(|| rng.below(12)),
            stops_in_recovery: rng.one_in(8),
            sync_fails: rng.one_in(6),
            full: rng.one_in(4).then_some(full),
            busy: true,
            close: rng.one_in(6),
            end: if rng.one_in(3) {
                End::Kill
            } else {
                End::PowerLoss
            },
        }
    }

    /// A life without faults, in which every client finishes.
    pub(crate) fn peaceful() -> Self {
        Self {
            steps: None,
            stops_after: None,
            stops_in_recovery: false,
            sync_fails: false,
            full: None,
            busy: true,
            close: true,
            end: End::PowerLoss,
        }
    }

    /// A life that only looks at what is there.
    pub(crate) fn inspection() -> Self {
        Self {
            busy: false,
            ..Self::peaceful()
        }
    }
}

type Verdict = Arc<Mutex<Option<Violation>>>;

/// A running process.
pub(crate) struct Life<'a> {
    world: &'a World,
    plan: Plan,
    rng: Rng,
    clock: SimClock,
    executor: Executor,
    excuses: Arc<Excuses>,
    verdict: Verdict,
    steps: u64,
}

impl<'a> Life<'a> {
    pub(crate) fn run(world: &'a mut World, plan: Plan) -> Result<End, Violation> {
        let mut rng = world.rng.fork();
        let clock = SimClock::default();
        clock.advance(world.now.0);
        let pool = SimPool::new(clock.clone(), rng.fork());
        let executor = Executor::new(clock.clone(), pool.clone(), rng.fork(), world.trace.clone());
        world.model.lock().counts.starts += 1;
        let mut life = Life {
            world,
            plan,
            rng,
            clock: clock.clone(),
            executor,
            excuses: Arc::default(),
            verdict: Verdict::default(),
            steps: 0,
        };
        let outcome = life.live(pool);
        drop(life);
        world.now = clock.now() + Duration::from_millis(10);
        outcome.map(|()| plan.end)
    }

    fn live(&mut self, pool: SimPool) -> Result<(), Violation> {
        if self.plan.stops_in_recovery {
            self.set_faults(|faults| faults.stops_after = Some(self.rng.clone().below(25)));
        }
        let Some(opened) = self.open(pool)? else {
            return Ok(());
        };
        self.check_report(&opened)?;
        let (stopper, stop) = watch::channel(false);
        let context = Context {
            log: opened.log,
            clock: self.clock.clone(),
            model: self.world.model.clone(),
            trace: self.world.trace.clone(),
            excuses: self.excuses.clone(),
            stop,
        };
        for task in opened.tasks {
            self.executor.spawn("log", task);
        }
        for (key, pair) in &mut context.model.lock().pairs {
            let shard = base::ShardId(u16::try_from(*key).unwrap_or(0) % self.world.shards);
            pair.check(opened.cells.get(&shard))?;
        }
        if !self.inspect(&context)? || (self.plan.busy && !self.serve(&context, &stopper)?) {
            return Ok(());
        }
        self.stop(context, &stopper)
    }

    fn set_faults(&self, change: impl FnOnce(&mut SimFaults)) {
        let mut faults = self.world.disk.faults();
        change(&mut faults);
        self.world.disk.set_faults(faults);
    }

    /// Runs a future to its end. `None` where the machine stopped before.
    fn finish<T: Send + 'static>(
        &mut self,
        name: &'static str,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<Option<T>, Violation> {
        let done = Arc::new(Mutex::new(None));
        let result = done.clone();
        self.executor.spawn(
            name,
            Box::pin(async move {
                let value = future.await;
                *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
            }),
        );
        loop {
            if let Some(value) = done.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Ok(Some(value));
            }
            if self.world.disk.has_stopped() {
                return Ok(None);
            }
            if self.step()? == Step::Idle {
                let running = self.executor.running();
                return Err(Violation::new(
                    "progress",
                    format!("{name} waits for ever, with {running:?}"),
                ));
            }
        }
    }

    fn step(&mut self) -> Result<Step, Violation> {
        self.steps += 1;
        ensure(self.steps < STEPS_MAX, "progress", || {
            "a life does not come to rest".to_owned()
        })?;
        let step = self.executor.step();
        let verdict = &mut *self.verdict.lock().unwrap_or_else(PoisonError::into_inner);
        verdict.take().map_or(Ok(step), Err)
    }

    fn open(&mut self, pool: SimPool) -> Result<Option<Opened>, Violation> {
        let options = Options {
            incarnation: Incarnation::new(
                u64::try_from(self.clock.wall().0).unwrap_or(0),
                u128::from(self.rng.next()),
            ),
            epoch: Epoch(self.world.epoch),
            shards: self.world.shards,
            producer_expiration: Duration::from_secs(3600),
        };
        let disk: Arc<SimDisk> = Arc::new(self.world.disk.clone());
        let (clock, file_bytes_max) = (self.clock.clone(), self.world.file_bytes_max);
        let opened = self.finish("open", async move {
            let pool = Arc::new(pool);
            let wal = FileWal::open(
                disk.clone(),
                pool.clone(),
                options.incarnation,
                file_bytes_max,
            )?;
            let ground = Ground {
                wal: Arc::new(wal),
                objects: Arc::new(LocalObjects::open(disk, pool)?),
                clock: Arc::new(clock),
            };
            Log::open(options, ground, &|_| {}).await
        })?;
        let stopped = self.world.disk.has_stopped();
        let opened: Option<Result<Opened, OpenError>> = opened;
        match opened {
            _ if stopped => {
                self.world.model.lock().counts.crashes_in_recovery += 1;
                Ok(None)
            }
            None => Ok(None),
            Some(Ok(opened)) => {
                self.set_faults(|faults| *faults = SimFaults::default());
                Ok(Some(opened))
            }
            Some(Err(error)) => Err(Violation::new("recovery", error.to_string())),
        }
    }

    /// A crash leaves a torn tail at most, never damage.
    fn check_report(&self, opened: &Opened) -> Result<(), Violation> {
        let report = &opened.report;
        self.world.trace.note(format_args!("{report:?}"));
        ensure(report.damaged.is_empty(), "recovery", || {
            format!("a crash left damage: {report:?}")
        })?;
        self.world.model.lock().counts.torn_tails += u64::from(report.torn_bytes > 0);
        // The inspection follows a clean stop: the mark of its checkpoint is all that is left to replay.
        ensure(
            self.plan.busy || (report.frames <= 1 && report.torn_bytes == 0),
            "close",
            || format!("a clean stop left something to replay: {report:?}"),
        )
    }

    /// Compares everything with the model; false where the machine stopped meanwhile.
    fn inspect(&mut self, context: &Context) -> Result<bool, Violation> {
        let (rng, reading) = (self.rng.fork(), context.clone());
        let inspected = self.finish("inspect", async move {
            client::read_everything(&reading, rng).await
        })?;
        let damaged = context.log.figures().damaged_batches;
        ensure(damaged == 0, "K1", || format!("{damaged} damaged batches"))?;
        inspected.transpose().map(|done| done.is_some())
    }

    fn client(
        &mut self,
        name: &'static str,
        client: impl Future<Output = Result<(), Violation>> + Send + 'static,
    ) {
        let verdict = self.verdict.clone();
        self.executor.spawn(
            name,
            Box::pin(async move {
                if let Err(violation) = client.await {
                    let mut verdict = verdict.lock().unwrap_or_else(PoisonError::into_inner);
                    verdict.get_or_insert(violation);
                }
            }),
        );
    }

    fn start_clients(&mut self, context: &Context) {
        let idempotent: Vec<u64> = {
            let mut model = context.model.lock();
            for _ in 0..self.rng.between(1, 2) {
                model.new_idempotent(&mut self.rng);
            }
            model.idempotent.keys().copied().collect()
        };
        for key in idempotent {
            let (rng, batches) = (self.rng.fork(), self.rng.below(40));
            let client = client::produce_idempotently(context.clone(), rng, key, batches);
            self.client("idempotent", client);
        }
        for _ in 0..self.rng.between(1, 3) {
            let (rng, requests) = (self.rng.fork(), self.rng.below(40));
            self.client("plain", client::produce(context.clone(), rng, requests));
        }
        for key in 0..3 {
            let (rng, versions) = (self.rng.fork(), self.rng.below(30));
            self.client(
                "cells",
                client::write_cells(context.clone(), rng, key, versions),
            );
        }
        for key in 0..2 {
            let rng = self.rng.fork();
            self.client("reader", client::follow(context.clone(), rng, key));
        }
        for _ in 0..2 {
            let (rng, rounds) = (self.rng.fork(), self.rng.below(30));
            self.client("janitor", client::look_after(context.clone(), rng, rounds));
        }
    }

    /// Lets the clients work; false where the process has ended.
    fn serve(
        &mut self,
        context: &Context,
        stopper: &watch::Sender<bool>,
    ) -> Result<bool, Violation> {
        const STREAMS_AT_FIRST: u64 = 6;
        let opening = context.clone();
        let mut rng = self.rng.fork();
        let opened = self.finish("open streams", async move {
            while opening.model.lock().next_stream < STREAMS_AT_FIRST {
                client::new_stream(&opening.model, &mut rng);
            }
            let ids: Vec<_> = {
                let model = opening.model.lock();
                let wanted = |stream: &&crate::model::StreamModel| {
                    stream.removal == crate::model::Removal::No
                };
                model
                    .streams
                    .values()
                    .filter(wanted)
                    .map(|stream| stream.id)
                    .collect()
            };
            for id in ids {
                client::open_stream(&opening, id).await;
            }
        })?;
        if opened.is_none() {
            return Ok(false);
        }
        self.start_clients(context);
        let start = self.steps;
        loop {
            let step = self.steps - start;
            self.inject(step);
            if self.world.disk.has_stopped() {
                self.world.model.lock().counts.crashes_in_change += 1;
                return Ok(false);
            }
            self.check_failure(context)?;
            if self.plan.steps.is_some_and(|steps| step >= steps) {
                match self.plan.stops_after {
                    _ if self.plan.close => return Ok(true),
                    Some(changes) if step < self.plan.steps.unwrap_or(0) + 500 => {
                        self.plan.stops_after = None;
                        self.plan.steps = Some(step + 500);
                        self.set_faults(|faults| faults.stops_after = Some(changes));
                    }
                    _ => return Ok(false),
                }
            }
            if self.step()? == Step::Idle {
                if self.heal_space() {
                    continue;
                }
                return self.rest(context, stopper);
            }
        }
    }

    /// Everything waits: for readers only, or the log has failed.
    fn rest(&self, context: &Context, stopper: &watch::Sender<bool>) -> Result<bool, Violation> {
        if stopper.is_closed() {
            return Ok(false);
        }
        let failed = context.log.failure().borrow().is_some();
        let running = self.executor.running();
        let waiting = running.iter().all(|name| matches!(*name, "log" | "reader"));
        ensure(waiting, "answer", || {
            format!("nothing moves, failed: {failed}, and these wait: {running:?}")
        })?;
        let model = context.model.lock();
        let missed = client::missed_bells(&context.log, model.tailers.values().copied());
        ensure(missed.is_empty(), "bell", || {
            format!("readers of {missed:?} were not told that there is more")
        })?;
        Ok(!failed)
    }

    fn inject(&mut self, step: u64) {
        if self.plan.sync_fails && self.plan.steps.is_some_and(|steps| step * 2 >= steps) {
            self.plan.sync_fails = false;
            self.world.model.lock().counts.failed_syncs += 1;
            self.excuses.failing.store(true, Ordering::Relaxed);
            self.world.trace.note(format_args!("syncs fail"));
            self.set_faults(|faults| faults.sync_fails = true);
        }
        if let Some((at, steps, to_the_last_byte)) = self.plan.full {
            if step == at {
                let some = self.rng.below(8 << 10);
                let reserve = if to_the_last_byte { 0 } else { RESERVE };
                let capacity = self.world.disk.used_bytes() + reserve + some;
                self.world.model.lock().counts.full_disks += 1;
                self.excuses.full.store(true, Ordering::Relaxed);
                self.world.trace.note(format_args!("full at {capacity}"));
                self.set_faults(|faults| faults.capacity = Some(capacity));
            } else if step >= at + steps {
                self.heal_space();
            }
        }
    }

    /// There is space again; false where there was.
    fn heal_space(&mut self) -> bool {
        let was_full = self.world.disk.faults().capacity.is_some();
        if was_full {
            self.plan.full = None;
            self.world.trace.note(format_args!("space"));
            self.set_faults(|faults| faults.capacity = None);
        }
        was_full
    }

    /// The WAL fails only where the disk does.
    fn check_failure(&self, context: &Context) -> Result<(), Violation> {
        let failure = context.log.failure();
        let failure = failure.borrow();
        ensure(
            failure.is_none() || self.excuses.failing.load(Ordering::Relaxed),
            "failure",
            || format!("the WAL failed by itself: {failure:?}"),
        )
    }

    /// Lets the clients finish, closes the log and waits for its tasks to end.
    fn stop(&mut self, context: Context, stopper: &watch::Sender<bool>) -> Result<(), Violation> {
        self.heal_space();
        stopper.send_replace(true);
        while self
            .executor
            .running()
            .iter()
            .any(|name| !matches!(*name, "log"))
        {
            let step = self.step()?;
            if self.world.disk.has_stopped() {
                return Ok(());
            }
            ensure(step == Step::Ran, "answer", || {
                format!("clients never finish: {:?}", self.executor.running())
            })?;
        }
        let failing = context.is_failing();
        if !self.inspect(&context)? {
            return Ok(());
        }
        let log = context.log.clone();
        drop(context);
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
}
