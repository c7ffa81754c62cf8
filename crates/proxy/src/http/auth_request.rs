//! `auth_request`: another location decides who may ask.

use std::sync::Arc;

use http_wire::FieldName;
use nginx_conf::{Directive, Kind, Param, Spec};

use super::phases::Verdict;
use super::{Abort, Client, HttpCx, Location, Request, Template, Var, rewrite, subrequest};
use crate::conf::contexts::LOCATIONS;
use crate::conf::{Apply, Done, List, Row, Severity, word};

/// Values of a location.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conf {
    /// `None` for `off`.
    uri: Option<Arc<[u8]>>,
    set: List<(Var, Arc<Template>)>,
}

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "auth_request",
            LOCATIONS,
            &[Param::required("uri|off", Kind::Text)],
            "The path inside that is asked first: with 2xx the request may go on, 401 and 403 are passed on, everything else is 500.",
        )
        .default("off"),
        Apply::Location(|location, directive, _| {
            location.auth_request.uri = match word(directive, 0)? {
                "off" => None,
                uri => Some(uri.as_bytes().into()),
            };
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "auth_request_set",
            LOCATIONS,
            &[
                Param::required("$variable", Kind::Text),
                Param::required("value", Kind::Text),
            ],
            "Gives a variable a value once that path has answered; variables in it (`$upstream_http_…`) are those of that answer.",
        )
        .repeatable(),
        Apply::Location(set),
    ),
];

fn set(location: &mut Location, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let [target, value] = directive.args.as_slice() else {
        return Err("expected a variable and a value".to_owned());
    };
    let variable = rewrite::variable(target, cx)?;
    let value = Arc::new(cx.template(value)?);
    let level = cx.cx.level();
    location.auth_request.set.add(level, (variable, value));
    Ok(())
}

/// Asks.
pub(crate) async fn run(request: &mut Request, client: &mut Client) -> Result<Verdict, Abort> {
    if request.location.auth_request.uri.is_none() {
        return Ok(Verdict::Silent);
    }
    let location = request.location.clone();
    let uri = location.auth_request.uri.as_deref().unwrap_or_default();
    let mut sub = subrequest::make(request, uri);
    sub.set_args(b"");
    sub.is_get_now = true;
    // What is set there is set here, too.
    std::mem::swap(&mut sub.slots, &mut request.slots);
    let was_muted = client.mute(true);
    let outcome = subrequest::run(&mut sub, client).await;
    client.mute(was_muted);
    std::mem::swap(&mut sub.slots, &mut request.slots);
    let verdict = match outcome {
        // An answer that broke off is as good as its head: nobody reads more of it.
        Ok(()) | Err(Abort::Cut | Abort::Respond(_)) => Ok(judge(request, &mut sub)),
        Err(abort) => Err(abort),
    };
    subrequest::done(sub);
    verdict
}

fn judge(request: &mut Request, sub: &mut Request) -> Verdict {
    let location = request.location.clone();
    for (variable, value) in location.auth_request.set.iter() {
        // Variables that were set meanwhile are the request's.
        std::mem::swap(&mut sub.slots, &mut request.slots);
        let value = value.to_bytes(&*sub);
        std::mem::swap(&mut sub.slots, &mut request.slots);
        rewrite::assign(request, variable, &value);
    }
    match sub.status() {
        200..300 => Verdict::Allows,
        403 => Verdict::Denies(403),
        401 => {
            let fields = &mut request.response.fields;
            for value in sub
                .response
                .fields
                .all(FieldName::WwwAuthenticate.as_str().as_bytes())
            {
                fields.push(b"WWW-Authenticate", value);
            }
            Verdict::Denies(401)
        }
        status => {
            request.error(
                Severity::Error,
                format_args!("auth request unexpected status: {status}"),
            );
            Verdict::Ends(500)
        }
    }
}
