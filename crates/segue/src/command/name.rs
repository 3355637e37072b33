//! What people call things: songs, playlists, albums and artists by id or by title.

use super::Session;
use crate::output;
use segue_client::{
    ClientError,
    proto::{
        identity::v1::GetMeRequest,
        playlist::v1::{Playlist, Relation},
        search::v1::{Kind, SearchRequest, SearchResult, search_result::Item},
        song::v1::Song,
    },
};
use segue_domain::fold;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Songs that are looked through when the index does not know a title: those that do not play are in no index.
const LOOKED_THROUGH: usize = 5_000;

/// The id of a song.
pub(crate) async fn song(session: &Session, text: &str) -> anyhow::Result<String> {
    named(maybe_song(session, text).await?, "song", text, "segue songs")
}

/// The ids of songs, in order.
pub(crate) async fn songs(session: &Session, texts: &[String]) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::with_capacity(texts.len());
    for text in texts {
        ids.push(song(session, text).await?);
    }
    Ok(ids)
}

/// The id of a playlist.
pub(crate) async fn playlist(session: &Session, text: &str) -> anyhow::Result<String> {
    named(maybe_playlist(session, text).await?, "playlist", text, "segue playlist ls")
}

/// The id of an album.
pub(crate) async fn album(session: &Session, text: &str) -> anyhow::Result<String> {
    named(maybe_album(session, text).await?, "album", text, "segue albums")
}

/// The id of an artist.
pub(crate) async fn artist(session: &Session, text: &str) -> anyhow::Result<String> {
    if is_id(text) {
        return Ok(text.to_owned());
    }
    let mine = or_nobody(session.client.artists(usize::MAX).await)?;
    let found = mine.iter().filter(|a| same(&a.name, text)).map(|a| Found::new(&a.artist_id, &a.name, ""));
    let found = match one(found.collect(), "artist", text)? {
        Some(id) => Some(id),
        None => {
            let artist = |item| match item {
                Item::Artist(a) if same(&a.name, text) => {
                    Some(Found { id: a.artist_id, what: a.name, owner: a.owner_id })
                }
                _ => None,
            };
            one(searched(session, text, Kind::Artist, artist).await?, "artist", text)?
        }
    };
    named(found, "artist", text, "segue artists")
}

/// As [`song`]; nothing when there is none of that title.
pub(crate) async fn maybe_song(session: &Session, text: &str) -> anyhow::Result<Option<String>> {
    if is_id(text) {
        return Ok(Some(text.to_owned()));
    }
    let is_meant = |title: &str, artists: &[String]| {
        same(title, text) || same(&format!("{} - {title}", artists.join(", ")), text)
    };
    let song = |item| match item {
        Item::Song(s) if is_meant(&s.title, &s.artists) => {
            Some(Found { what: label(&s.title, &s.artists), id: s.song_id, owner: s.owner_id })
        }
        _ => None,
    };
    let mut found = searched(session, text, Kind::Song, song).await?;
    if found.len() > 1 {
        let mine = my_id(session).await?;
        if found.iter().any(|f| f.owner == mine) {
            found.retain(|f| f.owner == mine);
        }
    }
    if found.is_empty() {
        let mine = or_nobody(session.client.my_songs(&[], LOOKED_THROUGH).await)?;
        let meant = mine.iter().filter(|s| is_meant(&s.title, &s.artists));
        found = meant.map(|s| Found::new(&s.song_id, &label(&s.title, &s.artists), &s.owner_id)).collect();
    }
    one(found, "song", text)
}

/// As [`playlist`]; nothing when there is none of that title.
pub(crate) async fn maybe_playlist(session: &Session, text: &str) -> anyhow::Result<Option<String>> {
    if is_id(text) {
        return Ok(Some(text.to_owned()));
    }
    let listed = or_nobody(session.client.playlists(Relation::Unspecified).await)?;
    let mut meant: Vec<&Playlist> = listed.iter().filter(|p| same(&p.title, text)).collect();
    if meant.len() > 1 && meant.iter().any(|p| p.role() == segue_client::proto::playlist::v1::Role::Owner) {
        meant.retain(|p| p.role() == segue_client::proto::playlist::v1::Role::Owner);
    }
    let what = |p: &Playlist| {
        let made = p.create_time.map(|time| time.to_string()).unwrap_or_default();
        format!("{} ({} songs, made {made})", p.title, p.item_count)
    };
    let found: Vec<Found> = meant.iter().map(|p| Found::new(&p.playlist_id, &what(p), &p.owner_id)).collect();
    if !found.is_empty() {
        return one(found, "playlist", text);
    }
    let playlist = |item| match item {
        Item::Playlist(p) if same(&p.title, text) => {
            Some(Found { id: p.playlist_id, what: p.title, owner: p.owner_id })
        }
        _ => None,
    };
    one(searched(session, text, Kind::Playlist, playlist).await?, "playlist", text)
}

/// As [`album`]; nothing when there is none of that title.
pub(crate) async fn maybe_album(session: &Session, text: &str) -> anyhow::Result<Option<String>> {
    if is_id(text) {
        return Ok(Some(text.to_owned()));
    }
    let is_meant =
        |title: &str, artist: &str| same(title, text) || same(&format!("{artist} - {title}"), text);
    let mine = or_nobody(session.client.albums("", usize::MAX).await)?;
    let meant = mine.iter().filter(|a| is_meant(&a.title, &a.album_artist));
    let found: Vec<Found> = meant
        .map(|a| Found::new(&a.album_id, &format!("{} - {}", a.album_artist, a.title), &a.owner_id))
        .collect();
    if !found.is_empty() {
        return one(found, "album", text);
    }
    let album = |item| match item {
        Item::Album(a) if is_meant(&a.title, &a.album_artist) => {
            let what = format!("{} - {}", a.album_artist, a.title);
            Some(Found { id: a.album_id, what, owner: a.owner_id })
        }
        _ => None,
    };
    one(searched(session, text, Kind::Album, album).await?, "album", text)
}

/// "Artists - Title", or the title alone.
pub(crate) fn label(title: &str, artists: &[String]) -> String {
    match artists.is_empty() {
        true => title.to_owned(),
        false => format!("{} - {title}", artists.join(", ")),
    }
}

/// As [`label`].
pub(crate) fn song_label(song: &Song) -> String {
    label(&song.title, &song.artists)
}

/// The canonical form of a UUID: 8-4-4-4-12 lower-case hex digits. Ids have no other, so that titles are no ids.
pub(crate) fn is_id(text: &str) -> bool {
    let digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|p| p.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|p| p.chars().all(digit))
}

/// As names are made equal everywhere ([`fold`]), and without regard to accents that were not typed.
fn same(title: &str, text: &str) -> bool {
    let bare = |text: &str| text.nfd().filter(|c| !is_combining_mark(*c)).collect::<String>();
    let (title, text) = (fold(title), fold(text));
    title == text || bare(&text) == text && bare(&title) == text
}

/// Something that a name may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    id: String,
    what: String,
    owner: String,
}

impl Found {
    fn new(id: &str, what: &str, owner: &str) -> Self {
        Self { id: id.to_owned(), what: what.to_owned(), owner: owner.to_owned() }
    }
}

/// The only one; two are an error that lists them.
fn one(mut found: Vec<Found>, kind: &str, text: &str) -> anyhow::Result<Option<String>> {
    found.dedup_by(|a, b| a.id == b.id);
    if found.len() < 2 {
        return Ok(found.pop().map(|f| f.id));
    }
    let line = |f: &Found| format!("\n  {}  {}", f.id, f.what);
    let list: String = found.iter().take(10).map(line).collect();
    let more = if found.len() > 10 { "\n  …" } else { "" };
    Err(output::Several(format!(
        "{} {kind}s are called {text:?}; name one by its id:{list}{more}",
        found.len()
    ))
    .into())
}

fn named(found: Option<String>, kind: &str, text: &str, list: &str) -> anyhow::Result<String> {
    let nothing = || {
        let text =
            format!("there is no {kind} called {text:?}; '{list}' lists yours, 'segue search' finds others");
        output::Nothing(text).into()
    };
    found.ok_or_else(nothing)
}

/// What a search for a title finds, as far as `meant` takes it. An index that is away finds nothing.
async fn searched(
    session: &Session,
    text: &str,
    kind: Kind,
    meant: impl Fn(Item) -> Option<Found>,
) -> anyhow::Result<Vec<Found>> {
    let words: String = text.chars().filter(|c| *c != '"').take(400).collect();
    let request =
        SearchRequest { query: words, page_size: 50, kinds: vec![kind.into()], ..Default::default() };
    let request = session.client.open_request(request).await?;
    match session.client.searches().search(request).await {
        Ok(answer) => {
            let results = answer.into_inner().results.into_iter();
            Ok(results.filter_map(|SearchResult { item, .. }| meant(item?)).collect())
        }
        Err(status) if matches!(status.code(), tonic::Code::Unavailable | tonic::Code::Unimplemented) => {
            match session.client.refused(status) {
                error @ ClientError::Unreachable { .. } => Err(error.into()),
                _ => Ok(Vec::new()),
            }
        }
        Err(status) => Err(session.client.refused(status).into()),
    }
}

async fn my_id(session: &Session) -> anyhow::Result<String> {
    let request = match session.client.request(GetMeRequest {}).await {
        Err(ClientError::NotSignedIn { .. }) => return Ok(String::new()),
        request => request?,
    };
    let answer = session.client.identity().get_me(request).await.map_err(|s| session.client.refused(s))?;
    Ok(answer.into_inner().user.unwrap_or_default().user_id)
}

/// Who is not signed in has no list of their own.
fn or_nobody<T>(list: Result<Vec<T>, ClientError>) -> Result<Vec<T>, ClientError> {
    match list {
        Err(ClientError::NotSignedIn { .. }) => Ok(Vec::new()),
        list => list,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_may_be_left_out_but_not_put_in() {
        for (title, text) in
            [("Jóga", "joga"), ("Jo\u{301}ga ", "JÓGA"), ("가나", "가나"), ("Déjà Vu", "deja vu")]
        {
            assert!(same(title, text), "{text} means {title}");
        }
        for (title, text) in [("Joga", "jóga"), ("Jóga", "jòga"), ("Jóga", "jog")] {
            assert!(!same(title, text), "{text} does not mean {title}");
        }
    }

    #[test]
    fn a_title_is_no_id() {
        assert!(is_id("01890a5d-ac96-774b-bcce-b302099a8057"));
        for title in [
            "",
            "Jóga",
            "01890A5D-AC96-774B-BCCE-B302099A8057",
            "01890a5dac96774bbcceb302099a8057",
            "a-b-c-d-e",
        ] {
            assert!(!is_id(title), "{title}");
        }
    }

    #[test]
    fn one_is_taken_and_two_are_listed() {
        let (a, b) = (Found::new("1", "A - x", "o"), Found::new("2", "B - x", "o"));
        assert_eq!(one(vec![], "song", "x").unwrap(), None);
        assert_eq!(one(vec![a.clone(), a.clone()], "song", "x").unwrap(), Some("1".into()));
        let said = one(vec![a, b], "song", "x").unwrap_err().to_string();
        assert!(said.contains("2 songs are called \"x\"") && said.contains("2  B - x"), "{said}");
    }
}
