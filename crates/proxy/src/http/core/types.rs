//! `types`: which media type belongs to the ending of a file's name.

use std::collections::HashMap;

use nginx_conf::Directive;

/// Endings in lower case and their types.
#[derive(Debug, Clone)]
pub(crate) struct Types {
    by_ending: HashMap<Box<[u8]>, Box<[u8]>>,
}

impl Default for Types {
    /// What holds where a configuration has no `types`.
    fn default() -> Self {
        let known = [
            ("html", "text/html"),
            ("gif", "image/gif"),
            ("jpg", "image/jpeg"),
        ];
        let own = |text: &str| Box::from(text.as_bytes());
        Self {
            by_ending: known.map(|(end, kind)| (own(end), own(kind))).into(),
        }
    }
}

impl Types {
    /// Reads the inside of a `types` block, where each line is a type and its endings.
    pub(crate) fn read(block: &[Directive]) -> Result<Self, String> {
        let mut by_ending = HashMap::new();
        for line in block {
            if line.block.is_some() || line.args.is_empty() {
                return Err(format!(
                    "expected a type and its file name extensions at \"{}\"",
                    line.name.text
                ));
            }
            for ending in &line.args {
                let ending = ending.text.to_ascii_lowercase().into_bytes();
                by_ending.insert(ending.into(), line.name.text.as_bytes().into());
            }
        }
        Ok(Self { by_ending })
    }

    /// The type of a name, by what follows its last dot behind the last slash.
    pub(crate) fn of(&self, name: &[u8]) -> Option<&[u8]> {
        let file = name.rsplit(|byte| *byte == b'/').next()?;
        let dot = file.iter().rposition(|byte| *byte == b'.')?;
        let ending = &file[dot + 1..];
        if let Some(found) = self.by_ending.get(ending) {
            return Some(found);
        }
        // Most endings are in lower case already, so only others are copied.
        ending.iter().any(u8::is_ascii_uppercase).then(|| {
            self.by_ending
                .get(&*ending.to_ascii_lowercase())
                .map(|kind| &**kind)
        })?
    }
}

#[cfg(test)]
mod tests {
    use super::Types;

    #[test]
    fn the_ending_decides() {
        let types = Types::default();
        let check = |name: &str, kind: Option<&str>| {
            assert_eq!(types.of(name.as_bytes()), kind.map(str::as_bytes), "{name}");
        };
        check("/a.html", Some("text/html"));
        check("/a/b.tar.GIF", Some("image/gif"));
        check("/a.html/b", None);
        check("/a.txt", None);
        check("/html", None);
        check("", None);
        check(".jpg", Some("image/jpeg"));
    }
}
