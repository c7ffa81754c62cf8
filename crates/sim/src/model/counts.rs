//! How often things happened, to show that a run was not empty.

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// How often things happened in one run or in several.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counts {
            /// Adds another run's.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
            }

            /// All of them with their names.
            #[must_use]
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name)),*]
            }
        }
    };
}

counts! {
    /// Processes that were started.
    starts,
    /// Processes that were killed.
    kills,
    /// Losses of power.
    power_losses,
    /// Processes whose disk failed to sync.
    failed_syncs,
    /// Times that the disk filled up.
    full_disks,
    /// Crashes in the middle of a recovery.
    crashes_in_recovery,
    /// Crashes in the middle of a change of the disk.
    crashes_in_change,
    /// Torn tails that were cut off.
    torn_tails,
    /// Batches that were acknowledged.
    acked,
    /// Batches that were unacknowledged at a crash and found stored after it.
    stored_unacked,
    /// Retries that were recognised as such.
    duplicates,
    /// Batches refused for want of space.
    refused,
    /// Batches that readers were given.
    read,
    /// Changes of cells that were acknowledged.
    cells,
    /// Commits of queues' owners that were acknowledged.
    commits,
    /// Batches that were moved out of nearly empty files, in lives that came to an end of their own.
    moved,
    /// Trims and removals of streams that were acknowledged.
    trims,
    /// Checkpoints that were made.
    checkpoints,
    /// WAL files that were removed.
    files_removed,
    /// Messages that were published to queues.
    messages,
    /// Queues that they were published to.
    copies,
    /// Messages that their publisher was told were taken.
    confirmed,
    /// Messages that their publisher was told were refused.
    rejected,
    /// Deliveries.
    delivered,
    /// Deliveries of what may have been delivered before.
    redelivered,
    /// Messages that were given back.
    requeued,
    /// Messages whose settlement was said to be durable.
    settled_durably,
    /// Dead letters that were seen where they went.
    dead_letters,
    /// Of these, those that went to another shard.
    dead_letters_across,
    /// Queues that were deleted.
    deletions,
    /// Purges.
    purges,
    /// Deliveries that filled the window of a session.
    full_windows,
    /// Messages that were taken out of the queues at the end.
    drained,
}
