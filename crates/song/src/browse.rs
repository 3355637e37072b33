//! What callers see of albums and artists, and how they are listed.

use crate::{
    Error,
    repository::{ByTitle, InOrder},
    role::Role,
    service::Call,
    shelf::{Kind, Shelf, ShelfRecord, View},
};
use segue_domain::{ArtistId, PageSize, PageToken, SongState, UserId, Visibility};
use segue_mesh::Caller;
use segue_proto::song::v1 as pb;
use segue_store::StoreError;

/// What of which page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// As in the request.
    pub page_size: i32,
    pub page_token: &'a str,
}

/// A page and the token of the next.
pub(crate) type Page<T> = (Vec<T>, String);

/// True for the owner, admins and roles, who see every song of a shelf. Others see its public ones.
pub(crate) fn sees_all(caller: &Caller, owner: UserId) -> bool {
    caller.user_id() == Some(owner) || caller.sees_all()
}

impl Role {
    /// A shelf as the caller sees it; `None` when they see no song of it.
    pub(crate) async fn shelf(
        &self,
        call: &Call,
        shelf: Shelf,
    ) -> Result<Option<(ShelfRecord, View)>, Error> {
        Ok(self.shelves.find(shelf).await?.and_then(|header| seen(&call.caller, header)))
    }

    /// An owner's albums or artists, by title; those of one artist only, when given.
    pub(crate) async fn shelf_page(
        &self,
        call: &Call,
        kind: Kind,
        owner: UserId,
        artist: Option<ArtistId>,
        ask: Ask<'_>,
    ) -> Result<Page<(ShelfRecord, View)>, Error> {
        let size = size(ask)?;
        let public = !sees_all(&call.caller, owner);
        let (owner_text, artist_text) = (owner.to_string(), artist.map(String::from).unwrap_or_default());
        let all = if public { "public" } else { "all" };
        let query = [kind.lists(), &owner_text, &artist_text, all];
        let after = position(&query, ask.page_token, |cursor| ByTitle::parse(kind, cursor))?;
        // One more than asked for tells whether there is a next page.
        let mut found = match artist {
            None => self.shelf_lists.of_owner(kind, owner, public, after.as_ref(), size + 1).await?,
            Some(artist) => self.shelf_lists.of_artist(artist, public, after.as_ref(), size + 1).await?,
        };
        let next = next(&query, &mut found, size, ByTitle::cursor);
        let shelves = found.iter().map(|at| at.shelf(kind)).collect::<Result<Vec<_>, StoreError>>()?;
        let mut headers = self.shelves.find_many(&shelves).await?;
        // The list may be a moment behind; what no longer belongs to the answer is left out.
        let headers =
            shelves.iter().filter_map(|shelf| headers.remove(shelf)).filter(|header| header.owner == owner);
        Ok((headers.filter_map(|header| seen(&call.caller, header)).collect(), next))
    }

    /// The songs on a shelf that the caller sees, in its order.
    pub(crate) async fn shelf_songs(
        &self,
        call: &Call,
        header: &ShelfRecord,
        ask: Ask<'_>,
    ) -> Result<Page<pb::Song>, Error> {
        let size = size(ask)?;
        let (shelf, kind) = (header.shelf, header.shelf.kind());
        let public = !sees_all(&call.caller, header.owner);
        let (name, all) = (shelf.to_string(), if public { "public" } else { "all" });
        let query = [kind.songs(), &name, all];
        let after = position(&query, ask.page_token, |cursor| InOrder::parse(kind, cursor))?;
        let mut found = self.shelf_lists.songs(shelf, public, after.as_ref(), size + 1).await?;
        let next = next(&query, &mut found, size, InOrder::cursor);
        let ids: Vec<_> = found.into_iter().map(|at| at.song).collect();
        let mut songs = self.songs.find_many(&ids).await?;
        let songs = ids.iter().filter_map(|id| songs.remove(id)).filter(|song| {
            let stands = match shelf {
                Shelf::Album(album) => song.album_id() == Some(album),
                Shelf::Artist(artist) => song.artist_ids().any(|id| id == artist),
            };
            let shown = !public || song.visibility == Visibility::Public;
            stands && shown && song.deleted.is_none() && song.state == SongState::Ready
        });
        Ok((songs.map(|song| self.answer(song, &call.caller, &call.origin)).collect(), next))
    }

    /// The signed pictures of a shelf.
    pub(crate) fn shelf_covers(&self, view: &View, origin: &str) -> Vec<pb::Cover> {
        let cover = view.cover.as_ref();
        cover.map(|c| self.covers(c.song, c.output, &c.sizes, origin)).unwrap_or_default()
    }
}

/// The header with what the caller sees of it, if that is anything.
fn seen(caller: &Caller, header: ShelfRecord) -> Option<(ShelfRecord, View)> {
    let view = if sees_all(caller, header.owner) { &header.for_owner } else { &header.for_others };
    let view = view.clone();
    (view.songs > 0).then_some((header, view))
}

fn size(ask: Ask<'_>) -> Result<u32, Error> {
    Ok(PageSize::new(ask.page_size).map_err(|e| Error::field("page_size", e.to_string()))?.get())
}

/// Where the page begins; `None` for the first.
fn position<T>(query: &[&str], token: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
    let bad_token = |text: String| Error::field("page_token", text);
    let Some(cursor) = PageToken::decode(query, token).map_err(|e| bad_token(e.to_string()))? else {
        return Ok(None);
    };
    let made_here =
        || bad_token("page_token is not one that this service made; begin again without it".into());
    parse(&cursor).map(Some).ok_or_else(made_here)
}

/// The token of the next page, empty on the last. Cuts what is beyond this one.
fn next<T>(query: &[&str], found: &mut Vec<T>, size: u32, cursor: impl Fn(&T) -> String) -> String {
    let more = found.len() > size as usize;
    found.truncate(size as usize);
    match found.last() {
        Some(last) if more => PageToken::encode(query, &cursor(last)),
        _ => String::new(),
    }
}
