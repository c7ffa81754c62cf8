//! A word of the configuration as literal and variable parts.

use super::{Registry, Scope};

/// One part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part<V> {
    /// Bytes as they stand.
    Text(Box<[u8]>),
    /// What a variable holds at that moment.
    Variable(V),
}

/// A word that is rendered for each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template<V> {
    parts: Box<[Part<V>]>,
}

impl<V> Template<V> {
    /// Several parts, in their order.
    pub(crate) fn of(parts: Vec<Part<V>>) -> Self {
        Self {
            parts: parts.into_boxed_slice(),
        }
    }

    /// The text of a word without variables; `None` where it has one.
    pub(crate) fn as_literal(&self) -> Option<&[u8]> {
        match &*self.parts {
            [] => Some(b""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Its parts.
    pub(crate) fn parts(&self) -> &[Part<V>] {
        &self.parts
    }

    /// Appends what the word says now.
    pub(crate) fn render(&self, scope: &(impl Scope<V> + ?Sized), out: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                Part::Variable(variable) => {
                    scope.append(variable, out);
                }
            }
        }
    }

    /// What the word says now, as bytes of its own.
    pub(crate) fn to_bytes(&self, scope: &(impl Scope<V> + ?Sized)) -> Vec<u8> {
        let mut out = Vec::new();
        self.render(scope, &mut out);
        out
    }
}

impl<V> Default for Template<V> {
    fn default() -> Self {
        Self {
            parts: Box::default(),
        }
    }
}

/// Reads `$name` and `${name}` in a word; the registry says what each means. `Err` is the reason, in words.
pub(super) fn parse<V>(text: &str, registry: &mut Registry<V>) -> Result<Template<V>, String> {
    let mut parts = Vec::new();
    let mut literal: Vec<u8> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        literal.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let (name, after) = name_of(rest)?;
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut literal).into_boxed_slice()));
        }
        parts.push(Part::Variable(registry.variable(name)?));
        rest = after;
    }
    literal.extend_from_slice(rest.as_bytes());
    if !literal.is_empty() {
        parts.push(Part::Text(literal.into_boxed_slice()));
    }
    Ok(Template::of(parts))
}

/// The variable's name after a `$`, and what follows it.
fn name_of(rest: &str) -> Result<(&str, &str), String> {
    if let Some(inner) = rest.strip_prefix('{') {
        let (name, after) = inner
            .split_once('}')
            .ok_or("the closing bracket in \"${\" is missing")?;
        let whole = name.bytes().all(is_name_byte) && !name.is_empty();
        return whole
            .then_some((name, after))
            .ok_or_else(|| format!("invalid variable name in \"${{{name}}}\""));
    }
    // `$1` is one digit long, as in nginx: `$10` is the first capture and a zero.
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(rest.split_at(1));
    }
    let len = rest.bytes().take_while(|byte| is_name_byte(*byte)).count();
    if len == 0 {
        return Err("invalid variable name: \"$\" stands alone".to_owned());
    }
    Ok(rest.split_at(len))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Upper;
    impl Scope<String> for Upper {
        fn append(&self, variable: &String, out: &mut Vec<u8>) -> bool {
            out.extend_from_slice(variable.to_uppercase().as_bytes());
            true
        }
    }

    fn registry() -> Registry<String> {
        Registry::new(
            |name, _| (!name.starts_with("user")).then(|| name.to_owned()),
            |id| format!("user{}", id.0),
        )
    }

    #[test]
    fn words_render() {
        let check = |text: &str, said: Option<&str>| {
            let template = registry().template(text);
            let got = template.ok().map(|t| t.to_bytes(&Upper));
            assert_eq!(got.as_deref(), said.map(str::as_bytes), "{text}");
        };
        check("", Some(""));
        check("plain", Some("plain"));
        check("$host", Some("HOST"));
        check("a$host:b", Some("aHOST:b"));
        check("${host}name", Some("HOSTname"));
        check("$1x$10", Some("1x10"));
        check("$user_a$user_b$user_a", Some("USER0USER1USER0"));
        check("a$", None);
        check("$-", None);
        check("${host", None);
        check("${}", None);
        check("${a b}", None);
    }
}
