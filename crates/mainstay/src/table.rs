//! Text in aligned columns, for terminals.

use std::io::{self, Write};

/// Rows under a heading; the columns are as wide as their widest cell.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with its heading.
    #[must_use]
    pub fn new(heading: &[&str]) -> Self {
        let mut table = Self { rows: Vec::new() };
        table.row(heading.iter().map(|cell| (*cell).to_owned()).collect());
        table
    }

    /// Adds a row. Names come from other people's clients, so control characters are shown as escapes.
    pub fn row(&mut self, cells: Vec<String>) {
        let shown = |cell: String| match cell.as_str() {
            "" => "-".to_owned(),
            cell if cell.chars().any(char::is_control) => cell.escape_debug().to_string(),
            cell => cell.to_owned(),
        };
        self.rows.push(cells.into_iter().map(shown).collect());
    }

    /// Writes all rows.
    ///
    /// # Errors
    /// Where the output is gone.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let padding = width - cell.chars().count() + 2;
                line.push_str(cell);
                line.push_str(&" ".repeat(padding));
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_aligned_and_control_characters_shown() {
        let mut table = Table::new(&["name", "n"]);
        table.row(vec!["größer".into(), "1".into()]);
        table.row(vec!["a\x1b[2J".into(), String::new()]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        let expected = "name        n\ngrößer      1\na\\u{1b}[2J  -\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
