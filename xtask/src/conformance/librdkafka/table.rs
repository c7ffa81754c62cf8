//! Which of librdkafka's tests need a broker: its own table in `tests/test.c` says.

/// The scenario of a test that names none.
pub(super) const DEFAULT: &str = "default";

/// One entry of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    /// How the broker must be set up: [`DEFAULT`], or `noautocreate`.
    pub(super) scenario: String,
}

impl Entry {
    /// The four digits in front of the name, by which tests are chosen.
    pub(super) fn number(&self) -> &str {
        self.name.split('_').next().unwrap_or(&self.name)
    }
}

/// The tests that are neither local (a mock cluster or none at all) nor for running by hand, in the order of
/// the table.
pub(super) fn broker_tests(source: &str) -> Vec<Entry> {
    let table = source
        .split_once("struct test tests[] = {")
        .map_or("", |(_, rest)| rest);
    let table = table.split_once("\n};").map_or(table, |(table, _)| table);
    let entries = table.split("_TEST(").skip(1);
    entries
        .filter_map(|entry| {
            let (name, rest) = entry.split_once(',')?;
            let flags = rest.split([',', ')']).next()?;
            let wanted = !flags.contains("TEST_F_LOCAL") && !flags.contains("TEST_F_MANUAL");
            let scenario = entry
                .split_once(".scenario = \"")
                .map_or(DEFAULT, |(_, rest)| rest);
            let scenario = scenario.split(['"', ',']).next()?;
            wanted.then(|| Entry {
                name: name.trim().to_owned(),
                scenario: scenario.to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read() {
        let source = "#define _TEST(NAME, FLAGS) x\nstruct test tests[] = {\n\
            {.name = \"<MAIN>\", .flags = TEST_F_LOCAL},\n    _TEST(0001_a, 0),\n\
            _TEST(0002_b, TEST_F_LOCAL),\n    _TEST(0003_c,\n          0,\n          TEST_BRKVER(0, 9, 0, 0),\n\
            .scenario = \"noautocreate\"),\n    _TEST(0004_d, TEST_F_SOCKEM, .extra = \"f(x)\"),\n\
            _TEST(0005_e, 0, .scenario = \"default,ak23\"),\n    _TEST(8000_e, TEST_F_MANUAL),\n    {NULL}\n};\n";
        let read: Vec<(String, String)> = broker_tests(source)
            .into_iter()
            .map(|entry| (entry.name, entry.scenario))
            .collect();
        let expected = [
            ("0001_a", DEFAULT),
            ("0003_c", "noautocreate"),
            ("0004_d", DEFAULT),
            ("0005_e", DEFAULT),
        ];
        assert_eq!(
            read,
            expected.map(|(name, scenario)| (name.to_owned(), scenario.to_owned()))
        );
    }
}
