//! A long playlist that is read, rearranged and worked on by many: `playlist_figures URL EMAIL PASSWORD ITEMS MOVES`.
//!
//! Fills a playlist, times reads of its first page, moves single items to random places (the order is compared with a
//! list kept here), reads again, and lets 50 editors add at the same time, half of them guarded by etags. Prints times
//! as `first page p99`, `move p99` and so on, in milliseconds, the last of each name after all moves.

use segue_client::{Client, MemoryCredentials};
use segue_domain::EventId;
use segue_proto::{
    playlist::v1::{
        AddItemsRequest, CreatePlaylistRequest, GetPlaylistRequest, ListItemsRequest, MoveItemRequest, Place,
        place::At,
    },
    song::v1::CreateSongRequest,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tonic::{Code, Status};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const EDITORS: usize = 50;
const EDITS: usize = 10;
/// Of different songs in the playlist: as many as one page has.
const SONGS: usize = 200;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % end
    }
}

fn report(name: &str, mut took: Vec<Duration>) {
    took.sort();
    let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)].as_secs_f64() * 1e3;
    println!("{name} p50 {:.2}\n{name} p99 {:.2}", at(50), at(99));
}

async fn song(client: &Client, n: usize) -> Result<String, Failure> {
    let request = CreateSongRequest {
        filename: format!("{n}.flac"),
        size_bytes: 1 << 20,
        sha256: format!("{n:064x}"),
        title: format!("Song number {n}"),
        ..CreateSongRequest::default()
    };
    let made = client.songs().create_song(client.request(request).await?).await?.into_inner();
    Ok(made.song.ok_or("a song")?.song_id)
}

struct List<'a> {
    client: &'a Client,
    playlist_id: String,
}

impl List<'_> {
    async fn add(&self, song_ids: Vec<String>, etag: String) -> Result<Vec<String>, Failure> {
        let request = AddItemsRequest {
            playlist_id: self.playlist_id.clone(),
            song_ids,
            request_id: EventId::new().to_string(),
            etag,
            ..AddItemsRequest::default()
        };
        let request = self.client.request(request).await?;
        let added = self.client.playlist_service().add_items(request).await?.into_inner();
        Ok(added.items.into_iter().map(|item| item.item_id).collect())
    }

    async fn page(&self, page_size: i32, page_token: String) -> Result<(Vec<String>, String), Failure> {
        let request = ListItemsRequest { playlist_id: self.playlist_id.clone(), page_size, page_token };
        let page = self
            .client
            .playlist_service()
            .list_items(self.client.request(request).await?)
            .await?
            .into_inner();
        Ok((page.items.into_iter().map(|item| item.item_id).collect(), page.next_page_token))
    }

    async fn all(&self) -> Result<Vec<String>, Failure> {
        let (mut items, mut token) = self.page(200, String::new()).await?;
        while !token.is_empty() {
            let (more, next) = self.page(200, token).await?;
            items.extend(more);
            token = next;
        }
        Ok(items)
    }

    async fn first_pages(&self) -> Result<(), Failure> {
        let mut took = Vec::new();
        for _ in 0..500 {
            let begun = Instant::now();
            self.page(50, String::new()).await?;
            took.push(begun.elapsed());
        }
        report("first page", took);
        Ok(())
    }

    async fn etag(&self) -> Result<(String, usize), Failure> {
        let request = GetPlaylistRequest { playlist_id: self.playlist_id.clone() };
        let found = self.client.playlist_service().get_playlist(self.client.request(request).await?).await?;
        let playlist = found.into_inner().playlist.ok_or("a playlist")?;
        Ok((playlist.etag, playlist.item_count as usize))
    }
}

async fn rearrange(list: &List<'_>, mut order: Vec<String>, moves: usize) -> Result<(), Failure> {
    let mut dice = Dice(7);
    let mut took = Vec::with_capacity(moves);
    for n in 0..moves {
        let item_id = order.remove(dice.below(order.len()));
        // Most go anywhere, some always to the same spot, where keys grow.
        let at = if n % 4 == 0 { 1 } else { dice.below(order.len()) };
        let place = Some(Place { at: Some(At::BeforeItemId(order[at].clone())) });
        let request = MoveItemRequest {
            playlist_id: list.playlist_id.clone(),
            item_id: item_id.clone(),
            place,
            etag: String::new(),
        };
        let request = list.client.request(request).await?;
        let begun = Instant::now();
        list.client.playlist_service().move_item(request).await?;
        took.push(begun.elapsed());
        order.insert(at, item_id);
    }
    report("move", took);
    if list.all().await? != order {
        return Err("the order is not the one that the moves make".into());
    }
    println!("{moves} moves; the order is right");
    Ok(())
}

/// Whether the etag was an old one.
fn is_stale(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<Status>().is_some_and(|status| status.code() == Code::Aborted)
}

/// Everyone adds songs one by one; those who send an etag read again when it was stale.
async fn editors(client: &Client, songs: &[String]) -> Result<(), Failure> {
    let playlist = create(client, "Together").await?;
    let mut all = tokio::task::JoinSet::new();
    for editor in 0..EDITORS {
        let (client, playlist_id, song) =
            (client.clone(), playlist.clone(), songs[editor % songs.len()].clone());
        all.spawn(async move {
            let list = List { client: &client, playlist_id };
            let mut conflicts = 0;
            for _ in 0..EDITS {
                loop {
                    let etag = if editor % 2 == 0 { list.etag().await?.0 } else { String::new() };
                    match list.add(vec![song.clone()], etag).await {
                        Ok(_) => break,
                        Err(error) if is_stale(error.as_ref()) => conflicts += 1,
                        Err(error) => return Err(error),
                    }
                }
            }
            Ok(conflicts)
        });
    }
    let mut conflicts = 0;
    while let Some(editor) = all.join_next().await {
        conflicts += editor??;
    }
    let list = List { client, playlist_id: playlist };
    let (there, counted) = (list.all().await?.len(), list.etag().await?.1);
    println!(
        "{EDITORS} editors made {} edits; {there} are there; {conflicts} conflicts were reported",
        EDITORS * EDITS
    );
    if there != EDITORS * EDITS || counted != there {
        return Err(format!("{there} items, counted {counted}").into());
    }
    Ok(())
}

async fn create(client: &Client, title: &str) -> Result<String, Failure> {
    let request = CreatePlaylistRequest { title: title.into(), ..CreatePlaylistRequest::default() };
    let made = client.playlist_service().create_playlist(client.request(request).await?).await?.into_inner();
    Ok(made.playlist.ok_or("a playlist")?.playlist_id)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, email, password, items, moves] = words.as_slice() else {
        return Err("playlist_figures URL EMAIL PASSWORD ITEMS MOVES".into());
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::new(url, Arc::new(MemoryCredentials::default()))?;
    client.sign_in(email, password, "bench").await?;
    let mut songs = Vec::with_capacity(SONGS);
    for n in 0..SONGS {
        songs.push(song(&client, n).await?);
    }
    let list = List { client: &client, playlist_id: create(&client, "Long").await? };
    let (items, mut order) = (items.parse::<usize>()?, Vec::new());
    while order.len() < items {
        order.extend(list.add(songs[..SONGS.min(items - order.len())].to_vec(), String::new()).await?);
    }
    println!("{items} items");
    list.first_pages().await?;
    rearrange(&list, order, moves.parse()?).await?;
    list.first_pages().await?;
    editors(&client, &songs).await
}
