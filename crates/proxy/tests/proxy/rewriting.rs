//! Rewrites, access rules, added fields, error pages: what becomes of a request before anything answers it.

use crate::stand::Stand;

fn stand(name: &str, inside: &str) -> Stand {
    let mut stand = Stand::new(name);
    stand.write("index.html", "index");
    let root = stand.path("");
    stand.run(&format!(
        "http {{ root {root}; log_format t '$uri $status'; access_log log t;
         server {{ listen 127.0.0.1:0; {inside} }} }}"
    ));
    stand
}

pub(crate) fn get(stand: &Stand, target: &str, fields: &str) -> String {
    let request = format!("GET {target} HTTP/1.1\r\nHost: me\r\nConnection: close\r\n{fields}\r\n");
    stand.ask(0, request.as_bytes())
}

#[test]
fn rewrites() {
    let stand = stand(
        "rewrites",
        "rewrite ^/server/(.*)$ /location/$1?from=server;
         if ($arg_go = server) { return 200 'server if'; }
         location / { return 200 '$uri?$args'; }
         location /location/ { rewrite ^/location/(\\d+)$ /number/$1; return 200 'location $uri $args'; }
         location /number/ { rewrite ^/number/ /index.html break; return 500; }
         location /last/ { rewrite ^/last/(.*)$ /location/x$1?a=b last; return 500; }
         location /loop/ { rewrite ^ /loop/; }
         location /away { rewrite ^/away/(.*)$ /to/$1 redirect; rewrite ^ https://other$uri permanent; }
         location /nested/ { if ($arg_a) { if ($arg_b) { return 200 both; } set $seen a; } return 200 <$seen>; }
         location /not { if ($request_method != POST) { return 405; } return 204; }
         location /gone { return 444; }
         location /inner { internal; return 200 inner; }
         location /to-inner { rewrite ^ /inner last; }",
    );
    let check = |target: &str, status: &str, rest: &str| {
        let answer = get(&stand, target, "");
        assert!(answer.starts_with(status), "{target} {answer}");
        assert!(
            answer.ends_with(rest) || answer.contains(rest),
            "{target} {answer}"
        );
    };
    check("/a?b", "HTTP/1.1 200", "\r\n\r\n/a?b");
    check(
        "/server/x",
        "HTTP/1.1 200",
        "\r\n\r\nlocation /location/x from=server",
    );
    check("/server/x?q", "HTTP/1.1 200", "from=server&q");
    check("/a?go=server", "HTTP/1.1 200", "\r\n\r\nserver if");
    check(
        "/location/12",
        "HTTP/1.1 200",
        "\r\n\r\nlocation /number/12 ",
    );
    check("/number/12", "HTTP/1.1 200", "\r\n\r\nindex");
    check(
        "/last/1?c",
        "HTTP/1.1 200",
        "\r\n\r\nlocation /location/x1 a=b&c",
    );
    check("/loop/", "HTTP/1.1 500", "");
    check("/away/x%20y?q", "HTTP/1.1 302", "/to/x%20y?q\r\n");
    check("/away", "HTTP/1.1 301", "Location: https://other/away\r\n");
    check("/nested/?a=1&b=1", "HTTP/1.1 200", "\r\n\r\nboth");
    check("/nested/?a=1", "HTTP/1.1 200", "\r\n\r\n<a>");
    check("/nested/", "HTTP/1.1 200", "\r\n\r\n<>");
    check("/not", "HTTP/1.1 405", "");
    check("/inner", "HTTP/1.1 404", "");
    check("/to-inner", "HTTP/1.1 200", "\r\n\r\ninner");
    assert_eq!(get(&stand, "/gone", ""), "");
}

#[test]
fn pages_of_errors() {
    let stand = stand(
        "pages",
        "location /same { error_page 403 /page; return 403; }
         location /other { error_page 403 =200 /page; return 403; }
         location /target { error_page 404 = /page; return 404; }
         location /named { error_page 500 502 @named; return 502; }
         location /away { error_page 404 =301 http://other/; return 404; }
         location /twice { error_page 403 /twice-more; return 403; }
         location /twice-more { error_page 404 /page; return 404; }
         location = /page { internal; return 201 'page $request_method'; }
         location @named { return 202 'named $status'; }",
    );
    let check = |target: &str, status: &str, rest: &str| {
        let answer = get(&stand, target, "");
        assert!(answer.starts_with(status), "{target} {answer}");
        assert!(answer.contains(rest), "{target} {answer}");
    };
    check("/same", "HTTP/1.1 403", "\r\n\r\npage GET");
    check("/other", "HTTP/1.1 200", "\r\n\r\npage GET");
    check("/target", "HTTP/1.1 201", "\r\n\r\npage GET");
    check("/named", "HTTP/1.1 502", "\r\n\r\nnamed 502");
    check("/away", "HTTP/1.1 301", "Location: http://other/\r\n");
    // Without `recursive_error_pages` the second error is answered as it is.
    check("/twice", "HTTP/1.1 404", "<h1>404 Not Found</h1>");
    let post = "POST /same HTTP/1.1\r\nHost: me\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let answer = stand.ask(0, post.as_bytes());
    assert!(answer.ends_with("page GET"), "{answer}");
}

#[test]
fn who_may_ask_and_what_is_added() {
    let stand = stand(
        "access",
        "location /in { allow 127.0.0.0/8; deny all; return_ok; }
         location /out { allow 10.0.0.0/8; deny all; return_ok; }
         location /any { satisfy any; allow 127.0.0.1; deny all; auth_basic me; auth_basic_user_file users; return_ok; }
         location /all { allow 127.0.0.1; auth_basic me; auth_basic_user_file users; return_ok; }
         location /either { satisfy any; deny all; auth_basic me; auth_basic_user_file users; return_ok; }
         location /limited { limit_except GET { deny all; } return_ok; }
         location /added { add_header A b; add_header C d always; expires 1h; return_ok; }"
            .replace("return_ok;", "try_files /index.html =404;")
            .as_str(),
    );
    stand.write(
        "users",
        "# names\nann:{PLAIN}secret\nbob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=:x\n",
    );
    let basic = |text: &str| format!("Authorization: Basic {text}\r\n");
    let (ann, bob) = (basic("YW5uOnNlY3JldA=="), basic("Ym9iOnBhc3N3b3Jk"));
    let check = |target: &str, fields: &str, status: &str| {
        let answer = get(&stand, target, fields);
        let got = answer.get(9..12).unwrap_or_default();
        assert_eq!(got, status, "{target} {fields} {answer}");
        answer
    };
    check("/in", "", "200");
    check("/out", "", "403");
    check("/any", "", "200");
    let refused = check("/all", "", "401");
    assert!(
        refused.contains("WWW-Authenticate: Basic realm=\"me\"\r\n"),
        "{refused}"
    );
    check("/all", &ann, "200");
    check("/all", &bob, "200");
    check("/all", &basic("YW5uOnNlY3JldAo="), "401");
    check("/all", &basic("%%%"), "401");
    check("/all", &basic(""), "401");
    check("/either", "", "401");
    check("/either", &ann, "200");
    check("/limited", "", "200");
    let post =
        "POST /limited HTTP/1.1\r\nHost: me\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert!(stand.ask(0, post.as_bytes()).starts_with("HTTP/1.1 403"));
    let added = check("/added", "", "200");
    for line in ["A: b\r\n", "C: d\r\n", "Cache-Control: max-age=3600\r\n"] {
        assert!(added.contains(line), "{added}");
    }
}
