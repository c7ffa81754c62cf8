use super::super::service::{Accepted, Trouble};
use super::*;
use crate::net::{Alarm, Endpoint, ListenOptions, ListenSpec, quitting};
use std::rc::Rc;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Answers each byte with the configuration's number and the listener's; `!` panics, `w` waits for the client's next byte, `?`
/// asks for the number of the configuration under which the connection began.
struct Echo {
    config: Mutex<Arc<Plan>>,
}

struct Plan {
    number: u8,
    troubles: Arc<AtomicUsize>,
    ends: Arc<AtomicUsize>,
}

impl Plan {
    fn new(number: u8) -> Arc<Self> {
        Arc::new(Self {
            number,
            troubles: Arc::default(),
            ends: Arc::default(),
        })
    }
}

impl Service for Echo {
    type Config = Plan;

    fn start(_seat: Seat, config: Arc<Plan>) -> Rc<Self> {
        assert_ne!(config.number, 99, "no such plan");
        Rc::new(Self {
            config: Mutex::new(config),
        })
    }

    fn serve(self: Rc<Self>, accepted: Accepted) -> impl Future<Output = ()> + 'static {
        let begun = self.config.lock().unwrap().number;
        self.echo(accepted, begun)
    }

    fn configure(&self, config: Arc<Plan>) {
        *self.config.lock().unwrap() = config;
    }

    fn end(&self) {
        let plan = Arc::clone(&self.config.lock().unwrap());
        plan.ends.fetch_add(1, Ordering::Relaxed);
    }

    fn trouble(&self, trouble: Trouble<'_>) {
        assert!(matches!(trouble, Trouble::Panic));
        let plan = Arc::clone(&self.config.lock().unwrap());
        plan.troubles.fetch_add(1, Ordering::Relaxed);
    }
}

impl Echo {
    async fn echo(self: Rc<Self>, accepted: Accepted, begun: u8) {
        let mut transport = accepted.transport;
        let alarm = Alarm::new();
        while let Ok(Ok(byte)) = alarm.guard_idle(transport.read_u8()).await {
            assert_ne!(byte, b'!', "as asked");
            if byte == b'w' && transport.read_u8().await.is_err() {
                return;
            }
            let current = self.config.lock().unwrap().number;
            let number = if byte == b'?' { begun } else { current };
            let listener = u8::try_from(accepted.listener).unwrap();
            transport.write_all(&[number, listener]).await.unwrap();
            if quitting() {
                return;
            }
        }
    }
}

fn run<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            tokio::time::timeout(Duration::from_secs(20), work)
                .await
                .unwrap()
        })
}

fn bind(addresses: &[&str], workers: usize, held: &Listeners) -> Listeners {
    let spec = |address: &&str| ListenSpec {
        address: Endpoint::Ip(address.parse().unwrap()),
        options: ListenOptions::default(),
        udp: false,
    };
    let specs: Vec<_> = addresses.iter().map(spec).collect();
    Listeners::bind(&specs, workers, held).unwrap()
}

async fn client(listeners: &Listeners, index: usize) -> TcpStream {
    let address = listeners.address(index).unwrap().ip().unwrap();
    TcpStream::connect(address).await.unwrap()
}

async fn ask(client: &mut TcpStream) -> [u8; 2] {
    say(client, b"x").await
}

async fn say(client: &mut TcpStream, word: &[u8]) -> [u8; 2] {
    client.write_all(word).await.unwrap();
    let mut answer = [0; 2];
    client.read_exact(&mut answer).await.unwrap();
    answer
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[test]
fn a_reload_keeps_connections_and_takes_new_addresses() {
    run(async {
        let before = bind(&["127.0.0.1:0", "127.0.0.2:0"], 2, &Listeners::default());
        let mut workers = Workers::<Echo>::start(before.clone(), Plan::new(1))
            .await
            .unwrap();
        let mut first = client(&before, 0).await;
        let mut second = client(&before, 1).await;
        assert_eq!(ask(&mut first).await, [1, 0]);
        assert_eq!(ask(&mut second).await, [1, 1]);
        assert_eq!(workers.live(), 2);

        let after = bind(&["127.0.0.3:0", "127.0.0.2:0"], 3, &before);
        let gone = before.address(0).unwrap().ip().unwrap();
        drop(before);
        workers
            .configure(after.clone(), Plan::new(2), None)
            .await
            .unwrap();
        assert_eq!(ask(&mut first).await, [2, 0]);
        assert_eq!(ask(&mut client(&after, 0).await).await, [2, 0]);
        assert_eq!(ask(&mut client(&after, 1).await).await, [2, 1]);
        assert!(TcpStream::connect(gone).await.is_err());

        let fewer = bind(&["127.0.0.3:0", "127.0.0.2:0"], 1, &after);
        drop(after);
        workers
            .configure(fewer.clone(), Plan::new(3), None)
            .await
            .unwrap();
        for _ in 0..4 {
            assert_eq!(ask(&mut client(&fewer, 0).await).await, [3, 0]);
        }
        workers.stop();
        assert_eq!(workers.live(), 0);
        assert_eq!(first.read(&mut [0; 1]).await.unwrap(), 0);
    });
}

#[test]
fn workers_that_are_too_many_go_for_good() {
    run(async {
        let many = bind(&["127.0.0.1:0"], 3, &Listeners::default());
        let mut workers = Workers::<Echo>::start(many.clone(), Plan::new(1))
            .await
            .unwrap();
        let few = bind(&["127.0.0.1:0"], 1, &many);
        drop(many);
        workers
            .configure(few.clone(), Plan::new(2), None)
            .await
            .unwrap();
        // Nobody is told of an end that was wanted.
        let ended = tokio::time::timeout(Duration::from_millis(100), workers.ended());
        assert!(ended.await.is_err());
        assert_eq!(workers.members.len(), 1);
        // Connections survive what was once a cause to end the surplus ones again.
        let mut kept = Vec::new();
        for _ in 0..4 {
            let mut client = client(&few, 0).await;
            assert_eq!(ask(&mut client).await, [2, 0]);
            kept.push(client);
        }
        workers
            .configure(few.clone(), Plan::new(3), None)
            .await
            .unwrap();
        for mut client in kept {
            assert_eq!(ask(&mut client).await, [3, 0]);
        }
        let more = bind(&["127.0.0.1:0"], 2, &few);
        workers.configure(more, Plan::new(4), None).await.unwrap();
        assert_eq!(workers.members.len(), 2);
    });
}

#[test]
fn a_fault_in_a_surplus_worker_brings_it_not_back() {
    run(async {
        let many = bind(&["127.0.0.1:0"], 2, &Listeners::default());
        let mut workers = Workers::<Echo>::start(many.clone(), Plan::new(1))
            .await
            .unwrap();
        let few = bind(&["127.0.0.1:0"], 1, &many);
        drop(many);
        // Both are broken before the second hears that it is to quit.
        workers.call(|_| panic!("the thread's own"));
        workers.configure(few, Plan::new(2), None).await.unwrap();
        for _ in 0..2 {
            assert!(workers.ended().await.is_some());
            workers.replace().await.unwrap();
        }
        let seats: Vec<_> = workers.members.iter().map(|member| member.number).collect();
        assert_eq!(seats, [0]);
    });
}

#[test]
fn what_waits_at_a_door_that_closes_is_of_the_old_configuration() {
    run(async {
        let before = bind(&["127.0.0.1:0", "127.0.0.2:0"], 1, &Listeners::default());
        let mut workers = Workers::<Echo>::start(before.clone(), Plan::new(1))
            .await
            .unwrap();
        let after = bind(&["127.0.0.2:0"], 1, &before);
        // The worker does nothing until it may, and then has the order before it looks at its sockets.
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let (stopped, stops) = std::sync::mpsc::channel();
        let wait = Arc::new(Mutex::new(wait));
        workers.call(move |_| {
            stopped.send(()).unwrap();
            wait.lock().unwrap().recv().unwrap();
        });
        stops.recv().unwrap();
        let mut gone = client(&before, 0).await;
        let mut stays = client(&before, 1).await;
        drop(before);
        let told = workers.configure(after, Plan::new(2), None);
        let let_go = async {
            tokio::task::yield_now().await;
            go.send(()).unwrap();
        };
        tokio::join!(told, let_go).0.unwrap();
        assert_eq!(say(&mut gone, b"?").await, [1, 0]);
        // This one may be accepted before or after, but number and configuration fit.
        let stays = say(&mut stays, b"?").await;
        assert!(stays == [1, 1] || stays == [2, 0], "{stays:?}");
    });
}

#[test]
fn quitting_lets_the_active_finish_and_the_idle_go() {
    run(async {
        let listeners = bind(&["127.0.0.1:0"], 1, &Listeners::default());
        let plan = Plan::new(1);
        let mut workers = Workers::<Echo>::start(listeners.clone(), Arc::clone(&plan))
            .await
            .unwrap();
        let address = listeners.address(0).unwrap().ip().unwrap();
        let mut idle = client(&listeners, 0).await;
        let mut active = client(&listeners, 0).await;
        active.write_all(b"w").await.unwrap();
        assert_eq!(ask(&mut idle).await, [1, 0]);
        until(|| workers.live() == 2).await;
        drop(listeners);
        workers.quit(None);
        assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0);
        assert!(TcpStream::connect(address).await.is_err());
        until(|| workers.live() == 1).await;
        assert_eq!(ask(&mut active).await, [1, 0]);
        let ended = workers.ended().await;
        assert_eq!(
            ended,
            Some(Ended {
                worker: 0,
                panic: None
            })
        );
        assert_eq!(workers.ended().await, None);
        assert_eq!(plan.ends.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn quitting_has_an_end() {
    run(async {
        let listeners = bind(&["127.0.0.1:0"], 2, &Listeners::default());
        let mut workers = Workers::<Echo>::start(listeners.clone(), Plan::new(1))
            .await
            .unwrap();
        let mut stuck = client(&listeners, 0).await;
        stuck.write_all(b"w").await.unwrap();
        until(|| workers.live() == 1).await;
        workers.quit(Some(Duration::from_millis(20)));
        assert!(workers.ended().await.is_some());
        assert!(workers.ended().await.is_some());
        assert_eq!(workers.ended().await, None);
        assert_eq!(stuck.read(&mut [0; 1]).await.unwrap(), 0);
    });
}

#[test]
fn a_panic_is_one_connections_or_is_reported() {
    run(async {
        let listeners = bind(&["127.0.0.1:0"], 1, &Listeners::default());
        let plan = Plan::new(1);
        let mut workers = Workers::<Echo>::start(listeners.clone(), Arc::clone(&plan))
            .await
            .unwrap();
        let mut bad = client(&listeners, 0).await;
        let mut good = client(&listeners, 0).await;
        bad.write_all(b"!").await.unwrap();
        assert_eq!(bad.read(&mut [0; 1]).await.unwrap(), 0);
        assert_eq!(ask(&mut good).await, [1, 0]);
        until(|| plan.troubles.load(Ordering::Relaxed) == 1).await;
        assert_eq!(workers.live(), 1);

        workers.call(|_| panic!("the thread's own"));
        let ended = workers.ended().await.unwrap();
        assert_eq!(ended.panic.as_deref(), Some("the thread's own"));
        workers.replace().await.unwrap();
        assert_eq!(ask(&mut client(&listeners, 0).await).await, [1, 0]);

        let start = Workers::<Echo>::start(listeners.clone(), Plan::new(99)).await;
        assert!(start.is_err());
    });
}
