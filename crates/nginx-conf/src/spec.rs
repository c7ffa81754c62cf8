//! Tables of directives: name, contexts, arguments, default, what it does. Checking, help and documentation come from them.

use std::collections::BTreeMap;

use crate::Kind;

/// The inside of which block: `Context("kafka")` stands between the braces of `kafka { … }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context(pub &'static str);

/// Outside every block.
pub const MAIN: Context = Context("main");

/// How often an argument may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Once.
    Required,
    /// Once or not at all; only further optional ones may follow.
    Optional,
    /// Once or more; nothing may follow.
    Repeated,
    /// Any number of times, or not at all; nothing may follow.
    Rest,
}

/// One argument.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// What documentation calls it.
    pub name: &'static str,
    /// What it must be.
    pub kind: Kind,
    /// How often it may stand.
    pub presence: Presence,
}

impl Param {
    /// An argument that must stand exactly once.
    #[must_use]
    pub const fn required(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            presence: Presence::Required,
        }
    }
}

/// The arguments of a directive.
#[derive(Debug, Clone, Copy)]
pub enum Args {
    /// Not looked at.
    Any,
    /// These, in this order.
    Params(&'static [Param]),
}

/// What follows the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// `;`
    Semicolon,
    /// A block whose directives belong to this context.
    Block(Context),
    /// `;`, or a block whose directives belong to this context.
    Either(Context),
    /// A block of entries: lines of words that are no directives (`types`, `map`). Their meaning is their owner's to check.
    Entries,
    /// Either of both, and the inside is not looked at.
    Opaque,
}

/// What becomes of a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It does what its help says.
    Works,
    /// It has no effect, and its help says why none is missed.
    Ignored,
    /// It refuses the start; its help says what it would do or what to write instead.
    NotYet,
}

/// One line of a table.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The directive's name.
    pub name: &'static str,
    /// Where it may stand.
    pub contexts: &'static [Context],
    /// Its arguments.
    pub args: Args,
    /// What follows them.
    pub body: Body,
    /// The arguments that hold where it is not given, as one would write them; `None` where nothing does.
    pub default: Option<&'static str>,
    /// Whether it may stand more than once in its block.
    pub repeatable: bool,
    /// What becomes of it.
    pub support: Support,
    /// What it does, as one or two sentences without markup other than backquotes.
    pub help: &'static str,
}

impl Spec {
    /// A directive that works, with `;` after its arguments.
    #[must_use]
    pub const fn new(
        name: &'static str,
        contexts: &'static [Context],
        params: &'static [Param],
        help: &'static str,
    ) -> Self {
        Self {
            name,
            contexts,
            args: Args::Params(params),
            body: Body::Semicolon,
            default: None,
            repeatable: false,
            support: Support::Works,
            help,
        }
    }

    /// A directive that works and has a block instead of arguments.
    #[must_use]
    pub const fn block(
        name: &'static str,
        contexts: &'static [Context],
        inside: Context,
        help: &'static str,
    ) -> Self {
        let mut spec = Self::new(name, contexts, &[], help);
        spec.body = Body::Block(inside);
        spec
    }

    /// A directive without effect, with any arguments; `help` says why none is missed.
    #[must_use]
    pub const fn ignored(
        name: &'static str,
        contexts: &'static [Context],
        help: &'static str,
    ) -> Self {
        let mut spec = Self::new(name, contexts, &[], help);
        spec.args = Args::Any;
        spec.repeatable = true;
        spec.support = Support::Ignored;
        spec
    }

    /// A directive that refuses the start, with any arguments and any block.
    #[must_use]
    pub const fn not_yet(
        name: &'static str,
        contexts: &'static [Context],
        help: &'static str,
    ) -> Self {
        let mut spec = Self::ignored(name, contexts, help);
        spec.body = Body::Opaque;
        spec.support = Support::NotYet;
        spec
    }

    /// The same with a default.
    #[must_use]
    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// The same, allowed more than once in a block.
    #[must_use]
    pub const fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// The same with another body.
    #[must_use]
    pub const fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// How it is written: `listen ADDRESS;`, `kafka { … }`.
    #[must_use]
    pub fn usage(&self) -> String {
        let mut usage = self.name.to_owned();
        let params = match self.args {
            Args::Any => "…".to_owned(),
            Args::Params(params) => params
                .iter()
                .map(|param| match param.presence {
                    Presence::Required => param.name.to_uppercase(),
                    Presence::Optional => format!("[{}]", param.name.to_uppercase()),
                    Presence::Repeated => format!("{} …", param.name.to_uppercase()),
                    Presence::Rest => format!("[{} …]", param.name.to_uppercase()),
                })
                .collect::<Vec<_>>()
                .join(" "),
        };
        if !params.is_empty() {
            usage.push(' ');
            usage.push_str(&params);
        }
        usage.push_str(match self.body {
            Body::Semicolon | Body::Either(_) | Body::Opaque => ";",
            Body::Block(_) | Body::Entries => " { … }",
        });
        usage
    }
}

/// All directives that a check knows, from one table or several.
#[derive(Debug)]
pub struct Tables {
    specs: Vec<&'static Spec>,
    /// Indices into `specs`.
    by_name: BTreeMap<&'static str, Vec<usize>>,
}

impl Tables {
    /// Puts tables together. A name may stand in several contexts with different meanings.
    #[must_use]
    pub fn new(tables: &[&'static [Spec]]) -> Self {
        Self::of(tables.iter().copied().flatten())
    }

    /// Puts lines together, in their order. Of two for the same name and context the first holds.
    #[must_use]
    pub fn of(specs: impl IntoIterator<Item = &'static Spec>) -> Self {
        let specs: Vec<_> = specs.into_iter().collect();
        let mut by_name: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (index, spec) in specs.iter().enumerate() {
            by_name.entry(spec.name).or_default().push(index);
        }
        Self { specs, by_name }
    }

    /// Every line, in the order of the tables.
    pub fn specs(&self) -> impl Iterator<Item = &'static Spec> {
        self.specs.iter().copied()
    }

    /// Every directive of this name, whatever its context.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &'static Spec> {
        let indices = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        indices.iter().map(|index| self.specs[*index])
    }

    /// The directive that this name means in this context.
    #[must_use]
    pub fn find(&self, name: &str, context: Context) -> Option<&'static Spec> {
        self.named(name)
            .find(|spec| spec.contexts.contains(&context))
    }
}
