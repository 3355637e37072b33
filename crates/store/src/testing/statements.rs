//! Every statement that tests send to PostgreSQL, with the functions that sent it, for `cargo xtask sql-rules`.
//!
//! One line each: `statement`, a tab, the places of Segue on the stack (file and line) from the innermost outwards with
//! blanks between, a tab, the SQL. What migrations made is read back from the catalogue, however they made it, and comes as lines that
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
    folder: String,
    seen: Mutex<HashMap<String, u32>>,
    schema: Mutex<HashSet<String>>,
}

impl StatementLog {
    /// Opens it to be added to; several processes may.
    pub(super) fn open(path: &Path) -> Self {
        let file =
            File::options().create(true).append(true).open(path).expect("SEGUE_TEST_SQL_LOG is writable");
        let folder =
            std::env::current_dir().map_or_else(|_| String::new(), |folder| folder.display().to_string());
        Self { file, folder, seen: Mutex::default(), schema: Mutex::default() }
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
        self.line("statement", &places(&stack, &self.folder), &statement.sql);
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
    fn line(&self, kind: &str, places: &str, sql: &str) {
        let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = format!("{kind}\t{places}\t{sql}\n");
        (&self.file).write_all(line.as_bytes()).expect("SEGUE_TEST_SQL_LOG can be written");
    }
}

/// The places of Segue on a stack, but those of the store itself, relative to the root of the repository. A place and not
/// a name, since the poll of an asynchronous function has no name of its own. `folder` is that of the process.
fn places(stack: &str, folder: &str) -> String {
    let mut found: Vec<String> = Vec::new();
    for line in stack.lines() {
        let Some(place) = line.trim().strip_prefix("at ") else { continue };
        let place = match place.strip_prefix("./") {
            Some(inside) => format!("{folder}/{inside}"),
            None => place.to_owned(),
        };
        let Some(start) = ["/crates/", "/gateway/"].iter().filter_map(|root| place.rfind(root)).max() else {
            continue;
        };
        // Without the column.
        let Some((place, _)) = place[start + 1..].rsplit_once(':') else { continue };
        // The C library's frames have relative places too.
        if !place.contains(".rs:") {
            continue;
        }
        if !place.starts_with("crates/store/src/") && found.last().is_none_or(|last| last != place) {
            found.push(place.to_owned());
        }
    }
    found.join(" ")
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn names_the_places_of_roles_only() {
        let stack = "   0: std::backtrace::Backtrace::create\n             at /rustc/x/library/std/src/x.rs:1:2\n   \
            5: {closure#0}\n             at /r/crates/store/src/pool.rs:123:9\n   \
            9: {async_fn#0}<E>\n             at /root/.cargo/registry/src/index/sea-orm-2.0.4/src/executor.rs:1:1\n  \
            10: {async_fn#0}\n             at ./src/repository/songs.rs:20:5\n  \
            11: {async_fn#0}\n             at ./src/repository/songs.rs:20:9\n  \
            12: start_thread\n             at ./nptl/pthread_create.c:442:8\n  \
            13: {async_fn#0}\n             at /r/gateway/src/gateway.rs:7:1\n";
        assert_eq!(
            places(stack, "/r/crates/song"),
            "crates/song/src/repository/songs.rs:20 gateway/src/gateway.rs:7"
        );
    }
}
