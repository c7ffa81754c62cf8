//! One life: a process that opens the log, serves its clients and ends.

pub(crate) mod broker;
mod faults;
mod serve;

use crate::client::{self, Context, Excuses};
use crate::clock::SimClock;
use crate::executor::{Executor, Step};
use crate::plan::{End, Plan};
use crate::pool::SimPool;
use crate::rng::Rng;
use crate::run::{Half, World};
use crate::violation::{Violation, ensure};
use base::{Clock, Epoch, Incarnation};
use commitlog::{FileWal, Ground, Log, OpenError, Opened, Options};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{LocalObjects, SimDisk, SimFaults};
use tokio::sync::watch;

/// Steps after which a life that should have come to rest is taken for stuck.
const STEPS_MAX: u64 = 500_000;
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
        match self.world.half {
            Half::Log => self.live_as_log(opened),
            Half::Queues => self.live_as_broker(opened),
        }
    }

    /// Lives as whoever uses the log itself.
    fn live_as_log(&mut self, opened: Opened) -> Result<(), Violation> {
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
        for (key, owner) in &mut context.model.lock().owners {
            let shard = base::ShardId(u16::try_from(*key).unwrap_or(0) % self.world.shards);
            owner.recovered(opened.cells.get(&shard))?;
        }
        if !self.inspect(&context)? || (self.plan.busy && !self.serve(&context, &stopper)?) {
            return Ok(());
        }
        self.stop(context, &stopper)
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
            client::read_everything(&reading, rng.clone()).await?;
            client::check_queues(&reading, rng).await
        })?;
        let figures = context.log.figures();
        let damaged = figures.damaged_batches;
        context.model.lock().counts.moved += figures.moved_batches;
        ensure(damaged == 0, "K1", || format!("{damaged} damaged batches"))?;
        inspected.transpose().map(|done| done.is_some())
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
