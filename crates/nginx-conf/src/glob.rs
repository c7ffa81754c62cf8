//! Shell patterns for `include`, as `glob(3)` matches one path component.

/// Whether a path component is a pattern rather than a plain name.
pub(crate) fn is_pattern(component: &str) -> bool {
    component.contains(['*', '?', '['])
}

/// Whether `name` matches `pattern`: `*`, `?`, `[a-z]`, `[!a-z]`, and a backslash that takes the next character as it is.
/// A leading dot must be written out.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where to go on after the last star: behind it in the pattern, one character further in the name.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            p += 1;
            retry = Some((p, n));
        } else if let Some(next) = one(&pattern, p, name[n]) {
            p = next;
            n += 1;
        } else if let Some((star, from)) = retry {
            retry = Some((star, from + 1));
            (p, n) = (star, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Matches one character against the pattern at `p`; tells where the pattern goes on.
fn one(pattern: &[char], p: usize, c: char) -> Option<usize> {
    match *pattern.get(p)? {
        '?' => Some(p + 1),
        '[' => match set(pattern, p, c) {
            Some((true, next)) => Some(next),
            Some((false, _)) => None,
            // A bracket that is never closed stands for itself.
            None => (c == '[').then_some(p + 1),
        },
        '\\' if p + 1 < pattern.len() => (pattern[p + 1] == c).then_some(p + 2),
        plain => (plain == c).then_some(p + 1),
    }
}

/// Matches a bracket expression that opens at `p`: whether it matched and where it ends; `None` if it is not closed.
fn set(pattern: &[char], p: usize, c: char) -> Option<(bool, usize)> {
    let mut at = p + 1;
    let negated = matches!(pattern.get(at), Some('!' | '^'));
    if negated {
        at += 1;
    }
    let first = at;
    let mut found = false;
    loop {
        let low = *pattern.get(at)?;
        if low == ']' && at > first {
            return Some((found != negated, at + 1));
        }
        let range =
            pattern.get(at + 1) == Some(&'-') && pattern.get(at + 2).is_some_and(|h| *h != ']');
        let high = if range { pattern[at + 2] } else { low };
        found |= (low..=high).contains(&c);
        at += if range { 3 } else { 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_the_shell_matches_them() {
        let check = |pattern: &str, yes: &[&str], no: &[&str]| {
            for name in yes {
                assert!(matches(pattern, name), "{pattern} {name}");
            }
            for name in no {
                assert!(!matches(pattern, name), "{pattern} {name}");
            }
        };
        check(
            "*.conf",
            &["a.conf", "a.b.conf"],
            &["a.conf~", ".a.conf", "conf"],
        );
        check("*", &["a", ""], &[".a"]);
        check(".*", &[".a", "."], &["a"]);
        check("a?c", &["abc", "aäc"], &["ac", "abbc"]);
        check("[a-c]1", &["a1", "c1"], &["d1", "1", "-1"]);
        check("[!a-c]1", &["d1"], &["a1"]);
        check("[]x]", &["]", "x"], &["a"]);
        check("[a-]", &["a", "-"], &["b"]);
        check("[a", &["[a"], &["a"]);
        check("\\*", &["*"], &["a", "\\*"]);
        check("a*b*c", &["abc", "aXbYbZc"], &["ab", "acb"]);
        check("a\\", &["a\\"], &["a"]);
    }

    #[test]
    fn stars_do_not_explode() {
        let pattern = "*a".repeat(200);
        assert!(!matches(&pattern, &"a".repeat(199)));
        assert!(matches(&pattern, &"a".repeat(2000)));
    }
}
