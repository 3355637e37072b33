//! The peer: SQLite's FTS5 with trigrams, which find words with letters wrong by the three letters that are right.

use super::{Failure, size, spread};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement, TransactionTrait};
use segue_ports::{contract::index::recall::Asked, index::Document};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Fills it with the same documents, asks the same questions, and says how fast and how well.
pub(super) async fn run(
    file: &Path,
    documents: impl Iterator<Item = Document>,
    questions: &[String],
    recall: &[Asked],
) -> Result<(), Failure> {
    let database = Database::connect(format!("sqlite://{}?mode=rwc", file.display())).await?;
    database.execute_unprepared("PRAGMA journal_mode = WAL").await?;
    let table =
        "CREATE VIRTUAL TABLE peer USING fts5(id UNINDEXED, title, artists, album, tokenize = 'trigram')";
    database.execute_unprepared(table).await?;
    let begin = Instant::now();
    let mut documents = documents.peekable();
    let mut count = 0_u64;
    while documents.peek().is_some() {
        let some = database.begin().await?;
        for document in documents.by_ref().take(10_000) {
            let values = [
                format!("{}:{}", document.kind.name(), document.id),
                document.title,
                document.artists.join(" "),
                document.album,
            ];
            let insert = "INSERT INTO peer (id, title, artists, album) VALUES (?, ?, ?, ?)";
            some.execute_raw(Statement::from_sql_and_values(
                database.get_database_backend(),
                insert,
                values.map(sea_orm::Value::from),
            ))
            .await?;
            count += 1;
        }
        some.commit().await?;
    }
    let took = begin.elapsed().as_secs_f64();
    let size_mb = file.parent().map_or(0, size) / 1_000_000;
    println!(
        "engine=sqlite-fts5 documents={count} build_s={took:.1} build_per_s={:.0} size_mb={size_mb}",
        count as f64 / took
    );
    let mut times: Vec<Duration> = Vec::new();
    for text in questions {
        let begin = Instant::now();
        first(&database, text, 20).await?;
        times.push(begin.elapsed());
    }
    let mut found = 0;
    for asked in recall {
        let ids = first(&database, &asked.text, 5).await?;
        let is_there =
            |(kind, id): &(segue_ports::index::Kind, String)| ids.contains(&format!("{}:{id}", kind.name()));
        found += usize::from(asked.answers.iter().any(is_there));
    }
    let recall = found as f64 / recall.len().max(1) as f64;
    println!("  all: {}\n  recall@5 of made questions: {recall:.3}", spread("search", &mut times));
    Ok(())
}

/// The ids of the best answers.
async fn first(database: &DatabaseConnection, text: &str, most: u32) -> Result<Vec<String>, Failure> {
    let mut trigrams: Vec<String> = Vec::new();
    for word in text.to_lowercase().split(' ') {
        let letters: Vec<char> = word.chars().filter(|c| c.is_alphanumeric()).collect();
        trigrams.extend(letters.windows(3).map(|three| format!("\"{}\"", three.iter().collect::<String>())));
    }
    if trigrams.is_empty() {
        return Ok(Vec::new());
    }
    let select = format!("SELECT id FROM peer WHERE peer MATCH ? ORDER BY rank LIMIT {most}");
    let values = [sea_orm::Value::from(trigrams.join(" OR "))];
    let statement = Statement::from_sql_and_values(database.get_database_backend(), select, values);
    let rows = database.query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| row.try_get::<String>("", "id")).collect::<Result<_, _>>()?)
}
