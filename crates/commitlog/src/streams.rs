//! All streams that can be read here.

use crate::stream::Stream;
use base::StreamId;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// A directory of streams, shared by the shards that fill it and everybody who reads.
#[derive(Debug, Default)]
pub(crate) struct Streams(RwLock<HashMap<StreamId, Arc<Stream>>>);

impl Streams {
    pub(crate) fn get(&self, id: StreamId) -> Option<Arc<Stream>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
    }

    pub(crate) fn insert(&self, stream: Arc<Stream>) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(stream.id(), stream);
    }

    pub(crate) fn remove(&self, id: StreamId) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
    }

    /// All of them, ordered by id.
    pub(crate) fn all(&self) -> Vec<Arc<Stream>> {
        let mut all: Vec<_> = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect();
        all.sort_by_key(|stream| stream.id());
        all
    }
}
