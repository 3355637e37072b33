//! Where a page ended.

use segue_ports::index::{IndexError, Query, Viewer};

/// The last hit of a page. Its text names the question too, so that it is no cursor of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Score of the hit; scores are whole numbers.
    pub(crate) score: u32,
    /// Its popularity. It may have changed when the next page is asked for: then this hit may come again.
    pub(crate) popularity: u8,
    /// When it was made, milliseconds.
    pub(crate) created: i64,
    /// Key of the hit.
    pub(crate) key: String,
}

impl Cursor {
    /// Where the page before the one that `query` wants ended.
    pub(crate) fn of(query: &Query) -> Result<Option<Self>, IndexError> {
        let Some(text) = &query.after else {
            return Ok(None);
        };
        Self::read(query, text).map(Some).ok_or(IndexError::Cursor)
    }

    fn read(query: &Query, text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '.');
        let mut number = || u64::from_str_radix(parts.next()?, 16).ok();
        let (mark, score, popularity, created) = (number()?, number()?, number()?, number()?);
        let key = parts.next().filter(|key| !key.is_empty())?;
        (mark == fingerprint(query)).then_some(Self {
            score: score.try_into().ok()?,
            popularity: popularity.try_into().ok()?,
            created: created.cast_signed(),
            key: key.to_owned(),
        })
    }

    /// The text that begins behind this hit.
    pub(crate) fn text(&self, query: &Query) -> String {
        let Self { score, popularity, created, key } = self;
        format!("{:016x}.{score:x}.{popularity:x}.{created:x}.{key}", fingerprint(query))
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
