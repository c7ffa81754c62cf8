//! The identity of the data and the claim of this start: the objects `cluster` and `claim/<epoch>`
//! (`docs/formats/identity.md`).

use base::{Entropy, Epoch, Incarnation, Packer, Timestamp, Truncated, Unpacker};
use bytes::Bytes;
use std::io;
use store::{Creation, Objects};

const CLUSTER: &str = "cluster";
const CLAIMS: &str = "claim";
const MAGIC: u32 = u32::from_le_bytes(*b"MSK1");
/// The format of the data as a whole. A later build raises it when an older one could not read on.
const FORMAT: u32 = 1;
/// Shards of new data on one machine: enough to keep every core of a large one busy, since all
/// share one WAL anyway.
const SHARDS: u16 = 8;

/// Who we are and what we own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name of the data, made when it was created; Kafka clients see it as the cluster id.
    pub cluster_id: String,
    /// Number of shards, fixed when the data was created.
    pub shards: u16,
    /// The epoch of this start's ownership of every shard; it counts starts.
    pub epoch: Epoch,
    /// This start.
    pub incarnation: Incarnation,
}

/// Why the data cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The store does not answer.
    #[error("the data's identity cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A later build made it.
    #[error(
        "the data has format {found}, this version of Mainstay reads up to {FORMAT}; use a newer version, or another data directory"
    )]
    NewerFormat {
        /// The data's format.
        found: u32,
    },
    /// The object is not what it should be.
    #[error("the object '{CLUSTER}' is damaged; restore it from a copy of the data directory")]
    Damaged,
    /// Claims are made without end by somebody else.
    #[error("another process keeps claiming the data")]
    Contended,
}

impl Identity {
    /// Reads or founds the data's identity and claims the next epoch.
    pub async fn claim(
        objects: &dyn Objects,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<Self, IdentityError> {
        let (cluster_id, shards) = match objects.get(CLUSTER).await {
            Ok(object) => read(object)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                found(objects, entropy).await?
            }
            Err(error) => return Err(error.into()),
        };
        let incarnation = Incarnation::new(u64::try_from(now.0).unwrap_or(0), entropy.random());
        let newest = objects
            .list(CLAIMS)
            .await?
            .iter()
            .filter_map(|name| name.parse::<u32>().ok())
            .max();
        let mut claim = Packer::new();
        claim.u32(MAGIC).u128(incarnation.0).i64(now.0);
        let claim = claim.finish();
        /// More than one collision can only come from a second process that ignores the lock.
        const TRIES: u32 = 3;
        let first = newest.map_or(0, |epoch| epoch + 1);
        for epoch in first..first + TRIES {
            if objects
                .create(&format!("{CLAIMS}/{epoch:010}"), claim.clone())
                .await?
                == Creation::Created
            {
                return Ok(Self {
                    cluster_id,
                    shards,
                    epoch: Epoch(epoch),
                    incarnation,
                });
            }
        }
        Err(IdentityError::Contended)
    }
}

async fn found(
    objects: &dyn Objects,
    entropy: &dyn Entropy,
) -> Result<(String, u16), IdentityError> {
    let cluster_id = base64url(entropy.random());
    match objects.create(CLUSTER, pack(&cluster_id, SHARDS)).await? {
        Creation::Created => Ok((cluster_id, SHARDS)),
        Creation::Exists => read(objects.get(CLUSTER).await?),
    }
}

/// The object `cluster`.
pub(crate) fn pack(cluster_id: &str, shards: u16) -> Bytes {
    let mut body = Packer::new();
    body.u32(FORMAT).u16(shards).str(cluster_id);
    let body = body.finish();
    let mut object = Packer::new();
    object.u32(MAGIC).u32(crc32c::crc32c(&body)).bytes(&body);
    object.finish()
}

/// The cluster id and the number of shards that the object `cluster` holds.
pub(crate) fn read(object: Bytes) -> Result<(String, u16), IdentityError> {
    let parse = || -> Result<(u32, u32, u32, Bytes), Truncated> {
        let mut input = Unpacker::new(object);
        let (magic, crc, body) = (input.u32()?, input.u32()?, input.bytes()?);
        let format = Unpacker::new(body.clone()).u32()?;
        Ok((magic, crc, format, body))
    };
    let (magic, crc, format, body) = parse().map_err(|Truncated| IdentityError::Damaged)?;
    if magic != MAGIC || crc32c::crc32c(&body) != crc {
        return Err(IdentityError::Damaged);
    }
    if format > FORMAT {
        return Err(IdentityError::NewerFormat { found: format });
    }
    let mut input = Unpacker::new(body);
    let fields = input.u32().and_then(|_| Ok((input.u16()?, input.str()?)));
    let (shards, cluster_id) = fields.map_err(|Truncated| IdentityError::Damaged)?;
    if shards == 0 {
        Err(IdentityError::Damaged)
    } else {
        Ok((cluster_id, shards))
    }
}

/// 128 bits as Kafka writes them: base 64 with `-` and `_`, without padding, 22 characters.
fn base64url(bits: u128) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |index: u32| {
        let shift = 122_i64 - 6 * i64::from(index);
        let bits = if shift >= 0 {
            bits >> shift
        } else {
            bits << -shift
        };
        char::from(ALPHABET[(bits & 63) as usize])
    };
    (0..22).map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::{Identity, IdentityError, base64url};
    use base::{Entropy, Epoch, Timestamp};
    use bytes::Bytes;
    use futures_util::FutureExt;
    use std::sync::Arc;
    use store::{Disk, InPlace, LocalObjects, Objects, SimDisk};

    struct Fixed(u128);

    impl Entropy for Fixed {
        fn random(&self) -> u128 {
            self.0
        }
    }

    fn claim(disk: &SimDisk, random: u128) -> Result<Identity, IdentityError> {
        let objects =
            LocalObjects::open(Arc::new(disk.clone()), Arc::new(InPlace)).expect("opened");
        Identity::claim(&objects, &Fixed(random), Timestamp(1))
            .now_or_never()
            .expect("in place")
    }

    #[test]
    fn each_start_has_the_next_epoch_and_the_identity_stays() {
        let disk = SimDisk::new();
        let first = claim(&disk, 1).expect("claimed");
        let second = claim(&disk.power_loss(3), 2).expect("claimed");
        assert_eq!((first.epoch, second.epoch), (Epoch(0), Epoch(1)));
        assert_eq!(
            (&first.cluster_id, first.shards),
            (&second.cluster_id, second.shards)
        );
        assert_ne!(first.incarnation, second.incarnation);
    }

    #[test]
    fn a_newer_format_and_damage_are_told_apart() {
        let disk = SimDisk::new();
        claim(&disk, 1).expect("claimed");
        assert!(disk.flip_bit("cluster", 14, 0));
        assert!(matches!(claim(&disk, 1), Err(IdentityError::Damaged)));

        let disk = SimDisk::new();
        let objects =
            LocalObjects::open(Arc::new(disk.clone()), Arc::new(InPlace)).expect("opened");
        let body = [2, 0, 0, 0];
        let mut object = b"MSK1".to_vec();
        object.extend(crc32c::crc32c(&body).to_le_bytes());
        object.extend([4, 0, 0, 0]);
        object.extend(body);
        objects
            .create("cluster", Bytes::from(object))
            .now_or_never()
            .expect("in place")
            .expect("made");
        assert!(matches!(
            claim(&disk, 1),
            Err(IdentityError::NewerFormat { found: 2 })
        ));
        assert!(
            disk.list("claim").expect("listed").is_empty(),
            "nothing is claimed of data that cannot be read"
        );
    }

    #[test]
    fn ids_print_as_kafka_prints_them() {
        assert_eq!(base64url(0), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(base64url(u128::MAX), "_____________________w");
    }
}
