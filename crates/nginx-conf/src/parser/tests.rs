use super::{BLOCK_DEPTH_MAX, FINDINGS_MAX, parse};
use crate::Directive;

/// The tree in one line: `a(b c) kafka{listen(1)}`.
fn show(directives: &[Directive]) -> String {
    let one = |directive: &Directive| {
        let args: Vec<&str> = directive.args.iter().map(|w| w.text.as_str()).collect();
        let args = if args.is_empty() {
            String::new()
        } else {
            format!("({})", args.join(" "))
        };
        let block = directive.block.as_ref().map(|b| format!("{{{}}}", show(b)));
        format!("{}{args}{}", directive.name.text, block.unwrap_or_default())
    };
    directives.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn directives_nest() {
    let check = |input: &str, tree: &str| {
        let parsed = parse(input.as_bytes(), "f");
        assert_eq!(parsed.findings, [], "{input}");
        assert_eq!(show(&parsed.directives), tree, "{input}");
    };
    check("", "");
    check("a;", "a");
    check("a b c; d{}", "a(b c) d{}");
    check("kafka { listen 1; } x;", "kafka{listen(1)} x");
    check("a b { c { d e; } f; } g;", "a(b){c{d(e)} f} g");
    check("\"listen\" 1;", "listen(1)");
}

#[test]
fn every_mistake_is_found_and_the_rest_is_kept() {
    let check = |input: &str, tree: &str, findings: &[&str]| {
        let parsed = parse(input.as_bytes(), "f");
        let got: Vec<String> = parsed.findings.iter().map(ToString::to_string).collect();
        assert_eq!(got, findings, "{input}");
        assert_eq!(show(&parsed.directives), tree, "{input}");
    };
    check(
        ";a;",
        "a",
        &["f:1:1: unexpected \";\": expected a directive before it"],
    );
    check(
        "{ a; } b;",
        "b",
        &["f:1:1: unexpected \"{\": expected a directive before it"],
    );
    check(
        "a; }\n} b;",
        "a b",
        &[
            "f:1:4: unexpected \"}\": no block is open here",
            "f:2:1: unexpected \"}\": no block is open here",
        ],
    );
    check(
        "k { a b }\nc;",
        "k{a(b)} c",
        &["f:1:9: unexpected \"}\": expected \";\" after \"b\""],
    );
    check(
        "a b",
        "a(b)",
        &["f:1:4: unexpected end of the file: expected \";\" or \"{\" after \"b\""],
    );
    check(
        "k {\n m { a;",
        "k{m{a}}",
        &[
            "f:2:4: this \"{\" is never closed: expected \"}\" before the end of the file",
            "f:1:3: this \"{\" is never closed: expected \"}\" before the end of the file",
        ],
    );
    check(
        "k { a 'b'c; } d;",
        "k{} d",
        &["f:1:10: expected a blank, \";\" or \"{\" after the quoted word \"b\""],
    );
}

#[test]
fn nesting_and_mistakes_are_bounded() {
    let legal = "a{".repeat(BLOCK_DEPTH_MAX) + &"}".repeat(BLOCK_DEPTH_MAX);
    assert_eq!(parse(legal.as_bytes(), "f").findings, []);
    let deep = parse("a{".repeat(1_000_000).as_bytes(), "f");
    assert_eq!(deep.findings.len(), 1);
    assert_eq!(
        deep.findings[0].to_string(),
        "f:1:66: blocks nest too deep: expected at most 32 levels"
    );
    assert_eq!(
        parse(";".repeat(1_000_000).as_bytes(), "f").findings.len(),
        FINDINGS_MAX
    );
}
