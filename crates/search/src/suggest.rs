//! Suggest: how what is typed may go on.

use crate::{
    Error,
    find::{checked, kinds, viewer},
    item,
    role::Inner,
};
use segue_mesh::Caller;
use segue_ports::index::{Beginning, IndexError};
use segue_proto::search::v1::{SuggestRequest, SuggestResponse, Suggestion};

const USUAL: u32 = 10;
const MOST: u32 = 50;

impl Inner {
    pub(crate) async fn suggest(
        &self,
        caller: &Caller,
        request: SuggestRequest,
    ) -> Result<SuggestResponse, Error> {
        let text = checked("text", &request.text)?;
        let limit = match u32::try_from(request.limit) {
            Err(_) => return Err(Error::field("limit", "must not be negative")),
            Ok(0) => USUAL,
            Ok(limit) => limit.min(MOST),
        };
        let kinds = kinds(&request.kinds)?;
        if text.is_empty() {
            return Ok(SuggestResponse::default());
        }
        let (viewer, _) = viewer(caller);
        let beginning = Beginning { text: text.to_owned(), kinds, viewer, limit };
        let answer = tokio::time::timeout(self.config.query_timeout(), self.index.suggest(&beginning)).await;
        let found = answer.map_err(|_| IndexError::unavailable("no answer in time"))??;
        let suggestions = found.into_iter().map(|one| Suggestion {
            text: one.text,
            kind: item::kind_on_the_wire(one.kind).into(),
            id: one.id,
        });
        Ok(SuggestResponse { suggestions: suggestions.collect() })
    }
}
