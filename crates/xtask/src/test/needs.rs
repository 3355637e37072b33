//! Which engines a run needs: those whose variables the sources of its tests name, so that `--package` starts no more.

use crate::{
    engines::Engine,
    workspace::{Package, Workspace},
};
use std::{fs, path::Path};
use walkdir::WalkDir;

/// Of the packages that are `wanted`; all when every package is.
pub(super) fn engines(workspace: &Workspace, wanted: impl Fn(&str) -> bool) -> Vec<Engine> {
    let mut named = [false; Engine::ALL.len()];
    for package in workspace.packages.iter().filter(|package| wanted(&package.name)) {
        // What names the variables of all of them would always need all.
        if package.name == env!("CARGO_PKG_NAME") {
            continue;
        }
        let Some(folder) = package.manifest_path.parent() else { continue };
        look_into(folder, &mut named);
        for helper in helpers(workspace, package) {
            look_into(&helper, &mut named);
        }
    }
    Engine::ALL.into_iter().zip(named).filter(|(_, named)| *named).map(|(engine, _)| engine).collect()
}

/// The files with which other crates of the workspace help tests: `src/testing.rs` and what is below `src/testing/`.
fn helpers(workspace: &Workspace, package: &Package) -> Vec<std::path::PathBuf> {
    let all = package.dependencies.iter();
    let own = all.filter_map(|needed| workspace.packages.iter().find(|other| other.name == needed.name));
    let sources = own.filter_map(|other| Some(other.manifest_path.parent()?.join("src")));
    sources.flat_map(|sources| [sources.join("testing.rs"), sources.join("testing")]).collect()
}

/// A file, or all below a folder.
fn look_into(path: &Path, named: &mut [bool; Engine::ALL.len()]) {
    let files = WalkDir::new(path).into_iter().flatten();
    for file in files.filter(|file| file.path().extension().is_some_and(|extension| extension == "rs")) {
        let Ok(text) = fs::read_to_string(file.path()) else { continue };
        for (engine, named) in Engine::ALL.into_iter().zip(named.iter_mut()) {
            *named |= names(&text, engine.variable());
        }
    }
}

/// Whether it stands there as a whole word: SEGUE_TEST_REDIS is also the beginning of another one.
fn names(text: &str, variable: &str) -> bool {
    text.match_indices(variable).any(|(at, _)| {
        let next = text[at + variable.len()..].chars().next();
        !next.is_some_and(|next| next == '_' || next.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_name_is_another_one() {
        assert!(names(r#"var("SEGUE_TEST_REDIS")"#, "SEGUE_TEST_REDIS"));
        assert!(!names(r#"var("SEGUE_TEST_REDIS_CLUSTER")"#, "SEGUE_TEST_REDIS"));
    }

    #[test]
    fn the_tests_of_a_crate_need_what_their_helpers_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let package = |name: &str, source: &str, text: &str, needs: &[&str]| {
            let path = folder.path().join(name).join(source);
            fs::create_dir_all(path.parent().expect("it has a folder")).expect("it can be made");
            fs::write(path, text).expect("it can be written");
            Package {
                name: name.into(),
                id: name.into(),
                manifest_path: folder.path().join(name).join("Cargo.toml"),
                dependencies: needs
                    .iter()
                    .map(|name| crate::workspace::Dependency { name: (*name).into(), kind: None })
                    .collect(),
                default_run: None,
            }
        };
        let workspace = Workspace {
            workspace_root: folder.path().into(),
            target_directory: folder.path().into(),
            packages: vec![
                package("store", "src/testing.rs", "SEGUE_TEST_POSTGRES", &[]),
                package("bus", "src/lib.rs", "SEGUE_TEST_RABBITMQ", &[]),
                package("song", "src/lib.rs", "", &["store", "bus", "serde"]),
            ],
        };
        assert_eq!(engines(&workspace, |name| name == "song"), [Engine::Postgres]);
        assert_eq!(engines(&workspace, |_| true), [Engine::Postgres, Engine::Rabbitmq]);
    }
}
