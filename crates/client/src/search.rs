//! Searching, and for administrators the index behind it.

use crate::{Client, ClientError};
use segue_proto::search::v1::{
    Difference, Kind, RebuildIndexRequest, SearchRequest, SearchResult, SuggestRequest, Suggestion,
    VerifyIndexRequest,
};
use std::time::Duration;

/// Answers that are asked for at once.
const PAGE: usize = 200;

impl Client {
    /// The best answers to a few words, at most `most`: of these kinds, or of all when there are none. Without a session
    /// it finds what is public.
    pub async fn search(
        &self,
        words: &str,
        kinds: &[Kind],
        most: usize,
    ) -> Result<Vec<SearchResult>, ClientError> {
        let kinds: Vec<i32> = kinds.iter().map(|kind| (*kind).into()).collect();
        let (mut results, mut page_token) = (Vec::new(), String::new());
        while results.len() < most {
            let page_size = i32::try_from(PAGE.min(most - results.len())).unwrap_or(i32::MAX);
            let kinds = kinds.clone();
            let request = SearchRequest { query: words.to_owned(), page_size, page_token, kinds };
            let request = self.open_request(request).await?;
            let answer = self.searches().search(request).await.map_err(|s| self.refused(s))?.into_inner();
            results.extend(answer.results);
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        Ok(results)
    }

    /// Names that begin as typed, best first, at most `most` (of 50): of these kinds, or of all when there are none.
    pub async fn suggest(
        &self,
        text: &str,
        kinds: &[Kind],
        most: usize,
    ) -> Result<Vec<Suggestion>, ClientError> {
        let kinds = kinds.iter().map(|kind| (*kind).into()).collect();
        let limit = i32::try_from(most).unwrap_or(i32::MAX);
        let request = self.open_request(SuggestRequest { text: text.to_owned(), limit, kinds }).await?;
        let answer = self.searches().suggest(request).await.map_err(|s| self.refused(s))?;
        Ok(answer.into_inner().suggestions)
    }

    /// Rebuilds the index, or follows a rebuild that is going on, to its end. `heard` is told how many songs are in the
    /// new one. The number of songs in it.
    pub async fn rebuild_index(&self, heard: impl Fn(u64)) -> Result<u64, ClientError> {
        loop {
            let request = self.request(RebuildIndexRequest {}).await?;
            let mut said =
                self.searches().rebuild_index(request).await.map_err(|s| self.refused(s))?.into_inner();
            loop {
                match said.message().await {
                    Ok(Some(message)) if message.done => return Ok(message.songs),
                    Ok(Some(message)) => heard(message.songs),
                    // The token of this call ended, and the work goes on: follow it with a new one.
                    Err(status) if status.code() == tonic::Code::Unauthenticated => break,
                    Err(status) => return Err(self.refused(status)),
                    Ok(None) => return Err(ClientError::Other("the server ended the rebuild early".into())),
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Compares the index with the database. `found` is told each difference, `heard` how many songs were compared.
    pub async fn verify_index(
        &self,
        mut found: impl FnMut(Difference),
        heard: impl Fn(u64),
    ) -> Result<Verified, ClientError> {
        let request = self.request(VerifyIndexRequest {}).await?;
        let mut said = self.searches().verify_index(request).await.map_err(|s| self.refused(s))?.into_inner();
        let mut differences = 0;
        while let Some(message) = said.message().await.map_err(|s| self.refused(s))? {
            if message.done {
                return Ok(Verified { songs: message.songs, differences, truncated: message.truncated });
            }
            match message.difference {
                Some(difference) => {
                    differences += 1;
                    found(difference);
                }
                None => heard(message.songs),
            }
        }
        Err(ClientError::Other("the server ended the comparison early; try again".into()))
    }
}

/// The end of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Songs in the database that play.
    pub songs: u64,
    /// Differences that were told.
    pub differences: u64,
    /// There are more.
    pub truncated: bool,
}
