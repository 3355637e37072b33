//! The search index, for administrators.

use super::{Session, table};
use crate::{cli::IndexCommand, output};
use indicatif::{ProgressBar, ProgressStyle};
use segue_client::proto::search::v1::{Difference, DifferenceKind};
use serde_json::json;
use std::time::{Duration, Instant};

/// How long to wait for the end of a comparison that somebody else began: there is one at a time.
const TURN: Duration = Duration::from_secs(60);

pub(crate) async fn run(session: &Session, command: IndexCommand) -> anyhow::Result<()> {
    match command {
        IndexCommand::Verify => verify(session).await,
        IndexCommand::Rebuild => rebuild(session).await,
    }
}

/// Prints differences and, for scripts, nothing else.
async fn verify(session: &Session) -> anyhow::Result<()> {
    let bar = counter("songs compared");
    let found = |difference| {
        if session.json { print_json(&difference) } else { bar.suspend(|| print(&difference)) }
    };
    let end = Instant::now() + TURN;
    let verified = loop {
        match session.client.verify_index(&found, |songs| bar.set_position(songs)).await {
            Err(error) if error.reason().as_deref() == Some("INDEX_VERIFYING") && Instant::now() < end => {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            verified => break verified?,
        }
    };
    bar.finish_and_clear();
    let more = if verified.truncated { " and more" } else { "" };
    match verified.differences {
        0 => {
            // A script reads nothing when there is nothing; a person wants to know that it was done.
            if !session.json && output::on_terminal() {
                output::text(&format!("no differences: {} compared", table::count(verified.songs, "song")));
            }
            Ok(())
        }
        1 if more.is_empty() => anyhow::bail!("1 difference; 'segue index rebuild' makes the index anew"),
        n => anyhow::bail!("{n} differences{more}; 'segue index rebuild' makes the index anew"),
    }
}

async fn rebuild(session: &Session) -> anyhow::Result<()> {
    let bar = counter("songs in the new index");
    let heard = |songs| match session.json {
        true => output::json(&json!({"songs": songs, "done": false})),
        false => bar.set_position(songs),
    };
    let songs = session.client.rebuild_index(heard).await?;
    bar.finish_and_clear();
    match session.json {
        true => output::json(&json!({"songs": songs, "done": true})),
        false => output::text(&format!("the index was rebuilt: {songs} songs")),
    }
    Ok(())
}

/// On standard error, and only on a terminal.
fn counter(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// "MISSING" of `DIFFERENCE_KIND_MISSING`.
fn kind(difference: &Difference) -> &'static str {
    difference.difference_kind().as_str_name().trim_start_matches("DIFFERENCE_KIND_")
}

fn print_json(difference: &Difference) {
    output::json(&json!({
        "difference": kind(difference), "id": difference.id, "database_version": difference.database_version,
        "index_version": difference.index_version, "fields": difference.fields,
    }));
}

fn print(difference: &Difference) {
    let Difference { id, fields, .. } = difference;
    let why = match difference.difference_kind() {
        DifferenceKind::Missing => "is not in the index".to_owned(),
        DifferenceKind::Foreign => "is in the index and should not be".to_owned(),
        _ => format!("differs in {}", fields.join(", ")),
    };
    output::text(&format!("{:<8} {id}  {why}", kind(difference)));
}
