//! Every directive that is known, from all tables.

use nginx_conf::{Spec, Tables};

use super::{directives, nginx};
use crate::modules::MODULES;

/// Every directive that is known.
#[must_use]
pub fn tables() -> Tables {
    let ours = [
        directives::BLOCKS,
        directives::BROKER,
        directives::BROKER_OTHERS,
    ];
    let mut specs: Vec<&'static Spec> = ours.into_iter().flatten().collect();
    specs.extend(proxy::specs());
    // What works goes before what is merely known of nginx.
    let known = MODULES.iter().map(|module| &module.spec);
    for spec in nginx::NGINX.iter().chain(known) {
        if !specs.iter().any(|other| is_same(other, spec)) {
            specs.push(spec);
        }
    }
    Tables::of(specs)
}

/// Whether two lines are about the same directive in the same place.
fn is_same(one: &Spec, other: &Spec) -> bool {
    let shared = |context| one.contexts.contains(context);
    one.name == other.name && other.contexts.iter().any(shared)
}
