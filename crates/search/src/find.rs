//! Search: a question, what is wrong with it, and its answers on the wire.

use crate::{Error, fresh::Asker, item, role::Inner};
use segue_domain::{FieldViolation, PageError, PageSize, PageToken};
use segue_mesh::Caller;
use segue_ports::index::{IndexError, Kind, Query, Viewer};
use segue_proto::search::v1::{self as pb, SearchRequest, SearchResponse};

/// Longest question, characters.
const MOST_TEXT: usize = 500;

/// A question, or what was typed of a name, within its bounds.
pub(crate) fn checked<'a>(field: &str, text: &'a str) -> Result<&'a str, Error> {
    // Counting stops early, so that a message of megabytes costs nothing.
    if text.chars().take(MOST_TEXT + 1).count() > MOST_TEXT {
        return Err(Error::field(field, format!("at most {MOST_TEXT} characters")));
    }
    Ok(text.trim())
}

impl Inner {
    pub(crate) async fn find(
        &self,
        caller: &Caller,
        asker: &Asker,
        request: SearchRequest,
    ) -> Result<SearchResponse, Error> {
        let (viewer, viewer_text) = viewer(caller);
        let kinds = kinds(&request.kinds)?;
        let text = checked("query", &request.query)?;
        let limit = PageSize::new(request.page_size).map_err(page_error)?.get();
        let kinds_text = format!("{kinds:?}");
        let query = ["Search", viewer_text.as_str(), kinds_text.as_str(), text];
        let after = PageToken::decode(&query, &request.page_token).map_err(page_error)?;
        if text.is_empty() {
            return Ok(SearchResponse::default());
        }
        let question = Query { text: text.to_owned(), kinds, viewer, limit, after };
        let answer = tokio::time::timeout(self.config.query_timeout(), self.index.search(&question)).await;
        let mut hits = answer.map_err(|_| IndexError::unavailable("no answer in time"))??;
        self.freshen(asker, &mut hits.hits).await;
        Ok(SearchResponse {
            results: hits.hits.into_iter().map(item::result).collect(),
            next_page_token: hits.next.map(|next| PageToken::encode(&query, &next)).unwrap_or_default(),
        })
    }
}

/// What the caller may find, and a name for it, which page tokens are bound to.
pub(crate) fn viewer(caller: &Caller) -> (Viewer, String) {
    match (caller.sees_all(), caller.user_id()) {
        (true, _) => (Viewer::Everything, "everything".to_owned()),
        (false, Some(user)) => (Viewer::User(user), user.to_string()),
        (false, None) => (Viewer::Anonymous, "anonymous".to_owned()),
    }
}

/// The kinds, each once and in a fixed order, so that a page token does not depend on how they were written.
pub(crate) fn kinds(numbers: &[i32]) -> Result<Vec<Kind>, Error> {
    let mut kinds = Vec::new();
    for number in numbers {
        match pb::Kind::try_from(*number) {
            Ok(pb::Kind::Song) => kinds.push(Kind::Song),
            Ok(pb::Kind::Album) => kinds.push(Kind::Album),
            Ok(pb::Kind::Artist) => kinds.push(Kind::Artist),
            Ok(pb::Kind::Playlist) => kinds.push(Kind::Playlist),
            Ok(pb::Kind::Unspecified) | Err(_) => {
                let known = "KIND_SONG, KIND_ALBUM, KIND_ARTIST and KIND_PLAYLIST; none for all";
                return Err(Error::field("kinds", known));
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
