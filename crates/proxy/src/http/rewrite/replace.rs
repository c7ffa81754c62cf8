//! `rewrite`: another URI, or a redirect.

use http_wire::escape::{EscapeSet, escape};
use nginx_conf::Directive;

use super::Ran;
use super::condition::matches;
use crate::http::{Flow, HttpCx, Request, Template, Var};
use crate::script::{Part, Regex, Scope};

/// One `rewrite`.
#[derive(Debug, Clone)]
pub(super) struct Rewrite {
    regex: Regex,
    to: Template,
    then: Then,
    /// The query that the request has is put behind the new one. A `?` at the end of the replacement says no.
    keeps_args: bool,
}

/// What follows a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    Last,
    Break,
    Redirect(u16),
}

impl Rewrite {
    /// Reads the words behind `rewrite`.
    pub(super) fn read(directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Result<Self, String> {
        let [pattern, to, flag @ ..] = directive.args.as_slice() else {
            return Err("expected an expression and a replacement".to_owned());
        };
        cx.registry.stand_at(&pattern.place);
        let regex = Regex::new(&pattern.text, false, &mut cx.registry);
        let regex = regex.map_err(|error| error.to_string())?;
        let absolute = ["http://", "https://", "$scheme"];
        let is_absolute = absolute.iter().any(|start| to.text.starts_with(start));
        let then = match flag.first().map(|word| word.text.as_str()) {
            None if is_absolute => Then::Redirect(302),
            None => Then::GoOn,
            Some("last") if is_absolute => Then::Redirect(302),
            Some("break") if is_absolute => Then::Redirect(302),
            Some("last") => Then::Last,
            Some("break") => Then::Break,
            Some("redirect") => Then::Redirect(302),
            Some("permanent") => Then::Redirect(301),
            Some(other) => return Err(format!("invalid parameter \"{other}\"")),
        };
        let mut to = to.clone();
        let keeps_args = match to.text.strip_suffix('?') {
            Some(rest) => {
                to.text = rest.to_owned();
                false
            }
            None => true,
        };
        Ok(Self {
            regex,
            to: cx.template(&to)?,
            then,
            keeps_args,
        })
    }

    /// Changes the URI where it matches; `None` where the program goes on.
    pub(super) fn run(&self, request: &mut Request, changed: &mut bool) -> Option<Ran> {
        let uri = std::mem::take(&mut request.uri);
        let is_match = matches(request, &self.regex, &uri);
        request.uri = uri;
        if !is_match {
            return None;
        }
        request.internal = true;
        let (path, args) = self.render(request);
        if let Then::Redirect(status) = self.then {
            request.response.location = self.location(request, path, args);
            return Some(Ran::Flow(Flow::Respond(status)));
        }
        if path.is_empty() {
            // nginx says the same of a replacement that leaves nothing.
            request.error(
                crate::conf::Severity::Error,
                format_args!("the rewritten URI has a zero length"),
            );
            return Some(Ran::Flow(Flow::Respond(500)));
        }
        if let Some(mut args) = args {
            if self.keeps_args && !request.args.is_empty() {
                args.push(b'&');
                args.extend_from_slice(&request.args);
            }
            request.set_args(&args);
        } else if !self.keeps_args {
            request.set_args(b"");
        }
        request.set_uri(&path);
        *changed = true;
        match self.then {
            Then::Last => Some(Ran::End),
            Then::Break => {
                request.is_prefix_valid = false;
                *changed = false;
                Some(Ran::End)
            }
            Then::GoOn | Then::Redirect(_) => None,
        }
    }

    /// The replacement: its path, and its query where it has one. Captures of a URI that was escaped are escaped in a query
    /// and in a redirect, so that they mean there what they meant before.
    fn render(&self, request: &Request) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut out = Vec::new();
        let mut query_at = None;
        let is_redirect = matches!(self.then, Then::Redirect(_));
        for part in self.to.parts() {
            match part {
                Part::Text(text) => {
                    if query_at.is_none()
                        && let Some(at) = text.iter().position(|byte| *byte == b'?')
                    {
                        query_at = Some(out.len() + at);
                    }
                    out.extend_from_slice(text);
                }
                Part::Variable(variable @ Var::Capture(_))
                    if request.is_uri_normalised && (query_at.is_some() || is_redirect) =>
                {
                    let mut value = Vec::new();
                    request.append(variable, &mut value);
                    let set = if query_at.is_some() {
                        EscapeSet::Args
                    } else {
                        EscapeSet::Refresh
                    };
                    escape(&value, set, &mut out);
                }
                Part::Variable(variable) => {
                    request.append(variable, &mut out);
                }
            }
        }
        let args = query_at.map(|at| {
            let args = out[at + 1..].to_vec();
            out.truncate(at);
            args
        });
        (out, args)
    }

    fn location(&self, request: &Request, mut path: Vec<u8>, args: Option<Vec<u8>>) -> Vec<u8> {
        let mut sign = b'?';
        if let Some(args) = args {
            path.push(b'?');
            path.extend_from_slice(&args);
            sign = b'&';
        }
        if self.keeps_args && !request.args.is_empty() {
            path.push(sign);
            path.extend_from_slice(&request.args);
        }
        path
    }
}
