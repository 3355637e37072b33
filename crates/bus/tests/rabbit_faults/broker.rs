//! A broker of our own, which tests may kill.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Debian's wrappers in /usr/sbin insist on their own user and folders; the scripts below this do not.
const SCRIPTS: &str = "/usr/lib/rabbitmq/lib";
/// They refuse to run as root; then they run as nobody.
const NOBODY: u32 = 65534;

pub(crate) struct Broker {
    folder: TempDir,
    scripts: PathBuf,
    ports: [u16; 4],
    mapper: Child,
    server: Option<Child>,
}

impl Broker {
    /// A folder, ports and a port mapper, and no server yet; `None` where RabbitMQ is not installed.
    pub(crate) fn prepare() -> Option<Self> {
        let folders = fs::read_dir(SCRIPTS).into_iter().flatten().flatten();
        let scripts =
            folders.map(|entry| entry.path().join("sbin")).find(|p| p.join("rabbitmq-server").exists())?;
        let folder = tempfile::tempdir().unwrap();
        let listeners: [TcpListener; 4] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = listeners.each_ref().map(|l| l.local_addr().unwrap().port());
        drop(listeners);
        fs::write(folder.path().join("plugins"), "[].\n").unwrap();
        fs::write(
            folder.path().join("rabbitmq.conf"),
            "log.console = true\nlog.console.level = warning\nlog.file = false\n",
        )
        .unwrap();
        let mut mapper = Command::new("epmd");
        mapper.args(["-address", "127.0.0.1", "-port", &ports[3].to_string()]);
        as_nobody(&mut mapper, folder.path());
        let mapper = mapper.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Some(Self { folder, scripts, ports, mapper, server: None })
    }

    pub(crate) fn url(&self) -> String {
        self.url_of("guest:guest", "%2f")
    }

    pub(crate) fn url_of(&self, who: &str, vhost: &str) -> String {
        format!("amqp://{who}@127.0.0.1:{}/{vhost}", self.ports[0])
    }

    fn command(&self, script: &str) -> Command {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let [amqp, distribution, tool, mapper] = self.ports.map(|port| port.to_string());
        let mut command = Command::new(self.scripts.join(script));
        command.env_clear().envs([
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("HOME", self.folder.path().display().to_string()),
            ("ERL_EPMD_PORT", mapper),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".into()),
            ("RABBITMQ_NODENAME", "faults@localhost".into()),
            ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".into()),
            ("RABBITMQ_NODE_PORT", amqp),
            ("RABBITMQ_DIST_PORT", distribution),
            ("RABBITMQ_CTL_DIST_PORT_MIN", tool.clone()),
            ("RABBITMQ_CTL_DIST_PORT_MAX", tool),
            ("RABBITMQ_MNESIA_BASE", path("data")),
            ("RABBITMQ_LOG_BASE", path("logs")),
            ("RABBITMQ_PID_FILE", path("pid")),
            ("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", path("plugins")),
            ("RABBITMQ_CONF_ENV_FILE", "/dev/null".into()),
            (
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none".into(),
            ),
        ]);
        command.current_dir(self.folder.path());
        as_nobody(&mut command, self.folder.path());
        command
    }

    /// Starts the server and waits until it speaks AMQP.
    pub(crate) fn start(&mut self) {
        let mut command = self.command("rabbitmq-server");
        // In a group of its own, so that no child of the script is left behind.
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        self.server = Some(command.spawn().unwrap());
        let end = Instant::now() + Duration::from_secs(60);
        while !self.speaks() {
            assert!(Instant::now() < end, "the broker starts within a minute");
            #[allow(clippy::disallowed_methods, reason = "the test has a thread to wait on")]
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn speaks(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.ports[0])) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
        let mut answer = [0; 1];
        stream.write_all(b"AMQP\0\0\x09\x01").is_ok() && stream.read_exact(&mut answer).is_ok()
    }

    /// Sends a signal to the server and all of its children.
    pub(crate) fn signal(&self, name: &str) {
        let group = self.server.as_ref().expect("it was started").id();
        let sent = Command::new("kill").args([&format!("-{name}"), "--", &format!("-{group}")]).status();
        assert!(sent.unwrap().success());
    }

    pub(crate) fn kill(&mut self) {
        self.signal("KILL");
        self.server.take().unwrap().wait().unwrap();
    }

    /// Has the broker evaluate Erlang.
    pub(crate) fn eval(&self, expression: &str) {
        let output = self.command("rabbitmqctl").args(["eval", expression]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.kill();
        }
        let _ = self.mapper.kill();
        let _ = self.mapper.wait();
    }
}

fn as_nobody(command: &mut Command, folder: &Path) {
    if rustix::process::getuid().is_root() {
        for path in fs::read_dir(folder).unwrap().flatten().map(|e| e.path()).chain([folder.to_owned()]) {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        command.uid(NOBODY).gid(NOBODY);
    }
}
