//! Changes of users and of what they may do.

use super::Draft;
use crate::catalog::error::{Made, TopologyError};
use crate::catalog::limits;
use crate::catalog::read::Class;
use crate::topology::{Permission, User};
use std::sync::Arc;

impl Draft {
    pub(in crate::catalog) fn put_user(&mut self, user: Arc<User>) -> Result<Made, TopologyError> {
        limits::name(&user.name)?;
        limits::len("list of tags", user.tags.len(), limits::TAGS_MAX)?;
        user.tags.iter().try_for_each(|tag| limits::name(tag))?;
        let known = self.topology.user(&user.name).is_some();
        if !known {
            limits::count("users", self.topology.users().len(), limits::USERS_MAX)?;
        }
        self.write(Class::User, user.name.as_bytes(), Some(user.pack()));
        self.topology.put_user(user);
        Ok(if known { Made::Existing } else { Made::New })
    }

    /// Removes a user and its permissions.
    pub(in crate::catalog) fn delete_user(&mut self, name: &str) -> Result<(), TopologyError> {
        self.topology.user(name).ok_or(TopologyError::NoUser)?;
        let permissions: Vec<_> = self.topology.permissions_of(name).cloned().collect();
        for permission in &permissions {
            self.unwrite_permission(permission);
        }
        self.topology.remove_user(name);
        self.write(Class::User, name.as_bytes(), None);
        Ok(())
    }

    pub(in crate::catalog) fn set_permission(
        &mut self,
        set: Arc<Permission>,
    ) -> Result<Made, TopologyError> {
        self.topology.user(&set.user).ok_or(TopologyError::NoUser)?;
        self.topology
            .vhost(&set.vhost)
            .ok_or(TopologyError::NoVhost)?;
        for pattern in [&set.configure, &set.write, &set.read] {
            limits::len("pattern", pattern.len(), limits::PATTERN_BYTES_MAX)?;
        }
        let known = self.topology.permission(&set.user, &set.vhost).is_some();
        let key = Permission::key(&set.user, &set.vhost);
        self.write(Class::Permission, &key, Some(set.pack()));
        self.topology.put_permission(set);
        Ok(if known { Made::Existing } else { Made::New })
    }

    /// Whether there was one to remove.
    pub(in crate::catalog) fn clear_permission(&mut self, user: &str, vhost: &str) -> bool {
        let Some(permission) = self.topology.permission(user, vhost).cloned() else {
            return false;
        };
        self.unwrite_permission(&permission);
        self.topology.remove_permission(user, vhost);
        true
    }
}
