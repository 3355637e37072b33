//! Conditional requests (RFC 9110, section 13), with Azure's answers.

use super::{error::EngineError, stored::Stored};

/// ETags of If-Match or If-None-Match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tags {
    /// `*`
    Any,
    /// Without quotes and weakness marks.
    These(Vec<String>),
}

impl Tags {
    pub(crate) fn parse(header: &str) -> Self {
        match header.trim() {
            "*" => Self::Any,
            list => Self::These(list.split(',').map(|tag| bare(tag).to_owned()).collect()),
        }
    }
    fn hold(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|tag| tag == bare(etag)),
        }
    }
}

fn bare(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"')
}

/// What a request asks of the object that is there. Times are whole seconds of Unix time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions {
    pub(crate) if_match: Option<Tags>,
    pub(crate) if_none_match: Option<Tags>,
    pub(crate) modified_since: Option<i64>,
    pub(crate) unmodified_since: Option<i64>,
    /// The caller may create and not overwrite (permission `c` without `w`).
    pub(crate) create_only: bool,
}

/// What the conditions of a read come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadCheck {
    Send,
    NotModified,
    Failed,
}

impl Conditions {
    pub(crate) fn check_read(&self, stored: &Stored) -> ReadCheck {
        let modified = stored.modified.seconds();
        let kept = match (&self.if_match, self.unmodified_since) {
            (Some(tags), _) => tags.hold(&stored.etag),
            (None, Some(since)) => modified <= since,
            (None, None) => true,
        };
        let news = match (&self.if_none_match, self.modified_since) {
            (Some(tags), _) => !tags.hold(&stored.etag),
            (None, Some(since)) => modified > since,
            (None, None) => true,
        };
        match (kept, news) {
            (false, _) => ReadCheck::Failed,
            (true, false) => ReadCheck::NotModified,
            (true, true) => ReadCheck::Send,
        }
    }

    pub(super) fn check_write(&self, current: Option<&Stored>) -> Result<(), EngineError> {
        let Some(stored) = current else {
            return match self.if_match {
                Some(_) => Err(EngineError::ConditionNotMet),
                None => Ok(()),
            };
        };
        if self.if_none_match == Some(Tags::Any) {
            return Err(EngineError::Exists);
        }
        if self.create_only {
            return Err(EngineError::OverwriteForbidden);
        }
        match self.check_read(stored) {
            ReadCheck::Send => Ok(()),
            ReadCheck::NotModified | ReadCheck::Failed => Err(EngineError::ConditionNotMet),
        }
    }
}
