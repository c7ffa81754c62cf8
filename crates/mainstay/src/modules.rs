//! nginx's modules: which of them are there, by the directive that each is known for.
//!
//! One table, from which `-V` says what is missing, and so does `docs/directives.md`. A module is there where its directive
//! works; where nothing else knows the directive, the table's own line refuses it as not supported yet.

mod table;

use nginx_conf::{Context, Spec, Support, Tables};

pub(crate) use table::MODULES;

/// A module of nginx's, as its `configure` names it.
pub(crate) struct Module {
    name: &'static str,
    /// Whether nginx has it unless it is built without.
    standard: bool,
    /// The directive that it is known for, as it stands in our tables while the module is missing.
    pub(crate) spec: Spec,
}

/// Whether a module is there. One that nginx does not have is not.
#[must_use]
pub fn has(tables: &Tables, name: &str) -> bool {
    let module = MODULES.iter().find(|module| module.name == name);
    module.is_some_and(|module| is_there(tables, module))
}

fn is_there(tables: &Tables, module: &Module) -> bool {
    // What is inside of `stream` is not there without it, whatever the tables say.
    let around = !module.name.starts_with("stream_") || has(tables, "stream");
    let works = |context: &Context| {
        let spec = tables.find(module.spec.name, *context);
        spec.is_some_and(|spec| spec.support == Support::Works)
    };
    around && module.spec.contexts.iter().any(works)
}

/// The modules that are missing: their names and the directives that they are known for.
pub fn missing(tables: &Tables) -> impl Iterator<Item = (&'static str, &'static str)> {
    let gone = MODULES.iter().filter(|module| !is_there(tables, module));
    gone.map(|module| (module.name, module.spec.name))
}

/// What nginx's `configure` would have been told: `--with-…` for a module that is there beyond the standard ones, `--without-…`
/// for a standard one that is missing.
#[must_use]
pub fn configure_arguments(tables: &Tables) -> Vec<String> {
    let argument = |module: &Module| match (module.standard, is_there(tables, module)) {
        (false, true) => Some(format!("--with-{}", module.name)),
        (true, false) => Some(format!("--without-{}", module.name)),
        (true, true) | (false, false) => None,
    };
    MODULES.iter().filter_map(argument).collect()
}

#[cfg(test)]
mod tests;
