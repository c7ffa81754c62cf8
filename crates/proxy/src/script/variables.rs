//! Names of variables, and where their values are.

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;

use nginx_conf::Place;

use super::{Template, template};

/// Where variables are read: a request, a TCP session.
pub(crate) trait Scope<V> {
    /// Appends the variable's value; `false` where it has none (as opposed to an empty one).
    fn append(&self, variable: &V, out: &mut Vec<u8>) -> bool;
}

/// A variable that the configuration makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UserId(pub(crate) u16);

/// How a variable of the configuration comes by its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Definition {
    /// Something that runs gives it: `set`, a named capture, `auth_request_set`.
    Assigned,
    /// It is computed when first read, by the `computed` with this number of the configuration (`map`, `geo`, `split_clients`).
    Computed(usize),
}

type Builtin<V> = fn(&str, &mut Registry<V>) -> Option<V>;

/// The names that a face's configuration uses, while it is read.
///
/// A name may be used before the line that defines it, so unknown names get a number at once and are
/// looked over at the end ([`Registry::undefined`]).
pub(crate) struct Registry<V> {
    builtin: Builtin<V>,
    user: fn(UserId) -> V,
    ids: BTreeMap<String, UserId>,
    /// By number: what defines it, and the word that used it first.
    names: Vec<Name>,
    place: Place,
}

struct Name {
    definition: Option<Definition>,
    first: Place,
}

impl<V> Registry<V> {
    /// `builtin` knows the face's own names, `user` wraps a variable of the configuration.
    pub(crate) fn new(builtin: Builtin<V>, user: fn(UserId) -> V) -> Self {
        Self {
            builtin,
            user,
            ids: BTreeMap::new(),
            names: Vec::new(),
            place: Place::whole("configuration"),
        }
    }

    /// Says which word is read next; what is undefined is reported there.
    pub(crate) fn stand_at(&mut self, place: &Place) {
        self.place = place.clone();
    }

    /// What `$name` means. The name is given without the `$`.
    pub(crate) fn variable(&mut self, name: &str) -> Result<V, String> {
        // The configuration may define a name that is ours, too, as `map … $http_x` does in nginx.
        if !self.ids.contains_key(name)
            && let Some(variable) = (self.builtin)(name, self)
        {
            return Ok(variable);
        }
        Ok((self.user)(self.id(name)?))
    }

    /// A word with variables.
    pub(crate) fn template(&mut self, text: &str) -> Result<Template<V>, String> {
        template::parse(text, self)
    }

    /// Says where the values of `$name` come from. Several assignments are fine, beside one rule by which it is computed.
    pub(crate) fn define(&mut self, name: &str, definition: Definition) -> Result<UserId, String> {
        let id = self.id(name)?;
        let known = &mut self.names[usize::from(id.0)].definition;
        match (&known, &definition) {
            // What is assigned stands before what would be computed, for a request that comes to the assignment.
            (Some(Definition::Computed(_)), Definition::Assigned) => {}
            (None | Some(Definition::Assigned), _) => *known = Some(definition),
            _ => return Err(format!("the duplicate \"{name}\" variable")),
        }
        Ok(id)
    }

    fn id(&mut self, name: &str) -> Result<UserId, String> {
        if let Some(id) = self.ids.get(name) {
            return Ok(*id);
        }
        let number = u16::try_from(self.names.len())
            .map_err(|_| "there are more than 65535 variables".to_owned())?;
        self.ids.insert(name.to_owned(), UserId(number));
        self.names.push(Name {
            definition: None,
            first: self.place.clone(),
        });
        Ok(UserId(number))
    }

    /// Names that are used and never defined, with the place of the first use.
    pub(crate) fn undefined(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.ids.iter().filter_map(|(text, id)| {
            let name = &self.names[usize::from(id.0)];
            name.definition
                .is_none()
                .then_some((text.as_str(), &name.first))
        })
    }

    /// The definitions by [`UserId`]; what was undefined counts as assigned.
    pub(crate) fn finish(self) -> Vec<Definition> {
        let names = self.names.into_iter();
        names
            .map(|name| name.definition.unwrap_or(Definition::Assigned))
            .collect()
    }
}

/// The values of one request's variables, kept when the request ends so that the next one reuses the memory.
#[derive(Debug, Default, Clone)]
pub(crate) struct Slots {
    slots: RefCell<Vec<Slot>>,
}

#[derive(Debug, Default, Clone)]
struct Slot {
    value: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Unknown,
    NotFound,
    Found,
}

impl Slots {
    /// Forgets all values and makes room for `count` variables.
    pub(crate) fn reset(&mut self, count: usize) {
        let slots = self.slots.get_mut();
        slots
            .iter_mut()
            .for_each(|slot| slot.state = State::Unknown);
        slots.resize_with(count.max(slots.len()), Slot::default);
    }

    /// Gives a variable its value.
    pub(crate) fn set(&self, id: UserId, value: &[u8]) {
        let mut slots = self.slots.borrow_mut();
        if let Some(slot) = slots.get_mut(usize::from(id.0)) {
            slot.value.clear();
            slot.value.extend_from_slice(value);
            slot.state = State::Found;
        }
    }

    /// Remembers that a variable has no value.
    pub(crate) fn set_not_found(&self, id: UserId) {
        if let Some(slot) = self.slots.borrow_mut().get_mut(usize::from(id.0)) {
            slot.state = State::NotFound;
        }
    }

    /// Lets a variable be computed again.
    pub(crate) fn forget(&self, id: UserId) {
        if let Some(slot) = self.slots.borrow_mut().get_mut(usize::from(id.0)) {
            slot.state = State::Unknown;
        }
    }

    /// The value: `None` where nothing was set or computed yet, `Some(None)` where it is known to have none.
    pub(crate) fn get(&self, id: UserId) -> Option<Option<Ref<'_, [u8]>>> {
        let slots = self.slots.borrow();
        match slots.get(usize::from(id.0)).map(|slot| slot.state) {
            None | Some(State::Unknown) => None,
            Some(State::NotFound) => Some(None),
            Some(State::Found) => Some(Some(Ref::map(slots, |slots| {
                slots[usize::from(id.0)].value.as_slice()
            }))),
        }
    }
}
