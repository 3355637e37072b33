//! Accounts and sessions.

use super::Session;
use crate::{
    cli::{LoginArgs, SignupArgs},
    output,
};
use anyhow::Context;
use segue_client::proto::identity::v1::{GetMeRequest, SignUpRequest, User};
use serde::Serialize;
use std::io::{BufRead, IsTerminal, Write};

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
        None => anyhow::bail!("no terminal to ask on: give --email and --password-stdin"),
    };
    if args.password_stdin {
        return Ok((email, line().context("no password on standard input")?));
    }
    anyhow::ensure!(terminal, "no terminal to ask on: give --password-stdin");
    let password = rpassword::prompt_password("Password: ")?;
    if twice {
        let again = rpassword::prompt_password("Password again: ")?;
        anyhow::ensure!(password == again, "the passwords differ");
    }
    Ok((email, password))
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
