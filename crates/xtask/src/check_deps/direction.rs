//! Which crate may depend on which.

use super::{Violation, relative};
use crate::workspace::{Dependency, Package};
use std::path::Path;

const ROLES: [&str; 8] = ["song", "playlist", "identity", "encoder", "search", "cdc", "edge", "gateway"];
const ENGINES: [&str; 4] = ["blob", "bus", "cache", "index"];
/// What a role may stand on.
const GROUND: [&str; 5] = ["domain", "proto", "ports", "store", "mesh"];
/// Crates that must not know of these: anything asynchronous, any network, any database.
const PURE: [&str; 2] = ["domain", "media"];
const IMPURE: [&str; 9] =
    ["axum", "futures", "hyper", "lapin", "reqwest", "sea-orm", "sqlx", "tokio", "tonic"];

/// What the crate of this folder may have as a normal or build dependency; none for a crate without a rule.
fn allowed(folder: &str) -> Option<Vec<&'static str>> {
    Some(match folder {
        "domain" | "proto" | "media" | "xtask" => vec![],
        "ports" | "store" | "mesh" | "client" => vec!["domain", "proto"],
        "encoder" => [&GROUND[..], &["media"]].concat(),
        role if ROLES.contains(&role) => GROUND.to_vec(),
        engine if ENGINES.contains(&engine) => vec!["domain", "ports"],
        "segue" => [&GROUND[..], &["media", "client"], &ROLES, &ENGINES].concat(),
        "e2e" => [&["client", "domain", "proto", "ports"], &ENGINES[..]].concat(),
        _ => return None,
    })
}

/// Tests may use engines and what engines stand on, and the crate itself with other features; never another role.
fn allowed_in_tests(folder: &str, normal: &[&'static str]) -> Vec<&'static str> {
    let tests: &[&str] = if ROLES.contains(&folder) { &ENGINES } else { &[] };
    [normal, tests].concat()
}

/// Every dependency that points the wrong way, and every crate that no rule knows.
pub(super) fn violations(root: &Path, packages: &[Package]) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in packages {
        let place = relative(root, &package.manifest_path);
        let mut report = |rule: String| found.push(Violation { place: place.clone(), rule });
        let folder =
            package.manifest_path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        if short(&package.name) != Some(&*folder) {
            report(format!(
                "a package is called segue-<folder>: this one is '{}' in '{folder}'",
                package.name
            ));
            continue;
        }
        let Some(normal) = allowed(&folder) else {
            report(format!(
                "no rule knows the crate '{folder}'; say in crates/xtask/src/check_deps/direction.rs what it may use"
            ));
            continue;
        };
        let tests = allowed_in_tests(&folder, &normal);
        for dependency in &package.dependencies {
            let dev = dependency.kind.as_deref() == Some("dev");
            match short(&dependency.name) {
                Some(own) if own == folder && dev => {}
                Some(other) => {
                    let list = if dev { &tests } else { &normal };
                    if !list.contains(&other) {
                        report(wrong_way(&folder, other, dependency, list));
                    }
                }
                None if !dev && PURE.contains(&&*folder) && IMPURE.contains(&dependency.name.as_str()) => {
                    report(format!(
                        "'{folder}' is pure (no async, no I/O) and must not use {}",
                        dependency.name
                    ));
                }
                None => {}
            }
        }
    }
    found
}

fn wrong_way(folder: &str, other: &str, dependency: &Dependency, list: &[&str]) -> String {
    let kind = dependency.kind.as_deref().map_or(String::new(), |kind| format!("{kind}-"));
    let why = match other {
        _ if ROLES.contains(&folder) && ROLES.contains(&other) => "a role imports no other role",
        _ if ROLES.contains(&folder) && ENGINES.contains(&other) => "only segue and e2e choose an engine",
        _ => "dependencies point from segue to domain",
    };
    let may = if list.is_empty() { "no crate of Segue".to_owned() } else { list.join(", ") };
    format!("'{folder}' must not have {} as a {kind}dependency: {why}; it may have {may}", dependency.name)
}

/// `store` of `segue-store`, `segue` of `segue`; none for a crate of others.
fn short(package: &str) -> Option<&str> {
    if package == "segue" { Some(package) } else { package.strip_prefix("segue-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, folder: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        Package {
            name: name.into(),
            id: name.into(),
            manifest_path: format!("/r/{folder}/Cargo.toml").into(),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency { name: (*name).into(), kind: kind.map(Into::into) })
                .collect(),
            default_run: None,
        }
    }

    /// The rules that one crate with one dependency breaks.
    fn broken(folder: &str, dependency: &str, kind: Option<&str>) -> Vec<String> {
        let name = if folder == "segue" { "segue".to_owned() } else { format!("segue-{folder}") };
        let package = package(&name, &format!("crates/{folder}"), &[(dependency, kind)]);
        violations(Path::new("/r"), &[package]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn refuses_what_points_the_wrong_way() {
        for (folder, dependency) in [
            ("domain", "segue-proto"),
            ("proto", "segue-domain"),
            ("ports", "segue-store"),
            ("store", "segue-ports"),
            ("store", "segue-mesh"),
            ("mesh", "segue-store"),
            ("media", "segue-domain"),
            ("song", "segue-identity"),
            ("gateway", "segue-identity"),
            ("song", "segue-media"),
            ("cdc", "segue-bus"),
            ("edge", "segue-blob"),
            ("encoder", "segue-client"),
            ("blob", "segue-store"),
            ("bus", "segue-blob"),
            ("client", "segue-mesh"),
            ("segue", "segue-e2e"),
            ("segue", "segue-xtask"),
            ("e2e", "segue-song"),
            ("e2e", "segue"),
            ("xtask", "segue-domain"),
        ] {
            let broken = broken(folder, dependency, None);
            assert_eq!(broken.len(), 1, "{folder} uses {dependency}");
            assert!(broken[0].starts_with(&format!("crates/{folder}/Cargo.toml: ")), "{}", broken[0]);
            assert!(broken[0].contains(dependency), "{}", broken[0]);
        }
    }

    #[test]
    fn accepts_what_points_the_right_way() {
        for (folder, dependency, kind) in [
            ("ports", "segue-domain", None),
            ("store", "segue-proto", None),
            ("mesh", "segue-domain", None),
            ("song", "segue-store", None),
            ("encoder", "segue-media", None),
            ("bus", "segue-ports", None),
            ("client", "segue-proto", None),
            ("segue", "segue-bus", None),
            ("segue", "segue-gateway", None),
            ("e2e", "segue-client", None),
            ("e2e", "segue-blob", None),
            ("cdc", "segue-bus", Some("dev")),
            ("store", "segue-store", Some("dev")),
            ("song", "tokio", None),
            ("media", "tokio", Some("dev")),
        ] {
            assert_eq!(broken(folder, dependency, kind), [""; 0], "{folder} uses {dependency}");
        }
    }

    #[test]
    fn tests_may_use_engines_but_no_other_role() {
        assert_eq!(broken("song", "segue-blob", Some("dev")), [""; 0]);
        assert_eq!(broken("song", "segue-identity", Some("dev")).len(), 1);
        assert_eq!(broken("mesh", "segue-bus", Some("dev")).len(), 1);
    }

    #[test]
    fn build_dependencies_count_as_normal_ones() {
        assert_eq!(broken("song", "segue-bus", Some("build")).len(), 1);
    }

    #[test]
    fn pure_crates_use_nothing_asynchronous() {
        assert_eq!(broken("domain", "tokio", None).len(), 1);
        assert_eq!(broken("media", "reqwest", None).len(), 1);
        assert_eq!(broken("media", "symphonia", None), [""; 0]);
    }

    #[test]
    fn a_crate_without_a_rule_or_with_another_name_is_refused() {
        let odd = [package("segue-common", "crates/common", &[]), package("segue-song", "crates/songs", &[])];
        let found = violations(Path::new("/r"), &odd);
        assert!(found[0].rule.contains("no rule knows the crate 'common'"), "{}", found[0]);
        assert!(found[1].rule.contains("segue-<folder>"), "{}", found[1]);
    }
}
