//! The rules for one statement. They keep every query such that sharding changes none: what Citus refuses, or answers by
//! asking every shard.

use super::tables::{self, Kind, Table};
use sqlparser::{
    ast::{
        AssignmentTarget, BinaryOperator, ConflictTarget, Delete, Expr, FromTable, FunctionArguments,
        InTarget, Insert, JoinConstraint, JoinOperator, LimitClause, ObjectName, OnConflictAction, OnInsert,
        Query, Select, SetExpr, Statement, TableFactor, TableObject, TableWithJoins, Update, Visit, Visitor,
        visit_expressions, visit_relations,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};
use std::{collections::BTreeSet, ops::ControlFlow};

/// Ids and times are bound by the program; what differs from server to server is never computed by one.
const VOLATILE: [&str; 18] = [
    "now",
    "current_timestamp",
    "current_date",
    "current_time",
    "localtime",
    "localtimestamp",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "timeofday",
    "random",
    "gen_random_uuid",
    "uuid_generate_v4",
    "nextval",
    "currval",
    "setval",
    "txid_current",
    "pg_advisory_xact_lock",
];
/// What an upsert may compute from the old and the new row.
const UPSERT: [&str; 3] = ["greatest", "least", "coalesce"];

const JOINED: &str = "tables are joined by JOIN … ON their shard keys";

/// What the SQL breaks. `functions` are those that sent it.
pub(super) fn broken(sql: &str, functions: &str) -> Vec<String> {
    let statements = match Parser::parse_sql(&PostgreSqlDialect {}, sql) {
        Ok(statements) => statements,
        Err(error) => return vec![format!("cannot be parsed: {error}")],
    };
    let mut check = Check { functions, broken: BTreeSet::new() };
    for statement in &statements {
        check.statement(statement);
    }
    check.broken.into_iter().collect()
}

struct Check<'a> {
    functions: &'a str,
    broken: BTreeSet<String>,
}

impl Check<'_> {
    fn report(&mut self, rule: impl Into<String>) {
        self.broken.insert(rule.into());
    }

    fn statement(&mut self, statement: &Statement) {
        self.volatile(statement);
        self.relations(statement);
        match statement {
            Statement::Query(_) => {}
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            _ => self.report("a repository only selects, inserts, updates and deletes"),
        }
        // Every query, also those inside others.
        let _ = statement.visit(&mut Queries { check: self });
    }

    fn volatile(&mut self, statement: &Statement) {
        let _: ControlFlow<()> = visit_expressions(statement, |expr| {
            if let Some(name) = function(expr).filter(|name| VOLATILE.contains(&name.as_str())) {
                self.report(format!("{name}(): bind ids, times and chance in the program"));
            }
            ControlFlow::Continue(())
        });
    }

    fn relations(&mut self, statement: &Statement) {
        let mut aggregates = BTreeSet::new();
        let mut whole = false;
        let _: ControlFlow<()> = visit_relations(statement, |name| {
            match tables::kind(&last(name)) {
                Kind::Sharded(table) => {
                    aggregates.insert(table.aggregate);
                }
                Kind::Whole => whole = true,
                Kind::Unknown => self.report(format!(
                    "no rule knows the table {}: say in crates/xtask/src/sql_rules/tables.rs what its key is",
                    last(name)
                )),
            }
            ControlFlow::Continue(())
        });
        if aggregates.len() > 1 || (whole && !aggregates.is_empty()) {
            self.report("one statement reads or writes one aggregate: no join across them");
        }
    }

    fn insert(&mut self, insert: &Insert) {
        let TableObject::TableName(name) = &insert.table else { return };
        let Some(table) = sharded(name) else { return };
        if !insert.columns.iter().any(|column| last(column) == table.key) {
            self.report(format!("an insert names the shard key {}", table.key));
        }
        let Some(OnInsert::OnConflict(conflict)) = &insert.on else { return };
        match &conflict.conflict_target {
            Some(ConflictTarget::Columns { columns, .. })
                if columns.iter().any(|column| column.value == table.key) => {}
            None if matches!(conflict.action, OnConflictAction::DoNothing) => {}
            _ => self.report(format!("ON CONFLICT names the shard key {} among its columns", table.key)),
        }
        let OnConflictAction::DoUpdate(update) = &conflict.action else { return };
        for assignment in &update.assignments {
            let _: ControlFlow<()> = visit_expressions(&assignment.value, |expr| {
                if function(expr).is_some_and(|name| !UPSERT.contains(&name.as_str())) {
                    self.report(
                        "ON CONFLICT DO UPDATE takes excluded.x or bound values and calls no functions",
                    );
                }
                ControlFlow::Continue(())
            });
        }
    }

    fn update(&mut self, update: &Update) {
        self.joins(std::slice::from_ref(&update.table));
        if update.from.is_some() {
            self.report(JOINED);
        }
        let Some(table) = factor(&update.table.relation) else { return };
        self.keyed_write("UPDATE", table, update.selection.as_ref());
        let sets_key = update.assignments.iter().any(|assignment| match &assignment.target {
            AssignmentTarget::ColumnName(name) => last(name) == table.key,
            AssignmentTarget::Tuple(names) => names.iter().any(|name| last(name) == table.key),
        });
        if sets_key {
            self.report(format!("UPDATE does not set the shard key {}", table.key));
        }
    }

    fn delete(&mut self, delete: &Delete) {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        for table in from.iter().filter_map(|from| factor(&from.relation)) {
            self.keyed_write("DELETE", table, delete.selection.as_ref());
        }
    }

    fn keyed_write(&mut self, verb: &str, table: Table, selection: Option<&Expr>) {
        let allowed = verb == "DELETE" && table.name == "outbox" && tables::is_the_relay(self.functions);
        if !allowed && !selection.is_some_and(|expr| has_key(expr, table.key)) {
            self.report(format!("{verb} of {} has {} = … in its WHERE", table.name, table.key));
        }
    }

    fn query(&mut self, query: &Query) {
        let SetExpr::Select(select) = query.body.as_ref() else { return };
        let from: Vec<Table> = select.from.iter().filter_map(|from| factor(&from.relation)).collect();
        self.joins(&select.from);
        if from.is_empty() {
            return;
        }
        let offset = matches!(
            &query.limit_clause,
            Some(LimitClause::LimitOffset { offset: Some(_), .. } | LimitClause::OffsetCommaLimit { .. })
        );
        if offset {
            self.report("no OFFSET: go on after the last row's key");
        }
        for table in from {
            self.keyed_read(select, table, !query.locks.is_empty());
        }
    }

    fn keyed_read(&mut self, select: &Select, table: Table, locks: bool) {
        if select.selection.as_ref().is_some_and(|expr| has_key(expr, table.key)) {
            return;
        }
        if locks {
            self.report(format!("FOR UPDATE of {} has {} = … in its WHERE", table.name, table.key));
        } else if !tables::may_read_a_whole_shard(self.functions) {
            self.report(format!("SELECT of {} has {} = … in its WHERE", table.name, table.key));
        }
    }

    /// Tables of one aggregate may be joined by the shard key.
    fn joins(&mut self, from: &[TableWithJoins]) {
        let tables: Vec<&TableFactor> = from.iter().map(|from| &from.relation).collect();
        if tables.len() > 1 {
            self.report(JOINED);
        }
        for join in from.iter().flat_map(|from| &from.joins) {
            let on = match &join.join_operator {
                JoinOperator::Join(JoinConstraint::On(on))
                | JoinOperator::Inner(JoinConstraint::On(on))
                | JoinOperator::Left(JoinConstraint::On(on))
                | JoinOperator::LeftOuter(JoinConstraint::On(on)) => Some(on),
                _ => None,
            };
            let keys = factor(&join.relation).zip(from.first().and_then(|from| factor(&from.relation)));
            let by_key = on.zip(keys).is_some_and(|(on, (one, other))| {
                conjuncts(on).iter().any(|expr| match expr {
                    Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                        let sides = [column(left), column(right)].map(Option::unwrap_or_default);
                        let keys = [one.key, other.key];
                        sides == keys || sides == [keys[1], keys[0]]
                    }
                    _ => false,
                })
            });
            if !by_key {
                self.report(JOINED);
            }
        }
    }
}

/// Visits every query, also those inside others.
struct Queries<'a, 'b> {
    check: &'a mut Check<'b>,
}

impl Visitor for Queries<'_, '_> {
    type Break = ();
    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.check.query(query);
        ControlFlow::Continue(())
    }
}

pub(super) fn last(name: &ObjectName) -> String {
    name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone()).unwrap_or_default()
}

fn sharded(name: &ObjectName) -> Option<Table> {
    match tables::kind(&last(name)) {
        Kind::Sharded(table) => Some(table),
        _ => None,
    }
}

fn factor(factor: &TableFactor) -> Option<Table> {
    match factor {
        TableFactor::Table { name, .. } => sharded(name),
        _ => None,
    }
}

/// The name of the function that an expression calls, in small letters.
pub(super) fn function(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Function(call) if matches!(call.args, FunctionArguments::None | FunctionArguments::List(_)) => {
            Some(last(&call.name).to_lowercase())
        }
        _ => None,
    }
}

fn column(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Identifier(ident) => Some(&ident.value),
        Expr::CompoundIdentifier(parts) => parts.last().map(|ident| ident.value.as_str()),
        Expr::Nested(inner) => column(inner),
        _ => None,
    }
}

/// Terms that must all hold.
fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            [conjuncts(left), conjuncts(right)].concat()
        }
        Expr::Nested(inner) => conjuncts(inner),
        other => vec![other],
    }
}

/// A value that is known before the statement runs.
fn is_bound(expr: &Expr) -> bool {
    match expr {
        Expr::Value(_) => true,
        Expr::Cast { expr, .. } | Expr::Nested(expr) => is_bound(expr),
        _ => false,
    }
}

/// Whether the shard key is one of given values, so that only their shards are asked.
fn has_key(selection: &Expr, key: &str) -> bool {
    conjuncts(selection).iter().any(|expr| match expr {
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            (column(left) == Some(key) && is_bound(right)) || (column(right) == Some(key) && is_bound(left))
        }
        Expr::In { expr, target: InTarget::List(list), negated: false, .. } => {
            column(expr) == Some(key) && list.iter().all(is_bound)
        }
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => {
            column(left) == Some(key) && is_bound(right)
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests;
