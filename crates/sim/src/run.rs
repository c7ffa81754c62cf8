//! A run: one life after the other over one disk.

use crate::broker::{Book, Books};
use crate::life::Life;
use crate::model::{Counts, Shared};
use crate::plan::{End, Plan};
use crate::rng::Rng;
use crate::trace::Trace;
use crate::violation::Violation;
use base::Monotonic;
use store::{Disk, SimDisk};

/// Who uses the log in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Producers, readers and owners of queues, directly.
    Log,
    /// The broker's queues, and the sessions that use those.
    Queues,
}

impl Half {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Log, Self::Queues];

    /// As the command line names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Queues => "queues",
        }
    }
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The seed that it followed from.
    pub seed: u64,
    /// Who used the log.
    pub half: Half,
    /// Two runs in which the same things happened have the same.
    pub hash: u64,
    /// How many steps and answers there were.
    pub events: u64,
    /// How often what happened.
    pub counts: Counts,
    /// The promise that was broken, where one was.
    pub violation: Option<Violation>,
    /// The last events before it.
    pub lines: Vec<String>,
}

/// What stays from one life to the next.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) disk: SimDisk,
    pub(crate) model: Shared,
    pub(crate) half: Half,
    pub(crate) books: Books,
    pub(crate) trace: Trace,
    pub(crate) epoch: u32,
    pub(crate) now: Monotonic,
    /// Fixed when the data is created.
    pub(crate) shards: u16,
    pub(crate) file_bytes_max: u32,
}

/// Runs the log through several lives that follow from `seed`.
#[must_use]
pub fn run(seed: u64, half: Half) -> Outcome {
    let mut world = World::new(seed, half);
    let violation = world.live().err();
    let mut counts = world.model.lock().counts;
    counts.add(&world.books.lock().counts);
    counts.checkpoints = world.numbers("checkpoint").into_iter().max().unwrap_or(0);
    let files = world.numbers("wal");
    let newest = files.iter().max().copied().unwrap_or(0);
    counts.files_removed = newest - files.len() as u64;
    Outcome {
        seed,
        half,
        hash: world.trace.hash(),
        events: world.trace.events(),
        counts,
        violation,
        lines: world.trace.lines(),
    }
}

impl World {
    fn new(seed: u64, half: Half) -> Self {
        let mut rng = Rng::new(seed);
        let shards = u16::try_from(rng.between(1, 3)).unwrap_or(1);
        let file_bytes_max = u32::try_from(rng.between(1 << 10, 16 << 10)).unwrap_or(1 << 10);
        let book = Book::new(&mut rng.clone().fork(), shards);
        Self {
            half,
            books: Books::new(book),
            rng,
            disk: SimDisk::new(),
            model: Shared::default(),
            trace: Trace::default(),
            epoch: 0,
            now: Monotonic(0),
            shards,
            file_bytes_max,
        }
    }

    /// The numbers of the files or objects in a directory of the disk.
    fn numbers(&self, directory: &str) -> Vec<u64> {
        let entries = self.disk.list(directory).unwrap_or_default();
        let number = |entry: store::Entry| entry.name.trim_end_matches(".wal").parse().ok();
        entries.into_iter().filter_map(number).collect()
    }

    fn live(&mut self) -> Result<(), Violation> {
        let lives = self.rng.between(2, 5);
        for _ in 0..lives {
            let plan = Plan::draw(&mut self.rng);
            self.one(plan)?;
        }
        // The last two have no faults: everything gets done, and a clean stop leaves nothing to replay.
        self.one(Plan::peaceful())?;
        self.one(Plan::inspection())
    }

    fn one(&mut self, plan: Plan) -> Result<(), Violation> {
        self.epoch += 1;
        self.trace
            .note(format_args!("life {} {plan:?}", self.epoch));
        let end = Life::run(self, plan)?;
        let seed = self.rng.next();
        let mut model = self.model.lock();
        model.tailers.clear();
        self.disk = match end {
            End::Kill => {
                model.counts.kills += 1;
                self.disk.process_kill()
            }
            End::PowerLoss => {
                model.counts.power_losses += 1;
                self.disk.power_loss(seed)
            }
        };
        Ok(())
    }
}
