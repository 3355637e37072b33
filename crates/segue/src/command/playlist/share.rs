//! With whom one works on a playlist.

use super::{Session, name, print, role_name, table};
use crate::{
    cli::{RoleArg, ShareArgs},
    output,
};
use segue_client::proto::{
    identity::v1::GetMeRequest,
    playlist::v1::{
        AcceptInvitationRequest, Collaborator, CreateInvitationRequest, Item, ListCollaboratorsRequest,
        RemoveCollaboratorRequest, Role, SetCollaboratorRequest,
    },
    song::v1::Visibility,
};
use serde_json::{Value, json};

const DAY_SECONDS: u32 = 86_400;

pub(super) async fn share(session: &Session, args: ShareArgs) -> anyhow::Result<()> {
    let playlist_id = name::playlist(session, &args.playlist).await?;
    let role = match args.role {
        RoleArg::Viewer => Role::Viewer,
        RoleArg::Editor => Role::Editor,
    };
    if args.user.is_empty() {
        invite(session, &playlist_id, role, args.days).await?;
        return hidden(session, &playlist_id).await;
    }
    for user in args.user {
        let request = SetCollaboratorRequest {
            playlist_id: playlist_id.clone(),
            user: user.clone(),
            role: role.into(),
        };
        let request = session.client.request(request).await?;
        let answer = session.client.playlist_service().set_collaborator(request).await;
        let answer = answer.map_err(|s| session.client.refused(s))?.into_inner();
        match session.json {
            true => output::json(&object(&answer.collaborator.unwrap_or_default())),
            false => output::text(&format!("{user} is {} now", a_role(role))),
        }
    }
    hidden(session, &playlist_id).await
}

/// Says how many of the songs others will not hear: who shares a list thinks of the songs in it.
pub(super) async fn hidden(session: &Session, playlist_id: &str) -> anyhow::Result<()> {
    if session.json {
        return Ok(());
    }
    let items = session.client.playlist_items(playlist_id).await?.items;
    let private =
        |item: &&Item| item.song.as_ref().is_some_and(|song| song.visibility() == Visibility::Private);
    let count = items.iter().filter(private).count();
    if count > 0 {
        let songs = table::count(count as u64, "song");
        output::hint(&format!(
            "{songs} in it can be heard by nobody else; 'segue edit SONG --visibility unlisted' or 'public' changes that"
        ));
    }
    Ok(())
}

async fn invite(session: &Session, playlist_id: &str, role: Role, days: u32) -> anyhow::Result<()> {
    let request = CreateInvitationRequest {
        playlist_id: playlist_id.into(),
        role: role.into(),
        ttl_seconds: days * DAY_SECONDS,
    };
    let request = session.client.request(request).await?;
    let answer = session.client.playlist_service().create_invitation(request).await;
    let answer = answer.map_err(|s| session.client.refused(s))?.into_inner();
    if session.json {
        output::json(&json!({
            "token": answer.token, "expires_at": answer.expire_time.map(|t| t.to_string()),
            "role": role_name(role), "playlist_id": playlist_id,
        }));
        return Ok(());
    }
    let until = table::moment(answer.expire_time.as_ref());
    output::hint(&format!(
        "Lets one person in as {}, until {until} UTC; it is shown this once. They run:",
        a_role(role)
    ));
    output::text(&format!("segue --url {} playlist join {}", session.client.url(), answer.token));
    Ok(())
}

pub(super) async fn members(session: &Session, text: &str) -> anyhow::Result<()> {
    let playlist_id = name::playlist(session, text).await?;
    let request = session.client.request(ListCollaboratorsRequest { playlist_id }).await?;
    let answer = session.client.playlist_service().list_collaborators(request).await;
    let members = answer.map_err(|s| session.client.refused(s))?.into_inner().collaborators;
    if session.json {
        members.iter().for_each(|member| output::json(&object(member)));
        return Ok(());
    }
    if members.is_empty() {
        output::text("nobody else; 'segue playlist share' lets others in");
        return Ok(());
    }
    let row = |m: &Collaborator| {
        let role = role_name(m.role()).to_lowercase();
        vec![m.user_id.clone(), m.display_name.clone(), role, table::moment(m.join_time.as_ref())]
    };
    table::print(&["ACCOUNT", "NAME", "ROLE", "SINCE"], &members.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

pub(super) async fn unshare(session: &Session, text: &str, user: &str) -> anyhow::Result<()> {
    let playlist_id = name::playlist(session, text).await?;
    take_away(session, playlist_id, user.to_owned()).await?;
    if !session.json {
        output::text(&format!("{user} is out of {text}"));
    }
    Ok(())
}

pub(super) async fn leave(session: &Session, text: &str) -> anyhow::Result<()> {
    let playlist_id = name::playlist(session, text).await?;
    let request = session.client.request(GetMeRequest {}).await?;
    let me = session.client.identity().get_me(request).await.map_err(|s| session.client.refused(s))?;
    take_away(session, playlist_id, me.into_inner().user.unwrap_or_default().user_id).await?;
    if !session.json {
        output::text(&format!("you have left {text}"));
    }
    Ok(())
}

async fn take_away(session: &Session, playlist_id: String, user_id: String) -> anyhow::Result<()> {
    let request = RemoveCollaboratorRequest { playlist_id: playlist_id.clone(), user_id: user_id.clone() };
    let request = session.client.request(request).await?;
    let removed = session.client.playlist_service().remove_collaborator(request).await;
    removed.map_err(|s| session.client.refused(s))?;
    if session.json {
        output::json(&json!({"playlist_id": playlist_id, "user_id": user_id, "removed": true}));
    }
    Ok(())
}

pub(super) async fn join(session: &Session, token: String) -> anyhow::Result<()> {
    let request = session.client.request(AcceptInvitationRequest { token }).await?;
    let answer = session.client.playlist_service().accept_invitation(request).await;
    let answer = answer.map_err(|s| session.client.refused(s))?.into_inner();
    print(session, &answer.playlist.unwrap_or_default());
    Ok(())
}

fn a_role(role: Role) -> &'static str {
    match role {
        Role::Editor => "an editor",
        _ => "a viewer",
    }
}

fn object(member: &Collaborator) -> Value {
    json!({
        "user_id": member.user_id, "display_name": member.display_name, "role": role_name(member.role()),
        "join_time": member.join_time.map(|t| t.to_string()),
    })
}
