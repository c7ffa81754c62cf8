//! Arguments as values. The check has seen to their kinds, so what fails here is in words that stand after the directive's name.

use std::time::Duration;

use nginx_conf::Directive;
use nginx_conf::value::{self, Unit};

/// The argument of that number.
pub(crate) fn word(directive: &Directive, index: usize) -> Result<&str, String> {
    directive
        .args
        .get(index)
        .map(|word| word.text.as_str())
        .ok_or_else(|| "invalid number of arguments".to_owned())
}

/// `on` or `off`, as first argument.
pub(crate) fn flag(directive: &Directive) -> Result<bool, String> {
    let text = word(directive, 0)?;
    value::flag(text).ok_or_else(|| format!("expected \"on\" or \"off\", found \"{text}\""))
}

/// A number that is not negative.
pub(crate) fn number(text: &str) -> Result<u64, String> {
    value::number(text)
        .and_then(|number| u64::try_from(number).ok())
        .ok_or_else(|| format!("invalid number \"{text}\""))
}

/// Bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    value::size(text)
        .and_then(|size| u64::try_from(size).ok())
        .ok_or_else(|| format!("invalid size \"{text}\""))
}

/// A time; a number without unit counts seconds.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    value::time(text, Unit::Second)
        .and_then(|ms| u64::try_from(ms).ok())
        .map(Duration::from_millis)
        .ok_or_else(|| format!("invalid time \"{text}\""))
}
