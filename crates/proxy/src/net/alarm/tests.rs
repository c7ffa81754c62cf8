use super::*;
use tokio::task::LocalSet;

fn run<F: Future>(work: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async {
        tokio::task::spawn_local(tick());
        work.await
    })
}

#[test]
fn a_deadline_ends_what_does_not_end() {
    run(async {
        let alarm = Alarm::new();
        let before = std::time::Instant::now();
        let allowed = Duration::from_millis(80);
        let outcome = alarm.within(allowed, std::future::pending::<()>()).await;
        assert_eq!(outcome, Err(Elapsed));
        assert!(before.elapsed() >= allowed, "early");
        assert!(before.elapsed() < allowed + 10 * TICK, "late");
        assert_eq!(alarm.due(), None);
    });
}

#[test]
fn what_ends_in_time_is_not_disturbed() {
    run(async {
        let alarm = Alarm::new();
        let work = async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            7
        };
        assert_eq!(alarm.within(Duration::from_secs(5), work).await, Ok(7));
    });
}

#[test]
fn a_deadline_moves_while_it_is_waited_for() {
    run(async {
        let alarm = Rc::new(Alarm::new());
        alarm.set(Duration::from_secs(60));
        let other = Rc::clone(&alarm);
        tokio::task::spawn_local(async move { other.set(Duration::from_millis(1)) });
        assert_eq!(
            alarm.guard(std::future::pending::<()>()).await,
            Err(Elapsed)
        );
        alarm.clear();
        assert_eq!(alarm.guard(std::future::ready(1)).await, Ok(1));
    });
}

#[test]
fn idle_connections_end_with_their_worker() {
    run(async {
        let idle = tokio::task::spawn_local(async {
            let alarm = Alarm::new();
            alarm.set(Duration::from_secs(100));
            let ended = alarm.guard_idle(std::future::pending::<()>()).await;
            let late = alarm.guard_idle(std::future::pending::<()>()).await;
            let ready = alarm.guard_idle(std::future::ready(1)).await;
            (ended, late, ready)
        });
        let busy = tokio::task::spawn_local(async {
            let alarm = Alarm::new();
            alarm
                .within(Duration::from_millis(1), std::future::pending::<()>())
                .await
        });
        tokio::task::yield_now().await;
        assert!(!quitting());
        begin_quit();
        let quit = Err(Interrupted::Quit);
        assert_eq!(idle.await.unwrap(), (quit, Err(Interrupted::Quit), Ok(1)));
        assert_eq!(busy.await.unwrap(), Err(Elapsed));
        QUITTING.set(false);
    });
}

#[test]
fn many_alarms_go_off_each_at_its_time() {
    run(async {
        let mut tasks = Vec::new();
        for number in 0..200_u64 {
            tasks.push(tokio::task::spawn_local(async move {
                let alarm = Alarm::new();
                let waits = number % 2 == 0;
                alarm.set(if waits {
                    Duration::from_millis(number)
                } else {
                    Duration::from_secs(100)
                });
                if waits {
                    alarm.elapsed().await;
                }
                waits
            }));
        }
        let mut fired = 0;
        for task in tasks {
            fired += usize::from(task.await.unwrap());
        }
        assert_eq!(fired, 100);
        SLOTS.with_borrow(|slots| assert!(slots.is_empty()));
    });
}

#[test]
fn dropped_alarms_leave_the_others_in_place() {
    let mut alarms: Vec<_> = (0..10).map(|_| Alarm::new()).collect();
    for index in [9, 0, 4, 2] {
        drop(alarms.remove(index));
    }
    SLOTS.with_borrow(|slots| {
        assert_eq!(slots.len(), 6);
        for (index, slot) in slots.iter().enumerate() {
            assert_eq!(slot.index.get(), index);
        }
    });
}

#[test]
fn setting_and_waiting_allocate_nothing() {
    let alarm = Alarm::new();
    let mut cx = Context::from_waker(Waker::noop());
    let mut work = pin!(std::future::pending::<()>());
    let mut round = || {
        alarm.set(Duration::from_secs(1));
        assert!(alarm.poll_guarded(work.as_mut(), &mut cx).is_pending());
        sweep(clock::now());
        alarm.clear();
    };
    round();
    let made = allocation_counter::measure(|| (0..100).for_each(|_| round()));
    assert_eq!(made.count_total, 0);
}
