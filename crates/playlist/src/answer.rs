//! A playlist as callers read it.

use crate::{
    access::{Access, access},
    record::{ItemRecord, Person, PlaylistRecord},
    role::Role,
    service::Call,
};
use segue_domain::{SongId, Visibility};
use segue_mesh::to_proto;
use segue_proto::{
    playlist::v1 as pb,
    song::v1::{self as song, Song},
};
use std::{borrow::Borrow, collections::HashMap};

impl Role {
    /// A playlist for this caller.
    pub(crate) async fn answer(&self, call: &Call, playlist: &PlaylistRecord) -> pb::Playlist {
        let covers = self.covers(call, std::slice::from_ref(playlist)).await;
        let followed = self.is_followed(call, playlist).await;
        answer(call, playlist, &covers, followed)
    }

    /// Songs that may have the covers of these playlists. Without the song role they have none: a picture is not worth an
    /// error.
    pub(crate) async fn covers<P: Borrow<PlaylistRecord>>(
        &self,
        call: &Call,
        playlists: &[P],
    ) -> HashMap<SongId, Song> {
        let songs: Vec<SongId> =
            playlists.iter().flat_map(|playlist| &playlist.borrow().lead).copied().collect();
        match self.songs.find(&call.passport, songs).await {
            Ok(songs) => songs,
            Err(error) => {
                tracing::warn!(%error, "playlists are shown without covers");
                HashMap::new()
            }
        }
    }

    /// Whether the caller follows a playlist of somebody else.
    async fn is_followed(&self, call: &Call, playlist: &PlaylistRecord) -> bool {
        let Some(user) = call.caller.user_id().filter(|user| *user != playlist.owner) else { return false };
        match self.lists.follows(user, playlist.id).await {
            Ok(follows) => follows,
            Err(error) => {
                tracing::warn!(%error, "it is not known what a caller follows");
                false
            }
        }
    }
}

/// A playlist for this caller; its cover is among `songs`.
pub(crate) fn answer(
    call: &Call,
    playlist: &PlaylistRecord,
    songs: &HashMap<SongId, Song>,
    followed: bool,
) -> pb::Playlist {
    let covers = playlist.lead.iter().filter_map(|id| songs.get(id)).map(|song| &song.covers);
    pb::Playlist {
        playlist_id: playlist.id.to_string(),
        owner_id: playlist.owner.to_string(),
        title: playlist.title.clone(),
        description: playlist.description.clone(),
        visibility: visibility(playlist.visibility).into(),
        refuse_duplicates: playlist.refuse_duplicates,
        item_count: playlist.item_count,
        duration_ms: playlist.duration_ms,
        covers: covers.into_iter().find(|covers| !covers.is_empty()).cloned().unwrap_or_default(),
        role: match access(&call.caller, playlist) {
            Access::Own => pb::Role::Owner,
            Access::Edit => pb::Role::Editor,
            Access::View => pb::Role::Viewer,
            Access::See | Access::Nothing => pb::Role::Unspecified,
        }
        .into(),
        followed,
        create_time: Some(to_proto(playlist.created)),
        update_time: Some(to_proto(playlist.updated)),
        etag: playlist.etag(),
    }
}

/// An item without its song.
pub(crate) fn item(item: &ItemRecord) -> pb::Item {
    pb::Item {
        item_id: item.id.to_string(),
        song_id: item.song.to_string(),
        added_by: item.added_by.to_string(),
        add_time: Some(to_proto(item.added)),
        song: None,
        available: false,
    }
}

pub(crate) fn person(person: &Person, display_name: String) -> pb::Collaborator {
    let role = if person.editor { pb::Role::Editor } else { pb::Role::Viewer };
    pb::Collaborator {
        user_id: person.user.to_string(),
        role: role.into(),
        join_time: Some(to_proto(person.since)),
        display_name,
    }
}

pub(crate) fn visibility(visibility: Visibility) -> song::Visibility {
    match visibility {
        Visibility::Private => song::Visibility::Private,
        Visibility::Unlisted => song::Visibility::Unlisted,
        Visibility::Public => song::Visibility::Public,
    }
}
