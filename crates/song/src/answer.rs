//! A song as callers read it.

use crate::{
    access,
    record::{self, LyricsKind, SongRecord},
    role::Role,
};
use segue_domain::{OutputId, SongId, SongState, Visibility};
use segue_mesh::{Caller, to_proto};
use segue_proto::song::v1 as pb;

impl Role {
    /// The song for this caller: what is for its owner stays empty for others; URLs are signed now.
    pub(crate) fn answer(&self, song: SongRecord, caller: &Caller, origin: &str) -> pb::Song {
        let owner = access::owns(caller, &song);
        let for_owner = |text: String| if owner { text } else { String::new() };
        let album = song.album_id();
        let artists = song.artist_ids().map(String::from).collect();
        let output = song.output.filter(|_| song.state == SongState::Ready);
        let pictures = output.as_ref().map(|o| self.covers(song.id, o.id, &o.covers, origin));
        let lyrics = output.as_ref().and_then(|o| o.lyrics).map(lyrics).unwrap_or_default();
        pb::Song {
            song_id: song.id.to_string(),
            owner_id: song.owner.to_string(),
            state: state(song.state).into(),
            visibility: visibility(song.visibility).into(),
            title: song.metadata.title,
            artists: song.metadata.artists,
            album: song.metadata.album,
            album_artist: song.metadata.album_artist,
            genre: song.metadata.genre,
            year: song.metadata.year,
            track_number: song.metadata.track_number,
            disc_number: song.metadata.disc_number,
            duration_ms: output.as_ref().map_or(0, |o| o.duration_ms),
            loudness_lufs: output.as_ref().and_then(|o| o.loudness_lufs),
            true_peak_db: output.as_ref().and_then(|o| o.true_peak_db),
            covers: pictures.unwrap_or_default(),
            failure: song.failure.map(|f| pb::Failure { reason: f.reason, message: f.message }),
            filename: for_owner(song.original.filename),
            size_bytes: if owner { song.original.size } else { 0 },
            sha256: for_owner(song.original.sha256),
            create_time: Some(to_proto(song.created)),
            update_time: Some(to_proto(song.updated)),
            etag: song.version.to_string(),
            encoding_id: for_owner(song.encoding.map(String::from).unwrap_or_default()),
            rungs: output.map(|o| o.rungs.into_iter().map(rung).collect()).unwrap_or_default(),
            album_id: album.map(String::from).unwrap_or_default(),
            artist_ids: artists,
            isrc: song.metadata.isrc,
            musicbrainz_id: song.metadata.musicbrainz_id,
            lyrics: lyrics.into(),
        }
    }

    /// Signed addresses of an output's pictures.
    pub(crate) fn covers(
        &self,
        song: SongId,
        output: OutputId,
        sizes: &[u32],
        origin: &str,
    ) -> Vec<pb::Cover> {
        if sizes.is_empty() {
            return Vec::new();
        }
        let base = self.addresses.covers(song, output, self.now(), origin);
        sizes.iter().map(|px| pb::Cover { px: *px, url: format!("{base}cover-{px}.jpg") }).collect()
    }
}

pub(crate) fn rung(rung: record::Rung) -> pb::Rung {
    pb::Rung {
        name: rung.name,
        codec: rung.codec,
        lossless: rung.lossless,
        average_bandwidth: rung.average_bandwidth,
        bandwidth: rung.bandwidth,
        sample_rate: rung.sample_rate,
        bytes: rung.bytes,
    }
}

fn state(state: SongState) -> pb::SongState {
    match state {
        SongState::Created => pb::SongState::Created,
        SongState::Uploaded => pb::SongState::Uploaded,
        SongState::Processing => pb::SongState::Processing,
        SongState::Ready => pb::SongState::Ready,
        SongState::Failed => pb::SongState::Failed,
    }
}

pub(crate) fn visibility(visibility: Visibility) -> pb::Visibility {
    match visibility {
        Visibility::Private => pb::Visibility::Private,
        Visibility::Unlisted => pb::Visibility::Unlisted,
        Visibility::Public => pb::Visibility::Public,
    }
}

pub(crate) fn lyrics(kind: LyricsKind) -> pb::LyricsKind {
    match kind {
        LyricsKind::Plain => pb::LyricsKind::Plain,
        LyricsKind::Synced => pb::LyricsKind::Synced,
    }
}
