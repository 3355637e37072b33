//! `cargo xtask sql-rules`: whether what repositories ask of PostgreSQL would work unchanged on shards.
//!
//! Tests write every statement that they send into the file that SEGUE_TEST_SQL_LOG names (`crates/store/src/testing`), with
//! the functions that sent it, and what migrations made. Here each is parsed and held against the rules.

mod functions;
mod methods;
mod schema;
mod statement;
mod tables;

use crate::{check_deps, workspace::Workspace};
use anyhow::{Context, bail};
use functions::Functions;
use methods::Method;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Check the statements that repository tests sent to PostgreSQL against the rules of sharding.
///
/// LOGFILE is what tests wrote that ran with SEGUE_TEST_SQL_LOG and SEGUE_TEST_POSTGRES set; `cargo xtask test` does it.
/// Each violation is one line: rule, function, statement. A repository method that sent no statement is one too.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The file that the tests wrote
    #[arg(value_name = "LOGFILE")]
    log: PathBuf,
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let sum = check(&Workspace::load()?, &args.log)?;
    println!("{sum}");
    Ok(ExitCode::SUCCESS)
}

/// Checks a log and prints each violation. Answers with a sentence of what was checked.
///
/// # Errors
/// When there is a violation, or nothing to check.
pub(crate) fn check(workspace: &Workspace, log: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(log)
        .with_context(|| format!("no test wrote {}: SEGUE_TEST_SQL_LOG names it", log.display()))?;
    let (mut methods, mut functions) = (Vec::new(), Functions::default());
    for (_, place, text) in check_deps::sources(workspace)? {
        methods.extend(methods::of_file(&place, &text));
        functions.add(&place, &text);
    }
    let log = Log::parse(&text, &functions)?;
    let violations = log.violations(&methods);
    for violation in &violations {
        println!("{violation}");
    }
    if !violations.is_empty() {
        bail!("{} rules of SQL are broken", violations.len());
    }
    if log.statements.is_empty() || methods.is_empty() {
        bail!("no statement was sent: are tests run with SEGUE_TEST_POSTGRES?");
    }
    Ok(format!(
        "{} statements of {} repository methods and {} parts of the schema follow the rules",
        log.statements.len(),
        methods.len(),
        log.schema.len()
    ))
}

/// What tests wrote.
#[derive(Debug, Default)]
struct Log<'a> {
    /// SQL, each with the functions (`file#function`, innermost first, blanks between) that sent it.
    statements: BTreeMap<&'a str, BTreeSet<String>>,
    schema: BTreeSet<&'a str>,
}

impl<'a> Log<'a> {
    fn parse(text: &'a str, functions: &Functions) -> anyhow::Result<Self> {
        let mut log = Self::default();
        for line in text.lines() {
            let mut parts = line.splitn(3, '\t');
            match (parts.next(), parts.next(), parts.next()) {
                (Some("statement"), Some(places), Some(sql)) => {
                    // What tests ask themselves, to see what was written, and the notes of the migration runner.
                    if !is_of_a_test(places) && !sql.contains("_migrations\"") {
                        let stack: Vec<_> = places.split(' ').map(|place| functions.at(place)).collect();
                        log.statements.entry(sql).or_default().insert(stack.join(" "));
                    }
                }
                (Some("schema"), _, Some(ddl)) => {
                    log.schema.insert(ddl);
                }
                _ => bail!("not a line of a statement log: {line}"),
            }
        }
        Ok(log)
    }

    fn violations(&self, methods: &[Method]) -> Vec<String> {
        let mut found = BTreeSet::new();
        for (sql, stacks) in &self.statements {
            for stack in stacks {
                let from = stack.split(' ').next().unwrap_or_default();
                let broken = statement::broken(sql, stack).into_iter();
                found.extend(broken.map(|rule| format!("{rule}: {from}: {sql}")));
            }
        }
        for ddl in &self.schema {
            found.extend(schema::broken(ddl).into_iter().map(|rule| format!("{rule}: {ddl}")));
        }
        let sent: BTreeSet<&str> =
            self.statements.values().flatten().flat_map(|stack| stack.split(' ')).collect();
        let silent = methods.iter().filter(|method| !method.is_among(&sent));
        found
            .extend(silent.map(|Method(name)| format!("no test makes this method send a statement: {name}")));
        found.into_iter().collect()
    }
}

/// The innermost place is one of a test, or none is Segue's: a test program of its own sent it.
fn is_of_a_test(places: &str) -> bool {
    let innermost = places.split(' ').next().unwrap_or_default();
    innermost.is_empty() || innermost.contains("/tests/") || innermost.contains("/tests.rs:")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "crates/song/src/repository/songs.rs";
    const GOOD: &str =
        "statement\tcrates/song/src/repository/songs.rs:2\tSELECT id FROM songs WHERE id = $1\n";

    fn violations(text: &str, methods: &[&str]) -> Vec<String> {
        let methods: Vec<_> = methods.iter().map(|name| Method(format!("{FILE}#{name}"))).collect();
        let mut functions = Functions::default();
        functions.add(FILE, "impl Songs {\n    pub(crate) async fn latest() {}\n}\n");
        Log::parse(text, &functions).expect("it is a log").violations(&methods)
    }

    #[test]
    fn a_log_that_follows_the_rules() {
        let schema = "schema\t\tALTER TABLE songs ADD CONSTRAINT songs_pkey PRIMARY KEY (id)\n";
        assert_eq!(violations(&format!("{GOOD}{schema}"), &["latest"]), [""; 0]);
    }

    #[test]
    fn a_bad_statement_is_named_with_its_function() {
        let bad = GOOD.replace("id = $1", "title = $1");
        let found = violations(&bad, &["latest"]);
        assert!(found[0].contains("songs.rs#latest: SELECT id"), "{found:?}");
    }

    #[test]
    fn a_bad_schema_is_found() {
        assert_eq!(violations(&format!("{GOOD}schema\t\tCREATE SEQUENCE a\n"), &["latest"]).len(), 1);
    }

    #[test]
    fn a_method_that_sent_nothing_is_found() {
        let found = violations(GOOD, &["latest", "insert"]);
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with("songs.rs#insert"), "{found:?}");
    }

    #[test]
    fn what_tests_ask_themselves_is_left_out() {
        let of_test = "statement\tcrates/song/src/tests/world.rs:9\tSELECT now() FROM songs\n";
        assert_eq!(violations(&format!("{GOOD}{of_test}"), &["latest"]), [""; 0]);
    }

    #[test]
    fn a_line_of_something_else_is_an_error() {
        assert!(Log::parse("hello\n", &Functions::default()).is_err());
    }
}
