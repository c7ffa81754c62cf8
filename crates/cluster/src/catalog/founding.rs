//! What the first start makes: a vhost and a user to begin with, as RabbitMQ does.

use super::CATALOG_SHARD;
use super::draft::Draft;
use super::ids::Ids;
use super::read::Class;
use crate::password::PasswordHash;
use crate::topology::{Permission, Topology, User};
use base::{Clock, Entropy};
use commitlog::{Cell, Closed, Kind, Log};
use std::sync::Arc;

const VHOST: &str = "/";
/// Name and password. They are known to everybody, so faces let the user in from loopback only.
const GUEST: &str = "guest";
const ADMINISTRATOR: &str = "administrator";
const EVERYTHING: &str = ".*";

/// Makes vhost `/` and user `guest`, who may do everything in it, durably. Data that an earlier version
/// made gets them, too. Once they are removed they do not come back.
pub(super) async fn found(
    topology: Topology,
    ids: &Ids,
    log: &Log,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<Topology, Closed> {
    let mut draft = Draft::new(topology, Arc::default(), ids.clone(), clock.wall());
    let (vhost, guest): (Arc<str>, Arc<str>) = (VHOST.into(), GUEST.into());
    let salt = u32::from_le_bytes(
        entropy.random().to_le_bytes()[..4]
            .try_into()
            .unwrap_or_default(),
    );
    let user = User {
        name: guest.clone(),
        // The password is no secret: a slow hash would protect nothing and delay every first start.
        password: PasswordHash::rabbit_sha256(GUEST.as_bytes(), salt),
        tags: vec![ADMINISTRATOR.to_owned()],
    };
    let everything: Arc<str> = EVERYTHING.into();
    let permission = Permission {
        user: guest,
        vhost: vhost.clone(),
        configure: everything.clone(),
        write: everything.clone(),
        read: everything,
    };
    let made = draft
        .put_vhost(&vhost)
        .and_then(|_| draft.put_user(Arc::new(user)))
        .and_then(|_| draft.set_permission(Arc::new(permission)));
    if let Err(error) = made {
        // Only damaged data can be so full.
        tracing::error!(%error, "the first vhost and user could not be made");
        return Ok(draft.topology);
    }
    draft.cells.push(Cell {
        kind: Kind::Catalog,
        key: Class::Founded.key(b""),
        value: Some(Class::mark()),
    });
    log.shard(CATALOG_SHARD).write(draft.cells).await?;
    Ok(draft.topology)
}
