//! Bytes to words, by nginx's own lexical rules (`ngx_conf_read_token`).
//!
//! - Blanks separate words; `;`, `{` and, where a word could begin, `}` stand for themselves.
//! - A word that *begins* with `'` or `"` reaches to the next such quote; after it a blank, `;`, `{` or `)` must follow.
//!   Quotes inside a word are ordinary characters.
//! - A backslash keeps the next character from ending the word. Only `\"`, `\'`, `\\`, `\t`, `\r` and `\n`
//!   are replaced; every other backslash stays, as regular expressions need it.
//! - `#` begins a comment only where a word could begin.
//! - `${` does not open a block.
//!
//! Words must be UTF-8; comments may hold anything. A mistake is reported and lexing goes on, so that
//! one pass finds them all.

use std::sync::Arc;

use crate::finding::quote;
use crate::{Finding, Place, Word};

/// The longest word in bytes; nginx's limit (`NGX_CONF_BUFFER`), beyond which a quote was most likely forgotten.
pub const WORD_LEN_MAX: usize = 4096;

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A word.
    Word(Word),
    /// `;`
    Semicolon(Place),
    /// `{`
    Open(Place),
    /// `}`
    Close(Place),
}

/// Reads tokens off the front of a file.
#[derive(Debug)]
pub struct Lexer<'a> {
    input: &'a [u8],
    at: usize,
    line: u32,
    column: u32,
    origin: Arc<str>,
}

impl<'a> Lexer<'a> {
    /// Reads `input` from its start; `origin` is what places call it. A byte order mark is skipped.
    #[must_use]
    pub fn new(input: &'a [u8], origin: Arc<str>) -> Self {
        let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
        Self {
            input,
            at: 0,
            line: 1,
            column: 1,
            origin,
        }
    }

    /// Where the next byte stands.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::new(self.origin.clone(), self.line, self.column)
    }

    fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == b'\n' {
            self.line = self.line.saturating_add(1);
            self.column = 1;
        } else if byte & 0xc0 != 0x80 {
            // Continuation bytes of UTF-8 belong to the character before them.
            self.column = self.column.saturating_add(1);
        }
        Some(byte)
    }

    fn skip_blanks_and_comments(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'#' {
                while self.peek().is_some_and(|b| b != b'\n') {
                    self.bump();
                }
            } else if is_blank(byte) {
                self.bump();
            } else {
                break;
            }
        }
    }

    fn quoted(&mut self, place: Place, quote_byte: u8) -> Result<Token, Finding> {
        self.bump();
        let start = self.at;
        loop {
            match self.peek() {
                None => {
                    let text = format!(
                        "the quote that opens here is not closed: expected {} before the end of the file",
                        char::from(quote_byte)
                    );
                    return Err(Finding::wrong(&place, text));
                }
                Some(b'\\') => {
                    self.bump();
                    self.bump();
                }
                Some(byte) if byte == quote_byte => break,
                Some(_) => {
                    self.bump();
                }
            }
        }
        let raw = &self.input[start..self.at];
        self.bump();
        let word = finish_word(raw, place)?;
        match self.peek() {
            None | Some(b';' | b'{' | b')') => {}
            Some(byte) if is_blank(byte) => {}
            Some(_) => {
                let text = format!(
                    "expected a blank, \";\" or \"{{\" after the quoted word {}",
                    quote(&word.text)
                );
                return Err(Finding::wrong(&self.place(), text));
            }
        }
        Ok(Token::Word(word))
    }

    fn bare(&mut self, place: Place) -> Result<Token, Finding> {
        let start = self.at;
        // nginx's flag `variable`: set by `$`, and `{` leaves it as it is.
        let mut after_dollar = false;
        while let Some(byte) = self.peek() {
            if byte == b'{' && after_dollar {
                self.bump();
                continue;
            }
            after_dollar = byte == b'$';
            if byte == b'\\' {
                self.bump();
            } else if is_blank(byte) || byte == b';' || byte == b'{' {
                break;
            }
            self.bump();
        }
        let raw = &self.input[start..self.at];
        finish_word(raw, place).map(Token::Word)
    }
}

impl Iterator for Lexer<'_> {
    type Item = Result<Token, Finding>;

    /// The next token or mistake; `None` at the end of the input. Every call but the last consumes input.
    fn next(&mut self) -> Option<Self::Item> {
        self.skip_blanks_and_comments();
        let place = self.place();
        let token = match self.peek()? {
            b';' => Token::Semicolon(place),
            b'{' => Token::Open(place),
            b'}' => Token::Close(place),
            byte @ (b'"' | b'\'') => return Some(self.quoted(place, byte)),
            _ => return Some(self.bare(place)),
        };
        self.bump();
        Some(Ok(token))
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Takes the escapes off and checks length and encoding.
fn finish_word(raw: &[u8], place: Place) -> Result<Word, Finding> {
    if raw.len() > WORD_LEN_MAX {
        let text = format!(
            "a word of {} bytes: expected at most {WORD_LEN_MAX} (is a quote missing?)",
            raw.len()
        );
        return Err(Finding::wrong(&place, text));
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(quoted @ (b'"' | b'\'' | b'\\')) => bytes.push(quoted),
            Some(b't') => bytes.push(b'\t'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b'n') => bytes.push(b'\n'),
            Some(other) => bytes.extend([b'\\', other]),
            None => bytes.push(b'\\'),
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Word { text, place }),
        Err(_) => Err(Finding::wrong(&place, "a word that is not UTF-8")),
    }
}

#[cfg(test)]
mod tests;
