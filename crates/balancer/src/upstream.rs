//! One group, shared by all workers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::Monotonic;

use crate::change::{Change, Reason, State};
use crate::choice::{Ask, Choice, NoLive, Outcome, PeerId, Tried, Verdict};
use crate::group::{Group, Peers};
use crate::health::Check;
use crate::inherit;
use crate::peer::Peer;
use crate::pick;
use crate::resolve::{self, Resolved};
use crate::snapshot::PeerSnapshot;
use crate::spec::UpstreamSpec;

/// A group of peers. Its lock is held for one call at a time and never while anything waits.
#[derive(Debug)]
pub struct Upstream {
    name: Arc<str>,
    /// [`Upstream::tries`], which every request asks for: known without the lock.
    tries: AtomicU32,
    group: Mutex<Group>,
}

impl Upstream {
    /// A group of a description that [`UpstreamSpec::check`] found nothing wrong with.
    #[must_use]
    pub fn new(spec: UpstreamSpec, now: Monotonic) -> Self {
        let group = Group::new(spec, now);
        Self {
            name: Arc::clone(&group.name),
            tries: AtomicU32::new(group.tries()),
            group: Mutex::new(group),
        }
    }

    /// The group's name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Takes over what an older group of the same name knows, at the moment of a reload. Choices of the older one are
    /// still reported there; both count them.
    pub fn inherit(&self, older: &Upstream, now: Monotonic) {
        if std::ptr::eq(self, older) {
            return;
        }
        let mut group = self.lock();
        inherit::inherit(&mut group, &older.lock(), now);
        self.tries.store(group.tries(), Ordering::Relaxed);
    }

    /// How many peers a request may try: those that are not `down`.
    #[must_use]
    pub fn tries(&self) -> u32 {
        self.tries.load(Ordering::Relaxed)
    }

    /// Chooses a peer for a request that has tried others, or none.
    ///
    /// # Errors
    ///
    /// [`NoLive`] where no peer that was not tried may be used; the client is answered 502.
    pub fn pick(&self, ask: &Ask<'_>, tried: &mut Tried, now: Monotonic) -> Result<Choice, NoLive> {
        let mut group = self.lock();
        let place = pick::pick(&mut group, ask, tried, now).ok_or(NoLive)?;
        let peers = if place.backup {
            &mut group.backup
        } else {
            &mut group.primary
        };
        let single = peers.single;
        let peer = &mut peers.list[place.slot];
        if !single {
            peer.picked(now);
        }
        peer.shared.conns.fetch_add(1, Ordering::Relaxed);
        peer.shared.stats.picked(!tried.is_empty());
        tried.peers.push(peer.id);
        Ok(Choice {
            peer: peer.id,
            address: peer.address.clone(),
            name: Arc::clone(&peer.name),
            server: Arc::clone(&peer.server),
            backup: place.backup,
            slot: place.slot,
            shared: Arc::clone(&peer.shared),
        })
    }

    /// Tells that a connection with the peer was made, where that is as good as an answer: a TCP session may last for hours,
    /// and a peer that was put aside is to be used again meanwhile.
    pub fn connected(&self, choice: &Choice, now: Monotonic) -> Option<Change> {
        self.settle(choice, Verdict::Served, now)
    }

    /// Tells that a kept connection with the peer turned out to be closed, and that the same choice goes on with another one.
    pub fn stale(&self, choice: &Choice) {
        choice.shared.stats.stale();
    }

    /// Tells what came of a choice, and ends it. A choice that is dropped instead counts for nothing.
    pub fn report(&self, choice: Choice, outcome: &Outcome, now: Monotonic) -> Option<Change> {
        choice.shared.stats.reported(outcome);
        if matches!(outcome.verdict, Verdict::Abandoned) {
            return None;
        }
        self.settle(&choice, outcome.verdict, now)
    }

    fn settle(&self, choice: &Choice, verdict: Verdict, now: Monotonic) -> Option<Change> {
        let mut group = self.lock();
        let peers = if choice.backup {
            &mut group.backup
        } else {
            &mut group.primary
        };
        let peer = find(peers, choice)?;
        let change = match verdict {
            Verdict::Failed(failure) if failure.counts() => {
                let single = peers.single;
                let peer = &mut peers.list[peer];
                // The only peer is used whatever it failed.
                (!single && peer.failed(now)).then(|| {
                    peer.shared.stats.became_unavailable();
                    (State::Up, State::Unavailable, Reason::Failed(failure))
                })
            }
            Verdict::Failed(_) | Verdict::Abandoned => None,
            Verdict::Served | Verdict::PassedOn if peers.single => {
                let peer = &mut peers.list[peer];
                let back = peer.is_failed();
                peer.fails = 0;
                back.then_some((State::Unavailable, State::Up, Reason::Served))
            }
            Verdict::Served | Verdict::PassedOn => peers.list[peer].served(now).then_some((
                State::Unavailable,
                State::Up,
                Reason::Served,
            )),
        };
        let peer = if choice.backup {
            &group.backup.list[peer]
        } else {
            &group.primary.list[peer]
        };
        change.map(|change| tell(&group, peer, change))
    }

    /// Gives the `line`th server new addresses, after its name was resolved. Returns whether anything changed.
    /// Requests that hold a peer that goes are not disturbed.
    pub fn set_addresses(&self, line: usize, addresses: &[Resolved], now: Monotonic) -> bool {
        let mut group = self.lock();
        let changed = resolve::set_addresses(&mut group, line, addresses, now);
        self.tries.store(group.tries(), Ordering::Relaxed);
        changed
    }

    /// Adds the health checks that begin now to `checks`; each is owed a [`Upstream::checked`].
    pub fn begin_checks(&self, now: Monotonic, checks: &mut Vec<Check>) {
        for peer in self.lock().peers_mut() {
            if peer.health.as_mut().is_some_and(|health| health.begin(now)) {
                checks.push(Check {
                    peer: peer.id,
                    address: peer.address.clone(),
                    server: Arc::clone(&peer.server),
                });
            }
        }
    }

    /// When the next health check is due.
    #[must_use]
    pub fn next_check(&self) -> Option<Monotonic> {
        let group = self.lock();
        let due = group.peers().filter_map(|peer| peer.health.as_ref()?.due());
        due.min()
    }

    /// The result of a health check; `random` is for the jitter of the next.
    pub fn checked(
        &self,
        peer: PeerId,
        passed: bool,
        now: Monotonic,
        random: u64,
    ) -> Option<Change> {
        let mut group = self.lock();
        let spec = group.spec.health.clone()?;
        let peer = group.peers_mut().find(|known| known.id == peer)?;
        let was_checking = peer.state() == State::Checking;
        let change = peer.health.as_mut()?.end(&spec, passed, now, random)?;
        if change.1 == State::Up {
            // Checks that pass are better news than the failures from before.
            peer.fails = 0;
            if !was_checking {
                peer.come_back(now);
            }
        }
        let id = peer.id;
        let peer = group.peers().find(|known| known.id == id)?;
        Some(tell(&group, peer, change))
    }

    /// All peers, the primary ones first.
    #[must_use]
    pub fn snapshot(&self) -> Vec<PeerSnapshot> {
        let group = self.lock();
        let list = |peers: &Peers, backup| {
            let peers = peers.list.iter();
            peers
                .map(|peer| PeerSnapshot::of(peer, backup))
                .collect::<Vec<_>>()
        };
        let mut all = list(&group.primary, false);
        all.extend(list(&group.backup, true));
        all
    }

    /// A panic of a thread that held the lock leaves counters that are at worst off by one; nothing is torn.
    fn lock(&self) -> MutexGuard<'_, Group> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a choice's peer is now; none if it has gone.
fn find(peers: &Peers, choice: &Choice) -> Option<usize> {
    let is_it = |peer: &Peer| peer.id == choice.peer;
    if peers.list.get(choice.slot).is_some_and(is_it) {
        return Some(choice.slot);
    }
    peers.list.iter().position(is_it)
}

fn tell(group: &Group, peer: &Peer, (from, to, reason): (State, State, Reason)) -> Change {
    Change {
        upstream: Arc::clone(&group.name),
        server: Arc::clone(&peer.server),
        address: peer.address.clone(),
        from,
        to,
        reason,
    }
}
