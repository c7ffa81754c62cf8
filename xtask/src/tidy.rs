//! Style as a test: the rules of the house that rustfmt and clippy do not know.
//!
//! Each check reads the repository and returns its findings, one line each, with file and line.
//! The checks also run under `cargo test`, one test per check. A check never edits a file; only
//! `--bless` does, and it can only tighten the ratchet of file lengths.

mod arrows;
mod generated;
mod length;
mod links;
mod source;
mod text;

use anyhow::{Result, bail};

/// Arguments of `cargo xtask tidy`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Lower the ratchet of file lengths to what the files have now; it is never raised this way.
    #[arg(long)]
    bless: bool,
}

/// One rule that was broken: where, and what to do about it.
type Finding = String;

type Check = fn() -> Result<Vec<Finding>>;

const CHECKS: &[(&str, Check)] = &[
    ("crate arrows", arrows::check),
    ("file length", length::check),
    ("text", text::check),
    ("source", source::check),
    ("links", links::check),
    ("generated pages", generated::check),
];

/// Runs every check and prints what each one found.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.bless {
        length::bless()?;
    }
    let mut found = 0;
    for (name, check) in CHECKS {
        let findings = check()?;
        println!(
            "tidy: {name}: {}",
            if findings.is_empty() { "ok" } else { "FAILED" }
        );
        for finding in &findings {
            println!("  {finding}");
        }
        found += findings.len();
    }
    if found > 0 {
        bail!("tidy found {found} things to mend");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(check: Check) {
        let findings = check().unwrap();
        assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
    }

    #[test]
    fn crate_arrows_point_down() {
        holds(arrows::check);
    }

    #[test]
    fn files_are_short() {
        holds(length::check);
    }

    #[test]
    fn text_is_clean() {
        holds(text::check);
    }

    #[test]
    fn sources_are_documented() {
        holds(source::check);
    }

    #[test]
    fn links_resolve() {
        holds(links::check);
    }

    #[test]
    fn generated_pages_are_up_to_date() {
        holds(generated::check);
    }
}
