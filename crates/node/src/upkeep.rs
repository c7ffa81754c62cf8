//! What must be done from time to time: indexes, checkpoints, retention, the watch over free space.

use crate::status::Status;
use base::Clock;
use commitlog::{Log, UpkeepError};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How often the log is looked after.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often retention is applied. Kafka's default is five minutes; ours costs little.
const RETENTION_INTERVAL: Duration = Duration::from_secs(30);

/// Looks after `log` until `stop`.
pub(crate) async fn run(
    log: Arc<Log>,
    clock: Arc<dyn Clock>,
    status: Arc<Status>,
    stop: CancellationToken,
) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut retained = Instant::now();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        note(&status, log.look_after().await);
        if retained.elapsed() >= RETENTION_INTERVAL {
            retained = Instant::now();
            note(&status, log.retain(clock.wall()).await);
        }
    }
}

fn note(status: &Status, outcome: Result<(), UpkeepError>) {
    match outcome {
        // A failed WAL is reported where it failed.
        Ok(()) | Err(UpkeepError::Closed(_)) => {}
        Err(error) => {
            status.upkeep_failed();
            tracing::error!(%error, "the log could not be looked after; it is tried again");
        }
    }
}
