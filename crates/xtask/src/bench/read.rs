//! `cargo xtask bench read`: what it costs to read a song through the mesh.

use super::{
    engines::{example, figure, said},
    median::verdict,
};
use crate::{
    engines::{Guarded, Ports, Probe, Server},
    install,
    mesh::{self, Mesh},
    workspace::Workspace,
};
use anyhow::Context;
use std::process::{Command, ExitCode};

/// Both ratios.
const AIM: f64 = 1.5;

/// GetSong through gateway and song service, against a bare tonic echo through a gateway.
///
/// On a mesh of its own; the song is in the near cache. A second gateway of the same configuration leads to a service
/// that answers GetSong with the same song always, by tonic and nothing else. Rounds alternate. Aims: CPU time of
/// gateway and service per call, and the median time of a call, at most 1.5 times those of the echo.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds of each
    #[arg(long, value_name = "N", default_value_t = 7)]
    rounds: u32,
    /// Seconds per round
    #[arg(long, value_name = "S", default_value_t = 3)]
    seconds: u32,
    /// Calls at a time
    #[arg(long, value_name = "N", default_value_t = 8)]
    callers: u32,
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    install::everything(&workspace)?;
    let program = workspace.release()?;
    let ends = example(&workspace, "segue-e2e", "read_cost")?;
    let mut set = Guarded::start(&workspace, &mesh::ENGINES)?;
    let mesh = Mesh::raise(&mut set, &program, None, &mesh::without_limits())?;
    let reach = mesh.json(&set);
    let text = |value: &serde_json::Value| {
        value.as_str().map(str::to_owned).context("the mesh says how to reach it")
    };
    let pid = |name: &str| {
        let pid = reach["pids"][name].as_u64();
        pid.map(|pid| pid.to_string()).with_context(|| format!("{name} runs"))
    };

    let last = set.state().servers.iter().flat_map(|server| server.ports.values()).max().copied();
    let free = Ports::new(last.map(|port| port + 1));
    let (echo_port, door) = (free.take()?, free.take()?);
    let folder = set.state().folder.join("bench");
    std::fs::create_dir_all(&folder)?;
    let echo = Server::new("echo", ends.clone(), folder.clone(), Probe::any_http(echo_port))
        .args(["echo".to_owned(), format!("127.0.0.1:{echo_port}")])
        .port("http", echo_port);
    let config = set.state().folder.join("mesh/segue.toml").display().to_string();
    let data = folder.join("data").display().to_string();
    let mut gateway = Server::new("gateway-echo", program, folder, Probe::http(door, "/livez"))
        .args([
            "serve",
            "gateway",
            "--config",
            &config,
            "--port",
            &door.to_string(),
            "--data",
            &data,
            "--json",
        ])
        .port("http", door);
    gateway.environment.insert("SEGUE__PEERS__SONG".into(), format!("http://127.0.0.1:{echo_port}"));
    set.launch(vec![echo, gateway])?;
    let beside = |name: &str| {
        let server = set.state().servers.iter().find(|server| server.name == name);
        server
            .and_then(|server| server.pid)
            .map(|pid| pid.to_string())
            .with_context(|| format!("{name} runs"))
    };

    let mut compare = Command::new(ends);
    compare.args(["compare".to_owned(), text(&reach["email"])?, text(&reach["password"])?]);
    compare.args([args.seconds, args.callers, args.rounds].map(|n| n.to_string()));
    compare.args([text(&reach["url"])?, [pid("gateway-1")?, pid("song-1")?, pid("song-2")?].join(",")]);
    compare.args([format!("http://127.0.0.1:{door}"), [beside("gateway-echo")?, beside("echo")?].join(",")]);
    let said = said(&mut compare)?;
    for name in ["cpu", "p50"] {
        let ratio = figure(&said, &format!("{name} ratio "))?;
        println!("GetSong / echo, {name}: {ratio:.2}; aim at most {AIM}: {}", verdict(ratio, AIM));
    }
    drop(mesh);
    Ok(ExitCode::SUCCESS)
}
