//! Lists that a block replaces as a whole.

/// Which block a value was set in. Every block has a number of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Level(pub(crate) u32);

/// A list of directives such as `add_header`: inherited as it stands, or replaced by the first one at its own level.
#[derive(Debug, Clone)]
pub(crate) struct List<T> {
    items: Vec<T>,
    level: Level,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            level: Level::default(),
        }
    }
}

impl<T> List<T> {
    /// Adds an item of the block `level`.
    pub(crate) fn add(&mut self, level: Level, item: T) {
        self.claim(level);
        self.items.push(item);
    }

    /// Makes the list the block's own: what was inherited goes (`access_log off`).
    pub(crate) fn claim(&mut self, level: Level) {
        if self.level != level {
            self.items.clear();
            self.level = level;
        }
    }

    /// Whether it was set in that block.
    pub(crate) fn is_of(&self, level: Level) -> bool {
        self.level == level
    }
}

impl<T> std::ops::Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_level_replaces_what_was_inherited() {
        let mut list = List::default();
        list.add(Level(1), "a");
        list.add(Level(1), "b");
        assert_eq!(&*list, ["a", "b"]);
        let mut child = list.clone();
        assert_eq!(&*child, ["a", "b"]);
        child.add(Level(2), "c");
        child.add(Level(2), "d");
        assert_eq!(&*child, ["c", "d"]);
        let mut off = list.clone();
        off.claim(Level(3));
        assert!(off.is_empty());
    }
}
