//! The part of a life in which clients work.

use super::Life;
use crate::client::{self, Context};
use crate::executor::Step;
use crate::model::{Removal, StreamModel};
use crate::violation::{Violation, ensure};
use std::sync::PoisonError;
use tokio::sync::watch;

impl Life<'_> {
    pub(super) fn client(
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
            let (rng, commits) = (self.rng.fork(), self.rng.below(60));
            let client = client::own_queues(context.clone(), rng, key, commits);
            self.client("queues", client);
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
    pub(super) fn serve(
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
                let wanted = |stream: &&StreamModel| stream.removal == Removal::No;
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
}
