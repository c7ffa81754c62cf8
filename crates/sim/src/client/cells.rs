//! A coordinator that commits: one pair of cells, version after version.

use super::Context;
use crate::model::Pair;
use crate::rng::Rng;
use crate::violation::Violation;
use base::ShardId;

/// Writes `versions` versions of a pair.
pub(crate) async fn write_cells(
    context: Context,
    mut rng: Rng,
    key: u64,
    versions: u64,
) -> Result<(), Violation> {
    for _ in 0..versions {
        if context.stopping() {
            break;
        }
        let (version, change) = {
            let mut model = context.model.lock();
            let pair = model.pairs.entry(key).or_insert_with(|| Pair::new(key));
            pair.sent += 1;
            (pair.sent, pair.change(pair.sent))
        };
        let shard = ShardId(u16::try_from(key).unwrap_or(0));
        if context.log.shard(shard).write(change).await.is_err() {
            return Ok(());
        }
        context
            .trace
            .note(format_args!("cell {key} acked {version}"));
        {
            let mut model = context.model.lock();
            model.counts.cells += 1;
            if let Some(pair) = model.pairs.get_mut(&key) {
                pair.acked = version;
            }
        }
        context.linger(&mut rng, 10).await;
    }
    Ok(())
}
