//! A file that holds only the inside of `http { … }`, as tutorials print it, is taken as that.

use nginx_conf::{Context, Directive, MAIN, Tables, Word};

const HTTP: &str = "http";

/// Puts what belongs inside of `http` into such a block, where a file has none: every directive that is not known outside
/// of the blocks and is known inside of `http`. Everything keeps its place in messages.
pub(super) fn complete(tables: &Tables, directives: &mut Vec<Directive>) {
    if directives
        .iter()
        .any(|directive| directive.name.text == HTTP)
    {
        return;
    }
    let belongs_inside = |directive: &Directive| {
        let known = |context| tables.find(&directive.name.text, context).is_some();
        !known(MAIN) && known(Context(HTTP))
    };
    let (inside, mut outside): (Vec<_>, Vec<_>) = directives
        .drain(..)
        .partition(|directive| belongs_inside(directive));
    if let Some(first) = inside.first() {
        outside.push(Directive {
            name: Word::new(HTTP, first.name.place.clone()),
            args: Vec::new(),
            block: Some(inside),
        });
    }
    *directives = outside;
}
