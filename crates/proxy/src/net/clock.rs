//! The clock of a worker: read once in a while, asked often.
//!
//! `now` and `wall` return what was read last on this thread: a ticking thread ([`alarm`](super::alarm)) is behind by at most
//! [`TICK`](super::alarm::TICK) while it is not busy. `refresh` reads the clock (some 25 ns); what is measured, such as the
//! time of a request, is taken from it. All threads count from the same start, so their times may be compared.
//!
//! `text` gives the time as headers and logs write it, made once per second.

mod text;

use std::cell::{Cell, RefCell};
use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use base::{Monotonic, Timestamp};

pub(crate) use text::TimeText;

/// What [`Monotonic`] counts from. One second earlier than the first look, so that no time is zero: zero may stand for 'never'.
static START: LazyLock<Instant> = LazyLock::new(|| {
    let now = Instant::now();
    now.checked_sub(std::time::Duration::from_secs(1))
        .unwrap_or(now)
});

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
    /// Wall clock minus monotonic clock, in milliseconds.
    static OFFSET: Cell<i64> = const { Cell::new(0) };
    static TEXT: RefCell<TimeText> = const { RefCell::new(TimeText::new()) };
}

/// The time as it was read last on this thread.
pub(crate) fn now() -> Monotonic {
    match NOW.get() {
        0 => sync(),
        read => Monotonic(read),
    }
}

/// Reads the clock that never jumps.
pub(crate) fn refresh() -> Monotonic {
    if NOW.get() == 0 {
        return sync();
    }
    let now = read();
    NOW.set(now);
    Monotonic(now)
}

/// Reads both clocks: a step of the wall clock is seen from here on.
pub(crate) fn sync() -> Monotonic {
    let now = read();
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| signed(since.as_millis()));
    NOW.set(now);
    OFFSET.set(wall - signed(now.into()));
    Monotonic(now)
}

/// The time on the wall that belongs to [`now`].
pub(crate) fn wall() -> Timestamp {
    let now = now();
    Timestamp(signed(now.0.into()) + OFFSET.get())
}

/// Shows the time that belongs to [`wall`] in the forms that headers and logs use.
///
/// `show` must not ask for the text again.
pub(crate) fn text<T>(show: impl FnOnce(&TimeText) -> T) -> T {
    TEXT.with_borrow_mut(|text| {
        text.update(wall());
        show(text)
    })
}

fn read() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn signed(millis: u128) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_clock_stands_still_until_it_is_read() {
        let first = now();
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(now(), first);
        assert!(refresh() - first >= Duration::from_millis(5));
        assert!(now() > first);
    }

    #[test]
    fn threads_agree() {
        let before = refresh();
        let other = std::thread::spawn(now).join().unwrap();
        assert!(other >= before && refresh() >= other);
        assert!(before.0 > 0);
    }

    #[test]
    fn the_wall_is_the_systems() {
        sync();
        let system = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let ours = u64::try_from(wall().0).unwrap();
        assert!(u128::from(ours).abs_diff(system.as_millis()) < 1000);
    }

    #[test]
    fn the_text_is_made_once_per_second() {
        text(|text| assert_eq!(text.http_date().len(), 29));
        let made = allocation_counter::measure(|| {
            text(|text| assert!(!text.local().is_empty()));
        });
        assert!(made.count_total <= 8, "a second may have passed");
    }
}
