//! How fast and how well questions are answered in a large catalogue that is made up.
//!
//! `search [URL of an OpenSearch] [--songs N] [--questions N] [--peer] [--misses]`; without a URL the embedded engine, in a temporary
//! folder. With `--peer`, SQLite's full text search by trigrams on the same data; with `--misses`, what was not found.
//! Prints lines of `name=value`.

#[path = "search/ask.rs"]
mod ask;
#[path = "search/peer.rs"]
mod peer;

use segue_index::{OpenSearch, OpenSearchConfig, Tantivy, TantivyConfig};
use segue_ports::{
    contract::index::{
        catalogue::Catalogue,
        recall::{self, Report},
    },
    index::{Document, Index, Write},
};
use std::{
    error::Error,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

type Failure = Box<dyn Error + Send + Sync>;

const SEED: u64 = 20_261_127;
/// Questions made of the catalogue, beside those written by hand.
const MADE: usize = 200;

struct Arguments {
    url: Option<String>,
    songs: u64,
    questions: u64,
    peer: bool,
    misses: bool,
}

fn arguments() -> Result<Arguments, Failure> {
    let mut found = Arguments { url: None, songs: 1_000_000, questions: 2_000, peer: false, misses: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().unwrap_or_default().parse::<u64>();
        match argument.as_str() {
            "--songs" => found.songs = number()?,
            "--questions" => found.questions = number()?,
            "--peer" => found.peer = true,
            "--misses" => found.misses = true,
            url => found.url = Some(url.to_owned()),
        }
    }
    Ok(found)
}

/// Everything that is in the index: songs, their artists and albums, and what the written questions are about.
fn documents(catalogue: Catalogue) -> impl Iterator<Item = Document> {
    let songs = (0..catalogue.songs()).map(move |n| catalogue.song(n));
    let artists = (0..catalogue.artists()).map(move |n| catalogue.artist(n));
    let albums = (0..catalogue.artists())
        .flat_map(move |artist| (0..catalogue.albums_of(artist)).map(move |n| catalogue.album(artist, n)));
    songs.chain(artists).chain(albums).chain(recall::documents())
}

/// Bytes of the files in a folder and below.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let one = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.map(one).sum()
}

/// The part of the sorted times below which `percent` of a hundred are, in milliseconds.
fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

/// `name_p50_ms=… name_p99_ms=…`
fn spread(name: &str, times: &mut [Duration]) -> String {
    let (half, most) = (percentile(times, 50), percentile(times, 99));
    format!("{name}_p50_ms={half:.2} {name}_p99_ms={most:.2}")
}

/// Resident memory of this process in MB; 0 where the kernel does not tell.
fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}

async fn fill(index: &dyn Index, catalogue: Catalogue) -> Result<u64, Failure> {
    let mut new = index.rebuild().await?;
    let mut documents = documents(catalogue).map(|document| Write::Put(Box::new(document)));
    let mut count = 0;
    loop {
        let some: Vec<Write> = documents.by_ref().take(1_000).collect();
        if some.is_empty() {
            break;
        }
        count += some.len() as u64;
        new.apply(&some).await?;
    }
    new.finish().await?;
    index.refresh().await?;
    Ok(count)
}

fn show(whose: &str, report: &Report, misses: bool) {
    println!("  recall@5 of {whose} questions: {:.3}", report.recall());
    for (sort, (questions, found)) in &report.sorts {
        println!("    {sort}: {:.3} of {questions}", found / f64::from(*questions));
    }
    if misses {
        for (asked, found) in &report.missed {
            println!("    {}: {:?} wants {:?}, finds {found:?}", asked.sort, asked.text, asked.answers);
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = arguments()?;
    let catalogue = Catalogue::new(SEED, arguments.songs);
    let folder = tempfile::tempdir()?;
    let (engine, index): (_, Arc<dyn Index>) = match &arguments.url {
        Some(url) => {
            let prefix = format!("bench{}", uuid::Uuid::new_v4().simple());
            let config = OpenSearchConfig {
                search_timeout: Duration::from_secs(30),
                write_timeout: Duration::from_secs(60),
                ..OpenSearchConfig::new(url, prefix)
            };
            ("opensearch", Arc::new(OpenSearch::new(config)?))
        }
        None => ("tantivy", Arc::new(Tantivy::open(folder.path(), TantivyConfig::default()).await?)),
    };
    index.prepare().await?;
    let begin = Instant::now();
    let count = fill(&*index, catalogue).await?;
    let took = begin.elapsed().as_secs_f64();
    // Long enough for the embedded engine to rest.
    tokio::time::sleep(Duration::from_secs(7)).await;
    // A server's files are not ours to look at.
    let here = arguments.url.is_none();
    let size = if here { format!("size_mb={} ", size(folder.path()) / 1_000_000) } else { String::new() };
    println!(
        "engine={engine} songs={} documents={count} build_s={took:.1} build_per_s={:.0} {size}resident_idle_mb={}",
        arguments.songs,
        count as f64 / took,
        resident_mb(),
    );
    let mut asked = ask::questions(&catalogue, arguments.questions);
    let answered = ask::search(&*index, &asked).await?;
    for (words, mut times) in answered {
        println!("  {words}: {}", spread("search", &mut times));
    }
    let mut suggested = ask::suggest(&*index, &ask::beginnings(&catalogue, arguments.questions)).await?;
    println!("  {} resident_mb={}", spread("suggest", &mut suggested), resident_mb());
    let made = recall::made(&catalogue, MADE);
    let written = recall::measure(&*index, recall::written()).await?;
    let of_made = recall::measure(&*index, made.clone()).await?;
    show("written", &written, arguments.misses);
    show("made", &of_made, arguments.misses);
    println!("  recall@5 of all questions: {:.3}", Report::recall_of(&[&written, &of_made]));
    if arguments.peer {
        asked.truncate(300);
        peer::run(&folder.path().join("peer.db"), documents(catalogue), &asked, &made).await?;
    }
    Ok(())
}
