use super::{Lexer, Token, WORD_LEN_MAX};

/// Words in brackets, everything else as it is, mistakes as `line:column message`.
fn lex(input: &[u8]) -> String {
    let tokens = Lexer::new(input, "f".into()).map(|token| match token {
        Ok(Token::Word(word)) => format!("[{}]", word.text),
        Ok(Token::Semicolon(_)) => ";".to_owned(),
        Ok(Token::Open(_)) => "{".to_owned(),
        Ok(Token::Close(_)) => "}".to_owned(),
        Err(finding) => format!("!{finding}"),
    });
    tokens.collect::<Vec<_>>().join(" ")
}

#[test]
fn words_follow_nginx_rules() {
    let check = |input: &str, tokens: &str| assert_eq!(lex(input.as_bytes()), tokens, "{input}");
    check("", "");
    check(" \t\r\n", "");
    check("listen 80;", "[listen] [80] ;");
    check("a{b;}", "[a] { [b] ; }");
    check("a;}}", "[a] ; } }");
    // Comments begin only where a word could.
    check("a # b ;\nc;", "[a] [c] ;");
    check("a#b;", "[a#b] ;");
    check("#", "");
    // A brace closes only where a word could begin.
    check("a b};", "[a] [b}] ;");
    // Quotes.
    check(r#"a "b c;{}#" 'd "e"';"#, r#"[a] [b c;{}#] [d "e"] ;"#);
    check(r#"a "" '';"#, "[a] [] [] ;");
    check("a \"b\nc\";", "[a] [b\nc] ;");
    check("a b\"c\"d;", "[a] [b\"c\"d] ;");
    check(r#"if ($a = "b") {"#, "[if] [($a] [=] [b] [)] {");
    // Escapes.
    check(
        r#"a "b\"c" 'd\'e' \\ f\;g h\ i;"#,
        r#"[a] [b"c] [d'e] [\] [f\;g] [h\ i] ;"#,
    );
    check(r"a b\tc\rd\ne \.php$;", "[a] [b\tc\rd\ne] [\\.php$] ;");
    check(r#"a \"b c;"#, r#"[a] ["b] [c] ;"#);
    check(r"a b\", r"[a] [b\]");
    // Variables do not open blocks.
    check("a ${b}c $d{e;}", "[a] [${b}c] [$d] { [e] ; }");
    check("a x${b};", "[a] [x${b}] ;");
    check("a ${b}${c};", "[a] [${b}${c}] ;");
    check("a \"$\";", "[a] [$] ;");
    // Bytes beyond ASCII.
    check("größe ü;", "[größe] [ü] ;");
    check("\u{feff}a;", "[a] ;");
}

#[test]
fn mistakes_are_told_with_their_place_and_lexing_goes_on() {
    let check = |input: &[u8], tokens: &str| {
        assert_eq!(lex(input), tokens, "{}", String::from_utf8_lossy(input));
    };
    check(
        b"a \"b;\nc",
        "[a] !f:1:3: the quote that opens here is not closed: expected \" before the end of the file",
    );
    check(
        b"a 'b'c; d;",
        "[a] !f:1:6: expected a blank, \";\" or \"{\" after the quoted word \"b\" [c] ; [d] ;",
    );
    check(
        b"# \xff\na \xff b;",
        "[a] !f:2:3: a word that is not UTF-8 [b] ;",
    );
    let long = "x".repeat(WORD_LEN_MAX + 1);
    check(
        format!("a {long};").as_bytes(),
        "[a] !f:1:3: a word of 4097 bytes: expected at most 4096 (is a quote missing?) ;",
    );
    check(
        &format!("a {};", &long[1..]).into_bytes(),
        &format!("[a] [{}] ;", &long[1..]),
    );
}

#[test]
fn places_count_lines_and_characters() {
    let places: Vec<String> = Lexer::new("a bc\n\n  ä \"x\ny\" z;".as_bytes(), "f".into())
        .map(|token| match token {
            Ok(Token::Word(word)) => word.place.to_string(),
            Ok(Token::Semicolon(place)) => place.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        places,
        ["f:1:1", "f:1:3", "f:3:3", "f:3:5", "f:4:4", "f:4:5"]
    );
}
