//! A member of a group: what it said about itself, what it consumes, and what it waits for.

use std::time::Duration;

use base::Monotonic;
use bytes::Bytes;

use super::{Join, Protocol, Token};

/// What a member says about itself when it joins; durable, all of it.
///
/// Kafka stores only the subscription under the chosen protocol, so that after a restart of the coordinator a member
/// that offers more looks changed and causes a rebalance. Storing all of them avoids that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) instance_id: Option<String>,
    pub(super) client_id: String,
    pub(super) client_host: String,
    pub(super) session_timeout: Duration,
    pub(super) rebalance_timeout: Duration,
    /// In the order of preference, no name twice.
    pub(super) protocols: Vec<Protocol>,
}

impl Profile {
    /// Takes what is to be kept out of a request. Subscriptions are copied: a slice would keep the whole network frame
    /// in memory for as long as the member lives.
    pub(super) fn of(join: &Join) -> Self {
        let mut protocols: Vec<Protocol> = Vec::with_capacity(join.protocols.len());
        for protocol in &join.protocols {
            if protocols.iter().all(|known| known.name != protocol.name) {
                protocols.push(Protocol {
                    name: protocol.name.clone(),
                    metadata: Bytes::copy_from_slice(&protocol.metadata),
                });
            }
        }
        Self {
            instance_id: join.instance_id.clone(),
            client_id: join.client_id.clone(),
            client_host: join.client_host.clone(),
            session_timeout: join.session_timeout,
            rebalance_timeout: join.rebalance_timeout,
            protocols,
        }
    }

    /// The subscription under a protocol; empty if the member does not offer it.
    pub(super) fn metadata(&self, protocol: &str) -> Bytes {
        self.protocols
            .iter()
            .find(|offered| offered.name == protocol)
            .map(|offered| offered.metadata.clone())
            .unwrap_or_default()
    }

    /// How many bytes the member costs, for [`super::settings::GROUP_BYTES_MAX`].
    pub(super) fn bytes(&self) -> usize {
        let strings = self.client_id.len()
            + self.client_host.len()
            + self.instance_id.as_deref().map_or(0, str::len);
        let protocols: usize = self
            .protocols
            .iter()
            .map(|offered| offered.name.len() + offered.metadata.len() + PROTOCOL_BYTES)
            .sum();
        strings + protocols + MEMBER_BYTES
    }
}

/// What a member costs besides its strings, roughly; keeps a flood of empty protocols from counting as nothing.
const MEMBER_BYTES: usize = 256;
/// What a protocol costs besides its strings, roughly.
const PROTOCOL_BYTES: usize = 64;

/// A member and what it waits for.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) profile: Profile,
    /// Of the newest generation that became stable; empty before that.
    pub(super) assignment: Bytes,
    /// The join that is to be answered. Changed by [`super::members::Members`] only, which counts them.
    pub(super) joining: Option<Token>,
    /// The sync that is to be answered.
    pub(super) syncing: Option<Token>,
    /// It has not been told its generation yet, so that a heartbeat cannot be expected of it.
    pub(super) is_new: bool,
    /// It has been told its generation and has not asked for its assignment.
    pub(super) owes_sync: bool,
    /// When its session ends; none while it waits for an answer and needs no heartbeat.
    pub(super) session_ends: Option<Monotonic>,
}

impl Member {
    /// A member that nothing is known of but its profile and what it consumes.
    pub(super) fn new(profile: Profile, assignment: Bytes) -> Self {
        Self {
            profile,
            assignment,
            joining: None,
            syncing: None,
            is_new: false,
            owes_sync: false,
            session_ends: None,
        }
    }

    /// Whether it survives a rebalance that it has not joined, until its session ends (KIP-345).
    pub(super) fn is_static(&self) -> bool {
        self.profile.instance_id.is_some()
    }

    /// Whether it waits for us, so that its silence proves nothing.
    pub(super) fn is_excused(&self) -> bool {
        !self.is_new && (self.joining.is_some() || self.syncing.is_some())
    }
}
