use crate::{
    Body, Context, Finding, Kind, MAIN, Param, Presence, Spec, Tables, Verdict,
    check as check_tree, docs, parse,
};

const BOX: Context = Context("box");
const LID: Context = Context("lid");
const NUMBER: Param = Param::required(
    "number",
    Kind::Number {
        min: 1,
        max: i64::MAX,
    },
);
const MORE: Param = Param {
    name: "word",
    kind: Kind::Text,
    presence: Presence::Repeated,
};
const REST: Param = Param {
    presence: Presence::Rest,
    ..MORE
};
const MAYBE: Param = Param {
    name: "flag",
    kind: Kind::Flag,
    presence: Presence::Optional,
};

static OURS: &[Spec] = &[
    Spec::block("box", &[MAIN], BOX, "A box."),
    Spec::new("size", &[BOX, LID], &[NUMBER], "How large it is.").default("7"),
    Spec::new(
        "listen",
        &[BOX],
        &[Param::required("address", Kind::Listen { port: 1 })],
        "Where.",
    )
    .repeatable(),
    Spec::new("names", &[BOX], &[NUMBER, MORE], "What it is called."),
    Spec::new("tags", &[BOX], &[NUMBER, REST], "What is on it."),
    Spec::new("open", &[BOX], &[MAYBE], "Whether it is open."),
    Spec::new("lid", &[BOX], &[], "Its lid.").body(Body::Either(LID)),
    Spec::new("kinds", &[BOX], &[], "Kinds of things.").body(Body::Entries),
];
static THEIRS: &[Spec] = &[
    Spec::ignored("tuning", &[MAIN], "nothing needs it"),
    Spec::ignored("sending", &[MAIN], "nothing needs it"),
    Spec::not_yet("http", &[MAIN], "it is being built"),
    // The line above this table holds.
    Spec::not_yet("size", &[BOX], "it is known twice"),
];

fn findings(input: &str) -> Vec<Finding> {
    let parsed = parse(input.as_bytes(), "f");
    assert_eq!(parsed.findings, [], "{input}");
    check_tree(&Tables::new(&[OURS, THEIRS]), &parsed.directives)
}

fn check(input: &str, expected: &[&str]) {
    let got: Vec<String> = findings(input).iter().map(ToString::to_string).collect();
    assert_eq!(got, expected, "{input}");
}

#[test]
fn what_the_tables_allow_passes() {
    check(
        "box { size 3; listen 80; listen [::1]:80; names 1 a b c; open; lid; }",
        &[],
    );
    check("box { tags 1; }", &[]);
    check("box { tags 1 a b; }", &[]);
    check("box { open on; lid { size 1; } }", &[]);
    check("box { kinds { size x; text/html html; ~* a b; } }", &[]);
    check("", &[]);
}

#[test]
fn all_problems_are_listed_at_once() {
    check(
        "box {\n size x;\n size 0;\n sise 1;\n listen host:80;\n}\nsize 1;\nbox {}\nhttp { anything { goes; } }\ntuning 1 2 3;",
        &[
            "f:2:7: \"size\": expected a number of at least 1, found \"x\"",
            "f:3:2: \"size\" stands twice: first at f:2:2",
            "f:3:7: \"size\": expected a number of at least 1, found \"0\"",
            "f:4:2: \"sise\" is unknown: did you mean \"size\"?",
            "f:5:9: \"listen\": expected PORT or ADDRESS:PORT (an IP address, [IPv6], localhost or *), found \"host:80\"",
            "f:7:1: \"size\" is not allowed here: it belongs inside \"box\" or inside \"lid\"",
            "f:8:1: \"box\" stands twice: first at f:1:1",
            "f:9:1: \"http\" is not supported yet: it is being built",
            "f:10:1: \"tuning\" is ignored safely: nothing needs it",
        ],
    );
}

#[test]
fn arguments_are_counted() {
    check(
        "box { size; }",
        &["f:1:7: \"size\": expected \"size NUMBER;\", found 0 arguments"],
    );
    check(
        "box { names 1; }",
        &["f:1:7: \"names\": expected \"names NUMBER WORD …;\", found 1 argument"],
    );
    check(
        "box { tags; }",
        &["f:1:7: \"tags\": expected \"tags NUMBER [WORD …];\", found 0 arguments"],
    );
    check(
        "box { open on off; }",
        &["f:1:7: \"open\": expected \"open [FLAG];\", found 2 arguments"],
    );
    check(
        "box x {}",
        &["f:1:1: \"box\": expected \"box { … }\", found 1 argument"],
    );
    check(
        "box { size 1\n listen 80; }",
        &[
            "f:1:7: \"size\": expected \"size NUMBER;\", found 3 arguments (is a \";\" missing before \"listen\" in line 2?)",
        ],
    );
}

#[test]
fn bodies_are_checked() {
    check(
        "box;",
        &["f:1:1: \"box\": expected a block in \"{\" and \"}\", found \";\""],
    );
    check(
        "box { size 1 { x; } }",
        &["f:1:7: \"size\": expected \";\", found a block"],
    );
    check(
        "box { box {} }",
        &["f:1:7: \"box\" is not allowed here: it belongs outside every block"],
    );
    check(
        "box { kinds { a b; c { d; } } }",
        &["f:1:20: \"kinds\": expected \";\", found a block"],
    );
    check(
        "tuning { x; }",
        &[
            "f:1:1: \"tuning\" is ignored safely: nothing needs it",
            "f:1:1: \"tuning\": expected \";\", found a block",
        ],
    );
}

#[test]
fn only_ignored_directives_let_a_configuration_start() {
    let found = findings("tuning 1; http {} nonsense; box;");
    let verdicts: Vec<_> = found
        .iter()
        .map(|f| (f.verdict, f.verdict.refuses()))
        .collect();
    let expected = [
        (Verdict::Ignored, false),
        (Verdict::NotSupportedYet, true),
        (Verdict::Unknown, true),
        (Verdict::Wrong, true),
    ];
    assert_eq!(verdicts, expected);
}

#[test]
fn a_finding_takes_one_line_and_a_flood_of_them_ends() {
    let control = findings("\"a\nb\x1b\";");
    assert_eq!(control[0].to_string(), "f:1:1: \"a\\nb\\u{1b}\" is unknown");
    assert_eq!(findings(&"x;".repeat(5000)).len(), super::FINDINGS_MAX);
}

#[test]
fn documentation_comes_from_the_tables() {
    let text = docs::markdown(&Tables::new(&[OURS, THEIRS]));
    for line in [
        "## Outside every block",
        "## Inside `box`",
        "| `size NUMBER;` | `7` | How large it is. NUMBER: a number of at least 1. |",
        "- `tuning` `sending`: nothing needs it.",
        "- `http`: it is being built.",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in {text}");
    }
}
