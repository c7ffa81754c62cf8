//! Configuration: `check`, what refuses the start, and the command line itself.

use std::path::PathBuf;

use crate::{Run, mainstay};

/// A file that is gone when the test ends.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("mainstay-cli-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn check_accepts_what_is_right_and_lists_what_is_ignored() {
    let expected = Run {
        code: Some(0),
        stdout: "configuration is ok\n".into(),
        stderr: String::new(),
    };
    assert_eq!(mainstay(&["check"]), expected);
    let file = File::new(
        "ok.conf",
        "worker_priority 4;\nkafka { num.partitions 4; }\n",
    );
    let run = mainstay(&["check", "-c", file.path()]);
    let stdout = format!(
        "{}:1:1: \"worker_priority\" is ignored safely: it tunes nginx's own processes and event loop\n\
         configuration is ok (1 ignored safely)\n",
        file.path()
    );
    assert_eq!(
        run,
        Run {
            code: Some(0),
            stdout,
            stderr: String::new()
        }
    );
}

#[test]
fn check_lists_every_problem_and_refuses() {
    let text = "kafka {\n  lisen 1;\n  num.partitions x;\n}\nmail { server { listen 80; } }\ncluster { listen 7946; }\n";
    let file = File::new("bad.conf", text);
    let run = mainstay(&["check", "-c", file.path()]);
    let stdout = [
        "2:3: \"lisen\" is unknown: did you mean \"listen\"?",
        "3:18: \"num.partitions\": expected a number from 1 to 10000, found \"x\"",
        "5:1: \"mail\" is not supported yet: mail proxying",
        "6:1: \"cluster\" is not supported yet: several nodes as one",
    ];
    let lines: Vec<String> = stdout
        .iter()
        .map(|line| format!("{}:{line}", file.path()))
        .collect();
    let last =
        "configuration is refused: 1 wrong, 1 unknown, 2 not supported yet (0 ignored safely)";
    assert_eq!(run.stdout, format!("{}\n{last}\n", lines.join("\n")));
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
}

#[test]
fn included_files_are_found_beside_the_main_file() {
    let main = File::new("including.conf", "include included-*.conf;\n");
    let first = File::new("included-1.conf", "kafka {}\n");
    let second = File::new("included-2.conf", "\nbogus;\n");
    let run = mainstay(&["check", "-c", main.path()]);
    let finding = format!("{}:2:1: \"bogus\" is unknown\n", second.path());
    assert!(run.stdout.starts_with(&finding), "{run:?}");
    drop(second);
    let run = mainstay(&["check", "-c", main.path()]);
    assert_eq!(run.stdout, "configuration is ok\n");
    drop(first);
    let run = mainstay(&["check", "-c", main.path()]);
    assert!(run.stdout.contains("nothing to serve"), "{run:?}");
}

#[test]
fn a_start_is_refused_with_one_line_per_problem() {
    let check = |args: &[&str], stderr: &str| {
        let run = mainstay(args);
        assert_eq!(run.stderr, stderr, "{args:?}");
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{args:?}");
    };
    check(
        &["--set", "kafka.num.partitions=x"],
        "mainstay: --set kafka.num.partitions=x: \"num.partitions\": expected a number from 1 to 10000, found \"x\"\n",
    );
    check(
        &[
            "serve",
            "--kafka",
            "0.0.0.0:9092",
            "--amqp",
            "elsewhere",
            "--log-format",
            "xml",
        ],
        "mainstay: --amqp elsewhere: \"listen\": expected PORT or ADDRESS:PORT (an IP address, [IPv6], localhost or *), found \"elsewhere\"\n\
         mainstay: --log-format xml: \"log\": expected one of text, json, found \"xml\"\n\
         mainstay: --kafka 0.0.0.0:9092: 0.0.0.0:9092 can be reached from other machines, and there is no authentication yet: expected a loopback address, or \"insecure;\" in the block \"kafka\" (--set kafka.insecure) to allow it\n",
    );
    check(
        &["--data", ""],
        "mainstay: --data : \"storage\": expected file:DIRECTORY, found \"file:\"\n",
    );
    check(
        &["-c", "/nonexistent.conf"],
        "mainstay: /nonexistent.conf: cannot read \"/nonexistent.conf\": No such file or directory (os error 2)\n",
    );
    let file = File::new("ignored.conf", "user x;\nkafka {}\nbogus;\n");
    check(
        &["-c", file.path()],
        &format!("mainstay: {}:3:1: \"bogus\" is unknown\n", file.path()),
    );
}

#[test]
fn the_command_line_is_explained_in_one_line() {
    let check = |args: &[&str], stderr: &str| {
        let run = mainstay(args);
        assert_eq!(run.stderr, stderr, "{args:?}");
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{args:?}");
    };
    check(
        &["--bogus"],
        "mainstay: unexpected argument '--bogus' found (see --help)\n",
    );
    check(
        &["chek"],
        "mainstay: unrecognized subcommand 'chek'; tip: a similar subcommand exists: 'check' (see --help)\n",
    );
    check(
        &["topic", "create", "t", "--partitions", "0"],
        "mainstay: invalid value '0' for '--partitions <N>': 0 is not in 1..=2147483647 (see --help)\n",
    );
    check(
        &["topic", "delete"],
        "mainstay: the following required arguments were not provided: <TOPIC>... (see --help)\n",
    );
    check(
        &["directives", "bogus"],
        "mainstay: there is no directive \"bogus\" (mainstay directives lists all)\n",
    );
}

#[test]
fn help_version_and_directives_are_printed() {
    let version = mainstay(&["--version"]);
    let expected = concat!("mainstay ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!((version.code, version.stdout.as_str()), (Some(0), expected));
    let help = mainstay(&["--help"]);
    assert_eq!(help.code, Some(0));
    for word in [
        "serve",
        "check",
        "topic",
        "group",
        "--data",
        "--kafka",
        "--amqp",
        "--console",
        "--log-format",
        "--set",
    ] {
        assert!(help.stdout.contains(word), "{word}");
    }
    let one = mainstay(&["directives", "num.partitions"]);
    assert!(
        one.stdout
            .starts_with("num.partitions NUMBER;\n  context: kafka\n  default: 1\n"),
        "{one:?}"
    );
    let all = mainstay(&["directives"]);
    assert!(
        all.stdout.contains("kafka  num.partitions NUMBER;\n"),
        "{all:?}"
    );
}
