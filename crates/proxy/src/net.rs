//! Sockets, event loops, deadlines and TLS: all of the data path that knows no HTTP.
//!
//! Everything belongs to one thread's event loop unless it says otherwise: a worker runs a single-threaded runtime, and its
//! clock, alarms and buffers are found through the thread. What is here:
//!
//! | item | what it is |
//! | --- | --- |
//! | [`Transport`] | a connection: TCP or unix, with or without TLS |
//! | [`Alarm`] | the coarse deadline of a connection |
//! | [`clock`] | the time, cached, and its texts |
//! | [`Buffer`] | memory that is used again |
//! | [`Listeners`], [`Listener`] | bound sockets, kept over reloads; accepting |
//! | [`connect`] | connections to upstreams |
//! | [`Datagrams`], [`DatagramLink`] | sessions over UDP |
//! | [`tls`] | TLS both ways, what variables say of it, and a look at a client's hello |
//! | [`read_proxy_header`], [`write_proxy_v1`] | the PROXY protocol |
//! | [`Resolver`] | names to addresses, by the name servers of the configuration |

mod accept;
mod alarm;
pub(crate) mod clock;
mod connect;
mod datagram;
mod endpoint;
mod listen;
mod options;
pub(crate) mod pool;
mod proxy_header;
pub(crate) mod resolver;
pub(crate) mod tls;
mod transport;
mod wire;

pub(crate) use accept::{Arrival, Listener};
pub(crate) use alarm::{Alarm, Elapsed, begin_quit, quitting, tick};
pub(crate) use connect::connect;
pub(crate) use datagram::{DATAGRAM_LEN_MAX, DatagramLink, Datagrams};
pub(crate) use endpoint::{Endpoint, Host};
pub(crate) use listen::{BindError, ListenSpec, Listeners};
pub(crate) use options::{ConnectOptions, Keepalive, ListenOptions};
pub(crate) use pool::Buffer;
pub(crate) use proxy_header::{HeaderError, Said, read_proxy_header, write_proxy_v1};
pub(crate) use resolver::{ResolveError, Resolver, ResolverSpec};
pub(crate) use transport::Transport;
