//! The log and its faces, opened again from what is stored where their log fails.

use crate::failure::Failure;
use anyhow::anyhow;
use node::settings::Settings;
use node::{Ended, Node, Summary, Surroundings};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long to wait before data whose WAL has failed is opened again: long enough not to spin on a
/// broken disk, short beside a client's retries.
const REOPEN_DELAY: Duration = Duration::from_secs(1);

/// How often that is tried before the process gives up and leaves it to whoever supervises it.
const REOPEN_TRIES: u32 = 30;

/// What ends them, in this order.
#[derive(Debug, Clone, Default)]
pub(super) struct Ends {
    /// Nothing new is taken, what was asked is answered.
    pub(super) stop: CancellationToken,
    /// Nobody writes into the log any more: it is closed.
    pub(super) gone: CancellationToken,
}

/// Serves until it is told to stop; `started` hears of every start.
pub(super) async fn run(
    settings: &Settings,
    surroundings: &Surroundings,
    ends: &Ends,
    mut started: impl FnMut(&Summary) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // A first start that fails is for the operator; after a failure of the WAL the disk gets a few chances.
    let mut tries = 1;
    loop {
        let node = tokio::select! {
            node = Node::start(settings, surroundings) => node,
            () = ends.stop.cancelled() => return Ok(()),
        };
        tries -= 1;
        let ended = match node {
            Ok(node) => {
                started(node.summary())?;
                node.run_until(ends.stop.cancelled(), ends.gone.cancelled())
                    .await
            }
            Err(error) if tries == 0 => return Err(anyhow!("{error}").into()),
            Err(error) => {
                tracing::error!(%error, tries, "the data could not be opened again; it is tried again");
                tokio::time::sleep(REOPEN_DELAY).await;
                continue;
            }
        };
        match ended {
            Ended::Stopped => return Ok(()),
            Ended::Cut => {
                return Err(anyhow!(
                    "some clients or writes did not end in time; what was acknowledged is stored"
                )
                .into());
            }
            // Nobody knows what the last write left, so everything is read back from the disk.
            Ended::Failed(error) => {
                tracing::error!(%error, "the data is opened again from what is stored");
                tries = REOPEN_TRIES;
                tokio::time::sleep(REOPEN_DELAY).await;
            }
        }
    }
}
