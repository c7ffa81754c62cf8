//! Checks a tree against tables and lists everything there is to say about it.

use std::collections::BTreeMap;

use crate::finding::quote;
use crate::suggest::nearest;
use crate::{
    Args, Body, Context, Directive, Finding, MAIN, Param, Presence, Spec, Support, Tables, Verdict,
};

/// How many findings are made. Beyond them it is no configuration but something else.
const FINDINGS_MAX: usize = 1000;

/// Checks the directives of the main context and, through the tables, of every block in it.
///
/// A block that is ignored, not supported yet or unknown makes one finding; its inside is not looked at.
#[must_use]
pub fn check(tables: &Tables, directives: &[Directive]) -> Vec<Finding> {
    let mut checker = Checker {
        tables,
        findings: Vec::new(),
    };
    checker.block(directives, MAIN);
    checker.findings
}

struct Checker<'a> {
    tables: &'a Tables,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn block(&mut self, directives: &[Directive], context: Context) {
        let mut seen = BTreeMap::new();
        for directive in directives {
            if self.findings.len() >= FINDINGS_MAX {
                return;
            }
            let name = directive.name.text.as_str();
            let Some(spec) = self.tables.find(name, context) else {
                self.misplaced_or_unknown(directive, context);
                continue;
            };
            let place = &directive.name.place;
            match seen.get(name) {
                Some(first) if !spec.repeatable => {
                    let text = format!("\"{name}\" stands twice: first at {first}");
                    self.findings.push(Finding::wrong(place, text));
                }
                _ => {
                    seen.insert(name, place);
                }
            }
            self.directive(spec, directive);
        }
    }

    fn directive(&mut self, spec: &Spec, directive: &Directive) {
        let place = &directive.name.place;
        let name = spec.name;
        let (verdict, text) = match spec.support {
            Support::NotYet => (Verdict::NotSupportedYet, "is not supported yet"),
            Support::Ignored => (Verdict::Ignored, "is ignored safely"),
            Support::Works => {
                self.args(spec, directive);
                self.body(spec, directive);
                return;
            }
        };
        let text = format!("\"{name}\" {text}: {}", spec.help);
        self.findings.push(Finding::new(place, verdict, text));
        if spec.support == Support::Ignored {
            self.body(spec, directive);
        }
    }

    fn body(&mut self, spec: &Spec, directive: &Directive) {
        let text = match (spec.body, &directive.block) {
            (Body::Block(inside) | Body::Either(inside), Some(block)) => {
                return self.block(block, inside);
            }
            (Body::Semicolon, Some(_)) => "expected \";\", found a block",
            (Body::Entries, Some(block)) => return self.entries(spec, block),
            (Body::Block(_) | Body::Entries, None) => {
                "expected a block in \"{\" and \"}\", found \";\""
            }
            (Body::Semicolon | Body::Either(_), None) | (Body::Opaque, _) => return,
        };
        let text = format!("\"{}\": {text}", spec.name);
        self.findings
            .push(Finding::wrong(&directive.name.place, text));
    }

    fn entries(&mut self, spec: &Spec, block: &[Directive]) {
        for entry in block.iter().filter(|entry| entry.block.is_some()) {
            let text = format!("\"{}\": expected \";\", found a block", spec.name);
            self.findings.push(Finding::wrong(&entry.name.place, text));
        }
    }

    fn args(&mut self, spec: &Spec, directive: &Directive) {
        let Args::Params(params) = spec.args else {
            return;
        };
        let found = directive.args.len();
        let required =
            |param: &&Param| matches!(param.presence, Presence::Required | Presence::Repeated);
        let min = params.iter().filter(required).count();
        let endless = params
            .last()
            .is_some_and(|p| matches!(p.presence, Presence::Repeated | Presence::Rest));
        if found < min || (found > params.len() && !endless) {
            let text = format!(
                "\"{}\": expected \"{}\", found {found} argument{}{}",
                spec.name,
                spec.usage(),
                if found == 1 { "" } else { "s" },
                self.missing_semicolon(directive),
            );
            self.findings
                .push(Finding::wrong(&directive.name.place, text));
            return;
        }
        for (index, word) in directive.args.iter().enumerate() {
            let Some(param) = params.get(index).or(params.last()) else {
                break;
            };
            if param.kind.read(&word.text).is_none() {
                let expected = param.kind.expected();
                let text = format!(
                    "\"{}\": expected {expected}, found {}",
                    spec.name,
                    quote(&word.text)
                );
                self.findings.push(Finding::wrong(&word.place, text));
            }
        }
    }

    /// A hint where an argument looks like the next line's directive.
    fn missing_semicolon(&self, directive: &Directive) -> String {
        let line = directive.name.place.line;
        let next = directive
            .args
            .iter()
            .find(|word| word.place.line > line && self.tables.named(&word.text).next().is_some());
        match next {
            Some(word) => format!(
                " (is a \";\" missing before \"{}\" in line {}?)",
                word.text, word.place.line
            ),
            None => String::new(),
        }
    }

    fn misplaced_or_unknown(&mut self, directive: &Directive, context: Context) {
        let name = directive.name.text.as_str();
        let place = &directive.name.place;
        let mut homes: Vec<&str> = Vec::new();
        for home in self.tables.named(name).flat_map(|spec| spec.contexts) {
            if !homes.contains(&home.0) {
                homes.push(home.0);
            }
        }
        if !homes.is_empty() {
            let homes = homes
                .iter()
                .map(|home| match *home {
                    home if home == MAIN.0 => "outside every block".to_owned(),
                    home => format!("inside \"{home}\""),
                })
                .collect::<Vec<_>>()
                .join(" or ");
            let text = format!("\"{name}\" is not allowed here: it belongs {homes}");
            self.findings.push(Finding::wrong(place, text));
            return;
        }
        let here = self
            .tables
            .specs()
            .filter(|s| s.contexts.contains(&context));
        let hint = nearest(name, here.map(|s| s.name))
            .or_else(|| nearest(name, self.tables.specs().map(|s| s.name)))
            .map(|meant| format!(": did you mean \"{meant}\"?"))
            .unwrap_or_default();
        let text = format!("{} is unknown{hint}", quote(name));
        self.findings
            .push(Finding::new(place, Verdict::Unknown, text));
    }
}

#[cfg(test)]
mod tests;
