//! What may be in the fields of a request.

use crate::Error;
use segue_domain::{FieldViolation, PageSize, PageToken, Visibility};
use segue_proto::{playlist::v1 as pb, song::v1 as song};
use std::str::FromStr;

/// Characters in a title.
pub(crate) const MOST_TITLE: usize = 200;
/// Characters in a description.
pub(crate) const MOST_DESCRIPTION: usize = 2_000;
/// Songs or items of one request.
pub(crate) const MOST_AT_ONCE: usize = 200;
/// Characters that introduce line breaks and tabs, which a description may have.
const BREAKS: [char; 3] = ['\n', '\r', '\t'];

/// Collects everything that is wrong with a request, so that the caller hears it at once.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<FieldViolation>);

impl Checks {
    pub(crate) fn refuse(&mut self, field: &str, description: impl Into<String>) {
        self.0.push(FieldViolation::new(field, description));
    }

    pub(crate) fn done(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }

    /// A title without the blanks around it: 1 to 200 characters of any script, none of them a control character.
    pub(crate) fn title(&mut self, field: &str, title: &str) -> String {
        let title = title.trim();
        if title.is_empty() {
            self.refuse(field, format!("1 to {MOST_TITLE} characters"));
        }
        self.text(field, title, MOST_TITLE, &[]);
        title.to_owned()
    }

    /// A description; it may have several lines.
    pub(crate) fn description(&mut self, field: &str, text: &str) -> String {
        let text = text.trim();
        self.text(field, text, MOST_DESCRIPTION, &BREAKS);
        text.to_owned()
    }

    fn text(&mut self, field: &str, text: &str, most: usize, but: &[char]) {
        // The length in bytes is known without reading all of it.
        if text.len() > most * 4 || text.chars().count() > most {
            self.refuse(field, format!("at most {most} characters"));
        } else if text.chars().any(|c| c.is_control() && !but.contains(&c)) {
            self.refuse(field, "no control characters");
        }
    }

    /// A visibility; unspecified is private.
    pub(crate) fn visibility(&mut self, field: &str, number: i32) -> Visibility {
        match song::Visibility::try_from(number) {
            Ok(song::Visibility::Unspecified | song::Visibility::Private) => Visibility::Private,
            Ok(song::Visibility::Unlisted) => Visibility::Unlisted,
            Ok(song::Visibility::Public) => Visibility::Public,
            Err(_) => {
                self.refuse(field, "VISIBILITY_PRIVATE, VISIBILITY_UNLISTED or VISIBILITY_PUBLIC");
                Visibility::Private
            }
        }
    }
}

/// An id in a request.
pub(crate) fn id<T: FromStr<Err = segue_domain::IdError>>(field: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|e: segue_domain::IdError| Error::field(field, e.to_string()))
}

/// From 1 to 200 ids in a request.
pub(crate) fn ids<T: FromStr<Err = segue_domain::IdError>>(
    field: &str,
    texts: &[String],
) -> Result<Vec<T>, Error> {
    if texts.is_empty() || texts.len() > MOST_AT_ONCE {
        return Err(Error::field(field, format!("1 to {MOST_AT_ONCE}")));
    }
    texts.iter().map(|text| id(field, text)).collect()
}

/// True for an editor, false for a viewer.
pub(crate) fn editor(field: &str, number: i32) -> Result<bool, Error> {
    match pb::Role::try_from(number) {
        Ok(pb::Role::Editor) => Ok(true),
        Ok(pb::Role::Viewer) => Ok(false),
        _ => Err(Error::field(field, "ROLE_VIEWER or ROLE_EDITOR")),
    }
}

/// How many to list.
pub(crate) fn page_size(requested: i32) -> Result<u32, Error> {
    Ok(PageSize::new(requested).map_err(|e| Error::field("page_size", e.to_string()))?.get())
}

/// What is in a page token; `read` takes it apart.
pub(crate) fn page_token<T>(
    query: &[&str],
    token: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Error> {
    let refuse = |text: String| Error::field("page_token", text);
    let foreign = || refuse("page_token is not one that this service made; begin again without it".into());
    let cursor = PageToken::decode(query, token).map_err(|e| refuse(e.to_string()))?;
    cursor.map(|cursor| read(&cursor).ok_or_else(foreign)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title_is_good(title: &str) -> bool {
        let mut checks = Checks::default();
        checks.title("title", title);
        checks.done().is_ok()
    }

    #[test]
    fn titles_are_of_any_script_and_bounded() {
        for good in ["a", &"ü".repeat(200), "שלום עולם", "\u{202B}مرحبا\u{202C}", "🎧", "T.N.T."]
        {
            assert!(title_is_good(good), "{good:?}");
        }
        for bad in ["", "  \n ", &"ü".repeat(201), "a\0b", "a\nb", &"x".repeat(10 << 20)] {
            assert!(!title_is_good(bad), "{:?}", bad.chars().take(10).collect::<String>());
        }
    }

    #[test]
    fn a_description_may_have_lines() {
        let mut checks = Checks::default();
        assert_eq!(checks.description("description", " a\nb\t\n"), "a\nb");
        assert!(checks.done().is_ok());
    }
}
