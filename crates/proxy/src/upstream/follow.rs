//! Following names: the addresses of a `server … resolve` are asked for again when they have run out.

use std::sync::Arc;
use std::time::Duration;

use balancer::Address;
use balancer::{Resolved, Srv};
use base::Monotonic;

use super::{Followed, Group};
use crate::conf::Severity;
use crate::log::Errors;
use crate::net::{Alarm, ResolveError, Resolver, clock};

/// How soon a name is asked for again that could not be resolved: its servers go on with the addresses that they have.
const RETRY: Duration = Duration::from_secs(1);

/// Answers that hold for no time at all are kept so long.
const VALID_MIN: Duration = Duration::from_secs(1);

/// Follows one name; never returns.
pub(super) async fn run<V>(
    group: Arc<Group<V>>,
    followed: Followed,
    resolver: Arc<Resolver>,
    errors: Errors,
) {
    let alarm = Alarm::new();
    let mut told = None;
    loop {
        let pause = match ask(&followed, &resolver).await {
            Ok((addresses, until)) => {
                let now = clock::now();
                group.upstream.set_addresses(followed.line, &addresses, now);
                told = None;
                (until - now).max(VALID_MIN)
            }
            Err(error) => {
                if error == ResolveError::NotFound || error == ResolveError::NoAddresses {
                    // The name is known to be nobody's.
                    group
                        .upstream
                        .set_addresses(followed.line, &[], clock::now());
                }
                // The same again and again would only fill the log.
                if told.replace(error) != Some(error) {
                    let (host, name) = (&followed.host, group.upstream.name());
                    errors.line(
                        Severity::Error,
                        0,
                        format_args!(
                            "{host} could not be resolved ({error}) in upstream \"{name}\""
                        ),
                    );
                }
                RETRY
            }
        };
        alarm.set(pause);
        alarm.elapsed().await;
    }
}

/// The addresses that a name stands for, and until when.
async fn ask(
    followed: &Followed,
    resolver: &Resolver,
) -> Result<(Vec<Resolved>, Monotonic), ResolveError> {
    let Some(service) = &followed.service else {
        let found = resolver.addresses(&followed.host).await?;
        let addresses = found.addresses.iter();
        let addresses =
            addresses.map(|ip| Resolved::plain(Address::Ip((*ip, followed.port).into())));
        return Ok((addresses.collect(), found.until));
    };
    let found = resolver.services(&followed.host, service).await?;
    let mut until = found.until;
    let mut all = Vec::new();
    for record in &found.services {
        let target = match resolver.addresses(&record.target).await {
            Ok(target) => target,
            // A target that is nobody's is left out; the others serve.
            Err(ResolveError::NotFound | ResolveError::NoAddresses) => continue,
            Err(error) => return Err(error),
        };
        until = until.min(target.until);
        let srv = Srv {
            server: format!("{}:{}", record.target, record.port).into(),
            priority: record.priority,
            weight: record.weight,
        };
        all.extend(target.addresses.iter().map(|ip| Resolved {
            address: Address::Ip((*ip, record.port).into()),
            srv: Some(srv.clone()),
        }));
    }
    Ok((all, until))
}
