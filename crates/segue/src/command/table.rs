//! Columns for people.

use crate::output;

/// The widest that a column becomes.
const WIDEST: usize = 48;

/// Prints rows under headings, as wide as their widest cell; the last column is not padded.
pub(crate) fn print(headings: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count());
        cells.chain([headings[column].len()]).max().unwrap_or(0).min(WIDEST)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &[String]| {
        let mut text = String::new();
        for (at, cell) in cells.iter().enumerate() {
            let cut: String = output::clean(cell).chars().take(widths[at]).collect();
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

/// Prints names with their values in one column; empty values are left out.
pub(crate) fn facts(facts: &[(&str, String)]) {
    let widest = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        output::text(&format!("{name:<widest$} {}", output::clean(value)));
    }
}

/// Minutes and seconds, hours above 60 minutes.
pub(crate) fn duration(ms: u64) -> String {
    match (ms, ms / 3_600_000) {
        (0, _) => String::new(),
        (_, 0) => format!("{}:{:02}", ms / 60_000, ms / 1000 % 60),
        (_, hours) => format!("{hours}:{:02}:{:02}", ms / 60_000 % 60, ms / 1000 % 60),
    }
}

/// "1 song", "2 songs".
pub(crate) fn count(n: impl Into<u64>, what: &str) -> String {
    match n.into() {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// A number, or nothing for 0, which means unknown.
pub(crate) fn known(n: u32) -> String {
    if n == 0 { String::new() } else { n.to_string() }
}

/// A moment to the minute, in UTC.
pub(crate) fn moment(time: Option<&prost_types::Timestamp>) -> String {
    let text = time.map(ToString::to_string).unwrap_or_default();
    text.get(..16).map(|t| t.replace('T', " ")).unwrap_or_default()
}
