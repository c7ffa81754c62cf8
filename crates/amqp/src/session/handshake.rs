//! The beginning of a connection: protocol, log-in, limits, vhost.

use super::Session;
use super::failure::{Failure, Outcome};
use super::sasl;
use super::waiting::Purpose;
use crate::broker::Counters;
use crate::task::Task;
use amqp_wire::{RawTable, ReplyCode, ShortStr, Table, connection};
use bytes::Bytes;
use cluster::VerifyError;
use std::sync::Arc;
use std::time::Duration;

/// Channels that a connection may have.
pub const CHANNEL_MAX: u16 = 2047;
/// The largest frame, with its framing, in bytes.
pub const FRAME_MAX: u32 = 131_072;
/// How often a client is asked to give signs of life; it has the last word.
pub const HEARTBEAT_SECONDS: u16 = 60;
/// How long a connection may take to be opened.
pub(super) const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Frames before the limits are agreed on, and the smallest limit.
const FRAME_MIN: u32 = amqp_wire::frame::FRAME_MIN_SIZE;
/// How long a client whose log-in was refused, and that would not understand why, waits for the end:
/// guessing shall take its time.
const SILENT_CLOSE_DELAY: Duration = Duration::from_secs(3);
/// This user has a password that everybody knows, so that it may only come from this machine.
const LOOPBACK_USER: &str = "guest";
/// The version of RabbitMQ that clients may take us for.
const RABBITMQ_VERSION: &str = "3.13.7";

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The protocol header is to come.
    Header,
    /// connection.start-ok is to come.
    Starting,
    /// The password is being checked.
    Authenticating,
    /// The log-in was refused, and the client is let wait.
    Refused,
    /// connection.tune-ok is to come.
    Tuning,
    /// connection.open is to come.
    Opening,
    /// It is open.
    Open,
    /// We have closed it, and wait for the client's consent.
    Closing,
    /// The client has closed it, and its exclusive queues are being deleted.
    Leaving,
    /// It has ended.
    Over,
}

impl Stage {
    /// As RabbitMQ calls it in reply texts.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Header | Self::Starting | Self::Authenticating | Self::Refused => "starting",
            Self::Tuning => "tuning",
            Self::Opening => "opening",
            Self::Open => "running",
            Self::Closing | Self::Leaving => "closing",
            Self::Over => "closed",
        }
    }
}

/// What was agreed on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) channel_max: u16,
    pub(super) frame_max: u32,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            channel_max: 0,
            frame_max: FRAME_MIN,
        }
    }
}

/// What a client says that it understands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Capabilities {
    pub(super) consumer_cancel_notify: bool,
    pub(super) connection_blocked: bool,
    pub(super) authentication_failure_close: bool,
}

impl Capabilities {
    fn read(client: RawTable<'_>) -> Self {
        let table = match client.get("capabilities") {
            Ok(Some(value)) => value.as_table().unwrap_or_default(),
            _ => RawTable::default(),
        };
        let has =
            |name| matches!(table.get(name), Ok(Some(value)) if value.as_bool() == Some(true));
        Self {
            consumer_cancel_notify: has("consumer_cancel_notify"),
            connection_blocked: has("connection.blocked"),
            authentication_failure_close: has("authentication_failure_close"),
        }
    }
}

impl Session {
    /// The protocol header has come.
    pub(super) fn start(&mut self) {
        let properties = server_properties();
        self.outbox.send(
            0,
            &connection::Start {
                version_major: 0,
                version_minor: 9,
                server_properties: RawTable::new(&properties),
                mechanisms: sasl::MECHANISMS.as_bytes(),
                locales: b"en_US",
            },
        );
        self.stage = Stage::Starting;
    }

    pub(super) fn start_ok(&mut self, start_ok: &connection::StartOk<'_>) -> Outcome {
        self.can = Capabilities::read(start_ok.client_properties);
        let mechanism = start_ok.mechanism.as_str();
        let Some(login) = sasl::read(mechanism, start_ok.response) else {
            return Err(Failure::connection(
                ReplyCode::CommandInvalid,
                format!("unknown authentication mechanism '{mechanism}'"),
            ));
        };
        let Some(login) = login else {
            self.refuse_login(mechanism);
            return Ok(());
        };
        if login.user == LOOPBACK_USER && !self.peer.is_loopback {
            tracing::warn!("user '{LOOPBACK_USER}' can only connect from this machine");
            self.refuse_login(mechanism);
            return Ok(());
        }
        let user: Arc<str> = login.user.into();
        let task = Task::Authenticate {
            user: user.clone(),
            password: login.password.to_vec(),
        };
        self.stage = Stage::Authenticating;
        let method = (10, 11);
        self.wait_for_task((0, method), task, Purpose::Login { user });
        Ok(())
    }

    /// The password was checked.
    pub(super) fn logged_in(&mut self, user: Arc<str>, verdict: Result<bool, VerifyError>) {
        match verdict {
            Ok(true) => {
                self.user = user;
                self.outbox.send(
                    0,
                    &connection::Tune {
                        channel_max: CHANNEL_MAX,
                        frame_max: FRAME_MAX,
                        heartbeat: HEARTBEAT_SECONDS,
                    },
                );
                self.stage = Stage::Tuning;
            }
            Ok(false) => {
                tracing::warn!(%user, "a log-in was refused");
                self.refuse_login("PLAIN");
            }
            Err(error) => {
                tracing::warn!(%user, %error, "a log-in could not be checked");
                let failure = Failure::connection(ReplyCode::ResourceError, error.to_string());
                self.close_connection((10, 11), &failure);
            }
        }
    }

    fn refuse_login(&mut self, mechanism: &str) {
        Counters::add(&self.broker.counters().refused_logins, 1);
        if self.can.authentication_failure_close {
            let text = format!(
                "Login was refused using authentication mechanism {mechanism}. For details see the broker logfile."
            );
            let failure = Failure::connection(ReplyCode::AccessRefused, text);
            self.close_connection((0, 0), &failure);
        } else {
            self.enter(Stage::Refused, SILENT_CLOSE_DELAY);
        }
    }

    pub(super) fn tune_ok(&mut self, tune_ok: &connection::TuneOk) -> Outcome {
        let (channel_max, frame_max) = (tune_ok.channel_max, tune_ok.frame_max);
        agreed("frame_max", frame_max, FRAME_MIN, FRAME_MAX)?;
        agreed("channel_max", channel_max.into(), 1, CHANNEL_MAX.into())?;
        self.terms = Terms {
            channel_max,
            frame_max,
        };
        self.heart.start(tune_ok.heartbeat, self.now);
        self.stage = Stage::Opening;
        Ok(())
    }

    pub(super) fn open_vhost(&mut self, open: &connection::Open<'_>) -> Outcome {
        let name = open.virtual_host.as_str();
        let view = self.look();
        if view.topology.vhost(name).is_none() {
            let text = format!("vhost {name} not found");
            return Err(Failure::connection(ReplyCode::NotAllowed, text));
        }
        if view.topology.permission(&self.user, name).is_none() {
            let text = format!("access to vhost '{name}' refused for user '{}'", self.user);
            return Err(Failure::connection(ReplyCode::NotAllowed, text));
        }
        self.vhost = name.into();
        self.stage = Stage::Open;
        self.stage_deadline = None;
        self.outbox.send(
            0,
            &connection::OpenOk {
                known_hosts: ShortStr::EMPTY,
            },
        );
        Ok(())
    }
}

/// Whether a limit that a client has chosen is within ours; 0 means that it wants none.
fn agreed(name: &str, chosen: u32, min: u32, max: u32) -> Outcome {
    let text = if chosen == 0 {
        format!("negotiated {name} = 0 (no limit) is higher than the maximum allowed value ({max})")
    } else if chosen > max {
        format!("negotiated {name} = {chosen} is higher than the maximum allowed value ({max})")
    } else if chosen < min {
        format!("negotiated {name} = {chosen} is lower than the minimum allowed value ({min})")
    } else {
        return Ok(());
    };
    Err(Failure::connection(ReplyCode::NotAllowed, text))
}

/// What clients are told of us. They look at the capabilities; kombu also takes prefetch limits the way
/// RabbitMQ does only from a product of that name, and Celery needs them that way.
fn server_properties() -> Bytes {
    const CAPABILITIES: [&str; 9] = [
        "publisher_confirms",
        "exchange_exchange_bindings",
        "basic.nack",
        "consumer_cancel_notify",
        "connection.blocked",
        "consumer_priorities",
        "authentication_failure_close",
        "per_consumer_qos",
        "direct_reply_to",
    ];
    let mut capabilities = Table::new();
    for name in CAPABILITIES {
        capabilities.push(name, true);
    }
    let mut properties = Table::new();
    properties.push("capabilities", amqp_wire::Value::Table(capabilities));
    for (name, text) in [
        ("product", "RabbitMQ"),
        ("version", RABBITMQ_VERSION),
        ("platform", concat!("Mainstay ", env!("CARGO_PKG_VERSION"))),
        ("information", "Mainstay, speaking the protocol of RabbitMQ"),
    ] {
        let text = Bytes::from_static(text.as_bytes());
        properties.push(name, amqp_wire::Value::LongStr(text));
    }
    properties.to_bytes().unwrap_or_default()
}
