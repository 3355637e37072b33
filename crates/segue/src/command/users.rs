//! Other people's accounts, for administrators.

use super::{Session, table};
use crate::{cli::UsersCommand, output};
use anyhow::Context;
use segue_client::{
    ClientError,
    proto::identity::v1::{
        DisableUserRequest, EnableUserRequest, ListUsersRequest, ResetPasswordRequest, User,
    },
};
use serde_json::json;
use std::io::BufRead;

pub(crate) async fn run(session: &Session, command: UsersCommand) -> anyhow::Result<()> {
    match command {
        UsersCommand::Ls { prefix } => list(session, &prefix.unwrap_or_default()).await,
        UsersCommand::Disable { user } => disable(session, &user).await,
        UsersCommand::Enable { user } => enable(session, &user).await,
        UsersCommand::ResetPassword { user, password_stdin } => reset(session, &user, password_stdin).await,
    }
}

/// Accounts whose address begins with `prefix`.
async fn find(session: &Session, prefix: &str) -> Result<Vec<User>, ClientError> {
    let (mut users, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListUsersRequest { page_size: 200, page_token, email_prefix: prefix.to_owned() };
        let request = session.client.request(request).await?;
        let answer =
            session.client.identity().list_users(request).await.map_err(|s| session.client.refused(s))?;
        let answer = answer.into_inner();
        users.extend(answer.users);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(users);
        }
    }
}

/// The id of an account that is named by id or by address.
async fn id(session: &Session, user: &str) -> anyhow::Result<String> {
    if !user.contains('@') {
        return Ok(user.to_owned());
    }
    let email = user.trim().to_lowercase();
    let found = find(session, &email).await?.into_iter().find(|u| u.email == email);
    found.map(|u| u.user_id).with_context(|| format!("there is no account {email}; see 'segue users ls'"))
}

async fn list(session: &Session, prefix: &str) -> anyhow::Result<()> {
    let users = find(session, prefix).await?;
    if session.json {
        users.iter().for_each(|user| output::json(&object(user)));
        return Ok(());
    }
    if users.is_empty() {
        output::text("no such accounts");
        return Ok(());
    }
    let row = |user: &User| {
        let state = if user.disable_time.is_some() { "disabled" } else { "" };
        let admin = if user.admin { "admin" } else { "" };
        vec![user.user_id.clone(), admin.into(), state.into(), user.email.clone(), user.display_name.clone()]
    };
    table::print(&["ID", "ROLE", "STATE", "E-MAIL", "NAME"], &users.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

async fn disable(session: &Session, user: &str) -> anyhow::Result<()> {
    let request = DisableUserRequest { user_id: id(session, user).await? };
    let request = session.client.request(request).await?;
    let answer =
        session.client.identity().disable_user(request).await.map_err(|s| session.client.refused(s))?;
    let user = answer.into_inner().user.unwrap_or_default();
    say(session, &user, "is disabled, and signed out everywhere");
    Ok(())
}

async fn enable(session: &Session, user: &str) -> anyhow::Result<()> {
    let request = EnableUserRequest { user_id: id(session, user).await? };
    let request = session.client.request(request).await?;
    let answer =
        session.client.identity().enable_user(request).await.map_err(|s| session.client.refused(s))?;
    say(session, &answer.into_inner().user.unwrap_or_default(), "can sign in");
    Ok(())
}

async fn reset(session: &Session, user: &str, password_stdin: bool) -> anyhow::Result<()> {
    let mut new_password = String::new();
    if password_stdin {
        std::io::stdin().lock().read_line(&mut new_password)?;
        new_password = new_password.trim_end_matches(['\r', '\n']).to_owned();
        anyhow::ensure!(!new_password.is_empty(), "no password on standard input");
    }
    let request = ResetPasswordRequest { user_id: id(session, user).await?, new_password };
    let request = session.client.request(request).await?;
    let answer =
        session.client.identity().reset_password(request).await.map_err(|s| session.client.refused(s))?;
    let answer = answer.into_inner();
    let user = answer.user.unwrap_or_default();
    if session.json {
        let mut line = object(&user);
        line["password"] = answer.password.into();
        output::json(&line);
    } else if answer.password.is_empty() {
        say(session, &user, "has the new password, and is signed out everywhere");
    } else {
        say(session, &user, "has a new password, shown this once, and is signed out everywhere:");
        output::text(&answer.password);
    }
    Ok(())
}

fn say(session: &Session, user: &User, what: &str) {
    if session.json { output::json(&object(user)) } else { output::text(&format!("{} {what}", user.email)) }
}

fn object(user: &User) -> serde_json::Value {
    json!({
        "user_id": user.user_id, "email": user.email, "display_name": user.display_name, "admin": user.admin,
        "disabled": user.disable_time.is_some(),
    })
}
