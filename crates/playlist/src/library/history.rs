//! RecordPlays, ListHistory, ListPlayed and DeleteHistory.

mod read;

use super::{
    field::{Page, at, instant, placed},
    repository::{Heard, Order, Position},
};
use crate::{Error, role::Role};
use read::plays;
use segue_domain::{PlayId, Timestamp, UserId};
use segue_mesh::Passport;
use segue_proto::playlist::v1::{
    DeleteHistoryRequest, DeleteHistoryResponse, HistoryEntry, ListHistoryRequest, ListHistoryResponse,
    ListPlayedRequest, ListPlayedResponse, Play, Played, PlayedOrder, RecordPlaysRequest,
    RecordPlaysResponse,
};

/// Plays that are deleted at a time.
const BATCH: u32 = 500;

impl Role {
    pub(super) async fn record_plays(
        &self,
        user: UserId,
        request: &RecordPlaysRequest,
    ) -> Result<RecordPlaysResponse, Error> {
        let plays = plays(request, self.now())?;
        let recorded = self.library.plays.record(user, &plays).await?.ok_or(Error::AccountGone)?;
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let repeated = request.plays.len().saturating_sub(recorded);
        metrics::counter!("segue_library_plays_total", "outcome" => "recorded").increment(recorded as u64);
        metrics::counter!("segue_library_plays_total", "outcome" => "repeated").increment(repeated as u64);
        Ok(RecordPlaysResponse { recorded: number(recorded), repeated_events: number(repeated) })
    }

    pub(super) async fn list_history(
        &self,
        user: UserId,
        passport: &Passport,
        request: ListHistoryRequest,
    ) -> Result<ListHistoryResponse, Error> {
        let query = ("ListHistory", user, "");
        let page = Page::read(query, request.page_size, &request.page_token, placed::<PlayId>)?;
        let rows = self.library.plays.page(user, page.after, page.ask()).await?;
        let (rows, next_page_token) = page.cut(rows, |heard| at(heard.started, heard.id));
        let songs = self.songs.find(passport, rows.iter().map(|heard| heard.song)).await?;
        let entries = rows.into_iter().map(|heard| {
            let song = songs.get(&heard.song).cloned();
            let available = song.as_ref().is_some_and(crate::peer::plays);
            HistoryEntry { play: Some(play(&heard)), song, available }
        });
        Ok(ListHistoryResponse { entries: entries.collect(), next_page_token })
    }

    pub(super) async fn list_played(
        &self,
        user: UserId,
        passport: &Passport,
        request: ListPlayedRequest,
    ) -> Result<ListPlayedResponse, Error> {
        let order = match PlayedOrder::try_from(request.order) {
            Ok(PlayedOrder::Unspecified | PlayedOrder::Most) => Order::Most,
            Ok(PlayedOrder::Recent) => Order::Recent,
            Err(_) => return Err(Error::field("order", "PLAYED_ORDER_MOST or PLAYED_ORDER_RECENT")),
        };
        let filter = format!("{order:?}");
        let query = ("ListPlayed", user, filter.as_str());
        let page = Page::read(query, request.page_size, &request.page_token, position)?;
        let rows = self.library.libraries.played(user, order, page.after, page.ask()).await?;
        let (rows, next_page_token) = page.cut(rows, |row| {
            let Position { plays, last, song } = row.position();
            format!("{plays}:{}", at(last, song))
        });
        let songs = self.songs.find(passport, rows.iter().map(|row| row.song)).await?;
        let played = rows.into_iter().map(|row| {
            let song = songs.get(&row.song).cloned();
            Played {
                song_id: row.song.to_string(),
                plays: row.plays,
                skips: row.skips,
                last_time: instant(row.last),
                available: song.as_ref().is_some_and(crate::peer::plays),
                song,
            }
        });
        Ok(ListPlayedResponse { songs: played.collect(), next_page_token })
    }

    pub(super) async fn delete_history(
        &self,
        user: UserId,
        request: DeleteHistoryRequest,
    ) -> Result<DeleteHistoryResponse, Error> {
        // What is heard from now on is not meant, whatever the caller's clock says.
        let end = Timestamp(self.now().millis() + 1);
        let before = match &request.before {
            Some(before) => {
                read::moment(before).ok_or_else(|| Error::field("before", read::MOMENT))?.min(end)
            }
            None => end,
        };
        Ok(DeleteHistoryResponse { deleted: self.forget_history(user, before).await? })
    }

    /// Deletes what an account heard before a moment, and takes nothing from before it any more; says how much was deleted.
    /// Cut off in the middle, a repeat does the rest.
    pub(super) async fn forget_history(&self, user: UserId, before: Timestamp) -> Result<u64, Error> {
        self.library.libraries.forget_before(user, before).await?;
        let mut deleted = 0;
        loop {
            match self.library.plays.delete(user, before, BATCH).await? {
                0 => return Ok(deleted),
                n => deleted += n as u64,
            }
        }
    }
}

fn position(cursor: &str) -> Option<Position> {
    let (plays, rest) = cursor.split_once(':')?;
    let (last, song) = placed(rest)?;
    Some(Position { plays: plays.parse().ok()?, last, song })
}

/// A hearing on the wire.
pub(super) fn play(heard: &Heard) -> Play {
    Play {
        event_id: heard.id.to_string(),
        song_id: heard.song.to_string(),
        start_time: instant(heard.started),
        played_ms: heard.played_ms,
        skipped: heard.skipped,
        context_id: heard.context.map(|id| id.to_string()).unwrap_or_default(),
    }
}
