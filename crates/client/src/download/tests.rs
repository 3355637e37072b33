//! Against a small edge that breaks on command.

mod edge;

use super::{COVER_NAME, Downloading, Folder, Form, MASTER_NAME, Plan, Record, fetch, plan::Piece};
use crate::{ClientError, Patience, Quality};
use edge::Edge;
use segue_proto::song::v1::Song;
use std::{fs, path::Path, sync::atomic::AtomicU64, sync::atomic::Ordering, time::Duration};
use tokio::sync::Semaphore;

const SHORT: Patience = Patience(Duration::from_secs(3));

/// A song on the edge, and the folder that it is kept in.
struct Rig {
    edge: Edge,
    home: tempfile::TempDir,
}

impl Rig {
    async fn start() -> Self {
        Self { edge: Edge::start().await, home: tempfile::tempdir().unwrap() }
    }

    fn root(&self) -> &Path {
        self.home.path()
    }

    async fn keep(&self, song: &Song) -> Result<(Record, u64), ClientError> {
        let folder = Folder::open(self.root())?;
        self.keep_in(&folder, song, false).await
    }

    async fn keep_in(
        &self,
        folder: &Folder,
        song: &Song,
        by_sync: bool,
    ) -> Result<(Record, u64), ClientError> {
        let client = self.edge.client();
        let plan = client.plan_download(song, Quality::Best, SHORT).await?;
        let record = folder.place(song, &plan, Form::Hls, by_sync)?;
        let (slots, seen) = (Semaphore::new(8), AtomicU64::new(0));
        let progress = |bytes| {
            seen.fetch_add(bytes, Ordering::Relaxed);
        };
        let downloading =
            Downloading { client: &client, slots: &slots, patience: SHORT, progress: &progress };
        let fetched = downloading.hls(folder, song, &plan, record).await?;
        assert_eq!(seen.into_inner(), plan.total_bytes(), "progress ends at the total");
        assert_eq!(fetched.bytes, plan.total_bytes());
        let record = folder.record(&song.song_id, Form::Hls).expect("it is remembered");
        assert_eq!(fetched.path, folder.path(&record).join(MASTER_NAME));
        Ok((record, fetched.fetched))
    }
}

/// Every file below a folder but those that are remembered, with its size.
fn listed(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                if entry.file_name() != ".segue" {
                    left.push(entry.path());
                }
            } else {
                found.push(entry.path().strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn everything_is_fetched_once_and_never_again() {
    let rig = Rig::start().await;
    let song = rig.edge.song("Jóga", 12);
    let (record, fetched) = rig.keep(&song).await.unwrap();
    assert_eq!(record.name, "Björk - Jóga");
    let (total, first) = (rig.edge.total(), rig.edge.requests());
    assert_eq!(fetched, total);
    assert_eq!(first, 15, "an init file, twelve segments, a playlist, a cover");
    let files = listed(rig.root());
    assert_eq!(files.len(), 16, "{files:?}");
    let master = fs::read_to_string(rig.root().join(&record.name).join(MASTER_NAME)).unwrap();
    assert!(master.ends_with("\naac-128/index.m3u8\n") && master.contains(&song.song_id), "{master}");

    let (again, fetched) = rig.keep(&song).await.unwrap();
    assert_eq!((again, fetched, rig.edge.requests()), (record, 0, first));
}

#[tokio::test]
async fn what_is_missing_or_damaged_is_made_whole_and_nothing_else_is_fetched() {
    let rig = Rig::start().await;
    let song = rig.edge.song("Jóga", 12);
    let (record, _) = rig.keep(&song).await.unwrap();
    let (root, before) = (rig.root().join(&record.name), rig.edge.requests());
    let whole = listed(rig.root());
    for name in ["aac-128/00003.m4s", "aac-128/index.m3u8", MASTER_NAME] {
        fs::remove_file(root.join(name)).unwrap();
    }
    // Cut, changed, and in the middle of being written when the power went.
    fs::write(root.join("aac-128/00005.m4s"), b"short").unwrap();
    let mut bytes = fs::read(root.join("aac-128/00007.m4s")).unwrap();
    bytes[100] ^= 1;
    fs::write(root.join("aac-128/00007.m4s"), bytes).unwrap();
    fs::write(root.join("aac-128/00009.m4s.part"), b"half").unwrap();
    fs::remove_file(root.join("aac-128/00009.m4s")).unwrap();
    fs::write(root.join(COVER_NAME), b"").unwrap();
    rig.keep(&song).await.unwrap();
    assert_eq!(rig.edge.requests() - before, 6);
    assert_eq!(listed(rig.root()), whole);

    // Forgotten, but there: looked at, taken and not fetched, but for the cover that no hash was announced of.
    fs::remove_dir_all(rig.root().join(".segue")).unwrap();
    let before = rig.edge.requests();
    let (again, _) = rig.keep(&song).await.unwrap();
    assert_eq!((again.name, rig.edge.requests() - before), (record.name, 1));
}

#[tokio::test]
async fn a_file_with_other_bytes_is_fetched_three_times_and_then_named() {
    let rig = Rig::start().await;
    let song = rig.edge.song("Jóga", 4);
    rig.edge.corrupt("aac-128/00002.m4s", 2);
    let (record, _) = rig.keep(&song).await.unwrap();
    assert_eq!(rig.edge.requests_of("aac-128/00002.m4s"), 3);

    let path = rig.root().join(&record.name).join("aac-128/00002.m4s");
    fs::remove_file(&path).unwrap();
    rig.edge.corrupt("aac-128/00002.m4s", u32::MAX);
    let error = rig.keep(&song).await.unwrap_err();
    assert!(matches!(error, ClientError::Corrupt { tries: 3, .. }), "{error:?}");
    assert!(error.to_string().contains("00002.m4s") && error.to_string().contains(&song.song_id), "{error}");
    assert!(!path.exists(), "wrong bytes are not kept");
    rig.edge.corrupt("aac-128/00002.m4s", 0);
    rig.keep(&song).await.unwrap();
}

#[tokio::test]
async fn a_grant_that_ends_is_replaced_once_for_all_files() {
    let rig = Rig::start().await;
    let song = rig.edge.song("Jóga", 30);
    rig.edge.expire_after(10);
    rig.keep(&song).await.unwrap();
    assert_eq!(rig.edge.grants(), 2, "one to begin with, one in its place");

    // A grant that is refused when it is new leads nowhere.
    fs::remove_dir_all(rig.root().join("Björk - Jóga/aac-128")).unwrap();
    rig.edge.refuse_all();
    let error = rig.keep(&song).await.unwrap_err();
    assert!(matches!(error, ClientError::EdgeRefused { status: 403, .. }), "{error:?}");
}

#[tokio::test]
async fn a_network_that_is_cut_ends_in_an_error_and_the_next_run_goes_on() {
    let rig = Rig::start().await;
    let song = rig.edge.song("Jóga", 40);
    rig.edge.break_after(12);
    let error = rig.keep(&song).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("run it again"), "{error}");
    let mut there = listed(rig.root());
    // What had come when the error was seen is still being written.
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = listed(rig.root());
        if std::mem::replace(&mut there, now.clone()) == now {
            break;
        }
    }
    assert!(there.len() >= 10, "{there:?}");
    rig.edge.mend();
    let before = rig.edge.requests();
    let (_, fetched) = rig.keep(&song).await.unwrap();
    let missing = 43 - there.iter().filter(|name| !name.ends_with(".part")).count() as u64;
    assert_eq!(rig.edge.requests() - before, missing, "{there:?}");
    assert!(fetched < rig.edge.total());
}

#[tokio::test]
async fn a_short_break_is_waited_out() {
    let rig = Rig::start().await;
    let song = rig.edge.song("Jóga", 20);
    rig.edge.break_for(5, 6);
    rig.keep(&song).await.unwrap();
}

#[tokio::test]
async fn an_edge_that_is_away_is_passed_over() {
    let rig = Rig::start().await;
    let song = rig.edge.song("Jóga", 20);
    rig.edge.stand_behind_a_dead_one();
    rig.keep(&song).await.unwrap();
    assert_eq!(rig.edge.grants(), 1, "the grant holds at every edge");
}

#[tokio::test]
async fn another_rung_takes_the_place_of_the_first_and_leaves_what_is_not_ours() {
    let rig = Rig::start().await;
    let song = rig.edge.song("Jóga", 3);
    let (record, _) = rig.keep(&song).await.unwrap();
    let root = rig.root().join(&record.name);
    fs::write(root.join("notes.txt"), b"mine").unwrap();
    rig.edge.rung("aac-64");
    let (again, _) = rig.keep(&song).await.unwrap();
    assert_eq!(again.rung, "aac-64");
    assert!(!root.join("aac-128").exists() && root.join("aac-64/00003.m4s").exists());
    assert!(root.join("notes.txt").exists());
}

#[tokio::test]
async fn songs_of_one_name_do_not_meet_and_neither_do_others_folders() {
    let rig = Rig::start().await;
    fs::create_dir(rig.root().join("Björk - Hunter")).unwrap();
    fs::write(rig.root().join("Björk - Hunter/mine.txt"), b"mine").unwrap();
    let folder = Folder::open(rig.root()).unwrap();
    let mut names = Vec::new();
    for title in ["Jóga", "JÓGA", "Jóga", "Hunter"] {
        let song = rig.edge.song(title, 1);
        names.push((rig.keep_in(&folder, &song, false).await.unwrap().0.name, song.song_id));
    }
    let end = |at: usize| &names[at].1[28..];
    assert_eq!(names[0].0, "Björk - Jóga");
    assert_eq!(names[1].0, format!("Björk - JÓGA ({})", end(1)), "some file systems do not tell case apart");
    assert_eq!(names[2].0, format!("Björk - Jóga ({})", end(2)));
    assert_eq!(names[3].0, format!("Björk - Hunter ({})", end(3)), "somebody else's folder");
}

#[tokio::test]
async fn a_song_that_is_called_as_the_queue_is_does_not_take_its_place() {
    let rig = Rig::start().await;
    let song = Song { artists: Vec::new(), ..rig.edge.song(super::QUEUE_NAME, 1) };
    let (record, _) = rig.keep(&song).await.unwrap();
    assert!(record.name.starts_with("playlist.m3u8 ("), "{}", record.name);
}

#[tokio::test]
async fn removing_deletes_what_was_written_and_leaves_what_was_changed() {
    let rig = Rig::start().await;
    let folder = Folder::open(rig.root()).unwrap();
    let (first, second) = (rig.edge.song("Jóga", 3), rig.edge.song("Hunter", 3));
    let (first, _) = rig.keep_in(&folder, &first, true).await.unwrap();
    let (second, _) = rig.keep_in(&folder, &second, true).await.unwrap();
    let removed = folder.remove(&first).unwrap();
    assert_eq!((removed.deleted, removed.left.len()), (7, 0));
    assert!(!folder.path(&first).exists());
    let changed = folder.path(&second).join("aac-128/00002.m4s");
    fs::write(&changed, b"other").unwrap();
    let removed = folder.remove(&second).unwrap();
    assert_eq!((removed.deleted, removed.left), (6, vec![changed]));
    assert_eq!(folder.records().unwrap(), []);
}

#[tokio::test]
async fn two_songs_can_swap_their_names() {
    let rig = Rig::start().await;
    let folder = Folder::open(rig.root()).unwrap();
    let (mut a, mut b) = (rig.edge.song("A", 1), rig.edge.song("B", 1));
    for song in [&a, &b] {
        rig.keep_in(&folder, song, true).await.unwrap();
    }
    std::mem::swap(&mut a.title, &mut b.title);
    let (ids, songs) = ([a.song_id.clone(), b.song_id.clone()], [a.clone(), b.clone()]);
    let step = folder.step(&ids, &songs, Form::Hls).unwrap();
    assert_eq!((step.remove.len(), step.rename.len()), (0, 2));
    folder.rename(step.rename).unwrap();
    let name = |song: &Song| folder.record(&song.song_id, Form::Hls).unwrap().name;
    assert_eq!((name(&a).as_str(), name(&b).as_str()), ("Björk - B", "Björk - A"));
    let before = rig.edge.requests();
    for song in [&a, &b] {
        assert_eq!(rig.keep_in(&folder, song, true).await.unwrap().1, 0);
    }
    assert_eq!(rig.edge.requests(), before, "nothing was fetched");
    let step = folder.step(&ids[..1], &songs[..1], Form::Hls).unwrap();
    assert_eq!(step.remove.iter().map(|r| r.song_id.as_str()).collect::<Vec<_>>(), [b.song_id.as_str()]);
}

#[tokio::test]
async fn a_move_that_was_interrupted_is_finished() {
    let rig = Rig::start().await;
    let song = rig.edge.song("A", 1);
    let (record, _) = rig.keep(&song).await.unwrap();
    let moving = rig.root().join(format!(".segue/moving/{}.hls", song.song_id));
    fs::rename(rig.root().join(&record.name), &moving).unwrap();
    let folder = Folder::open(rig.root()).unwrap();
    assert!(folder.path(&record).join(MASTER_NAME).exists() && !moving.exists());
}

#[tokio::test]
async fn folders_that_cannot_be_say_why() {
    let rig = Rig::start().await;
    let file = rig.root().join("file");
    fs::write(&file, b"").unwrap();
    let error = Folder::open(&file).unwrap_err().to_string();
    assert!(error.contains("is a file and not a folder"), "{error}");
    let _open = Folder::open(rig.root()).unwrap();
    let error = Folder::open(rig.root()).unwrap_err().to_string();
    assert!(error.contains("another download is at work"), "{error}");
    let error = Folder::open(Path::new("/proc/nothing")).unwrap_err().to_string();
    assert!(error.starts_with("/proc/nothing"), "{error}");
}

#[tokio::test]
async fn a_record_that_somebody_wrote_does_not_lead_out_of_the_folder() {
    let rig = Rig::start().await;
    let song = rig.edge.song("A", 1);
    let (mut record, _) = rig.keep(&song).await.unwrap();
    let outside = rig.root().parent().unwrap().join("outside");
    for name in ["../outside", "/etc", "..", ".segue", ""] {
        record.name = name.into();
        Folder::open(rig.root()).unwrap().save(&record).unwrap();
        assert_eq!(Folder::open(rig.root()).unwrap().record(&song.song_id, Form::Hls), None, "{name}");
    }
    assert!(!outside.exists());
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read_to_its_end() {
    let rig = Rig::start().await;
    let song = rig.edge.song("A", 1);
    let client = rig.edge.client();
    let plan: Plan = client.plan_download(&song, Quality::Best, SHORT).await.unwrap();
    let piece = Piece { size: 10, ..plan.pieces()[1].clone() };
    let to = rig.root().join("x");
    let error = fetch::piece(&client, &plan, &piece, to.clone(), SHORT).await.unwrap_err();
    assert!(matches!(error, ClientError::Corrupt { .. }) && !to.exists(), "{error}");
}

#[tokio::test]
async fn a_swap_of_names_that_was_interrupted_is_finished() {
    let rig = Rig::start().await;
    let (mut a, mut b) = (rig.edge.song("A", 1), rig.edge.song("B", 1));
    let folder = Folder::open(rig.root()).unwrap();
    let (mut first, _) = rig.keep_in(&folder, &a, true).await.unwrap();
    let (second, _) = rig.keep_in(&folder, &b, true).await.unwrap();
    // Both are on the move, the first has come to its new name, and the process is killed.
    let moving = |song: &Song| rig.root().join(format!(".segue/moving/{}.hls", song.song_id));
    fs::rename(folder.path(&second), moving(&b)).unwrap();
    fs::rename(folder.path(&first), folder.path(&second)).unwrap();
    (first.name, first.wanted) = (second.name.clone(), second.wanted.clone());
    folder.save(&first).unwrap();
    drop(folder);

    std::mem::swap(&mut a.title, &mut b.title);
    let folder = Folder::open(rig.root()).unwrap();
    let (ids, songs) = ([a.song_id.clone(), b.song_id.clone()], [a.clone(), b.clone()]);
    folder.rename(folder.step(&ids, &songs, Form::Hls).unwrap().rename).unwrap();
    let before = rig.edge.requests();
    for (song, name) in [(&a, "Björk - B"), (&b, "Björk - A")] {
        let record = folder.record(&song.song_id, Form::Hls).unwrap();
        assert_eq!(record.name, name);
        let master = fs::read_to_string(folder.path(&record).join(MASTER_NAME)).unwrap();
        assert!(master.contains(&song.song_id), "{master}");
        assert_eq!(rig.keep_in(&folder, song, true).await.unwrap().1, 0);
    }
    assert_eq!(rig.edge.requests(), before, "nothing was fetched");
}

#[tokio::test]
async fn a_file_that_was_replaced_by_a_process_that_was_killed_is_still_ours() {
    let rig = Rig::start().await;
    let song = rig.edge.song("A", 1);
    let folder = Folder::open(rig.root()).unwrap();
    let finished = rig.root().join("finished");
    let plan = rig.edge.client().plan_download(&song, Quality::Best, SHORT).await.unwrap();
    let place = || folder.place(&song, &plan, Form::Single, true).unwrap();
    fs::write(&finished, b"first").unwrap();
    folder.finish_single(&finished, place()).unwrap();
    let before = folder.record(&song.song_id, Form::Single).unwrap();
    fs::write(&finished, b"second").unwrap();
    folder.finish_single(&finished, place()).unwrap();
    let after = folder.record(&song.song_id, Form::Single).unwrap();
    // As it is remembered between the two.
    let both = Record { files: [before.files, after.files].concat(), ..after };
    folder.save(&both).unwrap();
    for bytes in [&b"first"[..], b"second"] {
        fs::write(folder.path(&both), bytes).unwrap();
        assert_eq!(folder.is_as_written(&both).unwrap(), Some(true));
    }
    let removed = folder.remove(&both).unwrap();
    assert_eq!((removed.deleted, removed.left.len()), (1, 0));
    assert!(!folder.path(&both).exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_may_be_a_link_and_what_is_in_it_is_removed() {
    let rig = Rig::start().await;
    let (real, link) = (rig.root().join("real"), rig.root().join("link"));
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let song = rig.edge.song("A", 1);
    let folder = Folder::open(&link).unwrap();
    let plan = rig.edge.client().plan_download(&song, Quality::Best, SHORT).await.unwrap();
    let finished = rig.root().join("finished");
    fs::write(&finished, b"bytes").unwrap();
    let record = folder.place(&song, &plan, Form::Single, true).unwrap();
    folder.finish_single(&finished, record).unwrap();
    let record = folder.record(&song.song_id, Form::Single).unwrap();
    assert_eq!(folder.remove(&record).unwrap().deleted, 1);
    assert!(!real.join(&record.name).exists());
}
