//! The caller's open sessions.

use crate::{Error, Identity, entity::session, sessions};
use segue_domain::{PageError, PageSize, PageToken, Timestamp};
use segue_mesh::{User, to_proto};
use segue_proto::identity::v1::{ListSessionsRequest, ListSessionsResponse, Session};

impl Identity {
    pub(crate) async fn open_sessions(
        &self,
        caller: &User,
        request: ListSessionsRequest,
    ) -> Result<ListSessionsResponse, Error> {
        let size = PageSize::new(request.page_size)?.get() as usize;
        let user = caller.id.to_string();
        let query = ["ListSessions", user.as_str()];
        let after = match PageToken::decode(&query, &request.page_token)? {
            None => None,
            Some(cursor) => Some(position(&cursor).ok_or(PageError::Malformed)?),
        };
        // One more than asked tells whether there is another page.
        let mut rows = sessions::list(&self.primary(), &user, self.now(), after, size as u64 + 1).await?;
        let more = rows.len() > size;
        rows.truncate(size);
        let next_page_token = match rows.last() {
            Some(last) if more => {
                PageToken::encode(&query, &format!("{}:{}", last.created_at, last.session_id))
            }
            _ => String::new(),
        };
        let current = caller.session.to_string();
        let sessions = rows.into_iter().map(|row| answer(row, &current)).collect();
        Ok(ListSessionsResponse { sessions, next_page_token })
    }
}

fn position(cursor: &str) -> Option<(i64, String)> {
    let (time, id) = cursor.split_once(':')?;
    Some((time.parse().ok()?, id.to_owned()))
}

fn answer(row: session::Model, current: &str) -> Session {
    Session {
        current: row.session_id == current,
        session_id: row.session_id,
        device: row.device,
        create_time: Some(to_proto(Timestamp(row.created_at))),
        last_use_time: Some(to_proto(Timestamp(row.last_used_at))),
    }
}
