//! Variables that are computed from others when they are first read: `map`, `geo`, `split_clients`.

use nginx_conf::Directive;

use super::{Definition, Geo, Map, Regex, Registry, Scope, Split};

/// One such variable's rule.
#[derive(Debug)]
pub(crate) enum Computed<V> {
    /// `map`
    Map(Map<V>),
    /// `geo`
    Geo(Geo<V>),
    /// `split_clients`
    Split(Split<V>),
}

impl<V> Computed<V> {
    /// Appends the value. `matches` asks an expression and keeps its captures.
    pub(crate) fn append(
        &self,
        scope: &impl Scope<V>,
        matches: &dyn Fn(&Regex, &[u8]) -> bool,
        out: &mut Vec<u8>,
    ) {
        match self {
            Self::Map(map) => map.append(scope, matches, out),
            Self::Geo(geo) => geo.append(scope, out),
            Self::Split(split) => split.append(scope, out),
        }
    }

    /// Whether it is computed each time that it is read.
    pub(crate) fn is_volatile(&self) -> bool {
        matches!(self, Self::Map(map) if map.is_volatile)
    }
}

/// What reads a rule.
pub(crate) type ReadComputed<V> = fn(&Directive, &mut Registry<V>) -> Result<Computed<V>, String>;

/// Takes in a directive whose last argument is the variable that it defines.
pub(crate) fn define<V>(
    rules: &mut Vec<Computed<V>>,
    directive: &Directive,
    registry: &mut Registry<V>,
    read: ReadComputed<V>,
) -> Result<(), String> {
    let name = directive.args.last().map_or("", |word| word.text.as_str());
    let name = name.strip_prefix('$').filter(|name| !name.is_empty());
    let name = name.ok_or("invalid variable name")?;
    registry.stand_at(&directive.name.place);
    registry.define(name, Definition::Computed(rules.len()))?;
    let rule = read(directive, registry)?;
    rules.push(rule);
    Ok(())
}

/// Room for the text that a rule looks at, most of which are short.
pub(super) const SUBJECT_CAPACITY: usize = 64;
