use super::super::service::{Accepted, Trouble};
use super::*;
use crate::net::{Alarm, Endpoint, ListenOptions, ListenSpec, quitting};
use std::rc::Rc;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Answers each byte with the configuration's number and the listener's; `!` panics, `w` waits for the client's next byte.
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

    async fn serve(self: Rc<Self>, accepted: Accepted) {
        let mut transport = accepted.transport;
        let alarm = Alarm::new();
        while let Ok(Ok(byte)) = alarm.guard_idle(transport.read_u8()).await {
            assert_ne!(byte, b'!', "as asked");
            if byte == b'w' && transport.read_u8().await.is_err() {
                return;
            }
            let number = self.config.lock().unwrap().number;
            let listener = u8::try_from(accepted.listener).unwrap();
            transport.write_all(&[number, listener]).await.unwrap();
            if quitting() {
                return;
            }
        }
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
    client.write_all(b"x").await.unwrap();
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
        workers.replace(&ended).await.unwrap();
        assert_eq!(ask(&mut client(&listeners, 0).await).await, [1, 0]);

        let start = Workers::<Echo>::start(listeners.clone(), Plan::new(99)).await;
        assert!(start.is_err());
    });
}
