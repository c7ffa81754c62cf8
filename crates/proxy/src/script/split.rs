//! `split_clients`: a value by chance that stays the same for the same text.

use nginx_conf::Directive;

use super::computed::SUBJECT_CAPACITY;
use super::{Registry, Scope, Template};

/// One `split_clients`.
#[derive(Debug)]
pub(crate) struct Split<V> {
    source: Template<V>,
    /// Hashes below the number have the value; `None` for all that are left.
    parts: Vec<(Option<u32>, Box<[u8]>)>,
}

/// A whole, in hundredths of a percent.
const WHOLE: u64 = 10_000;

impl<V> Split<V> {
    /// Reads `split_clients TEXT $name { … }`.
    pub(crate) fn read(directive: &Directive, registry: &mut Registry<V>) -> Result<Self, String> {
        let [source, _] = directive.args.as_slice() else {
            return Err("expected a text and a variable".to_owned());
        };
        let mut split = Self {
            source: registry.template(&source.text)?,
            parts: Vec::new(),
        };
        let (mut sum, mut bound) = (0, 0_u64);
        for entry in directive.block.as_deref().unwrap_or_default() {
            let [value] = entry.args.as_slice() else {
                return Err(format!(
                    "invalid number of parameters at \"{}\"",
                    entry.name.text
                ));
            };
            let below = if entry.name.text == "*" {
                sum = WHOLE;
                None
            } else {
                let part = hundredths(&entry.name.text)
                    .ok_or_else(|| format!("invalid percent value \"{}\"", entry.name.text))?;
                sum += part;
                bound += part * u64::from(u32::MAX) / WHOLE;
                u32::try_from(bound).ok()
            };
            if sum > WHOLE {
                return Err("percent total is greater than 100%".to_owned());
            }
            split.parts.push((below, value.text.as_bytes().into()));
        }
        Ok(split)
    }

    /// Appends the value for what the text says now.
    pub(super) fn append(&self, scope: &impl Scope<V>, out: &mut Vec<u8>) {
        let mut subject = Vec::with_capacity(SUBJECT_CAPACITY);
        self.source.render(scope, &mut subject);
        let hash = murmur2(&subject);
        let part = self
            .parts
            .iter()
            .find(|(below, _)| below.is_none_or(|below| hash < below));
        out.extend_from_slice(part.map_or(&[], |(_, value)| value));
    }
}

/// `12.5%` as 1250. More than two digits behind the point, or nothing at all, is no such value.
fn hundredths(text: &str) -> Option<u64> {
    let text = text.strip_suffix('%')?;
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || rest.len() > 2 || !digits(whole) || !digits(rest) {
        return None;
    }
    let value = whole.parse::<u64>().ok().filter(|whole| *whole <= 100)? * 100;
    let rest = format!("{rest:0<2}").parse::<u64>().ok()?;
    Some(value + rest).filter(|value| *value > 0)
}

/// MurmurHash2 with seed 0, which nginx splits by, so that clients keep their part when they come from nginx.
fn murmur2(data: &[u8]) -> u32 {
    const FACTOR: u32 = 0x5bd1_e995;
    let mut hash = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        word = word.wrapping_mul(FACTOR);
        word ^= word >> 24;
        word = word.wrapping_mul(FACTOR);
        hash = hash.wrapping_mul(FACTOR) ^ word;
    }
    let rest = words.remainder();
    for (index, byte) in rest.iter().enumerate() {
        hash ^= u32::from(*byte) << (8 * index);
    }
    if !rest.is_empty() {
        hash = hash.wrapping_mul(FACTOR);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(FACTOR);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::{hundredths, murmur2};

    #[test]
    fn parts_are_read() {
        let check = |text, value| assert_eq!(hundredths(text), value, "{text}");
        check("50%", Some(5000));
        check("0.5%", Some(50));
        check("0.05%", Some(5));
        check("100%", Some(10_000));
        for text in ["", "%", "5", "0%", "1.234%", "101%", "-1%", ".5%"] {
            check(text, None);
        }
    }

    #[test]
    fn the_hash_is_the_known_one() {
        // Values of the reference implementation with seed 0.
        assert_eq!(murmur2(b""), 0);
        assert_eq!(murmur2(b"a"), 0x92685f5e);
    }
}
