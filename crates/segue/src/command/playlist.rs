//! Playlists: listing, showing, making, changing, deleting. What is in them, with whom, and as files is in the files below.

mod file;
mod items;
mod share;

use super::{Session, name, table};
use crate::{
    cli::{CreateArgs, PlaylistCommand, PlaylistEditArgs, RelationArg},
    command::song::visibility,
    output,
};
use prost_types::FieldMask;
use segue_client::{
    Patience,
    proto::{
        playlist::v1::{
            CreatePlaylistRequest, DeletePlaylistRequest, FollowPlaylistRequest, Playlist, Relation, Role,
            UnfollowPlaylistRequest, UpdatePlaylistRequest,
        },
        song::v1::Visibility,
    },
};
use serde_json::{Value, json};

pub(crate) async fn run(session: &Session, command: PlaylistCommand) -> anyhow::Result<()> {
    match command {
        PlaylistCommand::Ls { only } => list(session, only).await,
        PlaylistCommand::Show { playlist } => items::show(session, &playlist).await,
        PlaylistCommand::Create(args) => create(session, args).await,
        PlaylistCommand::Edit(args) => edit(session, args).await,
        PlaylistCommand::Delete { playlists, yes } => delete(session, &playlists, yes).await,
        PlaylistCommand::Add(args) => items::add(session, args).await,
        PlaylistCommand::Rm { playlist, items } => items::remove(session, &playlist, &items).await,
        PlaylistCommand::Mv { playlist, item, place } => {
            items::relocate(session, &playlist, &item, &place.into()).await
        }
        PlaylistCommand::Share(args) => share::share(session, args).await,
        PlaylistCommand::Members { playlist } => share::members(session, &playlist).await,
        PlaylistCommand::Unshare { playlist, user } => share::unshare(session, &playlist, &user).await,
        PlaylistCommand::Join { invitation } => share::join(session, invitation).await,
        PlaylistCommand::Leave { playlist } => share::leave(session, &playlist).await,
        PlaylistCommand::Follow { playlist } => follow(session, &playlist).await,
        PlaylistCommand::Unfollow { playlist } => unfollow(session, &playlist).await,
        PlaylistCommand::Export { playlist, format, to } => {
            file::export(session, &playlist, format, to.as_deref()).await
        }
        PlaylistCommand::Import { file, title, format } => file::import(session, &file, title, format).await,
        PlaylistCommand::Watch { playlist } => watch(session, &playlist).await,
    }
}

/// "PUBLIC" of `VISIBILITY_PUBLIC`.
fn visibility_name(playlist: &Playlist) -> &'static str {
    playlist.visibility().as_str_name().trim_start_matches("VISIBILITY_")
}

/// "EDITOR" of `ROLE_EDITOR`; empty for who merely sees it.
fn role_name(role: Role) -> &'static str {
    match role {
        Role::Unspecified => "",
        role => role.as_str_name().trim_start_matches("ROLE_"),
    }
}

fn object(playlist: &Playlist) -> Value {
    json!({
        "playlist_id": playlist.playlist_id, "title": playlist.title, "description": playlist.description,
        "item_count": playlist.item_count, "duration_ms": playlist.duration_ms,
        "visibility": visibility_name(playlist), "refuse_duplicates": playlist.refuse_duplicates,
        "role": role_name(playlist.role()), "followed": playlist.followed, "owner_id": playlist.owner_id,
        "etag": playlist.etag, "create_time": playlist.create_time.map(|t| t.to_string()),
        "update_time": playlist.update_time.map(|t| t.to_string()),
    })
}

/// What a playlist is, above its items.
fn print(session: &Session, playlist: &Playlist) {
    if session.json {
        return output::json(&object(playlist));
    }
    let songs = table::count(playlist.item_count, "song");
    let length = table::duration(playlist.duration_ms);
    let role = match (playlist.role(), playlist.followed) {
        (Role::Unspecified, true) => "you follow it".into(),
        (Role::Unspecified, false) => String::new(),
        (Role::Owner, _) => "yours".into(),
        (role, _) => format!("you are its {}", role_name(role).to_lowercase()),
    };
    table::facts(&[
        ("playlist", playlist.title.clone()),
        ("about", playlist.description.clone()),
        ("songs", if length.is_empty() { songs } else { format!("{songs}, {length}") }),
        ("visible to", visibility_name(playlist).to_lowercase()),
        ("role", role),
        ("id", playlist.playlist_id.clone()),
    ]);
}

/// What became of a change, in one line.
fn say(session: &Session, playlist: &Playlist, what: &str) {
    match session.json {
        true => output::json(&object(playlist)),
        false => {
            let songs = table::count(playlist.item_count, "song");
            output::text(&format!("{what}; {} has {songs}", output::clean(&playlist.title)));
        }
    }
}

async fn list(session: &Session, only: Option<RelationArg>) -> anyhow::Result<()> {
    let relation = match only {
        None => Relation::Unspecified,
        Some(RelationArg::Owned) => Relation::Owned,
        Some(RelationArg::Shared) => Relation::Shared,
        Some(RelationArg::Followed) => Relation::Followed,
    };
    let playlists = session.client.playlists(relation).await?;
    if session.json {
        playlists.iter().for_each(|playlist| output::json(&object(playlist)));
        return Ok(());
    }
    if playlists.is_empty() {
        output::text("no playlists yet; 'segue playlist create TITLE' makes one");
        return Ok(());
    }
    let row = |p: &Playlist| {
        let role = if p.role() == Role::Unspecified && p.followed { "FOLLOWED" } else { role_name(p.role()) };
        vec![
            p.playlist_id.clone(),
            role.to_lowercase(),
            visibility_name(p).to_lowercase(),
            p.item_count.to_string(),
            table::duration(p.duration_ms),
            p.title.clone(),
        ]
    };
    let headings = ["ID", "ROLE", "VISIBLE TO", "SONGS", "LENGTH", "TITLE"];
    table::print(&headings, &playlists.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

async fn create(session: &Session, args: CreateArgs) -> anyhow::Result<()> {
    let wish = CreatePlaylistRequest {
        title: args.title,
        description: args.description,
        visibility: visibility(args.visibility).into(),
        refuse_duplicates: args.refuse_duplicates,
        ..Default::default()
    };
    let playlist = session.client.create_playlist(wish).await?;
    match session.json {
        true => output::json(&object(&playlist)),
        false => output::text(&playlist.playlist_id),
    }
    Ok(())
}

async fn edit(session: &Session, args: PlaylistEditArgs) -> anyhow::Result<()> {
    let playlist_id = name::playlist(session, &args.playlist).await?;
    let (mut playlist, mut paths) = (Playlist { playlist_id, ..Default::default() }, Vec::new());
    let changes = args.changes;
    let shown = changes.visibility.is_some_and(|wanted| visibility(wanted) != Visibility::Private);
    if let Some(title) = changes.title {
        paths.push("title".to_owned());
        playlist.title = title;
    }
    if let Some(description) = changes.description {
        paths.push("description".to_owned());
        playlist.description = description;
    }
    if let Some(wanted) = changes.visibility {
        paths.push("visibility".to_owned());
        playlist.set_visibility(visibility(wanted));
    }
    if let Some(refuse) = changes.refuse_duplicates {
        paths.push("refuse_duplicates".to_owned());
        playlist.refuse_duplicates = refuse;
    }
    let request = UpdatePlaylistRequest { playlist: Some(playlist), update_mask: Some(FieldMask { paths }) };
    let request = session.client.request(request).await?;
    let answer = session.client.playlist_service().update_playlist(request).await;
    let answer = answer.map_err(|s| session.client.refused(s))?.into_inner();
    let playlist = answer.playlist.unwrap_or_default();
    print(session, &playlist);
    match shown {
        true => share::hidden(session, &playlist.playlist_id).await,
        false => Ok(()),
    }
}

async fn delete(session: &Session, playlists: &[String], yes: bool) -> anyhow::Result<()> {
    output::confirm(&format!("Delete {} for good?", table::count(playlists.len() as u64, "playlist")), yes)?;
    for text in playlists {
        let playlist_id = name::playlist(session, text).await?;
        let request = DeletePlaylistRequest { playlist_id: playlist_id.clone(), ..Default::default() };
        let request = session.client.request(request).await?;
        let deleted = session.client.playlist_service().delete_playlist(request).await;
        deleted.map_err(|s| session.client.refused(s))?;
        match session.json {
            true => output::json(&json!({"playlist_id": playlist_id, "deleted": true})),
            false => output::text(&format!("deleted {text}")),
        }
    }
    Ok(())
}

async fn follow(session: &Session, text: &str) -> anyhow::Result<()> {
    let playlist_id = name::playlist(session, text).await?;
    let request = FollowPlaylistRequest { playlist_id: playlist_id.clone() };
    let request = session.client.request(request).await?;
    let followed = session.client.playlist_service().follow_playlist(request).await;
    followed.map_err(|s| session.client.refused(s))?;
    match session.json {
        true => output::json(&json!({"playlist_id": playlist_id, "followed": true})),
        false => output::text(&format!("{text} is in your list")),
    }
    Ok(())
}

async fn unfollow(session: &Session, text: &str) -> anyhow::Result<()> {
    let playlist_id = name::playlist(session, text).await?;
    let request = UnfollowPlaylistRequest { playlist_id: playlist_id.clone() };
    let request = session.client.request(request).await?;
    let unfollowed = session.client.playlist_service().unfollow_playlist(request).await;
    unfollowed.map_err(|s| session.client.refused(s))?;
    match session.json {
        true => output::json(&json!({"playlist_id": playlist_id, "followed": false})),
        false => output::text(&format!("{text} is not in your list any more")),
    }
    Ok(())
}

async fn watch(session: &Session, text: &str) -> anyhow::Result<()> {
    let playlist_id = name::playlist(session, text).await?;
    let heard = |playlist: &Playlist| {
        if session.json {
            return output::json(&object(playlist));
        }
        let (songs, length) =
            (table::count(playlist.item_count, "song"), table::duration(playlist.duration_ms));
        output::text(&output::clean(&format!("{}: {songs}  {length}", playlist.title)));
    };
    session.client.watch_playlist(&playlist_id, Patience::default(), heard).await?;
    output::hint("the playlist was deleted, or hidden from you");
    Ok(())
}
