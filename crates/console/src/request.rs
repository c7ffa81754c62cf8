//! What is asked, as far as the console needs to know it of HTTP.

use percent_encoding::percent_decode_str;

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET, and HEAD.
    Get,
    /// PUT.
    Put,
    /// POST.
    Post,
    /// DELETE.
    Delete,
}

/// A request without its body.
#[derive(Debug, Clone)]
pub struct Head {
    /// What it wants to do.
    pub method: Method,
    /// The path, still percent-encoded.
    pub path: String,
    /// What follows the question mark.
    pub query: Option<String>,
    /// The header `authorization`.
    pub authorization: Option<String>,
    /// Whether the client is on this machine, by its socket's address.
    pub loopback: bool,
}

impl Head {
    /// The path's segments, decoded: `%2F` is a slash within one. Nothing where one is not UTF-8.
    pub(crate) fn segments(&self) -> Option<Vec<String>> {
        let segments = self.path.split('/').skip(1);
        let decoded: Option<Vec<_>> = segments.map(decode).collect();
        let mut decoded = decoded?;
        // A slash at the end makes no difference.
        while decoded.last().is_some_and(String::is_empty) {
            decoded.pop();
        }
        Some(decoded)
    }

    /// The first value of a query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let pairs = self.query.as_deref().unwrap_or_default().split('&');
        let mut values = pairs.filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key).as_deref() == Some(name)).then(|| decode(&value.replace('+', " ")))
        });
        values.next().flatten()
    }

    /// Whether a query parameter is `true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.query(name).as_deref() == Some("true")
    }
}

fn decode(text: &str) -> Option<String> {
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::{Head, Method};

    #[test]
    fn names_are_decoded_within_their_segments() {
        let head = |path: &str| Head {
            method: Method::Get,
            path: path.to_owned(),
            query: Some("name=a%20b+c&if-unused=true&page".to_owned()),
            authorization: None,
            loopback: true,
        };
        let segments = |path| head(path).segments();
        let expected = ["api", "queues", "/", "a/b c"].map(str::to_owned);
        assert_eq!(
            segments("/api/queues/%2F/a%2fb%20c"),
            Some(expected.to_vec())
        );
        assert_eq!(segments("/api/"), Some(vec!["api".to_owned()]));
        assert_eq!(segments("/api/%ff"), None);
        let head = head("/");
        assert_eq!(head.query("name").as_deref(), Some("a b c"));
        assert_eq!(head.query("page").as_deref(), Some(""));
        assert!(head.flag("if-unused") && !head.flag("if-empty"));
    }
}
