//! Accounts and sessions.

use super::{Session, sink::Sink};
use crate::{
    cli::{AccountCommand, LoginArgs, SignupArgs},
    output,
};
use anyhow::Context;
use segue_client::proto::identity::v1::{GetMeRequest, SignUpRequest, User};
use serde::Serialize;
use serde_json::json;
use std::{
    io::{BufRead, IsTerminal, Write},
    path::Path,
};

pub(crate) async fn run(session: &Session, command: AccountCommand) -> anyhow::Result<()> {
    match command {
        AccountCommand::Password { passwords_stdin } => password(session, passwords_stdin).await,
        AccountCommand::Export { to } => export(session, to.as_deref()).await,
        AccountCommand::Delete { heir, yes, password_stdin } => {
            delete(session, heir.unwrap_or_default(), yes, password_stdin).await
        }
    }
}

pub(crate) async fn sign_up(session: &Session, args: SignupArgs) -> anyhow::Result<()> {
    let (email, password) = ask(args.login, true)?;
    let request = SignUpRequest {
        email,
        password,
        display_name: args.name,
        invitation_code: args.invitation,
        device: device(),
        ..Default::default()
    };
    let user = session.client.sign_up(request).await?;
    signed_in(session, &user)
}

pub(crate) async fn sign_in(session: &Session, args: LoginArgs) -> anyhow::Result<()> {
    let (email, password) = ask(args, false)?;
    let user = session.client.sign_in(&email, &password, &device()).await?;
    signed_in(session, &user)
}

pub(crate) async fn sign_out(session: &Session) -> anyhow::Result<()> {
    session.client.sign_out().await?;
    if !session.json {
        output::text("signed out");
    }
    Ok(())
}

pub(crate) async fn who_am_i(session: &Session) -> anyhow::Result<()> {
    let request = session.client.request(GetMeRequest {}).await?;
    let answer = session.client.identity().get_me(request).await.map_err(|s| session.client.refused(s))?;
    show(session, &answer.into_inner().user.unwrap_or_default());
    Ok(())
}

async fn export(session: &Session, to: Option<&Path>) -> anyhow::Result<()> {
    let mut sink = Sink::open(to)?;
    session.client.export_me(|piece| sink.write(piece)).await?;
    sink.close()?;
    if let Some(to) = to {
        match session.json {
            true => output::json(&json!({"path": to.display().to_string()})),
            false => output::hint(&format!("wrote {}", to.display())),
        }
    }
    Ok(())
}

async fn password(session: &Session, passwords_stdin: bool) -> anyhow::Result<()> {
    // Nobody types passwords to be told that they are not signed in.
    session.client.access_token().await?;
    let (current, new) = match passwords_stdin {
        true => {
            let missing = "two lines on standard input: the password so far and the new one";
            (line().context(missing)?, line().context(missing)?)
        }
        false if std::io::stdin().is_terminal() => {
            (rpassword::prompt_password("Password so far: ")?, new_password("New password: ")?)
        }
        false => Err(output::Usage("no terminal to ask on: give --passwords-stdin".into()))?,
    };
    session.client.change_password(&current, &new).await?;
    match session.json {
        true => output::json(&json!({"changed": true})),
        false => output::text("the password is changed, and you are signed out elsewhere"),
    }
    Ok(())
}

async fn delete(session: &Session, heir: String, yes: bool, password_stdin: bool) -> anyhow::Result<()> {
    let request = session.client.request(GetMeRequest {}).await?;
    let me = session.client.identity().get_me(request).await.map_err(|s| session.client.refused(s))?;
    let email = me.into_inner().user.unwrap_or_default().email;
    let question = match heir.is_empty() {
        true => format!("Delete the account {email} with all of its songs and playlists for good?"),
        false => format!("Delete the account {email} for good, and give its songs and playlists to {heir}?"),
    };
    output::confirm(&question, yes)?;
    let password = match password_stdin {
        true => line().context("no password on standard input")?,
        false if std::io::stdin().is_terminal() => rpassword::prompt_password("Password: ")?,
        false => Err(output::Usage("no terminal to ask on: give --password-stdin".into()))?,
    };
    session.client.delete_me(&password, &heir).await?;
    match session.json {
        true => output::json(&json!({"email": email, "deleted": true})),
        false => output::text(&format!("the account {email} is deleted")),
    }
    Ok(())
}

fn signed_in(session: &Session, user: &User) -> anyhow::Result<()> {
    session.home.set_server(session.client.url())?;
    show(session, user);
    Ok(())
}

#[derive(Serialize)]
struct Account<'a> {
    user_id: &'a str,
    email: &'a str,
    display_name: &'a str,
    admin: bool,
    url: &'a str,
}

fn show(session: &Session, user: &User) {
    let url = session.client.url();
    if session.json {
        output::json(&Account {
            user_id: &user.user_id,
            email: &user.email,
            display_name: &user.display_name,
            admin: user.admin,
            url,
        });
    } else {
        let admin = if user.admin { ", admin" } else { "" };
        output::text(&format!("{} ({}{admin}) at {url}", user.display_name, user.email));
    }
}

/// Address and password, from the arguments, standard input or the terminal.
fn ask(args: LoginArgs, twice: bool) -> anyhow::Result<(String, String)> {
    let terminal = std::io::stdin().is_terminal();
    let email = match args.email {
        Some(email) => email,
        None if terminal => {
            eprint!("E-mail: ");
            std::io::stderr().flush()?;
            line()?
        }
        None => Err(output::Usage("no terminal to ask on: give --email and --password-stdin".into()))?,
    };
    if args.password_stdin {
        return Ok((email, line().context("no password on standard input")?));
    }
    if !terminal {
        Err(output::Usage("no terminal to ask on: give --password-stdin".into()))?;
    }
    let password = match twice {
        true => new_password("Password: ")?,
        false => rpassword::prompt_password("Password: ")?,
    };
    Ok((email, password))
}

/// A password that is typed twice.
fn new_password(prompt: &str) -> anyhow::Result<String> {
    let password = rpassword::prompt_password(prompt)?;
    let again = rpassword::prompt_password("Again: ")?;
    anyhow::ensure!(password == again, "the passwords differ");
    Ok(password)
}

fn line() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().read_line(&mut text)?;
    let text = text.trim_end_matches(['\r', '\n']).to_owned();
    anyhow::ensure!(!text.is_empty(), "nothing was entered");
    Ok(text)
}

fn device() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("segue on {host}")
}
