//! The playlists of an account with their items, and which of others it takes part in.

use super::{
    json::{self, Writer},
    section::PAGE,
};
use crate::{
    Error,
    access::{Access, access},
    record::{ItemRecord, PlaylistRecord},
    repository::Filter,
    role::Role,
};
use segue_domain::{ItemId, PlaylistId, Timestamp, UserId};
use segue_mesh::Caller;
use segue_mesh::Passport;
use serde_json::{Value, json};
use std::sync::Arc;

/// Looks at a page while order keys are given anew all the time.
const LOOKS: u32 = 4;

/// How far the account's own playlists are written.
#[derive(Debug, Default)]
pub(super) struct Own {
    after: Option<(Timestamp, PlaylistId)>,
    /// Read and not begun, the next one last.
    waiting: Vec<Arc<PlaylistRecord>>,
    /// No more can be read.
    all: bool,
    items: Option<Items>,
}

/// How far the items of one playlist are written.
#[derive(Debug)]
struct Items {
    playlist: PlaylistId,
    version: u64,
    /// See `PlaylistRecord::respread`.
    respread: u64,
    after: Option<(Vec<u8>, ItemId)>,
}

impl Own {
    /// Writes a page of items, or begins a playlist; `None` after the last.
    pub(super) async fn write(
        mut self,
        role: &Role,
        user: UserId,
        passport: &Passport,
        file: &mut Writer,
    ) -> Result<Option<Self>, Error> {
        if let Some(items) = self.items.take() {
            self.items = items.write(role, passport, file).await?;
            if self.items.is_none() {
                file.close();
                file.text("}");
            }
        } else if let Some(playlist) = self.waiting.pop() {
            file.next();
            let header = header(&playlist).to_string();
            file.text(header.strip_suffix('}').unwrap_or(&header));
            file.open("items");
            let PlaylistRecord { id, version, respread, .. } = *playlist;
            self.items = Some(Items { playlist: id, version, respread, after: None });
        } else if self.all {
            return Ok(None);
        } else {
            self.read(role, user).await?;
        }
        Ok(Some(self))
    }

    async fn read(&mut self, role: &Role, user: UserId) -> Result<(), Error> {
        let rows = role.lists.page(user, Filter::Owned, self.after, PAGE).await?;
        self.all = rows.len() < PAGE as usize;
        self.after = rows.last().map(|row| (row.updated, row.playlist));
        let found = role.playlists.find_many(rows.iter().map(|row| row.playlist)).await?;
        let own = |playlist: &&Arc<PlaylistRecord>| playlist.deleted.is_none() && playlist.owner == user;
        let own = rows.iter().rev().filter_map(|row| found.get(&row.playlist)).filter(own);
        self.waiting = own.cloned().collect();
        Ok(())
    }
}

impl Items {
    /// Writes a page; `None` after the last.
    async fn write(
        mut self,
        role: &Role,
        passport: &Passport,
        file: &mut Writer,
    ) -> Result<Option<Self>, Error> {
        let Some((items, more)) = self.read(role).await? else { return Ok(None) };
        let songs = role.songs.find(passport, items.iter().map(|item| item.song)).await?;
        for item in &items {
            file.element(&json!({
                "item_id": item.id,
                "song_id": item.song,
                "added_by": item.added_by,
                "add_time": json::time(item.added),
                "song": json::name(songs.get(&item.song)),
            }));
        }
        self.after = items.into_iter().next_back().map(|last| (last.position, last.id));
        Ok(more.then_some(self))
    }

    /// The next items, and whether there are more; `None` when the playlist is gone.
    async fn read(&mut self, role: &Role) -> Result<Option<(Vec<ItemRecord>, bool)>, Error> {
        for _ in 0..LOOKS {
            let key = self.after.as_ref().map(|(key, _)| key.clone());
            let Some(page) = role.pages.page(self.playlist, key, PAGE, self.version).await? else {
                return Ok(None);
            };
            if page.respread == self.respread || self.after.is_none() {
                self.respread = page.respread;
                let more = page.items.len() > PAGE as usize;
                return Ok(Some((page.items.iter().take(PAGE as usize).cloned().collect(), more)));
            }
            // Keys were given anew since: go on behind the same item. Where it is gone, so is its place.
            self.respread = page.respread;
            if let Some((key, last)) = &mut self.after {
                let there = role.pages.positions(self.playlist, &[*last]).await?;
                there.into_iter().for_each(|(_, now)| *key = now);
            }
        }
        Err(Error::Contended)
    }
}

/// Playlists of others, and whether there may be more after the one that is named.
pub(super) async fn others(
    role: &Role,
    caller: &Caller,
    user: UserId,
    filter: Filter,
    after: Option<(Timestamp, PlaylistId)>,
    file: &mut Writer,
) -> Result<Option<(Timestamp, PlaylistId)>, Error> {
    let rows = role.lists.page(user, filter, after, PAGE).await?;
    let found = role.playlists.find_many(rows.iter().map(|row| row.playlist)).await?;
    for row in &rows {
        let seen = found.get(&row.playlist).filter(|playlist| access(caller, playlist) > Access::Nothing);
        let title = seen.map_or(Value::Null, |playlist| playlist.title.as_str().into());
        file.element(&json!({ "playlist_id": row.playlist, "title": title }));
    }
    let last = rows.last().filter(|_| rows.len() >= PAGE as usize);
    Ok(last.map(|row| (row.updated, row.playlist)))
}

fn header(playlist: &PlaylistRecord) -> Value {
    let people = playlist.people.iter().map(|person| {
        let role = if person.editor { "EDITOR" } else { "VIEWER" };
        json!({ "user_id": person.user, "role": role, "join_time": json::time(person.since) })
    });
    json!({
        "playlist_id": playlist.id,
        "title": playlist.title,
        "description": playlist.description,
        "visibility": playlist.visibility.to_string(),
        "refuse_duplicates": playlist.refuse_duplicates,
        "collaborators": people.collect::<Vec<_>>(),
        "create_time": json::time(playlist.created),
        "update_time": json::time(playlist.updated),
    })
}
