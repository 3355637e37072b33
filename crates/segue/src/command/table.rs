//! Columns for people.

use crate::output;

/// Prints rows under headings, as wide as their widest cell; the last column is not padded.
pub(crate) fn print(headings: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count());
        cells.chain([headings[column].len()]).max().unwrap_or(0).min(48)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &[String]| {
        let mut text = String::new();
        for (at, cell) in cells.iter().enumerate() {
            let cut: String =
                cell.chars().map(|c| if c.is_control() { ' ' } else { c }).take(widths[at]).collect();
            text.push_str(&cut);
            if at + 1 < cells.len() {
                text.extend(std::iter::repeat_n(' ', widths[at] - cut.chars().count() + 2));
            }
        }
        text
    };
    output::text(&line(&headings.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>()));
    for row in rows {
        output::text(&line(row));
    }
}

/// Minutes and seconds.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0 => String::new(),
        ms => format!("{}:{:02}", ms / 60_000, ms / 1000 % 60),
    }
}
