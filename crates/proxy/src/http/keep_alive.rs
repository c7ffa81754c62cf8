//! Whether a client's connection goes on after a request, as far as the location has a say.

use http_wire::{FieldName, Method};

use super::Request;
use crate::net::clock;

/// Lets the connection end with this request where the location wants that.
pub(crate) fn decide(request: &mut Request) {
    if request.keeps_alive && !may_go_on(request) {
        request.keeps_alive = false;
    }
}

fn may_go_on(request: &Request) -> bool {
    let core = &request.location.core;
    let connection = &request.connection;
    if core.keepalive_timeout.is_zero()
        || connection.requests.get() >= core.keepalive_requests
        || clock::now() - connection.started > core.keepalive_time
        || crate::net::quitting()
    {
        return false;
    }
    // The two browsers are rare, so that nothing is looked for where neither is disabled.
    let msie6 = core.keepalive_disable_msie6 && request.method() == Method::Post;
    if !msie6 && !core.keepalive_disable_safari {
        return true;
    }
    let agent = request.value(FieldName::UserAgent).unwrap_or_default();
    let is_bad = (msie6 && is_msie6(agent)) || (core.keepalive_disable_safari && is_safari(agent));
    !is_bad
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|at| at == word)
}

/// Internet Explorer 4 to 6, the latter without its second service pack.
pub(super) fn is_msie6(agent: &[u8]) -> bool {
    let Some(at) = find(agent, b"MSIE ") else {
        return false;
    };
    let rest = &agent[at + 5..];
    if find(agent, b"Opera").is_some() || rest.get(1) != Some(&b'.') {
        return false;
    }
    match rest.first() {
        Some(b'4' | b'5') => true,
        Some(b'6') => find(rest, b"SV1").is_none(),
        _ => false,
    }
}

/// Safari of macOS.
fn is_safari(agent: &[u8]) -> bool {
    let has = |word: &[u8]| find(agent, word).is_some();
    has(b"Safari/") && has(b"Mac OS X") && !has(b"Gecko/") && !has(b"Chrome/")
}

#[cfg(test)]
mod tests {
    use super::{is_msie6, is_safari};

    #[test]
    fn browsers_are_told_apart() {
        let check = |agent: &str, msie6, safari| {
            let got = (is_msie6(agent.as_bytes()), is_safari(agent.as_bytes()));
            assert_eq!(got, (msie6, safari), "{agent}");
        };
        check(
            "Mozilla/5.0 (compatible; MSIE 6.0; Windows NT 5.1)",
            true,
            false,
        );
        check(
            "Mozilla/5.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)",
            false,
            false,
        );
        check(
            "Mozilla/4.0 (compatible; MSIE 6.0; X) Opera 7",
            false,
            false,
        );
        check("MSIE 7.0", false, false);
        check("MSIE ", false, false);
        check("Mozilla/5.0 (Mac OS X) Safari/7534.48.3", false, true);
        check(
            "Mozilla/5.0 (Mac OS X) Chrome/1 Safari/7534.48.3",
            false,
            false,
        );
        check("", false, false);
    }
}
