//! The walk over `http`: servers, locations and `if`s, each block after the plain directives around it.

use std::sync::Arc;

use nginx_conf::{Body, Context, Directive, Kind, MAIN, Param, Presence, Spec};

use super::config::{Config, Draft, HttpCx, Server, ServerDraft, UpstreamDraft};
use super::route::{Locations, Pattern};
use super::{Location, access_log, health, proxy, rewrite};
use crate::conf::contexts::{
    HTTP, LIMIT_EXCEPT, LOCATION, LOCATION_IF, SERVER, SERVER_IF, UPSTREAM,
};
use crate::conf::{Apply, Cx, Row};
use crate::ssl::Ssl;

const NAME: &[Param] = &[Param::required("name", Kind::Text)];
const CONDITION: &[Param] = &[repeated("condition")];
const METHODS: &[Param] = &[repeated("method")];
const PATTERN: &[Param] = &[repeated("pattern")];

const fn repeated(name: &'static str) -> Param {
    Param {
        name,
        kind: Kind::Text,
        presence: Presence::Repeated,
    }
}

const fn block(
    name: &'static str,
    contexts: &'static [Context],
    params: &'static [Param],
    inside: Context,
    help: &'static str,
) -> Row {
    let spec = Spec::new(name, contexts, params, help)
        .body(Body::Block(inside))
        .repeatable();
    Row::new(spec, Apply::Structure)
}

/// The blocks.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::block(
            "http",
            &[MAIN],
            HTTP,
            "HTTP load balancing, proxying and static files. A file that holds only what stands inside of it is taken as its inside.",
        ),
        Apply::Structure,
    ),
    block(
        "upstream",
        &[HTTP],
        NAME,
        UPSTREAM,
        "A group of servers; `proxy_pass http://NAME` balances over them.",
    ),
    block("server", &[HTTP], &[], SERVER, "A virtual server."),
    block(
        "location",
        &[SERVER, LOCATION],
        PATTERN,
        LOCATION,
        "What holds for the URIs that begin with PATTERN; `= URI` for exactly one, `^~ URI` to keep regular expressions out, `~ REGEX` and `~* REGEX` (in either case), `@NAME` for internal use.",
    ),
    block(
        "if",
        &[SERVER],
        CONDITION,
        SERVER_IF,
        "Holds for requests that meet the condition, which is asked in the order of the rewrite directives.",
    ),
    block(
        "if",
        &[LOCATION, LOCATION_IF],
        CONDITION,
        LOCATION_IF,
        "Holds for requests that meet the condition, which is asked in the order of the rewrite directives.",
    ),
    block(
        "limit_except",
        &[LOCATION],
        METHODS,
        LIMIT_EXCEPT,
        "Holds for all methods but the named ones; GET includes HEAD.",
    ),
];

/// Reads the inside of `http`.
pub(crate) fn resolve(inside: &[Directive], cx: &mut Cx<'_>) -> Config {
    let outer = cx.enter();
    let mut walk = Walk {
        cx: HttpCx::new(cx),
    };
    let mut server = ServerDraft::default();
    let mut location = Location {
        errors: walk.cx.cx.errors.clone(),
        ..Location::default()
    };
    access_log::begin(&mut location, &mut walk.cx);
    walk.plain(inside, HTTP, &mut server, &mut location);
    // A server may name a group that stands below it.
    for directive in named(inside, "upstream") {
        walk.upstream(directive);
    }
    let servers: Vec<_> = named(inside, "server")
        .map(|directive| Arc::new(walk.server(directive, &server, &location)))
        .collect();
    walk.cx.cx.leave(outer);
    let resolver = location.resolver.described();
    walk.cx.finish(servers, resolver.as_ref())
}

fn named<'d>(inside: &'d [Directive], name: &'static str) -> impl Iterator<Item = &'d Directive> {
    inside
        .iter()
        .filter(move |directive| directive.name.text == name && directive.block.is_some())
}

fn inside_of(directive: &Directive) -> &[Directive] {
    directive.block.as_deref().unwrap_or_default()
}

struct Walk<'c, 'a> {
    cx: HttpCx<'c, 'a>,
}

impl Walk<'_, '_> {
    /// Hands every directive that is no block of the walk's own to its row.
    fn plain(
        &mut self,
        inside: &[Directive],
        context: Context,
        server: &mut ServerDraft,
        location: &mut Location,
    ) {
        for directive in inside {
            let Some((row, apply)) = self.cx.cx.row(directive, context) else {
                continue;
            };
            let done = match apply {
                Apply::Http(apply) => apply_http(apply, directive, &mut self.cx),
                Apply::Server(apply) => apply(server, directive, &mut self.cx),
                Apply::Location(apply) => apply(location, directive, &mut self.cx),
                Apply::Structure if row.spec.name == "if" => {
                    rewrite::add_if(location, directive, &mut self.cx)
                }
                _ => Ok(()),
            };
            self.cx.cx.settle(row, directive, done);
        }
    }

    fn upstream(&mut self, directive: &Directive) {
        let outer = self.cx.cx.enter();
        let mut upstream = UpstreamDraft {
            name: directive.first().unwrap_or_default().to_owned(),
            place: Some(directive.name.place.clone()),
            ..UpstreamDraft::default()
        };
        for inner in inside_of(directive) {
            if let Some((row, Apply::Upstream(apply))) = self.cx.cx.row(inner, UPSTREAM) {
                let done = apply(&mut upstream, inner, &mut self.cx);
                self.cx.cx.settle(row, inner, done);
            }
        }
        self.cx.cx.leave(outer);
        if let Err(reason) = self.cx.add_upstream(upstream) {
            self.cx.cx.wrong(&directive.name, reason);
        }
    }

    fn server(
        &mut self,
        directive: &Directive,
        http: &ServerDraft,
        http_location: &Location,
    ) -> Server {
        let outer = self.cx.cx.enter();
        let mut draft = http.clone();
        let mut root = http_location.child("");
        let inside = inside_of(directive);
        self.plain(inside, SERVER, &mut draft, &mut root);
        self.inner(inside, &draft, &mut root, SERVER_IF);
        self.cx.cx.leave(outer);
        let ssl = draft.ssl.load(&mut self.cx.draft.tls);
        let ssl = ssl.unwrap_or_else(|reason| {
            self.cx.cx.wrong(&directive.name, reason);
            Ssl::default()
        });
        Server::new(draft, ssl, root, directive.name.place.clone())
    }

    /// The blocks inside of a server or a location, once its own directives are all there.
    fn inner(
        &mut self,
        inside: &[Directive],
        server: &ServerDraft,
        location: &mut Location,
        if_context: Context,
    ) {
        let mut ifs = Vec::new();
        let mut locations = Locations::default();
        for directive in inside.iter().filter(|directive| directive.block.is_some()) {
            match directive.name.text.as_str() {
                "if" => {
                    let branch = location.branch();
                    ifs.push(Arc::new(self.branch(directive, branch, server, if_context)));
                }
                "limit_except" => {
                    let mut branch = location.branch();
                    branch.handler = location.handler.clone();
                    let branch = self.branch(directive, branch, server, LIMIT_EXCEPT);
                    let methods = directive.args.iter().map(|word| word.text.clone());
                    location.limit_except = Some((methods.collect(), Arc::new(branch)));
                }
                "location" => self.location(directive, server, location, &mut locations),
                _ => {}
            }
        }
        location.program.settle(ifs);
        locations.sort();
        location.locations = Arc::new(locations);
    }

    /// What can be made only of all plain directives of a level.
    fn settle(&mut self, directive: &Directive, location: &mut Location) {
        let mut settled = proxy::settle(location);
        if settled.is_ok() {
            settled = health::settle(location, &mut self.cx);
        }
        if let Err(reason) = settled {
            self.cx.cx.wrong(&directive.name, reason);
        }
    }

    fn branch(
        &mut self,
        directive: &Directive,
        mut branch: Location,
        server: &ServerDraft,
        context: Context,
    ) -> Location {
        let outer = self.cx.cx.enter();
        let inside = inside_of(directive);
        self.plain(inside, context, &mut server.clone(), &mut branch);
        self.settle(directive, &mut branch);
        self.inner(inside, server, &mut branch, context);
        self.cx.cx.leave(outer);
        branch
    }

    fn location(
        &mut self,
        directive: &Directive,
        server: &ServerDraft,
        around: &Location,
        locations: &mut Locations,
    ) {
        let words: Vec<&str> = directive.args.iter().map(|word| &*word.text).collect();
        let pattern = match Pattern::parse(&words, &mut self.cx.registry) {
            Ok(pattern) => pattern,
            Err(reason) => return self.cx.cx.wrong(&directive.name, reason),
        };
        if let Err(reason) = pattern.fits_in(around) {
            return self.cx.cx.wrong(&directive.name, reason);
        }
        let outer = self.cx.cx.enter();
        let mut location = around.child(&words.join(" "));
        location.pattern = pattern.text().into();
        location.is_named = matches!(pattern, Pattern::Named(_));
        location.is_regex = matches!(pattern, Pattern::Regex(_));
        let inside = inside_of(directive);
        self.plain(inside, LOCATION, &mut server.clone(), &mut location);
        self.settle(directive, &mut location);
        self.inner(inside, server, &mut location, LOCATION_IF);
        self.cx.cx.leave(outer);
        if let Err(reason) = locations.add(pattern, Arc::new(location)) {
            self.cx.cx.wrong(&directive.name, reason);
        }
    }
}

/// The draft is inside of the walk's own state, so the function gets it taken out.
fn apply_http(
    apply: fn(&mut Draft, &Directive, &mut HttpCx<'_, '_>) -> crate::conf::Done,
    directive: &Directive,
    cx: &mut HttpCx<'_, '_>,
) -> crate::conf::Done {
    let mut draft = std::mem::take(&mut cx.draft);
    let done = apply(&mut draft, directive, cx);
    cx.draft = draft;
    done
}
