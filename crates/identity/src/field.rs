//! What people send, checked and brought into one form.

use crate::Error;

/// Longest address that mail can have (RFC 5321, a path of 256 with its brackets).
const MAX_EMAIL: usize = 254;
const PASSWORD_CHARACTERS: std::ops::RangeInclusive<usize> = 10..=256;
const MAX_DISPLAY_NAME: usize = 100;
const MAX_DEVICE: usize = 200;

/// A sign-in address: trimmed, lower case, and loosely of the form `local@domain`. Only a mail that arrives
/// would prove more.
pub(crate) fn email(field: &str, text: &str) -> Result<String, Error> {
    let wrong = |why: &str| Err(Error::field(field, why));
    if text.len() > 4 * MAX_EMAIL {
        return wrong("must be at most 254 bytes");
    }
    let text = text.trim().to_lowercase();
    if text.len() > MAX_EMAIL {
        return wrong("must be at most 254 bytes");
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return wrong("must hold neither spaces nor control characters");
    }
    match text.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => Ok(text),
        _ => wrong("must be an e-mail address such as name@example.org"),
    }
}

/// The beginning of an address, in the form in which addresses are kept; empty for all.
pub(crate) fn email_prefix(field: &str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.len() > MAX_EMAIL || text.chars().any(char::is_control) {
        return Err(Error::field(field, "must be the beginning of an e-mail address, at most 254 bytes"));
    }
    Ok(text.to_lowercase())
}

/// A password that someone wants to have. Length is all that is asked (NIST SP 800-63B, 5.1.1.2).
pub(crate) fn new_password(field: &str, text: &str) -> Result<(), Error> {
    // Counting stops early, so that a message of megabytes costs nothing.
    let length = text.chars().take(PASSWORD_CHARACTERS.end() + 1).count();
    match PASSWORD_CHARACTERS.contains(&length) {
        true => Ok(()),
        false => Err(Error::field(field, "must have 10 to 256 characters")),
    }
}

/// A password that is to be compared with the stored one. What cannot be one is refused before it is hashed.
pub(crate) fn offered_password(field: &str, text: &str) -> Result<(), Error> {
    match text.chars().take(PASSWORD_CHARACTERS.end() + 1).count() {
        0 => Err(Error::field(field, "must not be empty")),
        n if n > *PASSWORD_CHARACTERS.end() => Err(Error::field(field, "must have at most 256 characters")),
        _ => Ok(()),
    }
}

/// A name for others to see; the local part of the address when empty.
pub(crate) fn display_name(field: &str, text: &str, email: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        let local = email.rsplit_once('@').map_or(email, |(local, _)| local);
        return Ok(local.chars().take(MAX_DISPLAY_NAME).collect());
    }
    line(field, text, MAX_DISPLAY_NAME)
}

/// What a client calls itself.
pub(crate) fn device(field: &str, text: &str) -> Result<String, Error> {
    line(field, text.trim(), MAX_DEVICE)
}

fn line(field: &str, text: &str, most: usize) -> Result<String, Error> {
    if text.chars().take(most + 1).count() > most {
        return Err(Error::field(field, format!("must have at most {most} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::field(field, "must not hold control characters"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        assert_eq!(email("email", " Ada@Example.ORG ").unwrap(), "ada@example.org");
        assert_eq!(email("email", "admin@segue.local").unwrap(), "admin@segue.local");
        let long = format!("{}@example.org", "a".repeat(250));
        for bad in ["", "ada", "@", "ada@", "@b", "a b@c", "a\0@b", "a@b\nc", &long, &"a".repeat(1 << 20)] {
            assert!(email("email", bad).is_err(), "{:.40}", bad);
        }
    }

    #[test]
    fn a_password_is_counted_in_characters() {
        assert!(new_password("p", "short").is_err());
        assert!(new_password("p", "ninechars").is_err());
        assert!(new_password("p", "ten chars!").is_ok());
        assert!(new_password("p", &"ö".repeat(256)).is_ok());
        assert!(new_password("p", &"ö".repeat(257)).is_err());
    }

    #[test]
    fn a_missing_name_is_taken_from_the_address() {
        assert_eq!(display_name("d", "  ", "ada@example.org").unwrap(), "ada");
        assert_eq!(display_name("d", " Ada L ", "x@y").unwrap(), "Ada L");
        assert!(display_name("d", &"x".repeat(101), "x@y").is_err());
        assert!(display_name("d", "a\u{7}", "x@y").is_err());
    }
}
