//! What a server says, in the words of the command line. The API's sentences name its methods and fields; someone at a
//! terminal knows commands.

use super::clean;
use segue_client::ClientError;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// One sentence for people.
pub(super) fn sentence(error: &ClientError) -> String {
    match error {
        ClientError::Refused(status) => clean(&refusal(status)),
        other => clean(&other.to_string()),
    }
}

/// The server's reason, else one for what happened on the way to it.
pub(super) fn reason(error: &ClientError) -> String {
    let named = match error {
        ClientError::NotSignedIn { .. } => "NOT_SIGNED_IN",
        ClientError::Unreachable { .. } => "SERVER_UNREACHABLE",
        ClientError::BlobRefused { .. } => "BLOB_REFUSED",
        ClientError::File { .. } => "FILE_UNREADABLE",
        ClientError::FileChanged(_) => "FILE_CHANGED",
        ClientError::Credentials(_) => "CREDENTIALS_UNREADABLE",
        other => return other.reason().unwrap_or_else(|| "FAILED".into()),
    };
    named.into()
}

fn refusal(status: &Status) -> String {
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    if let Some(said) = by_reason(&reason) {
        return said.into();
    }
    if let Some(wrong) = status.get_details_bad_request().filter(|b| !b.field_violations.is_empty()) {
        let one = |v: &tonic_types::FieldViolation| violation(&v.field, &v.description);
        return wrong.field_violations.iter().map(one).collect::<Vec<_>>().join("; ");
    }
    let message = status.message().replace("list them with ListUsers", "'segue users ls' lists them");
    match status.code() {
        // A session that ended by itself or by somebody.
        Code::Unauthenticated if reason != "CREDENTIALS_WRONG" && reason != "PASSWORD_WRONG" => {
            format!("{message}; run 'segue login'")
        }
        _ if message.is_empty() => format!("the server refused: {}", status.code().description()),
        _ => message,
    }
}

fn by_reason(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "TOKEN_INVALID"
        | "TOKEN_EXPIRED"
        | "TOKEN_REVOKED"
        | "REFRESH_TOKEN_INVALID"
        | "REFRESH_TOKEN_REUSED" => "your session has ended; run 'segue login'",
        "ACCOUNT_GONE" => "your account is gone; run 'segue login' with another one, or 'segue signup'",
        "TOKEN_REQUIRED" => "not signed in: run 'segue login' (or 'segue signup')",
        "INVITATION_NEEDED" => "sign-up is by invitation on this server; give a good code with --invitation",
        "EMAIL_TAKEN" => {
            "an account with this e-mail address exists; run 'segue login', or use another address"
        }
        "SONG_NOT_READY" => "the song does not play yet; 'segue watch' says when it does",
        "SONG_NOT_FAILED" => "the song has not failed; 'segue show' says how it is",
        "ETAG_STALE" => "it was changed meanwhile; look at it again and repeat the change",
        "METHOD_UNKNOWN" => "this server does not know what you ask for; it may be of an older version",
        _ => return None,
    })
}

/// "song id must be …" of the field `song_id` and what is wrong with it.
fn violation(field: &str, description: &str) -> String {
    // `song.title`, `song_ids[3]`: the last name says it.
    let last = field.rsplit('.').next().unwrap_or(field);
    let name: String = last.replace('_', " ").chars().take_while(|c| *c != '[').collect();
    let begins = |name: &str| description.to_lowercase().starts_with(name.trim_end_matches('s'));
    match name.is_empty() || begins(&name) {
        true => description.into(),
        false => format!("{name}: {description}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use tonic_types::ErrorDetails;

    fn refused(code: Code, message: &str, details: ErrorDetails) -> ClientError {
        Status::with_error_details(code, message, details).into()
    }

    #[test]
    fn fields_are_said_in_plain_words_and_once() {
        for (field, description, said) in [
            ("song_id", "song id must be a UUIDv7 such as x", "song id must be a UUIDv7 such as x"),
            ("song_ids[2]", "song id must be a UUIDv7", "song id must be a UUIDv7"),
            ("song.track_number", "must be at most 9", "track number: must be at most 9"),
            ("", "something is wrong", "something is wrong"),
        ] {
            let details = ErrorDetails::with_bad_request_violation(field, description);
            let error = refused(Code::InvalidArgument, &format!("{field}: {description}"), details);
            assert_eq!(sentence(&error), said);
        }
    }

    #[test]
    fn an_ended_session_says_how_to_go_on() {
        let details = ErrorDetails::with_error_info("TOKEN_REVOKED", "segue", HashMap::new());
        let error = refused(Code::Unauthenticated, "the session of this access token has ended", details);
        assert_eq!(sentence(&error), "your session has ended; run 'segue login'");
        assert_eq!(reason(&error), "TOKEN_REVOKED");
        let details = ErrorDetails::with_error_info("CREDENTIALS_WRONG", "segue", HashMap::new());
        let error = refused(Code::Unauthenticated, "they do not match", details);
        assert_eq!(sentence(&error), "they do not match");
    }
}
