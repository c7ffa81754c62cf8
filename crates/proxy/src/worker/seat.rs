//! The loop of one worker: its listeners, its orders, its end.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::connection::{self, Connections};
use super::service::{Accepted, Seat, Service, Trouble};
use crate::net::{self, Arrival, Endpoint, Listener, Listeners, Transport};

/// What a worker is told.
pub(super) enum Order<S: Service> {
    /// A new configuration with its sockets.
    Configure {
        config: Arc<S::Config>,
        listeners: Listeners,
        /// How long connections under the old one may go on; `None` for as long as they like.
        allowed: Option<Duration>,
        /// Is answered when nothing is accepted under the old one any more.
        done: oneshot::Sender<io::Result<()>>,
    },
    /// Something to do with the service.
    Call(Box<dyn FnOnce(&S) + Send>),
    /// End when the connections have, at the latest after this time.
    Quit(Option<Duration>),
    /// End now.
    Stop,
}

/// Runs a worker until it is told to end.
pub(super) async fn run<S: Service>(
    seat: Seat,
    config: Arc<S::Config>,
    listeners: Listeners,
    mut orders: UnboundedReceiver<Order<S>>,
    ready: oneshot::Sender<io::Result<()>>,
) {
    let mut worker = Worker::<S> {
        number: seat.worker,
        connections: Rc::new(Connections::new(Arc::clone(&seat.live))),
        service: S::start(seat, config),
        doors: Vec::new(),
    };
    // The other side may have given up waiting; it then says what is next.
    let _ = ready.send(worker.listen(&listeners));
    drop(listeners);
    let service = Rc::clone(&worker.service);
    tokio::task::spawn_local(async move { seconds(&*service).await });
    let connections = Rc::clone(&worker.connections);
    let mut allowed = worker.obey(&mut orders).await;
    worker.close().await;
    // While the connections end, orders are still taken: a second one may hurry.
    while let Some(time) = allowed {
        net::begin_quit();
        allowed = tokio::select! {
            () = connections.ended() => None,
            () = after(time) => None,
            next = worker.obey(&mut orders) => next,
        };
    }
    worker.service.end();
}

/// One worker.
struct Worker<S: Service> {
    number: usize,
    service: Rc<S>,
    connections: Rc<Connections>,
    doors: Vec<Door>,
}

/// A listener and the task that accepts on it.
struct Door {
    listener: Rc<Listener>,
    /// The address's index in the current configuration.
    index: Rc<Cell<usize>>,
    task: JoinHandle<()>,
}

impl Door {
    /// Whether it is the listener of that index.
    fn is_of(&self, listeners: &Listeners, index: usize) -> bool {
        Some(self.listener.address()) == listeners.address(index)
            && self.listener.is_udp() == listeners.is_udp(index)
    }
}

impl<S: Service> Worker<S> {
    /// Carries orders out until one is to end, and returns how long connections may go on; `None` where they may not.
    async fn obey(&mut self, orders: &mut UnboundedReceiver<Order<S>>) -> Option<Option<Duration>> {
        loop {
            match orders.recv().await {
                Some(Order::Configure {
                    config,
                    listeners,
                    allowed,
                    done,
                }) => {
                    let quits = net::quitting();
                    if !quits {
                        self.leave(&listeners).await;
                    }
                    self.service.configure(config);
                    self.outdate(allowed);
                    let outcome = if quits {
                        Ok(())
                    } else {
                        self.listen(&listeners)
                    };
                    drop(listeners);
                    let _ = done.send(outcome);
                }
                Some(Order::Call(call)) => call(&self.service),
                Some(Order::Quit(time)) => return Some(time),
                // Where nobody is left who could say when to end, it is now.
                Some(Order::Stop) | None => return None,
            }
        }
    }

    /// What is served now is served under an old configuration.
    fn outdate(&self, allowed: Option<Duration>) {
        let number = self.connections.leases.advance();
        if let Some(time) = allowed {
            let connections = Rc::clone(&self.connections);
            tokio::task::spawn_local(async move {
                tokio::time::sleep(time).await;
                connections.leases.end_before(number);
            });
        }
    }

    /// Shuts what `listeners` does not have. What waits there belongs to the configuration that is still in force.
    async fn leave(&mut self, listeners: &Listeners) {
        let (stay, go): (Vec<_>, Vec<_>) = std::mem::take(&mut self.doors)
            .into_iter()
            .partition(|door| (0..listeners.len()).any(|index| door.is_of(listeners, index)));
        self.doors = stay;
        for door in go {
            self.shut(door).await;
        }
    }

    /// Listens on what `listeners` has. One that fails does not keep the others from it.
    fn listen(&mut self, listeners: &Listeners) -> io::Result<()> {
        let mut outcome = Ok(());
        let mut before = std::mem::take(&mut self.doors);
        for index in 0..listeners.len() {
            if let Some(place) = before.iter().position(|door| door.is_of(listeners, index)) {
                let door = before.swap_remove(place);
                door.index.set(index);
                self.doors.push(door);
                continue;
            }
            match listeners.open(index, self.number) {
                Ok(Some(listener)) => self.doors.push(self.door(listener, index)),
                Ok(None) => {}
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    fn door(&self, listener: Listener, index: usize) -> Door {
        let listener = Rc::new(listener);
        let index = Rc::new(Cell::new(index));
        let accepting = Accepting {
            listener: Rc::clone(&listener),
            index: Rc::clone(&index),
            service: Rc::clone(&self.service),
            connections: Rc::clone(&self.connections),
        };
        let task = tokio::task::spawn_local(accepting.run());
        Door {
            listener,
            index,
            task,
        }
    }

    /// Takes what waits already and closes the socket.
    async fn shut(&self, door: Door) {
        door.task.abort();
        // Its task has the socket, too, until it has ended: a client could connect to it and find nobody there.
        let _ = door.task.await;
        for transport in door.listener.waiting() {
            let listener = door.index.get();
            serve(&self.service, &self.connections, transport, listener);
        }
    }

    async fn close(&mut self) {
        for door in std::mem::take(&mut self.doors) {
            self.shut(door).await;
        }
    }
}

struct Accepting<S: Service> {
    listener: Rc<Listener>,
    index: Rc<Cell<usize>>,
    service: Rc<S>,
    connections: Rc<Connections>,
}

impl<S: Service> Accepting<S> {
    async fn run(self) {
        let address: &Endpoint = self.listener.address();
        loop {
            let trouble = |error: &io::Error| self.service.trouble(Trouble::Accept(address, error));
            let arrival = self.listener.accept(trouble).await;
            net::clock::refresh();
            let listener = self.index.get();
            match arrival {
                Arrival::Connection(transport) => {
                    serve(&self.service, &self.connections, transport, listener);
                }
                Arrival::Datagrams(client) => {
                    connection::spawn(&self.service, &self.connections, |service, _| {
                        service.serve_datagrams(client, listener)
                    });
                }
            }
        }
    }
}

fn serve<S: Service>(
    service: &Rc<S>,
    connections: &Rc<Connections>,
    transport: Transport,
    listener: usize,
) {
    connection::spawn(service, connections, |service, lease| {
        service.serve(Accepted {
            transport,
            listener,
            lease,
        })
    });
}

async fn seconds<S: Service>(service: &S) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        seconds.tick().await;
        service.each_second();
    }
}

async fn after(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}
