//! What the command line changes in a configuration: `--set kafka.num.partitions=4`, `--data`, `--kafka` and their like.
//!
//! An override takes the place of every directive of its name in its block, before the check, so that it is
//! checked by the same tables; its place in messages is the argument as it was typed.

use std::sync::Arc;

use nginx_conf::{Directive, Finding, Lexer, MAIN, Place, Token, Word};

/// One change: a directive with its arguments, in a block or in the main context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    place: Place,
    block: Option<String>,
    name: String,
    args: Vec<String>,
    /// What was wrong with the argument itself; such a change changes nothing.
    mistake: Option<Finding>,
}

impl Override {
    /// A flag with a value that stands for a directive: `("--kafka", "9093")` for `listen 9093;` in `kafka`.
    #[must_use]
    pub fn flag(flag: &str, value: &str, block: Option<&str>, name: &str, arg: String) -> Self {
        Self {
            place: Place::whole(&format!("{flag} {value}")),
            block: block.map(str::to_owned),
            name: name.to_owned(),
            args: vec![arg],
            mistake: None,
        }
    }

    /// Reads the value of `--set`: `BLOCK.DIRECTIVE=ARGUMENTS`, or `DIRECTIVE=ARGUMENTS` for one outside every
    /// block. The arguments are written as in the file; `=` is left out where there are none.
    #[must_use]
    pub fn set(text: &str) -> Self {
        let place = Place::whole(&format!("--set {text}"));
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let is_main = super::tables().find(key, MAIN).is_some();
        let (block, name) = match key.split_once('.') {
            Some((block, name)) if !is_main => (Some(block.to_owned()), name),
            _ => (None, key),
        };
        let mut change = Self {
            place,
            block,
            name: name.to_owned(),
            args: Vec::new(),
            mistake: None,
        };
        let mut mistake = None;
        if name.is_empty() || change.block.as_deref() == Some("") {
            mistake = Some("expected BLOCK.DIRECTIVE=VALUE".to_owned());
        }
        for token in Lexer::new(value.as_bytes(), Arc::from("")) {
            match token {
                Ok(Token::Word(word)) => change.args.push(word.text),
                Ok(_) => {
                    mistake = Some("expected only the directive's arguments after \"=\"".into())
                }
                Err(finding) => mistake = Some(finding.message),
            }
        }
        change.mistake = mistake.map(|message| Finding::wrong(&change.place, message));
        change
    }

    /// Changes the tree; gives back what was wrong with the argument.
    pub(super) fn apply(&self, directives: &mut Vec<Directive>) -> Option<Finding> {
        if self.mistake.is_some() {
            return self.mistake.clone();
        }
        let word = |text: &str| Word::new(text, self.place.clone());
        let target = match &self.block {
            None => directives,
            Some(block) => {
                let is_block = |d: &Directive| d.name.text == *block && d.block.is_some();
                let index = directives.iter().position(is_block).unwrap_or_else(|| {
                    directives.push(Directive {
                        name: word(block),
                        args: Vec::new(),
                        block: Some(Vec::new()),
                    });
                    directives.len() - 1
                });
                directives[index].block.get_or_insert_default()
            }
        };
        target.retain(|directive| directive.name.text != self.name);
        target.push(Directive {
            name: word(&self.name),
            args: self.args.iter().map(|arg| word(arg)).collect(),
            block: None,
        });
        None
    }
}
