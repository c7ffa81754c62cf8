//! One second in the forms that headers and logs write it in.

use base::Timestamp;
use jiff::Timestamp as Instant;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use std::fmt::Write;
use std::sync::LazyLock;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The zone of the machine, or of `TZ`. Read once, as nginx's C library does.
static ZONE: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::try_system().unwrap_or(TimeZone::UTC));

/// The texts of one second.
pub(crate) struct TimeText {
    second: i64,
    http_date: String,
    local: String,
    iso8601: String,
    error_log: String,
}

impl TimeText {
    pub(super) const fn new() -> Self {
        Self {
            second: i64::MIN,
            http_date: String::new(),
            local: String::new(),
            iso8601: String::new(),
            error_log: String::new(),
        }
    }

    /// Makes the texts of `wall`'s second, unless they are there.
    pub(super) fn update(&mut self, wall: Timestamp) {
        let second = wall.0.div_euclid(1000);
        if second != self.second {
            self.second = second;
            self.write(second, &ZONE);
        }
    }

    /// As in `Date`: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
    pub(crate) fn http_date(&self) -> &str {
        &self.http_date
    }

    /// As in `$time_local`: `06/Nov/1994:08:49:37 +0000`.
    pub(crate) fn local(&self) -> &str {
        &self.local
    }

    /// As in `$time_iso8601`: `1994-11-06T08:49:37+00:00`.
    pub(crate) fn iso8601(&self) -> &str {
        &self.iso8601
    }

    /// As a line of the error log begins: `1994/11/06 08:49:37`, in local time.
    pub(crate) fn error_log(&self) -> &str {
        &self.error_log
    }

    fn write(&mut self, second: i64, zone: &TimeZone) {
        // Only years beyond 9999 are refused, which no clock of ours shows.
        let instant = Instant::from_second(second).unwrap_or(Instant::UNIX_EPOCH);
        let utc = Offset::UTC.to_datetime(instant);
        let offset = zone.to_offset(instant);
        let here = offset.to_datetime(instant);
        self.http_date.clear();
        self.local.clear();
        self.iso8601.clear();
        self.error_log.clear();
        let (sign, hours, minutes) = parts(offset);
        let day = DAYS
            .get(usize::from(
                utc.weekday().to_monday_zero_offset().unsigned_abs(),
            ))
            .unwrap_or(&DAYS[0]);
        // Writing to a string does not fail.
        let _ = write!(
            self.http_date,
            "{day}, {:02} {} {:04} {} GMT",
            utc.day(),
            month(&utc),
            utc.year(),
            time(&utc)
        );
        let _ = write!(
            self.local,
            "{:02}/{}/{:04}:{} {sign}{hours:02}{minutes:02}",
            here.day(),
            month(&here),
            here.year(),
            time(&here)
        );
        let (year, number, day) = (here.year(), here.month(), here.day());
        let _ = write!(
            self.iso8601,
            "{year:04}-{number:02}-{day:02}T{}{sign}{hours:02}:{minutes:02}",
            time(&here)
        );
        let _ = write!(
            self.error_log,
            "{year:04}/{number:02}/{day:02} {}",
            time(&here)
        );
    }
}

fn month(date: &DateTime) -> &'static str {
    usize::from(date.month().unsigned_abs())
        .checked_sub(1)
        .and_then(|index| MONTHS.get(index))
        .unwrap_or(&MONTHS[0])
}

fn time(date: &DateTime) -> impl std::fmt::Display {
    let (hour, minute, second) = (date.hour(), date.minute(), date.second());
    std::fmt::from_fn(move |f| write!(f, "{hour:02}:{minute:02}:{second:02}"))
}

/// The sign, the hours and the minutes of an offset from UTC.
fn parts(offset: Offset) -> (char, u32, u32) {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    (sign, minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(second: i64, zone: &TimeZone, expected: [&str; 4]) {
        let mut text = TimeText::new();
        text.write(second, zone);
        assert_eq!(
            [
                text.http_date(),
                text.local(),
                text.iso8601(),
                text.error_log()
            ],
            expected
        );
    }

    #[test]
    fn forms() {
        check(
            784_111_777,
            &TimeZone::UTC,
            [
                "Sun, 06 Nov 1994 08:49:37 GMT",
                "06/Nov/1994:08:49:37 +0000",
                "1994-11-06T08:49:37+00:00",
                "1994/11/06 08:49:37",
            ],
        );
        let kathmandu = Offset::from_seconds(20_700).unwrap().to_time_zone();
        check(
            1_798_761_599,
            &kathmandu,
            [
                "Thu, 31 Dec 2026 23:59:59 GMT",
                "01/Jan/2027:05:44:59 +0545",
                "2027-01-01T05:44:59+05:45",
                "2027/01/01 05:44:59",
            ],
        );
        let west = Offset::from_seconds(-12_600).unwrap().to_time_zone();
        check(
            1_709_164_800,
            &west,
            [
                "Thu, 29 Feb 2024 00:00:00 GMT",
                "28/Feb/2024:20:30:00 -0330",
                "2024-02-28T20:30:00-03:30",
                "2024/02/28 20:30:00",
            ],
        );
    }

    #[test]
    fn a_second_is_made_once() {
        let mut text = TimeText::new();
        text.update(Timestamp(1_000));
        let made = allocation_counter::measure(|| text.update(Timestamp(1_999)));
        assert_eq!(made.count_total, 0);
        let first = text.iso8601().to_owned();
        text.update(Timestamp(2_000));
        assert_ne!(text.iso8601(), first);
    }
}
