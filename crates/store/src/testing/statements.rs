//! Every statement that tests send to PostgreSQL, with the functions that sent it, for `cargo xtask sql-rules`.
//!
//! One line each: `statement`, a tab, the functions of Segue on the stack from the innermost outwards with blanks between,
//! a tab, the SQL. What migrations made is read back from the catalogue, however they made it, and comes as lines that
//! begin with `schema`.

use crate::StoreError;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use std::{
    backtrace::Backtrace,
    collections::{HashMap, HashSet},
    fs::File,
    io::Write,
    path::Path,
    sync::{Mutex, PoisonError},
};

/// How often the same SQL is written by one process. Resolving a stack costs a millisecond.
const MOST_REPEATS: u32 = 25;

/// What the catalogue says of the tables, as statements that would make it so.
const SCHEMA: &str = "
    SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS ddl
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
    UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
      WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT format('CREATE SEQUENCE %I', relname) FROM pg_class
      WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace
    UNION ALL SELECT format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', adrelid::regclass, attname,
        pg_get_expr(adbin, adrelid))
      FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
      JOIN pg_class c ON c.oid = adrelid WHERE c.relnamespace = 'public'::regnamespace";

/// The file.
pub(crate) struct StatementLog {
    file: File,
    seen: Mutex<HashMap<String, u32>>,
    schema: Mutex<HashSet<String>>,
}

impl StatementLog {
    /// Opens it to be added to; several processes may.
    pub(super) fn open(path: &Path) -> Self {
        let file =
            File::options().create(true).append(true).open(path).expect("SEGUE_TEST_SQL_LOG is writable");
        Self { file, seen: Mutex::default(), schema: Mutex::default() }
    }

    pub(crate) fn write(&self, statement: &Statement) {
        if statement.db_backend != DbBackend::Postgres {
            return;
        }
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let times = seen.entry(statement.sql.clone()).or_default();
            *times += 1;
            if *times > MOST_REPEATS {
                return;
            }
        }
        let stack = Backtrace::force_capture().to_string();
        self.line("statement", &functions(&stack), &statement.sql);
    }

    pub(super) async fn write_schema(&self, db: &DatabaseConnection) -> Result<(), StoreError> {
        if db.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        for row in db.query_all_raw(Statement::from_string(DbBackend::Postgres, SCHEMA)).await? {
            let ddl: String = row.try_get("", "ddl")?;
            let mut known = self.schema.lock().unwrap_or_else(PoisonError::into_inner);
            if known.insert(ddl.clone()) {
                self.line("schema", "", &ddl);
            }
        }
        Ok(())
    }

    /// One write per line, so that lines of several processes do not mix.
    fn line(&self, kind: &str, functions: &str, sql: &str) {
        let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = format!("{kind}\t{functions}\t{sql}\n");
        (&self.file).write_all(line.as_bytes()).expect("SEGUE_TEST_SQL_LOG can be written");
    }
}

/// The functions of Segue on a stack, but those of the store itself, without generics and the names of closures.
fn functions(stack: &str) -> String {
    let mut found: Vec<String> = Vec::new();
    for line in stack.lines() {
        let Some((number, name)) = line.trim().split_once(": ") else { continue };
        if number.parse::<u32>().is_err() {
            continue;
        }
        let name = plain(name);
        if name.starts_with("segue_") && !name.starts_with("segue_store::") && found.last() != Some(&name) {
            found.push(name);
        }
    }
    found.join(" ")
}

/// `a::B::c` of `<a::B<T>>::c::<U>::{closure#0}`, `<a::B as D>::c` and the like.
fn plain(name: &str) -> String {
    let whole = match name.strip_prefix('<') {
        Some(inner) => {
            let (of, rest) = inner.split_at(end_of_generics(inner));
            format!(
                "{}{}",
                without_generics(of).split(" as ").next().unwrap_or_default(),
                without_generics(rest)
            )
        }
        None => without_generics(name),
    };
    let parts = whole.split("::").filter(|part| !part.is_empty() && !part.starts_with('{'));
    parts.collect::<Vec<_>>().join("::")
}

/// Where the bracket closes that was opened before the text.
fn end_of_generics(text: &str) -> usize {
    let mut depth = 1;
    let end = text.char_indices().find(|(_, c)| {
        depth += i32::from(*c == '<') - i32::from(*c == '>');
        depth == 0
    });
    end.map_or(text.len(), |(at, _)| at)
}

fn without_generics(text: &str) -> String {
    let mut depth = 0_i32;
    let mut kept = String::new();
    for c in text.chars() {
        match c {
            '<' => depth += 1,
            '>' => depth = (depth - 1).max(0),
            c if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::functions;

    #[test]
    fn names_the_functions_of_roles_only() {
        let stack = "   0: std::backtrace::Backtrace::create\n             at /rustc/x.rs:1:2\n   \
            5: segue_store::pool::watched::{{closure}}\n   \
            9: sea_orm::executor::Select<E>::one::{{closure}}\n  \
            10: segue_song::repository::songs::one::{{closure}}\n  \
            11: segue_song::repository::songs::Songs::find::{{closure}}\n  \
            12: segue_song::repository::songs::Songs::find::{{closure}}::{{closure}}\n  \
            13: segue_identity::accounts::find::<sea_orm::DatabaseConnection>::{closure#0}\n  \
            12: <segue_song::repository::songs::Songs<A<B>>>::latest::<C>::{closure#0}\n  \
            14: <segue_song::service::SongApi as segue_proto::SongService>::get_song::{{closure}}\n";
        assert_eq!(
            functions(stack),
            "segue_song::repository::songs::one segue_song::repository::songs::Songs::find \
             segue_identity::accounts::find segue_song::repository::songs::Songs::latest \
             segue_song::service::SongApi::get_song"
        );
    }
}
