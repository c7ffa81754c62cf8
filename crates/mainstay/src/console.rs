//! A client of the console: RabbitMQ's management API, as far as the commands need it.
//!
//! Every wait has a limit, and no answer makes it reserve more than it has received. It does not retry.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use minreq::{Method, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::cli::console::ConsoleArgs;
use crate::failure::Failure;

/// The longest wait for an answer in seconds; an import of many definitions takes its time.
const ANSWER_TIMEOUT_S: u64 = 120;
/// The largest answer in bytes: a hundred thousand queues have about as many.
const ANSWER_LEN_MAX: u64 = 100 << 20;
/// Longest password that is read from a file or a terminal, in bytes.
const PASSWORD_LEN_MAX: u64 = 64 << 10;
/// The user whose password everybody knows, and the password.
const GUEST: &str = "guest";
/// Where else a password may be.
const PASSWORD: &str = "MAINSTAY_PASSWORD";
/// Everything but what a path may always hold.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A console and who asks it.
#[derive(Debug)]
pub struct Console {
    server: String,
    username: String,
    authorization: String,
}

/// An answer other than an error.
#[derive(Debug)]
pub struct Answer {
    /// Whether the status is 201: something was made that was not there.
    pub created: bool,
    /// The body; null where there is none.
    pub body: Value,
}

impl Console {
    /// Finds out who asks. Nothing is sent.
    ///
    /// # Errors
    /// Where the password is not to be had.
    pub fn open(args: &ConsoleArgs) -> Result<Self, Failure> {
        let password = password(args)?;
        let server = match args.server.parse::<u16>() {
            Ok(port) => format!("127.0.0.1:{port}"),
            Err(_) => args.server.clone(),
        };
        let pair = format!("{}:{password}", args.username);
        Ok(Self {
            server,
            username: args.username.clone(),
            authorization: format!("Basic {}", BASE64_STANDARD.encode(pair)),
        })
    }

    /// Asks for something; `what` names it in errors.
    ///
    /// # Errors
    /// Where nobody is there, or the server refuses.
    pub fn get(&self, what: &str, path: &[&str]) -> Result<Value> {
        Ok(self.call(Method::Get, what, &target(path), None)?.body)
    }

    /// As [`Self::get`], `None` where there is no such thing.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn find(&self, what: &str, path: &[&str]) -> Result<Option<Value>> {
        let (status, body) = self.exchange(Method::Get, &target(path), None)?;
        match status {
            404 => Ok(None),
            _ => Ok(Some(self.judge(what, status, body)?.body)),
        }
    }

    /// Makes or replaces something.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn put(&self, what: &str, path: &[&str], body: &Value) -> Result<Answer> {
        self.call(Method::Put, what, &target(path), Some(body.to_string()))
    }

    /// Hands something over.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn post(&self, what: &str, path: &[&str], query: &str, body: String) -> Result<Answer> {
        let target = format!("{}?{query}", target(path));
        self.call(Method::Post, what, &target, Some(body))
    }

    /// Removes something.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn delete(&self, what: &str, path: &[&str], query: &str) -> Result<()> {
        let target = format!("{}?{query}", target(path));
        self.call(Method::Delete, what, &target, None).map(drop)
    }

    fn call(
        &self,
        method: Method,
        what: &str,
        target: &str,
        body: Option<String>,
    ) -> Result<Answer> {
        let (status, body) = self.exchange(method, target, body)?;
        self.judge(what, status, body)
    }

    fn exchange(
        &self,
        method: Method,
        target: &str,
        body: Option<String>,
    ) -> Result<(u16, Vec<u8>)> {
        let server = &self.server;
        let mut request = Request::new(method, format!("http://{server}{target}"))
            .with_header("authorization", &self.authorization)
            // An answer without a body and its length ends with the connection.
            .with_header("connection", "close")
            .with_follow_redirects(false)
            .with_timeout(ANSWER_TIMEOUT_S);
        if let Some(body) = body {
            request = request
                .with_header("content-type", "application/json")
                .with_body(body);
        }
        let response = request.send_lazy().map_err(|error| {
            anyhow!("no answer from {server}: {error} (is Mainstay running there? --server says where its console is)")
        })?;
        let status = response.status_code;
        let mut body = Vec::new();
        response
            .take(ANSWER_LEN_MAX + 1)
            .read_to_end(&mut body)
            .with_context(|| format!("the answer of {server} is not whole"))?;
        ensure!(
            body.len() as u64 <= ANSWER_LEN_MAX,
            "the answer of {server} is longer than {ANSWER_LEN_MAX} bytes"
        );
        Ok((status, body))
    }

    fn judge(&self, what: &str, status: u16, body: Vec<u8>) -> Result<Answer> {
        let (server, username) = (&self.server, &self.username);
        let body: Value = match serde_json::from_slice(&body) {
            Ok(body) => body,
            Err(_) if body.is_empty() => Value::Null,
            Err(_) => bail!(
                "what answers at {server} is not the console of Mainstay or RabbitMQ (status {status})"
            ),
        };
        let reason = match &body["reason"] {
            Value::String(text) => text.clone(),
            Value::Null => format!("status {status}"),
            other => other.to_string(),
        };
        match status {
            200..=299 => Ok(Answer {
                created: status == 201,
                body,
            }),
            401 if body["error"] == "not_authorized" => {
                bail!(
                    "{server} does not let user {username} in: {reason} (--username and {PASSWORD} say who asks)"
                )
            }
            401 => bail!("user {username} may not do that at {server}: {reason}"),
            404 if body["error"] == "Object Not Found" => bail!("{what} does not exist"),
            _ => bail!("{what}: {reason}"),
        }
    }
}

/// The path of an API's resource.
fn target(path: &[&str]) -> String {
    let mut target = "/api".to_owned();
    for segment in path {
        target.push('/');
        target.extend(utf8_percent_encode(segment, ESCAPED));
    }
    target
}

/// The password of whoever asks.
fn password(args: &ConsoleArgs) -> Result<String, Failure> {
    if let Some(file) = &args.password_file {
        return Ok(first_line(file)?);
    }
    if let Ok(password) = std::env::var(PASSWORD) {
        return Ok(password);
    }
    if args.username == GUEST {
        return Ok(GUEST.to_owned());
    }
    let user = &args.username;
    Err(Failure::Usage(format!(
        "the password of user {user} is missing: put it into {PASSWORD} or name a file with --password-file"
    )))
}

fn first_line(file: &Path) -> Result<String> {
    let name = file.display();
    let opened = std::fs::File::open(file).with_context(|| format!("{name}"))?;
    line(&mut io::BufReader::new(opened)).with_context(|| format!("{name}"))
}

/// A new password: as given, or from standard input.
///
/// # Errors
/// Where there is none.
pub fn new_password(given: Option<&str>) -> Result<String> {
    let password = match given {
        Some(password) => password.to_owned(),
        None if io::stdin().is_terminal() => unseen()?,
        None => line(&mut io::stdin().lock())?,
    };
    ensure!(!password.is_empty(), "the password is empty");
    Ok(password)
}

/// Reads a line from the terminal without showing it.
fn unseen() -> Result<String> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let stdin = io::stdin();
    let before = tcgetattr(&stdin).context("the terminal")?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    write!(io::stderr(), "Password: ")?;
    tcsetattr(&stdin, OptionalActions::Flush, &quiet).context("the terminal")?;
    let read = line(&mut stdin.lock());
    tcsetattr(&stdin, OptionalActions::Flush, &before).context("the terminal")?;
    writeln!(io::stderr())?;
    read
}

fn line(input: &mut dyn BufRead) -> Result<String> {
    let mut line = String::new();
    input.take(PASSWORD_LEN_MAX).read_line(&mut line)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}

/// A field of an answer as text for a table.
#[must_use]
pub fn text(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(list) => {
            let texts = list.iter().map(|item| {
                item.as_str()
                    .map_or_else(|| item.to_string(), str::to_owned)
            });
            texts.collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}

/// The elements of a list.
///
/// # Errors
/// Where the answer is none.
pub fn elements(list: &Value) -> Result<&[Value]> {
    let list = list.as_array();
    list.map(Vec::as_slice)
        .context("the server's answer is not a list")
}
