//! The patterns of topic exchanges: words between dots, `*` for one word, `#` for any number of them.

/// The words of a key that remain; the empty key has none.
#[derive(Debug, Clone, Copy)]
struct Words<'a>(Option<&'a str>);

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Self {
        Self(Some(text).filter(|text| !text.is_empty()))
    }

    fn is_empty(self) -> bool {
        self.0.is_none()
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.0?;
        let (word, rest) = match rest.split_once('.') {
            Some((word, rest)) => (word, Some(rest)),
            None => (rest, None),
        };
        self.0 = rest;
        Some(word)
    }
}

/// Whether a binding's pattern matches a routing key. Takes time in the product of their lengths at most.
#[must_use]
pub fn matches(pattern: &str, key: &str) -> bool {
    let (mut pattern, mut key) = (Words::of(pattern), Words::of(key));
    // Behind the last `#`, and what it has left of the key so far.
    let mut retry: Option<(Words<'_>, Words<'_>)> = None;
    loop {
        let (mut after, mut rest) = (pattern, key);
        let fits = match after.next() {
            Some("#") => {
                if after.is_empty() {
                    return true;
                }
                retry = Some((after, key));
                pattern = after;
                continue;
            }
            Some(word) => match rest.next() {
                Some(found) => word == "*" || word == found,
                // What a `#` could take more only makes the key shorter.
                None => return false,
            },
            None if key.is_empty() => return true,
            None => false,
        };
        if fits {
            (pattern, key) = (after, rest);
            continue;
        }
        // The last `#` takes one word more.
        let Some((after, mut rest)) = retry else {
            return false;
        };
        if rest.next().is_none() {
            return false;
        }
        retry = Some((after, rest));
        (pattern, key) = (after, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_rabbitmq_says() {
        let check =
            |pattern, key, expected| assert_eq!(matches(pattern, key), expected, "{pattern} {key}");
        for (pattern, key) in [
            ("a.b", "a.b"),
            ("*.b", "a.b"),
            ("#", ""),
            ("#", "a.b.c"),
            ("a.#", "a"),
            ("a.#", "a.b.c"),
            ("#.c", "c"),
            ("#.c", "a.b.c"),
            ("a.#.c", "a.c"),
            ("a.#.c", "a.b.b.c"),
            ("#.#", ""),
            ("*.#", "a"),
            ("#.b.#.d", "a.b.c.b.d"),
            ("", ""),
            ("a..b", "a..b"),
            ("a.*.b", "a..b"),
            ("*", "*"),
        ] {
            check(pattern, key, true);
        }
        for (pattern, key) in [
            ("a.b", "a"),
            ("a", "a.b"),
            ("*", ""),
            ("*", "a.b"),
            ("a.#.c", "a.b"),
            ("#.c", "c.d"),
            ("*.#.*", "a"),
            ("", "a"),
            ("a.*", "a"),
            ("ab", "a"),
            ("a.", "a"),
        ] {
            check(pattern, key, false);
        }
    }

    #[test]
    fn many_hashes_take_no_exponential_time() {
        let pattern = "#.a.".repeat(60) + "b";
        let key = "a.".repeat(120) + "c";
        assert!(!matches(&pattern, &key));
    }
}
