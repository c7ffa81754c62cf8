//! What must hold for every input, as one function that the fuzz target and the tests share.
//!
//! It panics where the property does not hold, and is called by nothing else.

use crate::{Directive, WORD_LEN_MAX, parse};

/// Parses the input; writes the tree that came out and parses that: it must be the same tree, without a finding.
///
/// # Panics
/// Where it is not.
pub fn parse_write_parse(input: &[u8]) {
    let first = parse(input, "first");
    for finding in &first.findings {
        let text = finding.to_string();
        assert!(!text.contains('\n'), "a finding takes one line: {text}");
    }
    let mut written = String::new();
    if !write(&first.directives, &mut written) {
        return;
    }
    let second = parse(written.as_bytes(), "second");
    assert_eq!(second.findings, [], "{written}");
    assert!(same(&first.directives, &second.directives), "{written}");
}

/// Writes directives with every word in quotes; false where a word is too long to be written so.
fn write(directives: &[Directive], out: &mut String) -> bool {
    directives.iter().all(|directive| {
        let words = std::iter::once(&directive.name).chain(&directive.args);
        for word in words {
            let quoted = word.text.replace('\\', "\\\\").replace('"', "\\\"");
            if quoted.len() > WORD_LEN_MAX {
                return false;
            }
            out.push_str(&format!("\"{quoted}\" "));
        }
        let Some(block) = &directive.block else {
            out.push_str(";\n");
            return true;
        };
        out.push_str("{\n");
        let complete = write(block, out);
        out.push_str("}\n");
        complete
    })
}

fn same(a: &[Directive], b: &[Directive]) -> bool {
    let texts = |d: &Directive| -> Vec<String> {
        let words = std::iter::once(&d.name).chain(&d.args);
        words.map(|word| word.text.clone()).collect()
    };
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            texts(a) == texts(b)
                && match (&a.block, &b.block) {
                    (Some(a), Some(b)) => same(a, b),
                    (None, None) => true,
                    _ => false,
                }
        })
}

#[cfg(test)]
mod tests {
    use super::parse_write_parse;

    /// A xorshift generator: the same seed makes the same input.
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % bound
        }

        fn pick<'a>(&mut self, pieces: &[&'a [u8]]) -> &'a [u8] {
            let index = self.below(pieces.len() as u64);
            pieces[usize::try_from(index).unwrap()]
        }
    }

    #[test]
    fn garbage_made_of_meaningful_pieces() {
        const PIECES: [&[u8]; 18] = [
            b"{",
            b"}",
            b";",
            b"\"",
            b"'",
            b"\\",
            b"#",
            b"\n",
            b" ",
            b"$",
            b"${",
            b"include",
            b"a",
            b"\xff",
            b"\xc3",
            b"kafka {",
            b"\0",
            b"listen 1;",
        ];
        for seed in 1..20_000 {
            let mut random = Random(seed);
            let mut input = Vec::new();
            for _ in 0..random.below(40) {
                input.extend_from_slice(random.pick(&PIECES));
            }
            eprintln!("seed {seed}");
            parse_write_parse(&input);
        }
    }

    #[test]
    fn the_corpus_of_the_fuzzer() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/nginx_conf");
        let mut count = 0;
        for entry in std::fs::read_dir(corpus).unwrap() {
            let path = entry.unwrap().path();
            eprintln!("{}", path.display());
            parse_write_parse(&std::fs::read(path).unwrap());
            count += 1;
        }
        assert!(count >= 10, "only {count} files in {corpus}");
    }
}
