//! nginx's command line and signals.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Run, mainstay};

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A prefix directory that goes with the test.
pub(crate) struct Prefix(pub(crate) PathBuf);

impl Prefix {
    pub(crate) fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("mainstay-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap_or_default()
    }

    fn args<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let mut args = vec!["-p", self.0.to_str().unwrap(), "-c", "nginx.conf"];
        args.extend(more);
        args
    }
}

impl Drop for Prefix {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn versions_are_told_in_nginxs_words() {
    let run = mainstay(&["-v"]);
    let own = env!("CARGO_PKG_VERSION");
    let line = format!("nginx version: nginx/1.31.5 (mainstay {own})\n");
    let expected = |stderr: String| Run {
        code: Some(0),
        stdout: String::new(),
        stderr,
    };
    assert_eq!(run, expected(line.clone()));
    let run = mainstay(&["-V"]);
    assert!(run.stderr.starts_with(&line), "{run:?}");
    let last = run.stderr.lines().last().unwrap();
    assert!(last.starts_with("configure arguments: "), "{last}");
    assert!(last.contains(" --without-http_uwsgi_module"), "{last}");
    assert_eq!(mainstay(&["--version"]).stdout, format!("mainstay {own}\n"));
}

#[test]
fn a_configuration_is_tested_and_dumped() {
    let prefix = Prefix::new("dump");
    prefix.write("nginx.conf", "include a.inc;\ninclude a.inc;\nkafka {}\n");
    prefix.write("a.inc", "# nothing\n");
    let (main, inner) = (prefix.at("nginx.conf"), prefix.at("a.inc"));
    let (main, inner) = (main.display(), inner.display());
    let stderr = format!(
        "mainstay: the configuration file {main} syntax is ok\nmainstay: configuration file {main} test is successful\n"
    );
    let stdout = format!(
        "# configuration file {main}:\ninclude a.inc;\ninclude a.inc;\nkafka {{}}\n\n# configuration file {inner}:\n# nothing\n\n"
    );
    let check = |flags: &[&str], code, stdout: &str, stderr: &str| {
        let expected = Run {
            code: Some(code),
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
        };
        assert_eq!(mainstay(&prefix.args(flags)), expected, "{flags:?}");
    };
    check(&["-t"], 0, "", &stderr);
    check(&["-tq"], 0, "", "");
    check(&["-T"], 0, &stdout, &stderr);
    check(&["-T", "-q"], 0, &stdout, "");
    prefix.write("nginx.conf", "kafka {}\nbogus;\n");
    let stderr = format!(
        "mainstay: [emerg] {main}:2:1: \"bogus\" is unknown\nmainstay: configuration file {main} test failed\n"
    );
    check(&["-t"], 1, "", &stderr);
    check(&["-T"], 1, "", &stderr);
}

/// A server that is killed where the test ends before it.
pub(crate) struct Server(pub(crate) Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn serve(prefix: &Prefix) -> Server {
    let child = Command::new(env!("CARGO_BIN_EXE_mainstay"))
        .args(prefix.args(&["-e", "error.log"]))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    Server(child)
}

fn configuration(prefix: &Path, more: &str) -> String {
    format!(
        "error_log error.log info; pid m.pid; storage file:{}; kafka {{ listen 127.0.0.1:0; {more} }}\n",
        prefix.join("data").display()
    )
}

#[test]
fn signals_reload_reopen_and_end_it() {
    let prefix = Prefix::new("signals");
    prefix.write("nginx.conf", &configuration(&prefix.0, ""));
    let order = |order: &str| {
        let run = mainstay(&prefix.args(&["-s", order]));
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{order}");
    };
    let mut server = serve(&prefix);
    wait("the process id", || !prefix.text("m.pid").is_empty());
    assert_eq!(prefix.text("m.pid"), format!("{}\n", server.0.id()));

    let logged = |text: &str| wait(text, || prefix.text("error.log").contains(text));
    prefix.write("nginx.conf", &configuration(&prefix.0, "num.partitions 2;"));
    order("reload");
    logged("[warn]");
    logged("kafka has changed, which takes a restart to have effect");
    logged("the new configuration is in force");
    prefix.write("nginx.conf", &configuration(&prefix.0, "bogus;"));
    let raw = |signal: &str| {
        let sent = Command::new("kill")
            .args([signal, &server.0.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    };
    raw("-HUP");
    logged("[emerg]");
    logged("the new configuration is refused, the old one stays in force");
    raw("-USR2");
    logged("a signal is ignored, signal: USR2");
    prefix.write("nginx.conf", &configuration(&prefix.0, ""));

    fs::rename(prefix.at("error.log"), prefix.at("error.log.1")).unwrap();
    order("reopen");
    logged("log files were opened anew");
    order("quit");
    wait("the end", || server.0.try_wait().unwrap().is_some());
    assert!(server.0.wait().unwrap().success());
    assert!(!prefix.at("m.pid").exists());
    let run = mainstay(&prefix.args(&["-s", "stop"]));
    assert!(run.stderr.contains("cannot read"), "{run:?}");
    assert_eq!(run.code, Some(1));
    let whole = prefix.text("error.log.1") + &prefix.text("error.log");
    assert!(!whole.contains("[alert]"), "{whole}");
}

/// A request on a connection of its own; the whole answer.
pub(crate) fn get(port: u16, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn a_balancer_alone_serves_reloads_and_keeps_no_log() {
    let prefix = Prefix::new("alone");
    let [first, second] = [free_port(), free_port()];
    let write = |port: u16| {
        let text = format!(
            "worker_processes 1; pid m.pid; error_log error.log notice;\nhttp {{ access_log off; server {{ listen 127.0.0.1:{port}; }} }}\n"
        );
        prefix.write("nginx.conf", &text);
    };
    write(first);
    let mut server = serve(&prefix);
    wait("the process id", || !prefix.text("m.pid").is_empty());
    assert!(get(first, "/none").starts_with("HTTP/1.1 404"));
    write(second);
    assert_eq!(mainstay(&prefix.args(&["-s", "reload"])).code, Some(0));
    wait("the reload", || {
        prefix.text("error.log").contains("is in force")
    });
    assert!(get(second, "/none").starts_with("HTTP/1.1 404"));
    assert!(std::net::TcpStream::connect(("127.0.0.1", first)).is_err());
    // An address that somebody else has leaves everything as it is.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    write(taken.local_addr().unwrap().port());
    assert_eq!(mainstay(&prefix.args(&["-s", "reload"])).code, Some(0));
    wait("the refusal", || {
        prefix
            .text("error.log")
            .contains("the old configuration stays in force")
    });
    assert!(get(second, "/none").starts_with("HTTP/1.1 404"));
    assert_eq!(mainstay(&prefix.args(&["-s", "stop"])).code, Some(0));
    wait("the end", || server.0.try_wait().unwrap().is_some());
    assert!(server.0.wait().unwrap().success());
    let mut names: Vec<_> = fs::read_dir(&prefix.0)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["error.log", "nginx.conf"]);
}
