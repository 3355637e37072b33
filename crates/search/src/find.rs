//! Search: a question, what is wrong with it, and its answers on the wire.

use crate::{Error, role::Inner};
use segue_domain::{FieldViolation, PageError, PageSize, PageToken, Visibility};
use segue_mesh::{Caller, to_proto};
use segue_ports::index::{Document, Hit, IndexError, Kind, Query, Viewer};
use segue_proto::{
    search::v1::{self as pb, SearchRequest, SearchResponse, SearchResult, SongItem, search_result::Item},
    song::v1 as song,
};

/// Longest question, characters.
const MOST_TEXT: usize = 500;

impl Inner {
    pub(crate) async fn find(
        &self,
        caller: &Caller,
        request: SearchRequest,
    ) -> Result<SearchResponse, Error> {
        let (viewer, viewer_text) = viewer(caller);
        let kinds = kinds(&request.kinds)?;
        // Counting stops early, so that a message of megabytes costs nothing.
        if request.query.chars().take(MOST_TEXT + 1).count() > MOST_TEXT {
            return Err(Error::field("query", format!("at most {MOST_TEXT} characters")));
        }
        let limit = PageSize::new(request.page_size).map_err(page_error)?.get();
        let text = request.query.trim();
        let kinds_text = format!("{kinds:?}");
        let query = ["Search", viewer_text.as_str(), kinds_text.as_str(), text];
        let after = PageToken::decode(&query, &request.page_token).map_err(page_error)?;
        if text.is_empty() {
            return Ok(SearchResponse::default());
        }
        let question = Query { text: text.to_owned(), kinds, viewer, limit, after };
        let answer = tokio::time::timeout(self.config.query_timeout(), self.index.search(&question)).await;
        let hits = answer.map_err(|_| IndexError::unavailable("no answer in time"))??;
        Ok(SearchResponse {
            results: hits.hits.into_iter().map(result).collect(),
            next_page_token: hits.next.map(|next| PageToken::encode(&query, &next)).unwrap_or_default(),
        })
    }
}

/// What the caller may find, and a name for it, which page tokens are bound to.
fn viewer(caller: &Caller) -> (Viewer, String) {
    match (caller.sees_all(), caller.user_id()) {
        (true, _) => (Viewer::Everything, "everything".to_owned()),
        (false, Some(user)) => (Viewer::User(user), user.to_string()),
        (false, None) => (Viewer::Anonymous, "anonymous".to_owned()),
    }
}

/// The kinds, each once and in a fixed order, so that a page token does not depend on how they were written.
fn kinds(numbers: &[i32]) -> Result<Vec<Kind>, Error> {
    let mut kinds = Vec::new();
    for number in numbers {
        match pb::Kind::try_from(*number) {
            Ok(pb::Kind::Song) => kinds.push(Kind::Song),
            Ok(_) | Err(_) => {
                return Err(Error::field("kinds", "KIND_SONG; none for all"));
            }
        }
    }
    kinds.sort_unstable();
    kinds.dedup();
    Ok(kinds)
}

fn page_error(error: PageError) -> Error {
    let field = if error == PageError::NegativeSize { "page_size" } else { "page_token" };
    Error::Invalid(vec![FieldViolation::new(field, error.to_string())])
}

fn result(hit: Hit) -> SearchResult {
    let item = match hit.document.kind {
        Kind::Song => Item::Song(song_item(hit.document)),
    };
    SearchResult { score: hit.score, item: Some(item), highlights: Vec::new() }
}

fn song_item(document: Document) -> SongItem {
    let visibility = match document.visibility {
        Visibility::Private => song::Visibility::Private,
        Visibility::Unlisted => song::Visibility::Unlisted,
        Visibility::Public => song::Visibility::Public,
    };
    SongItem {
        song_id: document.id,
        owner_id: document.owner.to_string(),
        visibility: visibility.into(),
        title: document.title,
        artists: document.artists,
        album: document.album,
        album_artist: document.album_artist,
        genre: document.genre,
        year: document.year,
        duration_ms: document.duration_ms,
        create_time: Some(to_proto(document.created)),
    }
}
