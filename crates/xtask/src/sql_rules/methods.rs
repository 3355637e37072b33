//! Repository methods, read from the source: each must have sent a statement.

use super::functions;
use std::collections::BTreeSet;

/// A method that speaks to the database: `file#function`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Method(pub(super) String);

/// Files of tables that are not called after the repository.
const MORE: [&str; 3] =
    ["crates/identity/src/accounts.rs", "crates/identity/src/sessions.rs", "crates/song/src/scan.rs"];

/// Methods that ask the cache, which asks through others (`load` and `one`, in a task of its own), or nobody.
const ASIDE: [&str; 10] = [
    "crates/song/src/repository/songs.rs#find",
    "crates/song/src/repository/songs.rs#find_many",
    "crates/song/src/repository/songs.rs#heard",
    "crates/song/src/repository/shelves.rs#find",
    "crates/song/src/repository/shelves.rs#find_many",
    "crates/playlist/src/repository/playlists.rs#find",
    "crates/playlist/src/repository/playlists.rs#find_many",
    "crates/playlist/src/repository/playlists.rs#heard",
    "crates/playlist/src/repository/pages.rs#page",
    // Undoes what was begun.
    "crates/playlist/src/library/repository/change.rs#rollback",
];

/// Those of one file; none when it is no repository. `place` is relative to the root.
pub(super) fn of_file(place: &str, text: &str) -> Vec<Method> {
    let Some((_, inside)) = place.split_once("/src/") else { return Vec::new() };
    let repository =
        inside == "repository.rs" || inside.starts_with("repository/") || inside.contains("/repository/");
    if !(repository || MORE.contains(&place)) || inside.ends_with("tests.rs") || inside.contains("/tests/") {
        return Vec::new();
    }
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let open = code.lines().filter(|line| {
        let line = line.trim_start();
        ["pub async fn ", "pub(crate) async fn ", "pub(super) async fn "].iter().any(|s| line.starts_with(s))
    });
    let names = open.filter_map(functions::name_of).map(|name| format!("{place}#{name}"));
    names.filter(|name| !ASIDE.contains(&name.as_str())).map(Method).collect()
}

impl Method {
    /// Whether it is one of the functions that sent a statement.
    pub(super) fn is_among(&self, functions: &BTreeSet<&str>) -> bool {
        functions.contains(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "impl Songs {\n    pub(crate) async fn heard(&self) {}\n    \
        pub(crate) async fn latest(&self) {}\n    async fn once(&self) {}\n    pub(crate) fn new() {}\n}\n\
        pub(super) async fn insert<C>() {}\n#[cfg(test)]\nmod tests {\n    pub(crate) async fn not_me() {}\n}\n";

    #[test]
    fn finds_the_asynchronous_methods_that_others_call() {
        let names = |place: &str| of_file(place, TEXT).into_iter().map(|m| m.0).collect::<Vec<_>>();
        let songs = "crates/song/src/repository/songs.rs";
        assert_eq!(names(songs), [format!("{songs}#latest"), format!("{songs}#insert")]);
        assert_eq!(names("crates/song/src/read.rs"), [""; 0]);
        assert_eq!(names("crates/encoder/src/repository/tests.rs"), [""; 0]);
    }
}
