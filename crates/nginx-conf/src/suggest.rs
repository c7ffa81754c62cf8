//! 'Did you mean …?'

/// The candidate that a mistyped name most likely means, if any is near enough.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    /// Nobody mistypes a longer word; the work per candidate is quadratic in it.
    const NAME_LEN_MAX: usize = 64;
    let name: Vec<char> = name.chars().take(NAME_LEN_MAX + 1).collect();
    if name.len() > NAME_LEN_MAX {
        return None;
    }
    // A third of the letters may be wrong: more is another word.
    let distance_max = (name.len() / 3).max(1);
    candidates
        .map(|candidate| (distance(&name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= distance_max && *distance < candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour (optimal string alignment).
/// Upper and lower case are the same letter, and so are `.`, `_` and `-`, which people mix up.
fn distance(a: &[char], b: &str) -> usize {
    let fold = |c: char| match c {
        '_' | '-' => '.',
        c => c.to_ascii_lowercase(),
    };
    let a: Vec<char> = a.iter().map(|c| fold(*c)).collect();
    let b: Vec<char> = b.chars().map(fold).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = previous[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(previous[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut previous, row);
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn typing_mistakes_find_what_was_meant() {
        let names = ["listen", "num.partitions", "kafka", "log"];
        let check = |name: &str, meant: Option<&str>| {
            assert_eq!(nearest(name, names.into_iter()), meant, "{name}");
        };
        check("lisen", Some("listen"));
        check("litsen", Some("listen"));
        check("num_partition", Some("num.partitions"));
        check("Kafka", Some("kafka"));
        check("lgo", Some("log"));
        check("x", None);
        check("", None);
        check("upstream", None);
        check(&"listen".repeat(100), None);
    }
}
