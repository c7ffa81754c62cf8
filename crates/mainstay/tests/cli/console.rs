//! `queue`, `user`, `vhost`, `permission` and `definitions` against a running server.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::{Run, mainstay};

/// A server of its own, killed at the end.
struct Server {
    child: Child,
    address: String,
    dir: PathBuf,
}

impl Server {
    fn start(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("mainstay-cli-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_mainstay"))
            .args([
                "--kafka",
                "127.0.0.1:0",
                "--amqp",
                "127.0.0.1:0",
                "--console",
                "127.0.0.1:0",
                "--data",
            ])
            .arg(dir.join("data"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, rest) = line.split_once("http://")?;
            Some(rest.split_once('/')?.0.to_owned())
        });
        // Whoever prints must find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            address: address.unwrap(),
            dir,
        }
    }

    fn run(&self, args: &[&str], input: &str, environment: &[(&str, &str)]) -> Run {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mainstay"))
            .args(args)
            .args(["--server", &self.address])
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that fails early does not read.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command as guest.
    #[track_caller]
    fn check(&self, args: &[&str], input: &str, code: i32, stdout: &str, stderr: &str) {
        let expected = Run {
            code: Some(code),
            stdout: stdout.into(),
            stderr: stderr.replace("SERVER", &self.address),
        };
        assert_eq!(self.run(args, input, &[]), expected, "{args:?}");
    }

    /// Runs a command as kim; the exit code and what it complained of.
    fn as_kim(&self, args: &[&str], password: &str) -> (Option<i32>, String) {
        let environment = [
            ("MAINSTAY_USERNAME", "kim"),
            ("MAINSTAY_PASSWORD", password),
        ];
        let run = self.run(args, "", &environment);
        (run.code, run.stderr.replace(&self.address, "SERVER"))
    }

    #[track_caller]
    fn good(&self, args: &[&str], stdout: &str) {
        self.check(args, "", 0, stdout, "");
    }

    #[track_caller]
    fn bad(&self, args: &[&str], stderr: &str) {
        self.check(args, "", 1, "", stderr);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

#[test]
fn users_are_added_changed_and_deleted() {
    let server = Server::start("users");
    server.good(&["user", "list"], "user   tags\nguest  administrator\n");
    server.check(
        &["user", "add", "kim", "--tags", "management,ops"],
        "geheim\n",
        0,
        "added kim\n",
        "",
    );
    server.bad(
        &["user", "add", "kim"],
        "mainstay: user kim exists (mainstay user passwd changes its password)\n",
    );
    server.check(
        &["user", "add", "leer"],
        "\n",
        1,
        "",
        "mainstay: the password is empty\n",
    );
    server.good(
        &["user", "list", "--json"],
        "[{\"name\":\"guest\",\"tags\":[\"administrator\"]},{\"name\":\"kim\",\"tags\":[\"management\",\"ops\"]}]\n",
    );
    let not_let_in = "mainstay: SERVER does not let user kim in: Login failed (--username and MAINSTAY_PASSWORD say who asks)\n";
    assert_eq!(
        server.as_kim(&["vhost", "list"], "falsch"),
        (Some(1), not_let_in.to_owned())
    );
    server.check(&["user", "passwd", "kim"], "neu\n", 0, "changed kim\n", "");
    assert_eq!(
        server.as_kim(&["vhost", "list"], "geheim"),
        (Some(1), not_let_in.to_owned())
    );
    server.good(&["user", "tags", "kim", "monitoring"], "changed kim\n");
    assert_eq!(
        server.as_kim(&["vhost", "list"], "neu"),
        (Some(0), String::new()),
        "the password stays"
    );
    server.check(
        &["user", "delete", "kim", "nobody"],
        "",
        1,
        "deleted kim\n",
        "mainstay: user nobody does not exist\n",
    );
}

#[test]
fn vhosts_and_what_users_may_do_in_them() {
    let server = Server::start("vhosts");
    server.check(
        &["user", "add", "kim", "--tags", "management"],
        "geheim",
        0,
        "added kim\n",
        "",
    );
    server.good(&["vhost", "add", "a/b", "c"], "added a/b\nadded c\n");
    server.good(&["vhost", "list"], "vhost\n/\na/b\nc\n");
    server.good(
        &[
            "permission",
            "set",
            "kim",
            "^kim",
            ".*",
            "",
            "--vhost",
            "a/b",
        ],
        "set kim\n",
    );
    server.bad(
        &["permission", "set", "kim", "(", "", ""],
        "mainstay: a permission of user kim in vhost /: configure: \"(\" is not a pattern that is understood: error: unclosed group\n",
    );
    server.good(
        &["permission", "list"],
        "\
user   vhost  configure  write  read
guest  /      .*         .*     .*
guest  a/b    .*         .*     .*
guest  c      .*         .*     .*
kim    a/b    ^kim       .*     -
",
    );

    assert_eq!(
        server.as_kim(&["queue", "declare", "kim-1", "--vhost", "a/b"], "geheim"),
        (Some(0), String::new())
    );
    assert_eq!(
        server.as_kim(&["queue", "declare", "other", "--vhost", "a/b"], "geheim"),
        (
            Some(1),
            "mainstay: user kim may not do that at SERVER: Access refused.\n".to_owned()
        )
    );
    server.bad(
        &["permission", "clear", "kim"],
        "mainstay: a permission of user kim in vhost / does not exist\n",
    );
    server.good(&["vhost", "delete", "a/b"], "deleted a/b\n");
    server.bad(
        &["queue", "list", "--vhost", "a/b"],
        "mainstay: vhost a/b does not exist\n",
    );
}

#[test]
fn queues_are_declared_shown_and_deleted() {
    let server = Server::start("queues");
    let declare = [
        "queue",
        "declare",
        "work",
        "--argument",
        "x-max-length=10",
        "--type",
        "quorum",
    ];
    server.good(&declare, "declared work\n");
    server.good(&declare, "exists work\n");
    server.good(
        &["queue", "declare", "tmp", "--transient", "--auto-delete"],
        "declared tmp\n",
    );
    server.bad(
        &["queue", "declare", "work", "--transient"],
        "mainstay: queue work in vhost /: inequivalent arg 'durable' for queue 'work' in vhost '/': received 'false' but current is 'true'\n",
    );
    server.good(
        &["queue", "declare", "log", "--type", "stream"],
        "declared log\n",
    );
    server.good(
        &["queue", "list"],
        "\
vhost  queue  type     durable  messages  ready  unacked  consumers
/      tmp    classic  no       0         0      0        0
/      work   quorum   yes      0         0      0        0
/      log    stream   yes      0         0      0        0
",
    );
    server.good(&["queue", "purge", "work"], "purged work\n");
    server.bad(
        &["queue", "purge", "log"],
        "mainstay: queue log in vhost /: queue.purge not supported by stream queues\n",
    );
    let shown = server.run(&["queue", "describe", "work"], "", &[]).stdout;
    assert!(
        shown.starts_with("queue work  vhost /  type quorum  durable yes"),
        "{shown}"
    );
    assert!(shown.contains("x-max-length  10\n"), "{shown}");
    server.bad(
        &["queue", "describe", "gone"],
        "mainstay: queue gone in vhost / does not exist\n",
    );
    server.check(
        &["queue", "delete", "work", "gone"],
        "",
        1,
        "deleted work\n",
        "mainstay: queue gone in vhost / does not exist\n",
    );
    server.check(
        &["queue", "declare", "x", "--argument", "n"],
        "",
        2,
        "",
        "mainstay: --argument n: expected NAME=VALUE\n",
    );
}

#[test]
fn definitions_go_out_and_come_in() {
    let server = Server::start("definitions");
    server.good(&["vhost", "add", "v"], "added v\n");
    server.check(&["user", "add", "kim"], "geheim", 0, "added kim\n", "");
    server.good(&["queue", "declare", "q", "--vhost", "v"], "declared q\n");
    let file = server.dir.join("definitions.json");
    let file = file.to_str().unwrap();
    server.good(
        &["definitions", "export", file],
        &format!("exported {file}\n"),
    );
    let text = std::fs::read_to_string(file).unwrap();

    let other = Server::start("imported");
    other.check(
        &["definitions", "import", "-"],
        &text,
        0,
        "imported -\n",
        "",
    );
    assert_eq!(other.run(&["definitions", "export"], "", &[]).stdout, text);
    let environment = [
        ("MAINSTAY_USERNAME", "kim"),
        ("MAINSTAY_PASSWORD", "geheim"),
    ];
    let login = other.run(&["vhost", "list"], "", &environment);
    assert!(
        login.stderr.contains("Not management user"),
        "the password is right: {login:?}"
    );

    let policies = r#"{"policies":[{"name":"p","vhost":"/","pattern":"","definition":{}}],"vhosts":[{"name":"w"}]}"#;
    other.check(
        &["definitions", "import", "-"],
        policies,
        1,
        "",
        "mainstay: definitions: not supported: policies ('p' in vhost '/'); nothing was imported (--leave-out-unsupported imports the rest)\n",
    );
    other.check(
        &["definitions", "import", "-", "--leave-out-unsupported"],
        policies,
        0,
        "imported -\nleft out policies ('p' in vhost '/')\n",
        "",
    );
    other.bad(
        &["definitions", "import", "/nowhere"],
        "mainstay: /nowhere: No such file or directory (os error 2)\n",
    );
}

#[test]
fn whoever_cannot_be_asked_is_named_with_the_way_out() {
    let nobody = mainstay(&["vhost", "list", "--server", "127.0.0.1:1"]);
    assert_eq!(nobody.code, Some(1));
    assert!(
        nobody
            .stderr
            .starts_with("mainstay: no answer from 127.0.0.1:1: "),
        "{nobody:?}"
    );
    assert!(
        nobody
            .stderr
            .ends_with("(is Mainstay running there? --server says where its console is)\n"),
        "{nobody:?}"
    );
    let nameless = mainstay(&["vhost", "list", "--username", "kim"]);
    assert_eq!(nameless.code, Some(2));
    assert_eq!(
        nameless.stderr,
        "mainstay: the password of user kim is missing: put it into MAINSTAY_PASSWORD or name a file with --password-file\n"
    );
}
