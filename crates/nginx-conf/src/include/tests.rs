use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::{FILES_MAX, LEN_MAX, Reader, Tree, load};

/// Files in memory, by path.
struct Memory(BTreeMap<String, Vec<u8>>);

impl Memory {
    fn new(files: &[(&str, &str)]) -> Self {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
        Self(files.iter().map(owned).collect())
    }
}

impl Reader for Memory {
    fn read(&mut self, path: &Path, len_max: usize) -> io::Result<Vec<u8>> {
        let content = self.0.get(&path.display().to_string());
        let content = content.ok_or(io::Error::from(io::ErrorKind::NotFound))?;
        Ok(content[..content.len().min(len_max)].to_vec())
    }

    fn list(&mut self, dir: &Path) -> io::Result<Vec<String>> {
        let prefix = match dir.display().to_string().as_str() {
            "" => String::new(),
            dir => format!("{}/", dir.trim_end_matches('/')),
        };
        let names = self.0.keys().filter_map(|path| path.strip_prefix(&prefix));
        let first = |rest: &str| rest.split('/').next().unwrap_or_default().to_owned();
        let mut names: Vec<String> = names.map(first).collect();
        names.dedup();
        names.reverse();
        Ok(names)
    }
}

fn names(tree: &Tree) -> String {
    fn walk(directives: &[crate::Directive]) -> String {
        let one = |d: &crate::Directive| match &d.block {
            Some(block) => format!("{}{{{}}}", d.name.text, walk(block)),
            None => d.name.text.clone(),
        };
        directives.iter().map(one).collect::<Vec<_>>().join(" ")
    }
    walk(&tree.directives)
}

fn check(files: &[(&str, &str)], tree: &str, findings: &[&str]) {
    let loaded = load(Path::new(files[0].0), &mut Memory::new(files));
    let got: Vec<String> = loaded.findings.iter().map(ToString::to_string).collect();
    assert_eq!(got, findings);
    assert_eq!(names(&loaded), tree);
}

#[test]
fn included_directives_stand_in_place_at_every_level() {
    check(
        &[
            (
                "/etc/m.conf",
                "a; include x.conf; k { include sub/y.conf; } z;",
            ),
            ("/etc/x.conf", "b; c;"),
            // Relative to the main file, not to sub/.
            ("/etc/sub/y.conf", "d; include x.conf;"),
        ],
        "a b c k{d b c} z",
        &[],
    );
    check(&[("m.conf", "include x;"), ("x", "a;")], "a", &[]);
    check(&[("/m", "include /x/y;"), ("/x/y", "a;")], "a", &[]);
}

#[test]
fn patterns_mean_all_that_match_in_order() {
    let files = [
        (
            "/e/m",
            "include c.d/*.conf; include */one; include nothing/*; end;",
        ),
        ("/e/c.d/b.conf", "b;"),
        ("/e/c.d/a.conf", "a;"),
        ("/e/c.d/.hidden.conf", "hidden;"),
        ("/e/c.d/a.conf~", "backup;"),
        ("/e/x/one", "x;"),
        ("/e/w/one", "w;"),
        ("/e/v/two", "v;"),
    ];
    check(&files, "a b w x end", &[]);
}

#[test]
fn what_cannot_be_included_is_told_where_it_was_asked_for() {
    check(
        &[(
            "/e/m",
            "a;\n include gone; include; include a b; include x {} include \"\";",
        )],
        "a",
        &[
            "/e/m:2:10: cannot read \"/e/gone\": entity not found",
            "/e/m:2:16: \"include\": expected one file or pattern, found 0 arguments",
            "/e/m:2:25: \"include\": expected one file or pattern, found 2 arguments",
            "/e/m:2:38: \"include\": expected \";\", found a block",
            "/e/m:2:59: \"include\": expected a file or pattern",
        ],
    );
    check(
        &[("/e/m", "include x;"), ("/e/x", "a;\nb")],
        "a b",
        &["/e/x:2:2: unexpected end of the file: expected \";\" or \"{\" after \"b\""],
    );
    let missing = load(Path::new("/gone"), &mut Memory::new(&[]));
    assert_eq!(
        missing.findings[0].to_string(),
        "/gone: cannot read \"/gone\": entity not found"
    );
}

#[test]
fn circles_and_floods_end() {
    check(
        &[("/m", "include m;")],
        "",
        &["/m:1:9: files include each other more than 10 levels deep (in a circle?)"],
    );
    // Two at each of ten levels would be two thousand files.
    let twice = load(
        Path::new("/m"),
        &mut Memory::new(&[("/m", "a; include m; include m;")]),
    );
    assert!(twice.directives.len() <= FILES_MAX);
    let floods = |tree: &Tree| {
        let text = "more than 1000 files are included";
        tree.findings.iter().filter(|f| f.message == text).count()
    };
    assert_eq!(floods(&twice), 1);
    let large = " ".repeat(LEN_MAX / 2 + 1);
    check(
        &[
            ("/m", "include x; include x; include x; a;"),
            ("/x", &large),
        ],
        "a",
        &["/m:1:20: the configuration has more than 16777216 bytes"],
    );
}
