//! Rules for source files, read line by line: each asks for one word in one place, which needs no parser.

use super::Violation;

/// A file that should be thought about.
pub(super) const LONG: usize = 350;
/// A file that must be split.
const TOO_LONG: usize = 500;

/// Constructors of `tonic::Status`.
const STATUS: [&str; 23] = [
    "new",
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
    "with_details",
    "with_metadata",
    "with_details_and_metadata",
    "with_error_details",
    "from_error",
];

/// What one file breaks. `place` is relative to the root; `package` is the crate's name.
pub(super) fn violations(package: &str, place: &str, text: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut report = |line: Option<usize>, rule: &str| {
        let place = line.map_or(place.to_owned(), |line| format!("{place}:{line}"));
        found.push(Violation { place, rule: rule.to_owned() });
    };
    let file = place.rsplit('/').next().unwrap_or(place);
    let in_src = place.contains("/src/");
    if file == "mod.rs" {
        report(None, "no mod.rs: call the file after the module, beside its folder");
    }
    let lines = text.lines().count();
    if in_src && lines > TOO_LONG {
        report(None, &format!("{lines} lines: split it by responsibility (at most {TOO_LONG})"));
    }
    let root = ["/src/lib.rs", "/src/main.rs"].iter().any(|root| place.ends_with(root));
    let unsafe_allowed = ["segue-media", "segue-index"].contains(&package);
    if root && !unsafe_allowed && !text.contains("#![forbid(unsafe_code)]") {
        report(
            None,
            "a crate begins with #![forbid(unsafe_code)]; only media, which wraps two C libraries, and index, which gives memory back to the system, do not",
        );
    }
    let tests = is_test(package, place);
    let environment =
        place.ends_with("crates/segue/src/config.rs") || place.contains("crates/segue/src/config/");
    let environment = environment || file == "build.rs" || place.ends_with("crates/store/src/testing.rs");
    let status = place.ends_with("crates/mesh/src/status.rs") || place.contains("crates/mesh/src/status/");
    for (number, line) in code(text) {
        if !tests && !environment && reads_environment(line) {
            report(
                Some(number),
                "only crates/segue/src/config.rs reads the environment: take it as a parameter",
            );
        }
        if !tests && !status && builds_status(line) {
            report(
                Some(number),
                "only crates/mesh/src/status.rs builds a tonic::Status: use segue_mesh's mapping",
            );
        }
    }
    found
}

fn is_test(package: &str, place: &str) -> bool {
    let inside = ["/tests/", "/examples/", "/benches/"].iter().any(|part| place.contains(part));
    inside || place.ends_with("/tests.rs") || ["segue-e2e", "segue-xtask"].contains(&package)
}

/// Numbered lines that are code: no comments, and nothing after the tests at the end of the file begin.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines: Vec<&str> = text.lines().collect();
    let tests =
        lines.windows(2).position(|two| two[0].trim() == "#[cfg(test)]" && two[1].starts_with("mod "));
    let end = tests.unwrap_or(lines.len());
    let numbered = lines.into_iter().take(end).enumerate().map(|(index, line)| (index + 1, line));
    numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn reads_environment(line: &str) -> bool {
    ["env::var(", "env::var_os(", "env::vars(", "env::vars_os("].iter().any(|call| line.contains(call))
}

fn builds_status(line: &str) -> bool {
    line.match_indices("Status::").any(|(at, name)| {
        let whole = !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let rest = &line[at + name.len()..];
        let called = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        // With or without the bracket: `map_err(Status::internal)` builds one too.
        whole && STATUS.contains(&called)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "#![forbid(unsafe_code)]\n";

    fn broken(package: &str, place: &str, text: &str) -> Vec<String> {
        violations(package, place, text).iter().map(ToString::to_string).collect()
    }

    fn one(package: &str, place: &str, text: &str, words: &str) {
        let broken = broken(package, place, text);
        assert_eq!(broken.len(), 1, "{broken:?}");
        assert!(broken[0].starts_with(place) && broken[0].contains(words), "{}", broken[0]);
    }

    #[test]
    fn only_the_configuration_reads_the_environment() {
        for call in ["std::env::var(\"A\")", "env::var_os(\"A\")", "std::env::vars()"] {
            let text = format!("fn f() {{\n    let a = {call};\n}}\n");
            one(
                "segue-song",
                "crates/song/src/upload.rs",
                &text,
                "upload.rs:2: only crates/segue/src/config.rs",
            );
            assert_eq!(broken("segue", "crates/segue/src/config.rs", &text), [""; 0]);
            assert_eq!(broken("segue-song", "crates/song/tests/upload.rs", &text), [""; 0]);
            assert_eq!(broken("segue-proto", "crates/proto/build.rs", &text), [""; 0]);
            assert_eq!(broken("segue-store", "crates/store/src/testing.rs", &text), [""; 0]);
        }
    }

    #[test]
    fn only_the_mesh_builds_a_status() {
        for call in
            ["Status::not_found(\"no\")", "tonic::Status::new(code, text)", "x.map_err(Status::internal)"]
        {
            let text = format!("let s = {call};\n");
            one("segue-song", "crates/song/src/service.rs", &text, "builds a tonic::Status");
            one("segue-mesh", "crates/mesh/src/server.rs", &text, "builds a tonic::Status");
            assert_eq!(broken("segue-mesh", "crates/mesh/src/status.rs", &text), [""; 0]);
        }
    }

    #[test]
    fn what_only_looks_like_a_status_is_fine() {
        let text = "let a = ServingStatus::new();\nlet b = Status::from_header_map(&h);\n// Status::internal(\nfn f() -> Status;\n";
        assert_eq!(broken("segue-gateway", "gateway/src/proxy.rs", text), [""; 0]);
    }

    #[test]
    fn unit_tests_at_the_end_are_tests() {
        let text = "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() { std::env::var(\"A\"); Status::ok(\"\"); }\n}\n";
        assert_eq!(broken("segue-song", "crates/song/src/a.rs", text), [""; 0]);
    }

    #[test]
    fn no_file_is_called_mod() {
        one("segue-song", "crates/song/src/upload/mod.rs", "", "no mod.rs");
    }

    #[test]
    fn a_file_of_more_than_500_lines_must_be_split() {
        let text = "\n".repeat(501);
        one("segue-song", "crates/song/src/a.rs", &text, "501 lines");
        assert_eq!(broken("segue-song", "crates/song/src/a.rs", &"\n".repeat(500)), [""; 0]);
        assert_eq!(broken("segue-song", "crates/song/tests/a.rs", &text), [""; 0]);
    }

    #[test]
    fn every_crate_but_two_forbids_unsafe_code() {
        one("segue-song", "crates/song/src/lib.rs", "//! The song role.\n", "forbid(unsafe_code)");
        one("segue", "crates/segue/src/main.rs", "fn main() {}\n", "forbid(unsafe_code)");
        assert_eq!(broken("segue-song", "crates/song/src/lib.rs", HEAD), [""; 0]);
        assert_eq!(broken("segue-media", "crates/media/src/lib.rs", ""), [""; 0]);
        assert_eq!(broken("segue-index", "crates/index/src/lib.rs", ""), [""; 0]);
    }
}
