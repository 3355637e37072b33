//! The rules for what migrations made.

use super::{
    statement::last,
    tables::{self, Kind},
};
use sqlparser::{
    ast::{
        AlterColumnOperation, AlterTableOperation, IndexColumn, ObjectName, Statement, TableConstraint,
        visit_expressions,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};
use std::ops::ControlFlow;

/// What a piece of the schema breaks, as the catalogue gives it back.
pub(super) fn broken(ddl: &str) -> Vec<String> {
    let statements = match Parser::parse_sql(&PostgreSqlDialect {}, ddl) {
        Ok(statements) => statements,
        Err(error) => return vec![format!("cannot be parsed: {error}")],
    };
    statements.iter().filter_map(rule).collect()
}

fn rule(statement: &Statement) -> Option<String> {
    match statement {
        Statement::CreateTrigger(_) => {
            Some("no triggers: what belongs to a change is written by the program beside it".into())
        }
        Statement::CreateSequence { .. } => {
            Some("no serial, identity or sequence: ids are UUIDv7 and versions, made by the program".into())
        }
        Statement::CreateIndex(index) if index.unique => unique(&index.table_name, &index.columns),
        Statement::CreateIndex(_) => None,
        Statement::AlterTable(alter) => {
            alter.operations.iter().find_map(|operation| operation_rule(&alter.name, operation))
        }
        other => Some(format!("no rule knows what this is: {other}")),
    }
}

fn operation_rule(table: &ObjectName, operation: &AlterTableOperation) -> Option<String> {
    match operation {
        AlterTableOperation::AddConstraint { constraint, .. } => match constraint {
            TableConstraint::Unique(unique_) => unique(table, &unique_.columns),
            TableConstraint::PrimaryKey(primary) => unique(table, &primary.columns),
            TableConstraint::ForeignKey(foreign) => foreign_key(table, &foreign.foreign_table),
            _ => None,
        },
        AlterTableOperation::AlterColumn { op: AlterColumnOperation::SetDefault { value }, .. } => {
            let calls = visit_expressions(value, |expr| match super::statement::function(expr) {
                Some(name) => ControlFlow::Break(name),
                None => ControlFlow::Continue(()),
            });
            match calls {
                ControlFlow::Break(name) => {
                    Some(format!("DEFAULT {name}(): a default is a constant, the program binds the rest"))
                }
                ControlFlow::Continue(()) => None,
            }
        }
        other => Some(format!("no rule knows what this is: {other}")),
    }
}

fn unique(table: &ObjectName, columns: &[IndexColumn]) -> Option<String> {
    let name = last(table);
    match tables::kind(&name) {
        Kind::Sharded(table) => {
            let named = |column: &IndexColumn| column.column.expr.to_string().trim_matches('"') == table.key;
            let missing = !columns.iter().any(named);
            missing.then(|| format!("a unique constraint of {name} contains the shard key {}", table.key))
        }
        Kind::Whole => None,
        Kind::Unknown => Some(format!(
            "no rule knows the table {name}: say in crates/xtask/src/sql_rules/tables.rs what its key is"
        )),
    }
}

fn foreign_key(from: &ObjectName, to: &ObjectName) -> Option<String> {
    match (tables::kind(&last(from)), tables::kind(&last(to))) {
        (Kind::Sharded(from), Kind::Sharded(to)) if from.aggregate == to.aggregate => None,
        (Kind::Whole, Kind::Whole) => None,
        _ => {
            Some(format!("no foreign key from {} to {}: they live on different shards", last(from), last(to)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::broken;

    fn rejected(ddl: &str, words: &str) {
        let found = broken(ddl);
        assert_eq!(found.len(), 1, "{ddl}: {found:?}");
        assert!(found[0].contains(words), "{ddl}: {found:?}");
    }

    fn accepted(ddl: &str) {
        assert_eq!(broken(ddl), [""; 0], "{ddl}");
    }

    #[test]
    fn what_migrations_make_is_accepted() {
        accepted("ALTER TABLE songs ADD CONSTRAINT songs_pkey PRIMARY KEY (id)");
        accepted("CREATE UNIQUE INDEX garbage_pkey ON public.garbage USING btree (song_id, prefix)");
        accepted(
            "CREATE INDEX songs_by_owner ON public.songs USING btree (owner_id, state) WHERE (deleted_at IS NULL)",
        );
        accepted("ALTER TABLE identity_users ADD CONSTRAINT identity_users_email_key UNIQUE (email)");
        accepted("ALTER TABLE songs ALTER COLUMN released SET DEFAULT false");
    }

    #[test]
    fn a_trigger() {
        rejected(
            "CREATE TRIGGER t AFTER INSERT ON public.songs FOR EACH ROW EXECUTE FUNCTION f()",
            "no triggers",
        );
    }

    #[test]
    fn a_serial_or_identity_column() {
        rejected("CREATE SEQUENCE songs_n_seq", "no serial, identity or sequence");
        rejected(
            "ALTER TABLE songs ALTER COLUMN n SET DEFAULT nextval('songs_n_seq'::regclass)",
            "nextval()",
        );
    }

    #[test]
    fn a_default_that_the_server_computes() {
        rejected("ALTER TABLE songs ALTER COLUMN created_at SET DEFAULT now()", "DEFAULT now()");
    }

    #[test]
    fn a_unique_constraint_without_the_shard_key() {
        rejected("ALTER TABLE songs ADD CONSTRAINT a UNIQUE (isrc)", "contains the shard key id");
        rejected(
            "CREATE UNIQUE INDEX a ON public.encodings USING btree (encoding_id)",
            "contains the shard key song_id",
        );
        rejected(
            "ALTER TABLE owner_songs ADD CONSTRAINT a PRIMARY KEY (song_id)",
            "contains the shard key owner_id",
        );
    }

    #[test]
    fn a_foreign_key_to_another_aggregate() {
        let ddl = "ALTER TABLE owner_songs ADD CONSTRAINT a FOREIGN KEY (song_id) REFERENCES songs(id)";
        rejected(ddl, "no foreign key from owner_songs to songs");
    }

    #[test]
    fn a_table_that_no_rule_knows() {
        rejected(
            "ALTER TABLE podcasts ADD CONSTRAINT a PRIMARY KEY (id)",
            "no rule knows the table podcasts",
        );
    }
}
