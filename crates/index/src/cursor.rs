//! Where a page ended.

use segue_ports::index::{IndexError, Query, Viewer};

/// The last hit of a page. Its text names the question too, so that it is no cursor of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Score of the hit; scores are whole numbers.
    pub(crate) score: u32,
    /// Key of the hit.
    pub(crate) key: String,
}

impl Cursor {
    /// Where the page before the one that `query` wants ended.
    pub(crate) fn of(query: &Query) -> Result<Option<Self>, IndexError> {
        let Some(text) = &query.after else { return Ok(None) };
        let mut parts = text.splitn(3, '.');
        let (mark, score, key) = (parts.next(), parts.next(), parts.next());
        let hex = |text: Option<&str>| text.and_then(|text| u64::from_str_radix(text, 16).ok());
        match (hex(mark), hex(score).and_then(|score| u32::try_from(score).ok()), key) {
            (Some(mark), Some(score), Some(key)) if mark == fingerprint(query) && !key.is_empty() => {
                Ok(Some(Self { score, key: key.to_owned() }))
            }
            _ => Err(IndexError::Cursor),
        }
    }

    /// The text that begins behind this hit.
    pub(crate) fn text(&self, query: &Query) -> String {
        format!("{:016x}.{:08x}.{}", fingerprint(query), self.score, self.key)
    }
}

/// FNV-1a of what is asked and by whom, without where.
fn fingerprint(query: &Query) -> u64 {
    let viewer = match query.viewer {
        Viewer::Anonymous => "anonymous".to_owned(),
        Viewer::User(user) => user.to_string(),
        Viewer::Everything => "everything".to_owned(),
    };
    let kinds = query.kinds.iter().map(|kind| kind.name());
    let all = kinds.chain([viewer.as_str(), query.text.as_str()]);
    let bytes = all.flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
