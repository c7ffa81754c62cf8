//! Help and `docs/directives.md`, from the tables.

use nginx_conf::docs;

use super::{BUILT_IN, tables};
use crate::modules;

/// What terminal users are shown about every directive of a name; `None` where there is none.
#[must_use]
pub fn directive_help(name: &str) -> Option<String> {
    let help: Vec<String> = tables().named(name).map(docs::help).collect();
    (!help.is_empty()).then(|| help.join("\n"))
}

/// The whole text of `docs/directives.md`. A test compares it with the committed file.
#[must_use]
pub fn directives_markdown() -> String {
    format!(
        "\
# Directives

Generated from the tables in the source; do not edit. `UPDATE_EXPECT=1 cargo test -p mainstay directives_md` renews it.

A configuration file is written in nginx's language: a directive is a name and arguments with `;` behind them, or with a
block in braces; `#` begins a comment; words with blanks stand in quotes; `include FILE_OR_PATTERN;` puts other files in its
place, relative to the main file's directory. Without a file this holds:

```nginx
{BUILT_IN}```

In a file, what does not stand there is not served; `storage` and `log` have defaults. Flags override the file, and
`--set BLOCK.DIRECTIVE=VALUE` overrides any directive: `--set kafka.num.partitions=4`.

Sizes take `k`, `m` and `g` (times 1024). Times take the units `ms s m h d w M y`, falling and together where wanted (`1h 30m`).
Broker settings have Kafka's names, meanings, units and defaults; where one differs, its line says so.

`mainstay check` lists everything in a file that is wrong, unknown, not supported yet (these refuse the start) or ignored
safely. `mainstay directives NAME` shows one of the entries below.
{}{}",
        docs::markdown(&tables()),
        missing_modules()
    )
}

/// The modules of nginx's that are missing, as `mainstay -V` says them.
fn missing_modules() -> String {
    let mut text = "
## nginx's modules that are missing

`mainstay -V` says the same, in the words of nginx's `configure`. All others of nginx 1.31 are there.

| module | known for |
| --- | --- |
"
    .to_owned();
    for (module, directive) in modules::missing(&tables()) {
        text.push_str(&format!("| `{module}` | `{directive}` |\n"));
    }
    text
}

/// Every directive as it is written, one per line, sorted by context.
#[must_use]
pub fn directive_names() -> String {
    let line = |spec: &nginx_conf::Spec| {
        let contexts: Vec<&str> = spec.contexts.iter().map(|context| context.0).collect();
        format!("{}  {}\n", contexts.join(","), spec.usage())
    };
    let works = |spec: &&'static nginx_conf::Spec| spec.support == nginx_conf::Support::Works;
    let mut lines: Vec<String> = tables().specs().filter(works).map(line).collect();
    lines.sort();
    lines.concat()
}
