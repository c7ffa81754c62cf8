//! Words to directives.
//!
//! A mistake is reported and parsing goes on where the next directive can begin, so that one pass
//! finds them all. `include` is an ordinary directive here.

use std::sync::Arc;

use crate::finding::quote;
use crate::{Directive, Finding, Lexer, Place, Token, Word};

/// How deep blocks may nest within one file. nginx's own grammar needs about six; recursion over the tree must stay small.
pub const BLOCK_DEPTH_MAX: usize = 32;

/// How many mistakes of one file are reported. Beyond them it is no configuration but something else, and the rest is not read.
const FINDINGS_MAX: usize = 100;

/// What one file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The directives of the file's top level.
    pub directives: Vec<Directive>,
    /// The mistakes in its syntax.
    pub findings: Vec<Finding>,
}

/// Parses one file; `origin` is what places call it.
#[must_use]
pub fn parse(input: &[u8], origin: &str) -> Parsed {
    let origin: Arc<str> = origin.into();
    let mut lexer = Lexer::new(input, origin);
    let mut parser = Parser::default();
    while !parser.stopped {
        let Some(token) = lexer.next() else { break };
        parser.token(token);
        parser.stopped |= parser.findings.len() >= FINDINGS_MAX;
    }
    parser.end(&lexer.place())
}

/// A block that is still open.
struct Open {
    /// The directive that it belongs to; empty for a block without a name, which is read and thrown away.
    head: Vec<Word>,
    place: Place,
    directives: Vec<Directive>,
}

#[derive(Default)]
struct Parser {
    words: Vec<Word>,
    /// A word of the directive being read was bad: it was reported, and the directive is dropped.
    spoilt: bool,
    directives: Vec<Directive>,
    open: Vec<Open>,
    findings: Vec<Finding>,
    /// Nothing sensible can be said about the rest of the file.
    stopped: bool,
}

impl Parser {
    fn token(&mut self, token: Result<Token, Finding>) {
        match token {
            Ok(Token::Word(word)) => self.words.push(word),
            Ok(Token::Semicolon(place)) => self.semicolon(&place),
            Ok(Token::Open(place)) => self.open(place),
            Ok(Token::Close(place)) => self.close(&place),
            Err(finding) => {
                self.findings.push(finding);
                self.spoilt = true;
            }
        }
    }

    fn wrong(&mut self, place: &Place, message: impl Into<String>) {
        self.findings.push(Finding::wrong(place, message));
    }

    /// The words of the directive that ends here; empty where there were none or one of them was bad.
    fn take_words(&mut self) -> Vec<Word> {
        let words = std::mem::take(&mut self.words);
        if std::mem::take(&mut self.spoilt) {
            Vec::new()
        } else {
            words
        }
    }

    fn push(&mut self, words: Vec<Word>, block: Option<Vec<Directive>>) {
        let mut words = words.into_iter();
        let Some(name) = words.next() else { return };
        let directive = Directive {
            name,
            args: words.collect(),
            block,
        };
        match self.open.last_mut() {
            Some(open) => open.directives.push(directive),
            None => self.directives.push(directive),
        }
    }

    fn semicolon(&mut self, place: &Place) {
        if self.words.is_empty() && !self.spoilt {
            self.wrong(place, "unexpected \";\": expected a directive before it");
        }
        let words = self.take_words();
        self.push(words, None);
    }

    fn open(&mut self, place: Place) {
        let nameless = self.words.is_empty() && !self.spoilt;
        if nameless {
            self.wrong(&place, "unexpected \"{\": expected a directive before it");
        }
        if self.open.len() == BLOCK_DEPTH_MAX {
            let text = format!("blocks nest too deep: expected at most {BLOCK_DEPTH_MAX} levels");
            self.wrong(&place, text);
            self.stopped = true;
            return;
        }
        let head = self.take_words();
        self.open.push(Open {
            head,
            place,
            directives: Vec::new(),
        });
    }

    fn close(&mut self, place: &Place) {
        if let Some(last) = self.words.last() {
            let text = format!(
                "unexpected \"}}\": expected \";\" after {}",
                quote(&last.text)
            );
            self.wrong(place, text);
        }
        let words = self.take_words();
        self.push(words, None);
        match self.open.pop() {
            Some(open) => self.push(open.head, Some(open.directives)),
            None => self.wrong(place, "unexpected \"}\": no block is open here"),
        }
    }

    fn end(mut self, place: &Place) -> Parsed {
        if let Some(last) = self.words.last().filter(|_| !self.stopped) {
            let text = format!(
                "unexpected end of the file: expected \";\" or \"{{\" after {}",
                quote(&last.text)
            );
            self.wrong(place, text);
        }
        let words = self.take_words();
        self.push(words, None);
        while let Some(open) = self.open.pop() {
            if !self.stopped {
                let text = "this \"{\" is never closed: expected \"}\" before the end of the file";
                self.wrong(&open.place, text);
            }
            self.push(open.head, Some(open.directives));
        }
        Parsed {
            directives: self.directives,
            findings: self.findings,
        }
    }
}

#[cfg(test)]
mod tests;
