//! Users and what they may do, and their durable form.

use super::VERSION;
use crate::password::PasswordHash;
use base::{Packer, Truncated, Unpacker};
use bytes::Bytes;
use std::sync::Arc;

/// Somebody who may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: Arc<str>,
    /// What its password is checked against.
    pub password: PasswordHash,
    /// What it is to the console (`administrator`, `management`, …); opaque here.
    pub tags: Vec<String>,
}

/// What a user may do in a vhost: patterns that the names of exchanges and queues must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// The user.
    pub user: Arc<str>,
    /// The vhost.
    pub vhost: Arc<str>,
    /// Names that it may declare and delete, as a regular expression; empty matches nothing but the empty name.
    pub configure: Arc<str>,
    /// Names that it may publish and bind to.
    pub write: Arc<str>,
    /// Names that it may consume and bind from.
    pub read: Arc<str>,
}

impl User {
    pub(crate) fn pack(&self) -> Bytes {
        let mut packer = Packer::new();
        packer
            .u8(VERSION)
            .str(self.password.as_str())
            .count(self.tags.len());
        for tag in &self.tags {
            packer.str(tag);
        }
        packer.finish()
    }

    pub(crate) fn unpack(key: Bytes, value: Bytes) -> Result<Self, Truncated> {
        let name = String::from_utf8(key.into()).map_err(|_| Truncated)?;
        let mut input = Unpacker::new(value);
        if input.u8()? != VERSION {
            return Err(Truncated);
        }
        let password = PasswordHash::stored(input.str()?);
        let mut tags = Vec::new();
        for _ in 0..input.count(4)? {
            tags.push(input.str()?);
        }
        Ok(Self {
            name: name.into(),
            password,
            tags,
        })
    }
}

impl Permission {
    /// The part of its cell's key that tells it from other permissions.
    pub(crate) fn key(user: &str, vhost: &str) -> Bytes {
        let mut key = Packer::new();
        key.str(user).str(vhost);
        key.finish()
    }

    pub(crate) fn pack(&self) -> Bytes {
        let mut packer = Packer::new();
        packer
            .u8(VERSION)
            .str(&self.configure)
            .str(&self.write)
            .str(&self.read);
        packer.finish()
    }

    pub(crate) fn unpack(key: Bytes, value: Bytes) -> Result<Self, Truncated> {
        let (mut key, mut input) = (Unpacker::new(key), Unpacker::new(value));
        if input.u8()? != VERSION {
            return Err(Truncated);
        }
        Ok(Self {
            user: key.str()?.into(),
            vhost: key.str()?.into(),
            configure: input.str()?.into(),
            write: input.str()?.into(),
            read: input.str()?.into(),
        })
    }
}
