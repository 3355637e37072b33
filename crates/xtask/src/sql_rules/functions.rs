//! Which function a line of source belongs to, without a parser: rustfmt indents it so that one can tell.

use std::collections::HashMap;

/// A function, from the line of its `fn` to the one before the next that is not inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Function {
    name: String,
    line: usize,
    end: usize,
}

/// The functions of every file.
#[derive(Debug, Default)]
pub(super) struct Functions {
    files: HashMap<String, Vec<Function>>,
}

impl Functions {
    pub(super) fn add(&mut self, file: &str, text: &str) {
        let mut all: Vec<(usize, Function)> = Vec::new();
        let last = text.lines().count();
        for (index, line) in text.lines().enumerate() {
            let Some(name) = name_of(line) else { continue };
            let (indent, line) = (line.len() - line.trim_start().len(), index + 1);
            // What is indented as much or more ends where this one begins.
            for (_, open) in all.iter_mut().filter(|(depth, f)| *depth >= indent && f.end == last) {
                open.end = index;
            }
            all.push((indent, Function { name: name.to_owned(), line, end: last }));
        }
        self.files.insert(file.to_owned(), all.into_iter().map(|(_, function)| function).collect());
    }

    /// `file#function` of `file:line`, the innermost that holds the line; the file alone when none does.
    pub(super) fn at(&self, place: &str) -> String {
        let Some((file, line)) = place.rsplit_once(':') else { return place.to_owned() };
        let Ok(line) = line.parse::<usize>() else { return place.to_owned() };
        let functions = self.files.get(file).map(Vec::as_slice).unwrap_or_default();
        let innermost = functions.iter().rfind(|f| (f.line..=f.end).contains(&line));
        innermost.map_or_else(|| file.to_owned(), |function| format!("{file}#{}", function.name))
    }
}

/// The name after `fn`, on a line that defines a function.
pub(super) fn name_of(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let (before, rest) = line.split_once("fn ")?;
    let defines = before.split_whitespace().all(|word| {
        ["pub", "async", "const", "unsafe", "extern", "\"C\""].contains(&word) || word.starts_with("pub(")
    });
    let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    (defines && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "impl A {\n    pub(crate) async fn one(&self) {\n        fn inner() {\n        }\n        b();\n    \
        }\n\n    fn two() {\n    }\n}\n\nfn three() {}\n";

    #[test]
    fn a_line_belongs_to_the_function_around_it() {
        let mut functions = Functions::default();
        functions.add("a.rs", TEXT);
        let at = |line: u32| functions.at(&format!("a.rs:{line}"));
        assert_eq!(
            [at(1), at(2), at(8), at(9), at(12)],
            ["a.rs", "a.rs#one", "a.rs#two", "a.rs#two", "a.rs#three"]
        );
        assert_eq!(functions.at("b.rs:7"), "b.rs");
    }

    #[test]
    fn only_definitions_have_a_name() {
        assert_eq!(name_of("    pub(crate) async fn find<T>(&self) {"), Some("find"));
        assert_eq!(name_of("    let f: fn (u8) = g; // fn h"), None);
        assert_eq!(name_of("    op: impl Fn(u8),"), None);
    }
}
