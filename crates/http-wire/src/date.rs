//! Dates of HTTP (RFC 9110 5.6.7): written in the one form, read in all three.

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

const SECONDS_PER_DAY: u64 = 86_400;

/// The last second that four digits of a year write: 31 December 9999.
const SECONDS_MAX: u64 = 253_402_300_799;

/// How many bytes a date of the fixed form has.
pub const DATE_LEN: usize = 29;

/// Appends a date such as `Sun, 06 Nov 1994 08:49:37 GMT`, of seconds since 1970.
pub fn write_date(seconds: u64, out: &mut Vec<u8>) {
    let seconds = seconds.min(SECONDS_MAX);
    let (days, second) = (seconds / SECONDS_PER_DAY, seconds % SECONDS_PER_DAY);
    let (year, month, day) = civil(days);
    let name = |names: &[&'static str], index: u64| {
        let index = usize::try_from(index).unwrap_or_default();
        names.get(index).copied().unwrap_or_default()
    };
    // 1 January 1970 was a Thursday.
    out.extend_from_slice(name(&DAYS, (days + 3) % 7).as_bytes());
    out.extend_from_slice(b", ");
    write_digits(day, 2, out);
    out.push(b' ');
    out.extend_from_slice(name(&MONTHS, month - 1).as_bytes());
    out.push(b' ');
    write_digits(year, 4, out);
    for (before, number) in [
        (b' ', second / 3600),
        (b':', second / 60 % 60),
        (b':', second % 60),
    ] {
        out.push(before);
        write_digits(number, 2, out);
    }
    out.extend_from_slice(b" GMT");
}

/// Seconds since 1970 of a date in any of the three forms; nothing where it is none, or before 1970.
#[must_use]
pub fn parse_date(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    if let Some(comma) = memchr::memchr(b',', text) {
        let rest = text[comma + 1..].trim_ascii_start();
        return match rest.get(2)? {
            b'-' => parse_rfc850(rest),
            _ => parse_fixed(rest),
        };
    }
    // Sun Nov  6 08:49:37 1994
    let rest = text.get(4..)?;
    let blank = [3, 6, 15].iter().all(|at| rest.get(*at) == Some(&b' '));
    let day = match rest.get(4..6)? {
        [b' ', digit] => number(&[*digit])?,
        digits => number(digits)?,
    };
    let year = number(rest.get(16..20)?)?;
    let complete = blank && rest.len() == 20;
    complete.then(|| join(year, rest.get(..3)?, day, rest.get(7..15)?))?
}

/// `06 Nov 1994 08:49:37 GMT`
fn parse_fixed(rest: &[u8]) -> Option<u64> {
    let blank = [2, 6, 11].iter().all(|at| rest.get(*at) == Some(&b' '));
    let year = number(rest.get(7..11)?)?;
    let day = number(rest.get(..2)?)?;
    let complete = blank && rest.get(20..)? == b" GMT";
    complete.then(|| join(year, rest.get(3..6)?, day, rest.get(12..20)?))?
}

/// `06-Nov-94 08:49:37 GMT`: years below 70 are of this century.
fn parse_rfc850(rest: &[u8]) -> Option<u64> {
    let year = match number(rest.get(7..9)?)? {
        year @ ..70 => 2000 + year,
        year => 1900 + year,
    };
    let day = number(rest.get(..2)?)?;
    let complete = rest[6] == b'-' && rest.get(9)? == &b' ' && rest.get(18..)? == b" GMT";
    complete.then(|| join(year, rest.get(3..6)?, day, rest.get(10..18)?))?
}

fn join(year: u64, month: &[u8], day: u64, time: &[u8]) -> Option<u64> {
    let month = MONTHS.iter().position(|name| name.as_bytes() == month)? as u64 + 1;
    let (hour, minute) = (number(time.get(..2)?)?, number(time.get(3..5)?)?);
    let second = number(time.get(6..8)?)?;
    let colons = time[2] == b':' && time[5] == b':';
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let valid = colons
        && year >= 1970
        && (1..=days).contains(&day)
        && hour < 24
        && minute < 60
        // A leap second counts as the one after it.
        && second <= 60;
    valid.then(|| {
        days_since_1970(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second
    })
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number: u64, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Years count from March here, so that the leap day is the last of its year; 719,468 days lie between 1 March of the year 0 and 1970.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

/// The year, month and day, the reverse of [`days_since_1970`] (400 years have 146,097 days).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12 + 1;
    let year = era * 400 + year + u64::from(month <= 2);
    (year, month, day)
}

/// Appends a number with leading zeros.
fn write_digits(number: u64, digits: u32, out: &mut Vec<u8>) {
    for power in (0..digits).rev() {
        let digit = number / 10u64.pow(power) % 10;
        out.push(b'0' + u8::try_from(digit).unwrap_or_default());
    }
}
