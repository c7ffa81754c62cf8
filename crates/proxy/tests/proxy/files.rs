//! Static files: which one answers, which part of it, and when it need not be sent.

use crate::rewriting::get;
use crate::stand::Stand;

fn stand(name: &str, inside: &str) -> Stand {
    let mut stand = Stand::new(name);
    std::fs::create_dir_all(stand.path("www/folder/deep")).unwrap();
    std::fs::create_dir_all(stand.path("www/empty")).unwrap();
    stand.write("www/a.html", "0123456789");
    stand.write("www/folder/index.html", "index");
    stand.write("www/folder/deep/b", "deep b");
    stand.write("secret", "secret");
    let root = stand.path("www");
    stand.run(&format!(
        "http {{ root {root}; default_type application/x;
         server {{ listen 127.0.0.1:0; {} }} }}",
        inside.replace("ROOT", &root)
    ));
    stand
}

/// The status and the body.
fn ask(stand: &Stand, target: &str, fields: &str) -> (String, String) {
    let answer = get(stand, target, fields);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (
        answer.get(9..12).unwrap_or_default().to_owned(),
        body.to_owned(),
    )
}

#[test]
fn the_file_of_a_path() {
    let stand = stand(
        "paths",
        "location /img { alias ROOT/folder/; }
         location ~ ^/re/(.*)$ { alias ROOT/folder/$1; }
         location /try { try_files $uri $uri/index.html /folder/ =418; }
         location /tries/ { try_files /nothing /folder/index.html/ @named; }
         location /coded { try_files $uri =418; }
         location @named { return 200 named; }
         location /first { index nothing folder/index.html /a.html; alias ROOT/; }",
    );
    let check = |target: &str, status: &str, body: &str| {
        let got = ask(&stand, target, "");
        assert_eq!(got.0, status, "{target} {got:?}");
        if !body.is_empty() {
            assert_eq!(got.1, body, "{target}");
        }
    };
    check("/a.html", "200", "0123456789");
    check("/folder/", "200", "index");
    check("/folder", "301", "");
    check("/empty/", "403", "");
    check("/nothing/", "404", "");
    check("/nothing", "404", "");
    check("/a.html/", "404", "");
    check("/folder/%2e%2e/%2e%2e/secret", "400", "");
    check("/folder/..%2fa.html", "200", "0123456789");
    check("/img/index.html", "200", "index");
    check("/img/deep/b", "200", "deep b");
    check("/img../../secret", "404", "");
    check("/img..", "404", "");
    check("/re/deep/b", "200", "deep b");
    check("/try", "301", "");
    check("/coded", "418", "");
    check("/tries/", "200", "named");
    check("/first/", "200", "index");
    let folder = get(&stand, "/folder?a=b", "");
    assert!(folder.contains("/folder/?a=b\r\n"), "{folder}");
    let method = |method: &str| {
        let request = format!("{method} /a.html HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n");
        stand.ask(0, request.as_bytes())
    };
    assert!(method("PUT").starts_with("HTTP/1.1 405"));
    assert!(method("POST").starts_with("HTTP/1.1 405"));
    let head = method("HEAD");
    assert!(head.contains("Content-Length: 10\r\n") && head.ends_with("\r\n\r\n"));
    assert!(head.contains("Content-Type: text/html\r\n"), "{head}");
}

#[test]
fn parts_of_a_file() {
    let stand = stand("parts", "location /none { max_ranges 0; alias ROOT; }");
    let check = |range: &str, status: &str, body: &str| {
        let got = ask(&stand, "/a.html", &format!("Range: {range}\r\n"));
        assert_eq!((&*got.0, &*got.1), (status, body), "{range}");
    };
    check("bytes=0-0", "206", "0");
    check("bytes=-2", "206", "89");
    check("bytes=8-100", "206", "89");
    check("lines=1-2", "200", "0123456789");
    let (status, body) = ask(&stand, "/a.html", "Range: bytes=1-2,8-\r\n");
    assert_eq!(status, "206");
    let has = |text: &str| body.contains(text);
    assert!(has("Content-Range: bytes 1-2/10\r\n\r\n12\r\n--"), "{body}");
    assert!(has("Content-Range: bytes 8-9/10\r\n\r\n89\r\n--"), "{body}");
    let beyond = get(&stand, "/a.html", "Range: bytes=10-\r\n");
    assert!(beyond.starts_with("HTTP/1.1 416"), "{beyond}");
    assert!(beyond.contains("Content-Range: bytes */10\r\n"), "{beyond}");
    assert_eq!(ask(&stand, "/none/a.html", "Range: bytes=0-0\r\n").0, "200");
}

#[test]
fn what_a_client_has_already() {
    let stand = stand("conditions", "location /no { etag off; alias ROOT; }");
    let answer = get(&stand, "/a.html", "");
    let field = |name: &str| {
        let line = answer.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len() + 2..].to_owned()
    };
    let (tag, time) = (field("ETag"), field("Last-Modified"));
    let old = "Sun, 06 Nov 1994 08:49:37 GMT";
    let check = |fields: &str, status: &str| {
        assert_eq!(ask(&stand, "/a.html", fields).0, status, "{fields}");
    };
    check(&format!("If-None-Match: {tag}\r\n"), "304");
    check(&format!("If-None-Match: \"x\", W/{tag}\r\n"), "304");
    check("If-None-Match: \"x\"\r\n", "200");
    check(&format!("If-Modified-Since: {time}\r\n"), "304");
    check(&format!("If-Modified-Since: {old}\r\n"), "200");
    check(
        &format!("If-None-Match: \"x\"\r\nIf-Modified-Since: {time}\r\n"),
        "200",
    );
    check(&format!("If-Match: {tag}\r\n"), "200");
    check("If-Match: \"x\"\r\n", "412");
    check(&format!("If-Unmodified-Since: {time}\r\n"), "200");
    check(&format!("If-Unmodified-Since: {old}\r\n"), "412");
    check(&format!("Range: bytes=0-1\r\nIf-Range: {tag}\r\n"), "206");
    check(&format!("Range: bytes=0-1\r\nIf-Range: {time}\r\n"), "206");
    check("Range: bytes=0-1\r\nIf-Range: \"x\"\r\n", "200");
    assert!(!get(&stand, "/no/a.html", "").contains("ETag"));
}
