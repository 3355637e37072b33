//! `cargo xtask test`: everything that must hold, on this machine, from nothing.
//!
//! The workspace is built once, with the crash points, and its test programs are run one by one from here: a second
//! `cargo test -p …` would resolve other features and build most of it again.

mod build;
mod needs;
mod part;
mod tally;

use crate::{
    check_deps,
    engines::Engine,
    helm, install,
    mesh::{self, Mesh},
    progress, proto, sql_rules,
    surroundings::Surroundings,
    workspace::Workspace,
};
use anyhow::Context;
pub(crate) use build::SELECTION;
use build::{Built, Program};
use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, ExitCode},
    thread,
    time::{Duration, Instant},
};
use tally::{Group, Tally};

/// The crate whose tests run the whole system.
const WHOLE_SYSTEM: &str = "segue-e2e";
/// Nodes of RabbitMQ where faults are made with many seeds.
const RABBITMQ_NODES: u8 = 3;

/// Install what is missing, check, and run every test, with one seed per scenario.
///
/// In this order: install, check-deps, buf lint, one build of the workspace with the `crashpoints` feature, the chart
/// (where `cargo xtask helm` has installed its tools), throwaway engines on private ports (PostgreSQL, a Patroni group, Redis and a cluster of it, RabbitMQ, Azurite, OpenSearch;
/// those that the tests name), every crate's tests with the contract suites of the engines, the whole-system tests,
/// doc tests. Nothing stops at the first failure. Times are printed per part, and the last line is
/// `N passed, N failed`; a check, an engine or a build that fails counts as one.
///
/// The tests find in their environment: SEGUE_TEST_POSTGRES, SEGUE_TEST_PATRONI, SEGUE_TEST_REDIS,
/// SEGUE_TEST_REDIS_CLUSTER, SEGUE_TEST_RABBITMQ, SEGUE_TEST_AZURITE, SEGUE_TEST_OPENSEARCH, SEGUE_TEST_ENGINES (the
/// state file with processes and ports), SEGUE_TEST_XTASK (this program: `engines kill NAME`), SEGUE_BIN,
/// SEGUE_TEST_PYTHON, SEGUE_TEST_NODE_MODULES.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only tests whose name contains this, and no checks
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Run only the tests of this crate (folder or package name; may be repeated), and no checks
    #[arg(long = "package", short, value_name = "CRATE")]
    packages: Vec<String>,
    /// Whole-system tests that run at the same time
    #[arg(long, value_name = "N", default_value_t = 2)]
    e2e_threads: u32,
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let mut tally = Tally::default();
    if let Err(error) = run(&args, &mut tally) {
        eprintln!("error: {error:#}");
        tally.explain("set-up", &format!("{error:#}"));
        tally.count(Group::Install, "set-up", Duration::ZERO, 0, 1);
    }
    tally.report();
    Ok(tally.exit_code())
}

fn run(args: &Args, tally: &mut Tally) -> anyhow::Result<()> {
    let workspace = Workspace::load()?;
    install(&workspace, tally)?;
    if args.filter.is_none() && args.packages.is_empty() {
        tally.check(Group::Checks, "check-deps", || check_deps::check(&workspace));
        tally.check(Group::Checks, "buf lint", || proto::lint(&workspace));
    }
    let wanted =
        |package: &str| args.packages.is_empty() || args.packages.iter().any(|name| is_named(package, name));
    let Some(built) = tally.check(Group::Build, "build", || build::everything(&workspace)) else {
        return Ok(());
    };
    if args.filter.is_none() && args.packages.is_empty() {
        match install::go::installed(&workspace) {
            Some(tools) => {
                tally.check(Group::Checks, "chart", || helm::check(&workspace, &tools, &built.segue));
            }
            None => eprintln!("left out: the check of the chart; run once: cargo xtask helm"),
        }
    }
    let mut engines = needs::engines(&workspace, wanted);
    if wanted(WHOLE_SYSTEM) {
        add_mesh(&mut engines);
    }
    let mut suite = Suite::start(&workspace, &built, &engines, 1, tally)?;
    let (whole, crates): (Vec<_>, Vec<_>) = built
        .programs
        .iter()
        .filter(|program| wanted(&program.package))
        .partition(|program| program.package == WHOLE_SYSTEM);
    for program in crates {
        suite.run(program, args.filter.as_deref(), args.e2e_threads, tally);
    }
    if wanted(WHOLE_SYSTEM) {
        suite.run_in_one_process(&whole, args.filter.as_deref(), args.e2e_threads, tally);
        suite.run_on_mesh(args.filter.as_deref(), args.e2e_threads, tally);
    }
    if args.filter.is_none() && args.packages.is_empty() {
        let check = || sql_rules::check(&workspace, &suite.statements).map(|sum| eprintln!("{sum}"));
        tally.check(Group::Checks, "sql-rules", check);
    }
    if tally.failed() > 0 {
        let events = suite.surroundings.engines().events();
        if !events.is_empty() {
            tally.explain("what Patroni did meanwhile", &events);
        }
    }
    if args.packages.is_empty() {
        let mut doc = workspace.cargo();
        doc.args(["test", "--quiet", "--doc", "--no-fail-fast"]).args(SELECTION);
        doc.args(args.filter.iter().flat_map(|filter| ["--", filter]));
        suite.environment(&mut doc);
        part::run(Group::Documentation, "doc tests", doc, tally);
    }
    Ok(())
}

/// Whole-system tests that need a mesh.
fn is_of_mesh(program: &Program) -> bool {
    program.package == WHOLE_SYSTEM && program.target.starts_with("mesh")
}

/// Breaks the network of a process of its own, mostly waits, and has two minutes to wait.
const BESIDE: &str = "mesh_network";

/// Whole-system tests of which each scenario runs in both worlds.
const BOTH_WORLDS: [&str; 8] =
    ["agreement", "authorization", "clients", "journey", "library", "offline", "playlists", "search"];

/// What the roles of a mesh stand on.
fn add_mesh(engines: &mut Vec<Engine>) {
    for engine in mesh::ENGINES {
        if !engines.contains(&engine) {
            engines.push(engine);
        }
    }
}

fn is_named(package: &str, name: &str) -> bool {
    package == name || package.strip_prefix("segue-") == Some(name)
}

/// What all test programs of one run share.
struct Suite<'a> {
    built: &'a Built,
    /// Ends before the engines do: it starts again what dies.
    mesh: Option<Mesh>,
    surroundings: Surroundings,
    /// Where crates' tests write the statements that they send to PostgreSQL.
    statements: PathBuf,
}

impl<'a> Suite<'a> {
    fn start(
        workspace: &Workspace,
        built: &'a Built,
        engines: &[Engine],
        rabbitmq_nodes: u8,
        tally: &mut Tally,
    ) -> anyhow::Result<Self> {
        let start = Instant::now();
        let surroundings = Surroundings::start(workspace, engines, rabbitmq_nodes)?;
        tally.count(Group::Engines, "engines", start.elapsed(), 0, 0);
        let statements = workspace.tools().join("statements.log");
        // Those of the run before; there is none on the first run.
        let _ = fs::remove_file(&statements);
        Ok(Self { built, mesh: None, surroundings, statements })
    }

    fn run(&self, program: &Program, filter: Option<&str>, e2e_threads: u32, tally: &mut Tally) {
        let mut command = self.command(program);
        let mut group = Group::Suites;
        if program.package == WHOLE_SYSTEM {
            group = Group::WholeSystem;
            command.env("RUST_TEST_THREADS", e2e_threads.to_string());
        } else {
            command.env("SEGUE_TEST_SQL_LOG", &self.statements);
        }
        command.args(filter);
        part::run(group, &program.name(), command, tally);
    }

    /// Runs what starts its own processes on embedded engines, and beside it what has the real engines to itself meanwhile.
    fn run_in_one_process(
        &self,
        programs: &[&Program],
        filter: Option<&str>,
        e2e_threads: u32,
        tally: &mut Tally,
    ) {
        let beside = programs.iter().copied().find(|program| program.target == BESIDE);
        thread::scope(|scope| {
            let beside = beside.map(|program| {
                let mut command = self.command(program);
                command.args(filter);
                scope.spawn(move || {
                    let mut tally = Tally::default();
                    (part::run_quietly(Group::Mesh, &program.name(), command, &mut tally), tally)
                })
            });
            for program in programs.iter().filter(|program| !is_of_mesh(program)) {
                self.run(program, filter, e2e_threads, tally);
            }
            match beside.map(thread::ScopedJoinHandle::join) {
                Some(Ok((output, theirs))) => {
                    // Nobody reads a test run whose output is gone.
                    let _ = std::io::stdout().write_all(&output);
                    tally.add(theirs);
                }
                _ => tally.count(Group::Mesh, BESIDE, Duration::ZERO, 0, 1),
            }
        });
    }

    fn raise_mesh(&mut self, tally: &mut Tally) -> Option<Mesh> {
        let settings = mesh::without_limits();
        let program = self.built.segue.clone();
        let engines = self.surroundings.engines_mut();
        tally.check(Group::Mesh, "mesh up", || Mesh::raise(engines, &program, None, &settings))
    }

    /// Starts the roles beside the engines, and runs on them what runs in both worlds, and what breaks them.
    fn run_on_mesh(&mut self, filter: Option<&str>, e2e_threads: u32, tally: &mut Tally) {
        if self.mesh.is_none() {
            self.mesh = self.raise_mesh(tally);
        }
        let Some(mesh) = &self.mesh else { return };
        let reach = mesh.json(self.surroundings.engines()).to_string();
        let whole = || self.built.programs.iter().filter(|program| program.package == WHOLE_SYSTEM);
        let both = whole().filter(|program| BOTH_WORLDS.contains(&program.target.as_str()));
        let breaking = whole().filter(|program| is_of_mesh(program) && program.target != BESIDE);
        for program in both.chain(breaking) {
            let mut command = self.command(program);
            command.env("SEGUE_TEST_MESH", &reach);
            // What breaks things breaks them for all: one at a time.
            let threads = if is_of_mesh(program) { 1 } else { e2e_threads };
            command.env("RUST_TEST_THREADS", threads.to_string()).args(filter);
            part::run(Group::Mesh, &format!("{} on the mesh", program.name()), command, tally);
        }
    }

    fn command(&self, program: &Program) -> Command {
        let mut command = Command::new(&program.executable);
        // As cargo does: in the crate's folder.
        command.current_dir(&program.folder).env("CARGO_MANIFEST_DIR", &program.folder);
        self.environment(&mut command);
        command
    }

    fn environment(&self, command: &mut Command) {
        self.surroundings.set(command);
        command.env("SEGUE_BIN", &self.built.segue);
    }
}

/// The test that makes each kind of fault: its program, and its name.
const FAULTS: [(&str, &str, &str); 6] = [
    ("edit", "edits", "killed_in_the_middle_of_any_edit_it_is_done_once"),
    ("history", "agreement", "a_history_leaves_what_it_should"),
    ("crash", "faults", "killed_at_any_point_every_song_becomes_ready_once"),
    ("kill", "mesh_faults", "kill_minus_nine_of_anything_loses_nothing"),
    ("pause", "mesh_faults", "an_engine_that_freezes_holds_up_what_needs_it_and_nothing_else"),
    ("network", "mesh_network", "a_network_that_breaks_loses_nothing"),
];

/// Surroundings in which one fault after another is made.
pub(crate) struct FaultRun<'a> {
    suite: Suite<'a>,
    tally: &'a mut Tally,
}

impl FaultRun<'_> {
    /// Makes one fault with one seed; whether everything that must hold did.
    pub(crate) fn fault(&mut self, fault: &str, seed: u64) -> anyhow::Result<bool> {
        let kind = fault.split_once(' ').map_or(fault, |(kind, _)| kind);
        let (_, target, name) = FAULTS
            .into_iter()
            .find(|(of, ..)| *of == kind)
            .with_context(|| format!("no test makes '{fault}'"))?;
        if target == "mesh_faults" && self.suite.mesh.is_none() {
            self.suite.mesh = self.suite.raise_mesh(self.tally);
            self.suite.mesh.as_ref().context("the mesh does not start")?;
        }
        let mut programs = self.suite.built.programs.iter();
        let program = programs
            .find(|program| program.package == WHOLE_SYSTEM && program.target == target)
            .with_context(|| format!("the test program {target} was not built"))?;
        let mut command = self.suite.command(program);
        if let Some(mesh) = &self.suite.mesh {
            command.env("SEGUE_TEST_MESH", mesh.json(self.suite.surroundings.engines()).to_string());
        }
        command
            .env("SEGUE_TEST_FAULT", fault)
            .env("SEGUE_TEST_SEED", seed.to_string())
            .args(["--exact", name]);
        let failed = self.tally.failed();
        part::run(Group::Mesh, &format!("{fault}, seed {seed}"), command, self.tally);
        Ok(self.tally.failed() == failed)
    }
}

/// Installs, builds, starts the engines when they are wanted, RabbitMQ as a cluster, and lets `faults` be made there.
pub(crate) fn soak(
    workspace: &Workspace,
    with_engines: bool,
    faults: impl FnOnce(&mut FaultRun<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let mut tally = Tally::default();
    install(workspace, &mut tally)?;
    if let Some(built) = tally.check(Group::Build, "build", || build::everything(workspace)) {
        let mut engines = Vec::new();
        if with_engines {
            engines = needs::engines(workspace, |name| name == WHOLE_SYSTEM);
            add_mesh(&mut engines);
        }
        let suite = Suite::start(workspace, &built, &engines, RABBITMQ_NODES, &mut tally)?;
        faults(&mut FaultRun { suite, tally: &mut tally })?;
    }
    tally.report();
    Ok(tally.exit_code())
}

fn install(workspace: &Workspace, tally: &mut Tally) -> anyhow::Result<()> {
    let start = Instant::now();
    install::everything(workspace)?;
    tally.count(Group::Install, "install", start.elapsed(), 0, 0);
    Ok(())
}

impl Tally {
    /// One check that is no test: counted as one that passed or failed.
    fn check<T>(&mut self, group: Group, name: &str, work: impl FnOnce() -> anyhow::Result<T>) -> Option<T> {
        let start = Instant::now();
        let done = progress::step(name, work);
        self.count(group, name, start.elapsed(), u64::from(done.is_ok()), u64::from(done.is_err()));
        if let Err(error) = &done {
            eprintln!("error: {error:#}");
            self.explain(name, &format!("{error:#}"));
        }
        done.ok()
    }
}
