//! Help and documentation from tables.

use std::fmt::Write;

use crate::{Args, Body, Context, MAIN, Spec, Support, Tables};

/// All directives as Markdown: one section per context, in the order of the tables; what works first, then what is
/// ignored, then what is not supported yet. The caller puts a title and an introduction before it.
#[must_use]
pub fn markdown(tables: &Tables) -> String {
    let mut contexts: Vec<Context> = Vec::new();
    for context in tables.specs().flat_map(|spec| spec.contexts) {
        if !contexts.contains(context) {
            contexts.push(*context);
        }
    }
    let mut out = String::new();
    for context in contexts {
        section(&mut out, tables, context);
    }
    out
}

fn section(out: &mut String, tables: &Tables, context: Context) {
    let title = match context {
        MAIN => "Outside every block".to_owned(),
        Context(name) => format!("Inside `{name}`"),
    };
    line(out, &format!("\n## {title}"));
    let with = |support: Support| -> Vec<&Spec> {
        let here = |spec: &&Spec| {
            let holds = tables.find(spec.name, context);
            spec.support == support && holds.is_some_and(|line| std::ptr::eq(line, *spec))
        };
        tables.specs().filter(here).collect()
    };
    let works = with(Support::Works);
    if !works.is_empty() {
        line(
            out,
            "\n| directive | default | what it does |\n| --- | --- | --- |",
        );
        for spec in works {
            let default = spec.default.map_or(String::new(), |d| format!("`{d}`"));
            let row = format!(
                "| `{}` | {default} | {} |",
                spec.usage(),
                help_and_types(spec)
            );
            line(out, &row);
        }
    }
    for (support, title) in [
        (Support::Ignored, "Accepted, without effect"),
        (Support::NotYet, "Not supported yet: refuses the start"),
    ] {
        let specs = with(support);
        if !specs.is_empty() {
            line(out, &format!("\n{title}:\n"));
            for (help, names) in by_help(&specs) {
                line(out, &format!("- {}: {help}.", names.join(" ")));
            }
        }
    }
}

/// Neighbours with the same help share a line.
fn by_help<'a>(specs: &[&'a Spec]) -> Vec<(&'a str, Vec<String>)> {
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for spec in specs {
        let name = format!("`{}`", spec.name);
        match groups.last_mut().filter(|group| group.0 == spec.help) {
            Some(group) => group.1.push(name),
            None => groups.push((spec.help, vec![name])),
        }
    }
    groups
}

/// The help, and what each argument must be where its name does not say it.
fn help_and_types(spec: &Spec) -> String {
    let mut text = spec.help.to_owned();
    if let Args::Params(params) = spec.args {
        for param in params {
            let expected = param.kind.expected();
            // Writing to a string cannot fail.
            let _ = write!(text, " {}: {expected}.", param.name.to_uppercase());
        }
    }
    if spec.repeatable {
        text.push_str(" May stand more than once.");
    }
    text.replace('|', "\\|")
}

/// What a terminal shows about one directive.
#[must_use]
pub fn help(spec: &Spec) -> String {
    let mut out = String::new();
    line(&mut out, &spec.usage());
    let contexts: Vec<&str> = spec.contexts.iter().map(|c| c.0).collect();
    line(&mut out, &format!("  context: {}", contexts.join(", ")));
    if let Some(default) = spec.default {
        line(&mut out, &format!("  default: {default}"));
    }
    let text = match spec.support {
        Support::Works => help_and_types(spec).replace("\\|", "|"),
        Support::Ignored => format!("Accepted, without effect: {}.", spec.help),
        Support::NotYet => format!("Not supported yet: {}.", spec.help),
    };
    line(&mut out, &format!("  {text}"));
    if let (Body::Block(inside), Support::Works) = (spec.body, spec.support) {
        line(
            &mut out,
            &format!("  Its block is the context {}.", inside.0),
        );
    }
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}
