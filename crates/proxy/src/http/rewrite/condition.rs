//! The condition of an `if`.

use std::path::Path;

use nginx_conf::Word;

use crate::http::{HttpCx, Request, Template, Var};
use crate::script::{Part, Regex};

/// What stands in the brackets.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    /// `$name`: neither empty nor `0`.
    True(Template),
    /// `$name = TEXT`, `!=`
    Equal(Template, Template, bool),
    /// `$name ~ REGEX`, `~*`, `!~`, `!~*`
    Match(Template, Regex, bool),
    /// `-f FILE` and its kin.
    File(Test, Template, bool),
}

/// What a file must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    File,
    Directory,
    Exists,
    Executable,
}

impl Condition {
    /// Reads the words behind `if`.
    pub(super) fn read(words: &[Word], cx: &mut HttpCx<'_, '_>) -> Result<Self, String> {
        let mut words: Vec<Word> = words.to_vec();
        let invalid = || "invalid condition".to_owned();
        let first = words.first_mut().ok_or_else(invalid)?;
        first.text = first.text.strip_prefix('(').ok_or_else(invalid)?.to_owned();
        let last = words.last_mut().ok_or_else(invalid)?;
        last.text = last.text.strip_suffix(')').ok_or_else(invalid)?.to_owned();
        words.retain(|word| !word.text.is_empty());
        match words.as_slice() {
            [one] if is_variable(one) => Ok(Self::True(cx.template(one)?)),
            [test, path] if !is_variable(test) => file(test, path, cx),
            // An empty text in quotes is the one word that may be lost above.
            [left, operator] if is_variable(left) => {
                let nothing = Word::new("", operator.place.clone());
                compare(left, operator, &nothing, cx)
            }
            [left, operator, right] if is_variable(left) => compare(left, operator, right, cx),
            _ => Err(format!(
                "invalid condition \"{}\"",
                words.first().map_or("", |word| &*word.text)
            )),
        }
    }

    /// Whether it holds now; a match keeps its captures.
    pub(super) fn holds(&self, request: &Request) -> bool {
        match self {
            Self::True(value) => {
                let value = value.to_bytes(request);
                !value.is_empty() && value != b"0"
            }
            Self::Equal(left, right, wanted) => {
                (left.to_bytes(request) == right.to_bytes(request)) == *wanted
            }
            Self::Match(subject, regex, wanted) => {
                let subject = subject.to_bytes(request);
                matches(request, regex, &subject) == *wanted
            }
            Self::File(test, path, wanted) => {
                let path = path.to_bytes(request);
                let path = request.config.prefix.join(&*String::from_utf8_lossy(&path));
                test.holds(&path) == *wanted
            }
        }
    }
}

/// Whether it matches; what it captures is the request's from now on.
pub(super) fn matches(request: &Request, regex: &Regex, subject: &[u8]) -> bool {
    let mut captures = request.captures.borrow_mut();
    regex.captures(subject, &mut captures, |id, value| {
        request.slots.set(id, value);
    })
}

impl Test {
    fn holds(self, path: &Path) -> bool {
        use std::os::unix::fs::PermissionsExt;
        let Ok(found) = std::fs::metadata(path) else {
            return false;
        };
        match self {
            Self::File => found.is_file(),
            Self::Directory => found.is_dir(),
            Self::Exists => true,
            Self::Executable => found.permissions().mode() & 0o111 != 0,
        }
    }
}

fn is_variable(word: &Word) -> bool {
    word.text.len() > 1 && word.text.starts_with('$')
}

fn file(test: &Word, path: &Word, cx: &mut HttpCx<'_, '_>) -> Result<Condition, String> {
    let bare = test.text.trim_start_matches('!');
    let kind = match bare {
        "-f" => Test::File,
        "-d" => Test::Directory,
        "-e" => Test::Exists,
        "-x" => Test::Executable,
        _ => return Err(format!("invalid condition \"{}\"", test.text)),
    };
    let wanted = bare.len() == test.text.len();
    Ok(Condition::File(kind, cx.template(path)?, wanted))
}

fn compare(
    left: &Word,
    operator: &Word,
    right: &Word,
    cx: &mut HttpCx<'_, '_>,
) -> Result<Condition, String> {
    let subject = cx.template(left)?;
    // Only a variable by itself can be asked about.
    if !matches!(subject.parts(), [Part::<Var>::Variable(_)]) {
        return Err(format!("invalid condition \"{}\"", left.text));
    }
    let text = operator.text.as_str();
    let wanted = !text.starts_with('!');
    match text.trim_start_matches('!') {
        "=" => Ok(Condition::Equal(subject, cx.template(right)?, wanted)),
        pattern @ ("~" | "~*") => {
            cx.registry.stand_at(&right.place);
            let regex = Regex::new(&right.text, pattern == "~*", &mut cx.registry);
            let regex = regex.map_err(|error| error.to_string())?;
            Ok(Condition::Match(subject, regex, wanted))
        }
        _ => Err(format!("unexpected \"{text}\" in condition")),
    }
}
