//! `mirror`: copies of requests go elsewhere as well; what becomes of them concerns nobody.

use std::rc::Rc;
use std::sync::Arc;

use nginx_conf::{Directive, Kind, Param, Spec};
use tokio::net::UnixStream;

use super::{Abort, Client, HttpCx, Location, Request, Worker, subrequest};
use crate::conf::contexts::LOCATIONS;
use crate::conf::{Apply, Done, List, Row, Severity, flag, word};
use crate::net::{Alarm, Endpoint, Transport};

/// Copies that one worker may have under way. Each holds two descriptors, a body and a connection to a server; where that does
/// not keep up, copies are lost and no client waits.
const UNDER_WAY_MAX: usize = 512;

/// Values of a location.
#[derive(Debug, Clone)]
pub(crate) struct Conf {
    uris: List<Arc<[u8]>>,
    with_body: bool,
}

impl Default for Conf {
    fn default() -> Self {
        Self {
            uris: List::default(),
            with_body: true,
        }
    }
}

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "mirror",
            LOCATIONS,
            &[Param::required("uri|off", Kind::Text)],
            "A path inside that gets a copy of each request; its answers are thrown away.",
        )
        .default("off")
        .repeatable(),
        Apply::Location(mirror),
    ),
    Row::new(
        Spec::new(
            "mirror_request_body",
            LOCATIONS,
            &[Param::required("on|off", Kind::Flag)],
            "Whether the copies have the body, which is read first then.",
        )
        .default("on"),
        Apply::Location(|location, directive, _| {
            location.mirror.with_body = flag(directive)?;
            Ok(())
        }),
    ),
];

fn mirror(location: &mut Location, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let level = cx.cx.level();
    let uris = &mut location.mirror.uris;
    match word(directive, 0)? {
        "off" if uris.is_of(level) => Err("\"off\" stands beside another one".to_owned()),
        "off" => {
            uris.claim(level);
            Ok(())
        }
        _ if uris.is_of(level) && uris.is_empty() => Err("stands beside \"mirror off\"".to_owned()),
        uri => {
            uris.add(level, uri.as_bytes().into());
            Ok(())
        }
    }
}

/// Sends the copies off.
pub(crate) async fn run(request: &mut Request, client: &mut Client) -> Result<(), Abort> {
    if request.location.mirror.uris.is_empty() || request.is_subrequest {
        return Ok(());
    }
    let location = request.location.clone();
    if location.mirror.with_body {
        client.read_body(request).await?;
    }
    for uri in location.mirror.uris.iter() {
        if let Err(reason) = send(request, uri) {
            request.error(
                Severity::Warn,
                format_args!("a request is not mirrored: {reason}"),
            );
        }
    }
    Ok(())
}

fn send(request: &Request, uri: &[u8]) -> Result<(), std::io::Error> {
    let Some(under_way) = UnderWay::begin(&request.worker) else {
        let text = format!("{UNDER_WAY_MAX} are under way already");
        return Err(std::io::Error::other(text));
    };
    // Nothing is read from it or written to it: it stands for a client who waits.
    let (near, far) = UnixStream::pair()?;
    let mut sub = subrequest::make(request, uri);
    sub.slots.clone_from(&request.slots);
    if request.location.mirror.with_body {
        sub.body = request.body.share()?;
    }
    tokio::task::spawn_local(async move {
        let transport = Transport::unix(near, Endpoint::unnamed());
        let mut client = Client::new(transport, Alarm::default());
        client.mute(true);
        // Whatever becomes of it was told in the log.
        let _ = subrequest::run(&mut sub, &mut client).await;
        subrequest::done(sub);
        drop(far);
        drop(under_way);
    });
    Ok(())
}

/// One copy, counted.
struct UnderWay(Rc<Worker>);

impl UnderWay {
    fn begin(worker: &Rc<Worker>) -> Option<Self> {
        let count = worker.mirrors.get();
        (count < UNDER_WAY_MAX).then(|| {
            worker.mirrors.set(count + 1);
            Self(worker.clone())
        })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.mirrors.set(self.0.mirrors.get() - 1);
    }
}
