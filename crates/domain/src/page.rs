//! Opaque page tokens that are bound to their query (AIP-158).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

const VERSION: u8 = 1;
const DIGEST: usize = 8;
const MAX_TOKEN: usize = 1024;

/// A page token or size that cannot be used.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum PageError {
    /// Not a token of ours.
    #[error("page_token is not one that this service made; begin again without it")]
    Malformed,
    /// A token of another query.
    #[error("page_token belongs to another query; send it with the same filters, or begin again without it")]
    OtherQuery,
    /// A negative size.
    #[error("page_size must not be negative; 0 means {default}", default = PageSize::DEFAULT)]
    NegativeSize,
}

/// How many results a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(u32);

impl PageSize {
    /// What 0 means.
    pub const DEFAULT: u32 = 50;
    /// The most.
    pub const MAX: u32 = 200;

    /// 0 becomes 50, above 200 becomes 200, negative is an error.
    pub fn new(requested: i32) -> Result<Self, PageError> {
        match u32::try_from(requested) {
            Err(_) => Err(PageError::NegativeSize),
            Ok(0) => Ok(Self(Self::DEFAULT)),
            Ok(n) => Ok(Self(n.min(Self::MAX))),
        }
    }
    /// The size.
    pub fn get(self) -> u32 {
        self.0
    }
}

/// Where the next page begins: a cursor (the keyset position) bound to a digest of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken;

impl PageToken {
    /// A token for `cursor` in `query`. `query` is every field that decides which rows are listed, in a
    /// fixed order: caller, method, filters; not the page size.
    pub fn encode(query: &[&str], cursor: &str) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&digest(query));
        bytes.extend_from_slice(cursor.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The cursor in `token`; `None` when the token is empty (the first page).
    pub fn decode(query: &[&str], token: &str) -> Result<Option<String>, PageError> {
        if token.is_empty() {
            return Ok(None);
        }
        if token.len() > MAX_TOKEN {
            return Err(PageError::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| PageError::Malformed)?;
        let (head, cursor) = bytes.split_at_checked(1 + DIGEST).ok_or(PageError::Malformed)?;
        if head[0] != VERSION {
            return Err(PageError::Malformed);
        }
        if head[1..] != digest(query) {
            return Err(PageError::OtherQuery);
        }
        String::from_utf8(cursor.to_vec()).map(Some).map_err(|_| PageError::Malformed)
    }
}

fn digest(query: &[&str]) -> [u8; DIGEST] {
    let mut hash = Sha256::new();
    for part in query {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut out = [0; DIGEST];
    out.copy_from_slice(&hash.finalize()[..DIGEST]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_only_its_own_query() {
        let token = PageToken::encode(&["songs", "alice", "READY"], "cursor");
        assert_eq!(PageToken::decode(&["songs", "alice", "READY"], &token), Ok(Some("cursor".into())));
        assert_eq!(PageToken::decode(&["songs", "bob", "READY"], &token), Err(PageError::OtherQuery));
        assert_eq!(PageToken::decode(&["songs", "alice", "REA", "DY"], &token), Err(PageError::OtherQuery));
    }

    #[test]
    fn garbage_is_an_error_and_nothing_is_the_first_page() {
        assert_eq!(PageToken::decode(&["q"], ""), Ok(None));
        for bad in ["!", "AAAA", "ä", &"A".repeat(2000)] {
            assert_eq!(PageToken::decode(&["q"], bad), Err(PageError::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn sizes_are_clamped() {
        assert_eq!(PageSize::new(0).map(PageSize::get), Ok(50));
        assert_eq!(PageSize::new(1000).map(PageSize::get), Ok(200));
        assert_eq!(PageSize::new(-1), Err(PageError::NegativeSize));
    }
}
