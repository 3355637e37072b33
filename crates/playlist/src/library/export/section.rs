//! The parts of the file, each read page by page.

use super::{
    json::{self, Writer},
    playlists::{self, Own},
};
use crate::{
    Error,
    library::repository::{Order, Position},
    repository::Filter,
    role::Role,
};
use segue_domain::{PageSize, PlayId, PlaylistId, SongId, Timestamp, UserId};
use segue_mesh::Caller;
use segue_mesh::Passport;
use serde_json::json;

/// Rows that are read at a time.
pub(super) const PAGE: u32 = PageSize::MAX;
/// What the file is, for programs.
const FORMAT: &str = "segue.export.v1";

/// What is written next.
#[derive(Debug)]
pub(super) enum Section {
    Account,
    Sessions(String),
    Playlists(Own),
    /// Playlists of others that the account works on.
    Shared(Option<(Timestamp, PlaylistId)>),
    Followed(Option<(Timestamp, PlaylistId)>),
    Likes(Option<(Timestamp, SongId)>),
    Played(Option<Position>),
    History(Option<(Timestamp, PlayId)>),
    Songs(String),
}

impl Section {
    /// Writes a page, and says what comes then; `None` when the file is complete.
    pub(super) async fn write(
        self,
        role: &Role,
        (caller, user): (&Caller, UserId),
        passport: &Passport,
        file: &mut Writer,
    ) -> Result<Option<Self>, Error> {
        let next = match self {
            Self::Account => {
                let account = json::account(&role.accounts.me(passport).await?);
                file.text(&format!("{{\"format\":\"{FORMAT}\",\"export_time\":"));
                file.value(&json!(json::time(role.now())));
                file.text(",\n\"account\":");
                file.value(&account);
                file.open("sessions");
                Self::Sessions(String::new())
            }
            Self::Sessions(token) => {
                let page = role.accounts.sessions(passport, token).await?;
                page.sessions.iter().for_each(|session| file.element(&json::session(session)));
                match page.next_page_token {
                    token if token.is_empty() => then(file, "playlists", Self::Playlists(Own::default())),
                    token => Self::Sessions(token),
                }
            }
            Self::Playlists(own) => match own.write(role, user, passport, file).await? {
                Some(own) => Self::Playlists(own),
                None => then(file, "shared_playlists", Self::Shared(None)),
            },
            Self::Shared(after) => {
                match playlists::others(role, caller, user, Filter::Shared, after, file).await? {
                    None => then(file, "followed_playlists", Self::Followed(None)),
                    last => Self::Shared(last),
                }
            }
            Self::Followed(after) => {
                match playlists::others(role, caller, user, Filter::Followed, after, file).await? {
                    None => then(file, "likes", Self::Likes(None)),
                    last => Self::Followed(last),
                }
            }
            Self::Likes(after) => likes(role, user, passport, file, after).await?,
            Self::Played(after) => played(role, user, passport, file, after).await?,
            Self::History(after) => {
                let rows = role.library.plays.page(user, after, PAGE).await?;
                rows.iter().for_each(|heard| file.element(&json::play(heard)));
                match rows.last().filter(|_| is_full(rows.len())) {
                    Some(last) => Self::History(Some((last.started, last.id))),
                    None => then(file, "songs", Self::Songs(String::new())),
                }
            }
            Self::Songs(token) => {
                let page = role.songs.own(passport, token).await?;
                page.songs.iter().for_each(|song| file.element(&json::song(song)));
                match page.next_page_token {
                    token if token.is_empty() => {
                        file.close();
                        file.text("}\n");
                        return Ok(None);
                    }
                    token => Self::Songs(token),
                }
            }
        };
        Ok(Some(next))
    }
}

async fn likes(
    role: &Role,
    user: UserId,
    passport: &Passport,
    file: &mut Writer,
    after: Option<(Timestamp, SongId)>,
) -> Result<Section, Error> {
    let rows = role.library.likes.page(user, after, PAGE).await?;
    let songs = role.songs.find(passport, rows.iter().map(|(_, song)| *song)).await?;
    for (since, song) in &rows {
        let name = json::name(songs.get(song));
        file.element(&json!({ "song_id": song, "like_time": json::time(*since), "song": name }));
    }
    Ok(match rows.last().filter(|_| is_full(rows.len())) {
        Some(last) => Section::Likes(Some(*last)),
        None => then(file, "played", Section::Played(None)),
    })
}

async fn played(
    role: &Role,
    user: UserId,
    passport: &Passport,
    file: &mut Writer,
    after: Option<Position>,
) -> Result<Section, Error> {
    let rows = role.library.libraries.played(user, Order::Recent, after, PAGE).await?;
    let songs = role.songs.find(passport, rows.iter().map(|row| row.song)).await?;
    for row in &rows {
        file.element(&json!({
            "song_id": row.song,
            "plays": row.plays,
            "skips": row.skips,
            "last_time": json::time(row.last),
            "song": json::name(songs.get(&row.song)),
        }));
    }
    Ok(match rows.last().filter(|_| is_full(rows.len())) {
        Some(last) => Section::Played(Some(last.position())),
        None => then(file, "history", Section::History(None)),
    })
}

fn is_full(rows: usize) -> bool {
    rows >= PAGE as usize
}

/// Ends a list and begins the next.
fn then(file: &mut Writer, name: &str, section: Section) -> Section {
    file.close();
    file.open(name);
    section
}
