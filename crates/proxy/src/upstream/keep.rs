//! What the keeper does for groups, for as long as their configuration is in force.

use std::sync::Arc;

use super::{Groups, check, follow};
use crate::log::Errors;
use crate::outlet::Outlet;
use crate::worker::{Job, Keeper};

/// Starts following names and checking health; dropping the jobs ends it.
pub(crate) fn keep<V: Send + Sync + 'static>(
    keeper: &Keeper,
    groups: &Groups<V>,
    outlet: &Arc<dyn Outlet>,
    errors: &Errors,
) -> Vec<Job> {
    let mut jobs = Vec::new();
    for group in groups.iter() {
        if let Some(probe) = &group.probe {
            let (group, probe, outlet) = (group.clone(), probe.clone(), outlet.clone());
            jobs.push(keeper.run(move || check::run(group, probe, outlet)));
        }
        let Some(resolver) = &group.resolver else {
            continue;
        };
        for followed in &group.followed {
            let (group, followed) = (group.clone(), followed.clone());
            let (resolver, errors) = (resolver.clone(), errors.clone());
            jobs.push(keeper.run(move || follow::run(group, followed, resolver, errors)));
        }
    }
    jobs
}
