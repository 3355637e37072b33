//! How long after a write a song is found: 50 writes a second into an index of many songs, while others search.
//!
//! `freshness [URL of an OpenSearch] [--songs N] [--seconds N] [--rate N]`; without a URL the embedded engine, in
//! a temporary folder. Prints one line of `name=value`.

use segue_domain::{UserId, Visibility};
use segue_index::{OpenSearch, OpenSearchConfig, Tantivy, TantivyConfig};
use segue_ports::index::{Document, Index, Kind, Query, Viewer, Write};
use std::{
    collections::BTreeMap,
    error::Error,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

const WORDS: [&str; 24] = [
    "river",
    "midnight",
    "summer",
    "golden",
    "heart",
    "electric",
    "shadow",
    "dream",
    "ocean",
    "fire",
    "silver",
    "winter",
    "highway",
    "broken",
    "crystal",
    "thunder",
    "paradise",
    "velvet",
    "morning",
    "whisper",
    "gravity",
    "satellite",
    "harbour",
    "wildfire",
];
type Failure = Box<dyn Error + Send + Sync>;

/// Songs that are looked for by one search.
const BATCH: usize = 50;
/// Pause between two looks for songs that were written.
const POLL: Duration = Duration::from_millis(5);

struct Arguments {
    url: Option<String>,
    songs: usize,
    seconds: u64,
    rate: u64,
}

fn arguments() -> Result<Arguments, Failure> {
    let mut found = Arguments { url: None, songs: 100_000, seconds: 10, rate: 50 };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().unwrap_or_default().parse::<u64>();
        match argument.as_str() {
            "--songs" => found.songs = usize::try_from(number()?)?,
            "--seconds" => found.seconds = number()?,
            "--rate" => found.rate = number()?,
            url => found.url = Some(url.to_owned()),
        }
    }
    Ok(found)
}

fn id(n: usize) -> String {
    format!("{n:09}")
}

fn song(n: usize, title: String) -> Write {
    let word = |by: usize| WORDS[n / by % WORDS.len()];
    Write::Put(Box::new(Document {
        title,
        artists: vec![format!("{} {} {}", word(7), word(31), n % 5_000)],
        album: format!("{} of the {} {}", word(3), word(11), n / 12),
        genre: ["Rock", "Jazz", "Electronic", "Folk", "Hip-Hop"][n % 5].to_owned(),
        year: 1960 + u32::try_from(n % 65).unwrap_or(0),
        duration_ms: 180_000,
        ..Document::new(Kind::Song, id(n), 1, UserId::new(), Visibility::Public)
    }))
}

fn query(text: String, limit: u32) -> Query {
    Query { text, kinds: vec![Kind::Song], viewer: Viewer::Anonymous, limit, after: None }
}

/// The part of the sorted times below which `percent` of a hundred are, in milliseconds.
fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

/// Resident memory of this process in MB; 0 where the kernel does not tell.
fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = arguments()?;
    let folder = tempfile::tempdir()?;
    let (engine, index): (_, Arc<dyn Index>) = match &arguments.url {
        Some(url) => {
            let prefix = format!("bench{}", uuid::Uuid::new_v4().simple());
            ("opensearch", Arc::new(OpenSearch::new(OpenSearchConfig::new(url, prefix))?))
        }
        None => ("tantivy", Arc::new(Tantivy::open(folder.path(), TantivyConfig::default()).await?)),
    };
    index.prepare().await?;
    let resident_before = resident_mb();
    let begin = Instant::now();
    let mut new = index.rebuild().await?;
    for first in (0..arguments.songs).step_by(1_000) {
        let title = |n: usize| format!("{} {} {n}", WORDS[n % WORDS.len()], WORDS[n / 24 % WORDS.len()]);
        let last = (first + 1_000).min(arguments.songs);
        new.apply(&(first..last).map(|n| song(n, title(n))).collect::<Vec<_>>()).await?;
    }
    new.finish().await?;
    let fill = begin.elapsed();

    let over = Arc::new(AtomicBool::new(false));
    let searches = Arc::new(Mutex::new(Vec::new()));
    let searchers: Vec<_> =
        (0..2).map(|n| tokio::spawn(search(index.clone(), over.clone(), searches.clone(), n))).collect();
    let missing = Arc::new(Mutex::new(BTreeMap::new()));
    let count = usize::try_from(arguments.seconds * arguments.rate)?;
    let finder = tokio::spawn(find(index.clone(), missing.clone(), count));
    let mut writers = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_secs(1) / u32::try_from(arguments.rate)?);
    for n in 0..count {
        tick.tick().await;
        let song = song(arguments.songs + n, format!("Fresh {}", batch(n)));
        missing
            .lock()
            .map_err(|_| "the finder panicked")?
            .insert(id(arguments.songs + n), (n, Instant::now()));
        let index = index.clone();
        writers.push(tokio::spawn(async move { index.apply(&[song]).await }));
    }
    for writer in writers {
        writer.await??;
    }
    let mut fresh = finder.await??;
    over.store(true, Ordering::Relaxed);
    for searcher in searchers {
        searcher.await??;
    }
    let mut searches = std::mem::take(&mut *searches.lock().map_err(|_| "a search panicked")?);
    let resident = resident_mb();
    // Long enough for the embedded engine to rest.
    tokio::time::sleep(Duration::from_secs(7)).await;
    println!(
        "engine={engine} songs={} fill_s={:.1} writes={} fresh_p50_ms={:.0} fresh_p99_ms={:.0} searches={} \
         search_p50_ms={:.1} search_p99_ms={:.1} resident_before_mb={resident_before} resident_mb={resident} \
         resident_idle_mb={}",
        arguments.songs,
        fill.as_secs_f64(),
        fresh.len(),
        percentile(&mut fresh, 50),
        percentile(&mut fresh, 99),
        searches.len(),
        percentile(&mut searches, 50),
        percentile(&mut searches, 99),
        resident_mb(),
    );
    Ok(())
}

/// The word that song `n` of those written has in common with its neighbours. Digits: no typos are tried.
fn batch(n: usize) -> String {
    format!("batch{:05}", n / BATCH)
}

/// Looks for what is missing, batch after batch, until `count` songs were found; how long each was missing.
async fn find(
    index: Arc<dyn Index>,
    missing: Arc<Mutex<BTreeMap<String, (usize, Instant)>>>,
    count: usize,
) -> Result<Vec<Duration>, Failure> {
    let mut found = Vec::new();
    while found.len() < count {
        let mut batches: Vec<String> = {
            let missing = missing.lock().map_err(|_| "the writer panicked")?;
            if missing.values().any(|(_, at)| at.elapsed() > Duration::from_secs(30)) {
                return Err("a song is not found".into());
            }
            missing.values().map(|(n, _)| batch(*n)).collect()
        };
        batches.dedup();
        for text in batches {
            let hits = index.search(&query(text, 200)).await?.hits;
            let now = Instant::now();
            let mut missing = missing.lock().map_err(|_| "the writer panicked")?;
            let there = hits.iter().filter_map(|hit| missing.remove(&hit.document.id));
            found.extend(there.map(|(_, at)| now.duration_since(at)));
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(found)
}

/// Searches as people do, ten times a second: two words, a typo, a word that is not finished.
async fn search(
    index: Arc<dyn Index>,
    over: Arc<AtomicBool>,
    times: Arc<Mutex<Vec<Duration>>>,
    offset: usize,
) -> Result<(), Failure> {
    let mut n = offset;
    while !over.load(Ordering::Relaxed) {
        n += 7;
        let (one, other) = (WORDS[n % WORDS.len()], WORDS[n * 5 % WORDS.len()]);
        let text = match n % 3 {
            0 => format!("{one} {other}"),
            1 => format!("{}x {other}", &one[..one.len() - 1]),
            _ => format!("{one} {}", &other[..3]),
        };
        let begin = Instant::now();
        index.search(&query(text, 20)).await?;
        times.lock().map_err(|_| "a search panicked")?.push(begin.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
