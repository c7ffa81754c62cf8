//! `limit_conn_zone` and `limit_conn`, without a face: how many connections there are for each value of a key.
//!
//! Counts are shared by all workers, and kept over a reload by the zone's name as long as its key is the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use nginx_conf::{Directive, Kind, Param};

use crate::conf::{number, size, word};
use crate::script::{Registry, Scope, Template};

/// What `limit_conn_zone` is followed by.
pub(crate) const ZONE: &[Param] = &[
    Param::required("key", Kind::Text),
    Param::required("zone=NAME:SIZE", Kind::Text),
];
/// What `limit_conn` is followed by.
pub(crate) const LIMIT: &[Param] = &[
    Param::required("zone", Kind::Text),
    Param::required("number", Kind::Text),
];

/// Eight pages, as in nginx.
const ZONE_LEN_MIN: u64 = 8 * 4096;
/// What one value of a key takes of a zone's size.
const ENTRY_LEN: u64 = 64;
/// Values that are longer are not counted, as in nginx.
const KEY_LEN_MAX: usize = 255;
/// The highest limit, as in nginx.
const CONNECTIONS_MAX: u64 = 65_535;

/// A zone.
#[derive(Debug)]
pub(crate) struct Zone<V> {
    pub(crate) name: Box<str>,
    key: Template<V>,
    /// The key as it is written.
    written: Box<str>,
    values_max: usize,
    counts: OnceLock<Arc<Counts>>,
}

type Counts = Mutex<HashMap<Box<[u8]>, u32>>;

/// One `limit_conn`.
#[derive(Debug)]
pub(crate) struct Limit<V> {
    pub(crate) zone: Arc<Zone<V>>,
    max: u32,
}

impl<V> Clone for Limit<V> {
    fn clone(&self) -> Self {
        Self {
            zone: self.zone.clone(),
            max: self.max,
        }
    }
}

/// One connection that counts; dropped, it counts no more.
#[derive(Debug)]
pub(crate) struct Held {
    counts: Arc<Counts>,
    key: Box<[u8]>,
}

/// What a limit says of a connection.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Its key has no value: it is not counted.
    Uncounted,
    /// The value is too long to be counted.
    TooLong,
    /// It counts.
    Held(Held),
    /// There are as many already, or the zone has no room.
    Refused,
}

impl<V> Zone<V> {
    /// Reads `limit_conn_zone KEY zone=NAME:SIZE`.
    pub(crate) fn read(directive: &Directive, registry: &mut Registry<V>) -> Result<Self, String> {
        let key = directive.args.first().ok_or("expected a key")?;
        let text = word(directive, 1)?;
        let invalid = || format!("invalid zone size \"{text}\"");
        let zone = text
            .strip_prefix("zone=")
            .ok_or_else(|| format!("invalid parameter \"{text}\""))?;
        let (name, bytes) = zone.rsplit_once(':').ok_or_else(invalid)?;
        let bytes = size(bytes).map_err(|_| invalid())?;
        if name.is_empty() {
            return Err(invalid());
        }
        if bytes < ZONE_LEN_MIN {
            return Err(format!("zone \"{text}\" is too small"));
        }
        registry.stand_at(&key.place);
        Ok(Self {
            name: name.into(),
            key: registry.template(&key.text)?,
            written: key.text.as_str().into(),
            values_max: usize::try_from(bytes / ENTRY_LEN).unwrap_or(usize::MAX),
            counts: OnceLock::new(),
        })
    }

    /// Counts on from where `older` was, where it counts the same; to be called before anything is counted.
    pub(crate) fn inherit(&self, older: &Self) {
        if self.name == older.name && self.written == older.written {
            // What is counted already stands.
            let _ = self
                .counts
                .set(older.counts.get_or_init(Arc::default).clone());
        }
    }

    /// Whether another zone has its name.
    pub(crate) fn is_in(&self, zones: &[Arc<Self>]) -> bool {
        zones.iter().any(|zone| zone.name == self.name)
    }
}

impl<V> Limit<V> {
    /// Reads `limit_conn ZONE NUMBER`.
    pub(crate) fn read(directive: &Directive, zones: &[Arc<Zone<V>>]) -> Result<Self, String> {
        let name = word(directive, 0)?;
        let zone = zones.iter().find(|zone| &*zone.name == name);
        let zone = zone.ok_or_else(|| format!("unknown limit_conn_zone \"{name}\""))?;
        let text = word(directive, 1)?;
        let max = number(text).ok().filter(|max| *max > 0);
        let max = max.ok_or_else(|| format!("invalid number of connections \"{text}\""))?;
        if max > CONNECTIONS_MAX {
            return Err(format!(
                "connection limit must be less than {}",
                CONNECTIONS_MAX + 1
            ));
        }
        Ok(Self {
            zone: zone.clone(),
            max: u32::try_from(max).map_err(|_| "too large".to_owned())?,
        })
    }

    /// Counts a connection where that is allowed.
    pub(crate) fn take(&self, scope: &impl Scope<V>) -> Taken {
        let key = self.zone.key.to_bytes(scope);
        match key.len() {
            0 => return Taken::Uncounted,
            len if len > KEY_LEN_MAX => return Taken::TooLong,
            _ => {}
        }
        let counts = self.zone.counts.get_or_init(Arc::default);
        let mut table = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key.into_boxed_slice();
        let has_room = table.len() < self.zone.values_max;
        match table.get_mut(&key) {
            Some(count) if *count >= self.max => return Taken::Refused,
            Some(count) => *count += 1,
            None if !has_room => return Taken::Refused,
            None => {
                table.insert(key.clone(), 1);
            }
        }
        drop(table);
        Taken::Held(Held {
            counts: counts.clone(),
            key,
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut table = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = table.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                table.remove(&self.key);
            }
        }
    }
}
