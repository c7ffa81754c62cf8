//! Settings as Kafka's clients see them: their types, and the rules that their values obey.

use std::fmt;

/// The type of a setting, with its number in DescribeConfigs (KIP-569).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConfigType {
    Boolean = 1,
    String = 2,
    Int = 3,
    Long = 5,
    Double = 6,
    List = 7,
}

impl ConfigType {
    /// The number on the wire.
    pub(crate) fn code(self) -> i8 {
        self as i8
    }
}

/// Where a value comes from, with its number in DescribeConfigs (KIP-226).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConfigSource {
    Topic = 1,
    StaticBroker = 4,
    Default = 5,
}

impl ConfigSource {
    /// The number on the wire.
    pub(crate) fn code(self) -> i8 {
        self as i8
    }
}

/// What values a setting can have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    /// `true` or `false`.
    Flag,
    /// A whole number from the first to the second.
    Whole(i64, i64),
    /// A number from 0 to 1.
    Ratio,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Some of these words, separated by commas.
    Words(&'static [&'static str]),
    /// Anything.
    Text,
}

impl Rule {
    /// Checks a value; the error says what was expected.
    pub(crate) fn check(self, value: &str) -> Result<(), Expected> {
        let value = value.trim();
        let fits = match self {
            Self::Flag => matches!(value.to_ascii_lowercase().as_str(), "true" | "false"),
            Self::Whole(min, max) => value
                .parse()
                .is_ok_and(|number| (min..=max).contains(&number)),
            Self::Ratio => value
                .parse()
                .is_ok_and(|number: f64| (0.0..=1.0).contains(&number)),
            Self::Word(words) => words.contains(&value),
            Self::Words(words) => value.split(',').all(|word| words.contains(&word.trim())),
            Self::Text => true,
        };
        if fits { Ok(()) } else { Err(Expected(self)) }
    }
}

/// What a value should have been.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Expected(Rule);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Rule::Flag => f.write_str("true or false"),
            Rule::Whole(min, i64::MAX) => write!(f, "a whole number of at least {min}"),
            Rule::Whole(min, max) => write!(f, "a whole number from {min} to {max}"),
            Rule::Ratio => f.write_str("a number from 0 to 1"),
            Rule::Word(words) => write!(f, "one of {}", words.join(", ")),
            Rule::Words(words) => write!(f, "a list of {}", words.join(", ")),
            Rule::Text => f.write_str("anything"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rule;

    #[test]
    fn values_are_checked_by_rule() {
        let check = |rule: Rule, good: &[&str], bad: &[&str]| {
            for value in good {
                assert!(rule.check(value).is_ok(), "{rule:?} takes {value:?}");
            }
            for value in bad {
                assert!(rule.check(value).is_err(), "{rule:?} refuses {value:?}");
            }
        };
        check(Rule::Flag, &["true", "False"], &["", "1"]);
        check(
            Rule::Whole(-1, 10),
            &["-1", "10", " 3 "],
            &["-2", "11", "x", ""],
        );
        check(Rule::Ratio, &["0", "0.5", "1"], &["1.1", "-0.1", "NaN"]);
        check(Rule::Word(&["a", "b"]), &["a"], &["A", "a,b"]);
        check(Rule::Words(&["a", "b"]), &["a", "a, b"], &["", "a,c"]);
    }

    #[test]
    fn a_refusal_says_what_was_expected() {
        let expected = Rule::Whole(1, i64::MAX).check("0").unwrap_err();
        assert_eq!(expected.to_string(), "a whole number of at least 1");
    }
}
