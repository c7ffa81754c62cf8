//! The Test Anything Protocol, as much of it as Perl's Test::More writes: <https://testanything.org>.

/// What the standard output of one test file said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tap {
    /// Assertions that the file announced; none if it did not come so far.
    pub(super) plan: Option<u32>,
    /// Why the whole file skipped itself.
    pub(super) skip_all: Option<String>,
    pub(super) passed: u32,
    pub(super) failed: u32,
    pub(super) skipped: u32,
    /// Failures that the file itself expects.
    pub(super) expected_failures: u32,
    /// Name of the first assertion that failed.
    pub(super) first_failure: Option<String>,
}

impl Tap {
    pub(super) fn parse(text: &str) -> Tap {
        let mut tap = Tap::default();
        // Lines of subtests are indented, and counted by the line of the subtest itself.
        for line in text.lines() {
            if let Some(plan) = line.strip_prefix("1..") {
                tap.take_plan(plan);
            } else if let Some(rest) = line.strip_prefix("not ok") {
                tap.take_failure(rest);
            } else if let Some(rest) = line.strip_prefix("ok") {
                match directive(rest) {
                    Some("skip") => tap.skipped += 1,
                    _ => tap.passed += 1,
                }
            }
        }
        tap
    }

    /// Assertions that the file reported.
    pub(super) fn seen(&self) -> u32 {
        self.passed + self.failed + self.skipped + self.expected_failures
    }

    fn take_plan(&mut self, plan: &str) {
        let digits = plan.split_whitespace().next().unwrap_or_default();
        self.plan = digits.parse().ok();
        if self.plan == Some(0) {
            let reason = plan.split_once("SKIP").map_or("", |(_, reason)| reason);
            self.skip_all = Some(reason.trim().to_owned());
        }
    }

    fn take_failure(&mut self, rest: &str) {
        if directive(rest) == Some("todo") {
            self.expected_failures += 1;
            return;
        }
        self.failed += 1;
        if self.first_failure.is_none() {
            let name = rest
                .trim_start_matches([' ', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
            self.first_failure = Some(name.to_owned());
        }
    }
}

/// The directive at the end of an assertion's line, if it has one.
fn directive(rest: &str) -> Option<&'static str> {
    let comment = rest.rsplit_once(" # ")?.1.to_ascii_lowercase();
    ["skip", "todo"]
        .into_iter()
        .find(|word| comment.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assertions_are_counted() {
        let text = "1..6\nok 1 - a\nnot ok 2 - b c\nok 3 # skip no x\nnot ok 4 - d # TODO not yet\n\
                    ok 5 - # 7\n    ok 1 - of a subtest\n# ok\nok 6\nnot ok 7 - e\n";
        let tap = Tap::parse(text);
        assert_eq!(tap.plan, Some(6));
        assert_eq!(tap.skip_all, None);
        assert_eq!((tap.passed, tap.failed), (3, 2));
        assert_eq!((tap.skipped, tap.expected_failures), (1, 1));
        assert_eq!(tap.first_failure.as_deref(), Some("b c"));
        assert_eq!(tap.seen(), 7);
    }

    #[test]
    fn whole_files_are_skipped() {
        let tap = Tap::parse("1..0 # SKIP no http_v3 available\n");
        assert_eq!(tap.skip_all.as_deref(), Some("no http_v3 available"));
        assert_eq!(tap.seen(), 0);
    }
}
