//! What every command that talks to a server takes, and the parser that knows where.

use super::Cli;
use clap::{Arg, ArgMatches, Args, Command, CommandFactory, FromArgMatches, parser::ValueSource};
use std::path::PathBuf;

/// What every command that talks to a server takes.
#[derive(Args, Clone)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Server to talk to [default: the one you signed in to last, else http://127.0.0.1:4420].
    #[arg(long, env = "SEGUE_URL", hide_env_values = true)]
    pub(crate) url: Option<String>,
    /// Folder of sessions and unfinished uploads [default: ~/.config/segue].
    #[arg(long, env = "SEGUE_HOME", hide_env_values = true)]
    pub(crate) home: Option<PathBuf>,
    /// Print one JSON object per line, for scripts; errors too, on standard error.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Commands that talk to no server: what they take of [`Global`].
const ALONE: [(&str, &[&str]); 5] = [
    ("up", &["json"]),
    ("serve", &["json"]),
    ("provision", &["json"]),
    ("config", &[]),
    ("completions", &[]),
];

/// The parser. Clap's own global arguments would be everywhere, also where they mean nothing.
pub(crate) fn command() -> Command {
    let root = Cli::command();
    let global: Vec<Arg> = Global::augment_args(Command::new("global")).get_arguments().cloned().collect();
    let names: Vec<String> = root.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    names.iter().fold(root, |root, name| {
        root.mut_subcommand(name, |sub| match ALONE.iter().find(|(alone, _)| alone == name) {
            Some((_, some)) => sub.args(global.iter().filter(|a| some.contains(&a.get_id().as_str()))),
            None => with(sub, &global),
        })
    })
}

/// `global` for a command and for those below it.
fn with(command: Command, global: &[Arg]) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    names.iter().fold(command.args(global), |c, name| c.mut_subcommand(name, |sub| with(sub, global)))
}

/// What was said, or clap's error.
pub(crate) fn parse(args: impl Iterator<Item = std::ffi::OsString>) -> Result<Cli, clap::Error> {
    let matches = command().try_get_matches_from(args)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    let levels: Vec<&ArgMatches> =
        std::iter::successors(Some(&matches), |m| m.subcommand().map(|(_, below)| below)).collect();
    for level in levels {
        let said = |id: &str| {
            let known = level.try_contains_id(id).is_ok();
            known && level.value_source(id) == Some(ValueSource::CommandLine)
        };
        if said("url") {
            cli.global.url = level.get_one("url").cloned();
        }
        if said("home") {
            cli.global.home = level.get_one("home").cloned();
        }
        cli.global.json |= said("json");
    }
    Ok(cli)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Cli, String> {
        let args = std::iter::once("segue").chain(args.iter().copied());
        parse(args.map(Into::into)).map_err(|e| e.to_string())
    }

    #[test]
    fn the_parser_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn what_is_global_may_stand_anywhere() {
        for args in [
            ["--url", "http://a", "--json", "playlist", "ls"],
            ["playlist", "--url", "http://a", "ls", "--json"],
            ["playlist", "ls", "--json", "--url", "http://a"],
        ] {
            let global = parsed(&args).unwrap().global;
            assert_eq!((global.url.as_deref(), global.json), (Some("http://a"), true), "{args:?}");
        }
        let inner = parsed(&["--url", "http://a", "songs", "--url", "http://b"]).unwrap();
        assert_eq!(inner.global.url.as_deref(), Some("http://b"));
    }

    #[test]
    fn what_talks_to_no_server_takes_no_address() {
        assert!(parsed(&["up", "--json"]).unwrap().global.json);
        for args in
            [["up", "--url", "http://a"], ["config", "print", "--json"], ["completions", "bash", "--json"]]
        {
            assert!(parsed(&args).err().unwrap().contains("unexpected argument"), "{args:?}");
        }
    }

    #[test]
    fn every_new_command_teaches_by_an_example() {
        let root = command();
        let of = |name: &str| root.find_subcommand(name).unwrap();
        let below = ["playlist", "account"].into_iter().flat_map(|name| of(name).get_subcommands());
        let alone = ["like", "unlike", "likes", "history", "played", "albums", "artists", "lyrics", "play"];
        for command in below.chain(alone.into_iter().map(of)) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("segue "), "{}", command.get_name());
        }
    }

    #[test]
    fn nothing_to_change_is_wrong_usage() {
        for args in [&["edit", "x"][..], &["playlist", "edit", "x"], &["playlist", "mv", "x", "1"]] {
            assert!(parsed(args).is_err(), "{args:?}");
        }
        assert!(parsed(&["songs", "--state", "bogus"]).is_err());
        assert!(parsed(&["songs", "--state", "READY", "--limit", "1"]).is_ok());
        assert!(parsed(&["songs", "--limit", "0"]).is_err());
    }
}
