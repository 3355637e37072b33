//! A random history of songs, whose facts come late, twice, in any order, several at once and with crashes between the steps,
//! against a model that looks at the songs only.

use super::{
    albums::{albums, songs},
    world::*,
};
use crate::{consume::Inbox, record::SongRecord};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use segue_domain::{SongId, SongState, UserId, Visibility as Seen};
use segue_mesh::Caller;
use segue_proto::{
    event::v1::{Event, UserChanged, event::Data},
    song::v1::{song_service_server::SongService, *},
};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, HashMap},
};

const STEPS: usize = 120;
const TITLES: [&str; 4] = ["", "One", " oNE", "Two"];
const ARTISTS: [&[&str]; 5] = [&[], &["Ada"], &["ADA", "Bo"], &["Bo", "ada", "Ada"], &["Cy"]];
const ALBUM_ARTISTS: [&str; 3] = ["", "Various", "VARIOUS "];

thread_local! {
    /// Crash points until one strikes; 0 is never.
    static FUSE: Cell<u32> = const { Cell::new(0) };
}

fn crash(point: &'static str) {
    let struck = FUSE.with(|fuse| {
        let left = fuse.get();
        fuse.set(left.saturating_sub(1));
        left == 1
    });
    assert!(!struck || !point.starts_with("song-"), "killed at {point}");
}

/// Something that happens to the songs.
async fn happen(world: &World, rng: &mut StdRng, owners: &[UserId], ids: &mut Vec<SongId>) {
    let pick = ids.choose(rng).copied();
    let (id, row) = match pick {
        Some(id) if rng.random_range(0..10) > 3 => (id, world.row(id).await),
        _ => {
            let (title, artists) = (TITLES.choose(rng).unwrap(), ARTISTS.choose(rng).unwrap());
            let mut song = said("song", artists, title, ALBUM_ARTISTS.choose(rng).unwrap());
            song.duration_ms = rng.random_range(1..400) * 1000;
            song.loudness_lufs = rng.random_bool(0.8).then(|| f64::from(rng.random_range(-300..-50)) / 10.0);
            song.cover_sizes = if rng.random_bool(0.5) { vec![96, 320] } else { vec![] };
            let tags = song.tags.as_mut().unwrap();
            (tags.disc_number, tags.track_number) = (rng.random_range(0..3), rng.random_range(0..4));
            ids.push(world.tagged(*owners.choose(rng).unwrap(), song).await);
            return;
        }
    };
    if row.deleted.is_some() {
        return;
    }
    let song = Song_ { song_id: id.to_string(), ..Default::default() };
    let artists: Vec<String> = ARTISTS.choose(rng).unwrap().iter().map(|a| (*a).to_owned()).collect();
    match rng.random_range(0..8) {
        0 => world.delete(row.owner, id).await,
        1 | 2 => {
            let seen = [Visibility::Private, Visibility::Unlisted, Visibility::Public];
            let visibility = (*seen.choose(rng).unwrap()).into();
            world.edit(row.owner, Song_ { visibility, ..song }, &["visibility"]).await;
        }
        3 => world.edit(row.owner, Song_ { artists, ..song }, &["artists"]).await,
        4 => {
            let album_artist = (*ALBUM_ARTISTS.choose(rng).unwrap()).into();
            world.edit(row.owner, Song_ { album_artist, ..song }, &["album_artist"]).await;
        }
        5 => {
            let year = rng.random_range(1990..1995);
            world.edit(row.owner, Song_ { year, genre: year.to_string(), ..song }, &["year", "genre"]).await;
        }
        _ => {
            let album = (*TITLES.choose(rng).unwrap()).into();
            world.edit(row.owner, Song_ { album, ..song }, &["album"]).await;
        }
    }
}

/// Brings one fact; it stays when the process dies.
async fn bring(world: &World, rng: &mut StdRng, waiting: &mut Vec<Event>) {
    if waiting.is_empty() {
        return;
    }
    let event = waiting.swap_remove(rng.random_range(0..waiting.len()));
    world.role().handle(Inbox::OwnerList, event.clone()).await.unwrap();
    if rng.random_bool(0.2) {
        FUSE.with(|fuse| fuse.set(rng.random_range(1..8)));
        let (role, dying) = (world.process(crash).role().clone(), event.clone());
        let died =
            tokio::spawn(async move { role.handle(Inbox::Places, dying).await.unwrap() }).await.is_err();
        FUSE.with(|fuse| fuse.set(0));
        if died {
            waiting.push(event);
            return;
        }
    }
    let role = world.role();
    let others: Vec<Event> = waiting.iter().take(rng.random_range(0..3)).cloned().collect();
    let at_once = others.into_iter().chain([event.clone()]).map(|event| role.handle(Inbox::Places, event));
    for handled in futures::future::join_all(at_once).await {
        handled.unwrap();
    }
    if rng.random_bool(0.2) {
        waiting.push(event);
    }
}

async fn take(world: &World, waiting: &mut Vec<Event>, told: &mut Vec<Event>) {
    waiting.extend(world.song_facts().await);
    told.extend(world.shelf_facts().await);
}

/// What is expected of a shelf: the songs on it, by id.
type Model = BTreeMap<(UserId, String, String), Vec<SongRecord>>;

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

fn by_album(rows: &[SongRecord]) -> Model {
    let mut model = Model::new();
    for song in rows.iter().filter(|song| song.deleted.is_none() && song.state == SongState::Ready) {
        let metadata = &song.metadata;
        let artist = match metadata.album_artist.trim() {
            "" => metadata.artists.first().cloned().unwrap_or_default(),
            artist => artist.to_owned(),
        };
        if !metadata.album.trim().is_empty() {
            let key = (song.owner, folded(&metadata.album), folded(&artist));
            model.entry(key).or_default().push(song.clone());
        }
    }
    model
}

fn loudness(songs: &[&SongRecord]) -> Option<f64> {
    let outputs = songs.iter().filter_map(|song| song.output.as_ref());
    let measured: Vec<_> = outputs.filter_map(|o| Some((o.loudness_lufs?, o.duration_ms as f64))).collect();
    let time: f64 = measured.iter().map(|(_, ms)| ms).sum();
    let power: f64 = measured.iter().map(|(lufs, ms)| 10_f64.powf(lufs / 10.0) * ms / time).sum();
    (!measured.is_empty()).then(|| 10.0 * power.log10())
}

/// What `caller` sees of an album must be what the model says of these songs.
async fn agrees(world: &World, caller: &Caller, songs_: &[SongRecord], album: &Album) {
    let public = !matches!(caller, Caller::User(user) if user.id == songs_[0].owner);
    let seen: Vec<&SongRecord> = songs_.iter().filter(|s| !public || s.visibility == Seen::Public).collect();
    assert_eq!(album.song_count as usize, seen.len());
    let duration: u64 = seen.iter().filter_map(|s| s.output.as_ref()).map(|o| o.duration_ms).sum();
    assert_eq!(album.duration_ms, duration);
    assert_eq!(album.year, seen.iter().map(|s| s.metadata.year).max().unwrap());
    match (album.loudness_lufs, loudness(&seen)) {
        (Some(got), Some(want)) => assert!((got - want).abs() < 0.02, "{got} {want}"),
        (got, want) => assert_eq!(got, want),
    }
    let mut order: Vec<_> =
        seen.iter().map(|s| (s.metadata.disc_number.max(1), s.metadata.track_number, s.id)).collect();
    order.sort();
    let order: Vec<String> = order.into_iter().map(|(_, _, id)| id.to_string()).collect();
    assert_eq!(songs(world, caller, &album.album_id, 3).await, order);
    let covered = |s: &&SongRecord| s.output.as_ref().is_some_and(|o| !o.covers.is_empty());
    assert_eq!(album.covers.is_empty(), !seen.iter().any(covered));
}

async fn compare(world: &World, owners: &[UserId], ids: &[SongId], told: &[Event]) {
    let mut rows = Vec::new();
    for id in ids {
        rows.push(world.row(*id).await);
    }
    let model = by_album(&rows);
    let stranger = user(UserId::new());
    for owner in owners {
        let of_owner: BTreeMap<_, _> = model.iter().filter(|((of, _, _), _)| of == owner).collect();
        let request = ListAlbumsRequest { owner_id: owner.to_string(), page_size: 2, ..Default::default() };
        let found = albums(world, &user(*owner), request.clone()).await;
        let keys: Vec<_> = found.iter().map(|a| (folded(&a.title), folded(&a.album_artist))).collect();
        let want: Vec<_> =
            of_owner.keys().map(|(_, title, artist)| (title.clone(), artist.clone())).collect();
        assert_eq!(keys, want, "{}", world.test.engine);
        for (album, songs) in found.iter().zip(of_owner.values()) {
            agrees(world, &user(*owner), songs, album).await;
        }
        let public = |songs: &&Vec<SongRecord>| songs.iter().any(|s| s.visibility == Seen::Public);
        let want: Vec<_> = of_owner.values().copied().filter(public).collect();
        let found = albums(world, &stranger, request).await;
        assert_eq!(found.len(), want.len());
        for (album, songs) in found.iter().zip(want) {
            agrees(world, &stranger, songs, album).await;
        }
        artists_agree(world, *owner, &rows).await;
    }
    told_agrees(world, told, model.len()).await;
}

async fn artists_agree(world: &World, owner: UserId, rows: &[SongRecord]) {
    let mut model: BTreeMap<String, (u32, BTreeSet<String>)> = BTreeMap::new();
    let live = rows.iter().filter(|s| s.owner == owner && s.deleted.is_none() && s.state == SongState::Ready);
    for song in live {
        let names: BTreeSet<String> = song.metadata.artists.iter().map(|name| folded(name)).collect();
        for name in names {
            let (songs, albums) = model.entry(name).or_default();
            *songs += 1;
            albums.extend(song.album_id().map(String::from));
        }
    }
    let found = world.api.list_artists(by(owner, ListArtistsRequest::default())).await.unwrap().into_inner();
    let found: Vec<_> =
        found.artists.iter().map(|a| (folded(&a.name), a.song_count, a.album_count as usize)).collect();
    let want: Vec<_> = model.into_iter().map(|(name, (songs, albums))| (name, songs, albums.len())).collect();
    assert_eq!(found, want, "{}", world.test.engine);
}

/// Facts about each album count 1, 2, 3…, and the newest says what is.
async fn told_agrees(world: &World, told: &[Event], count: usize) {
    let mut by_subject: HashMap<&str, Vec<&Event>> = HashMap::new();
    for event in told {
        by_subject.entry(&event.subject).or_default().push(event);
    }
    let mut there = 0;
    let request = as_caller(
        &Caller::Role("search".into()),
        ScanAlbumsRequest { page_size: 1000, ..Default::default() },
    );
    let scanned = world.api.scan_albums(request).await.unwrap().into_inner().albums;
    for events in by_subject.values_mut() {
        events.sort_by_key(|event| event.sequence);
        let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
        assert_eq!(sequences, (1..=events.len() as u64).collect::<Vec<_>>());
        let Some(Data::AlbumUpdated(album)) = &events.last().unwrap().data else { continue };
        there += 1;
        let found = scanned.iter().find(|a| a.album_id == album.album_id).expect("it is there");
        assert_eq!((found.version, found.song_count), (events.len() as u64, album.song_count));
        assert_eq!((&found.title, found.year, &found.genre), (&album.title, album.year, &album.genre));
    }
    assert_eq!((there, scanned.len()), (count, count));
}

#[tokio::test]
async fn albums_and_artists_agree_with_the_songs_after_any_history() {
    for seed in 1..=3 {
        for world in worlds_with(|config| config.encodings_per_owner = 1000).await {
            let mut rng = StdRng::seed_from_u64(seed);
            let (owners, heir) = ([UserId::new(), UserId::new()], UserId::new());
            let (mut ids, mut waiting, mut told) = (Vec::new(), Vec::new(), Vec::new());
            for step in 0..STEPS {
                let owners_left = if step < STEPS * 3 / 4 { &owners[..] } else { &owners[1..] };
                Box::pin(happen(&world, &mut rng, owners_left, &mut ids)).await;
                if step == STEPS * 3 / 4 {
                    let (user_id, heir_id) = (owners[0].to_string(), heir.to_string());
                    let user = UserChanged { user_id, heir_id, ..Default::default() };
                    world.handle(Inbox::Users, Data::UserDeleted(user)).await;
                }
                take(&world, &mut waiting, &mut told).await;
                for _ in 0..rng.random_range(0..3) {
                    bring(&world, &mut rng, &mut waiting).await;
                }
            }
            while !waiting.is_empty() {
                bring(&world, &mut rng, &mut waiting).await;
            }
            take(&world, &mut waiting, &mut told).await;
            assert!(waiting.is_empty() && !told.is_empty());
            compare(&world, &[owners[0], owners[1], heir], &ids, &told).await;
        }
    }
}
