//! Where a scenario runs: a server of its own in one process, or the mesh that `cargo xtask test` has started.

use crate::{cli::Cli, mesh::Mesh, up::Up};

/// A server that can be signed in to.
pub trait Server {
    /// Where it is.
    fn url(&self) -> &str;
    /// Address of an account that owns nothing yet.
    fn email(&self) -> &str;
    /// Its password.
    fn password(&self) -> &str;
    /// `127.0.0.1:port`.
    fn address(&self) -> &str {
        self.url().trim_start_matches("http://")
    }
}

impl Server for Up {
    fn url(&self) -> &str {
        self.url()
    }
    fn email(&self) -> &str {
        self.email()
    }
    fn password(&self) -> &str {
        self.password()
    }
}

/// A server of its own, or the shared mesh when there is one. On the mesh the account is a new one, so that a scenario
/// finds as little as on a new server.
pub enum World {
    /// One process on embedded engines.
    Up(Box<Up>),
    /// Many processes on real engines.
    Mesh {
        /// The mesh.
        mesh: Mesh,
        /// The new account.
        email: String,
    },
}

/// The password of every account that tests make.
pub const PASSWORD: &str = "a long enough password";

impl World {
    /// The world of this run.
    ///
    /// # Panics
    /// When it does not come about.
    pub fn start() -> Self {
        let Some(mesh) = Mesh::shared() else { return Self::Up(Box::new(Up::start())) };
        let email = format!("{:016x}@example.org", rand::random::<u64>());
        Cli::signed_up_at(mesh.url(), &email);
        Self::Mesh { mesh, email }
    }

    /// As [`World::start`], for more calls in a moment than one user may make. The shared mesh has no limits.
    pub fn without_limits() -> Self {
        if Mesh::shared().is_some() {
            return Self::start();
        }
        let none = "{ per_second = 1000000.0, burst = 1000000 }";
        let environment = ["READ", "WRITE"].map(|bucket| format!("SEGUE__GATEWAY__LIMITS__{bucket}"));
        Self::Up(Box::new(Up::start_with(&environment.each_ref().map(|name| (name.as_str(), none)))))
    }

    /// Signed in as an administrator.
    pub fn admin(&self) -> Cli {
        match self {
            Self::Up(up) => Cli::signed_in(&**up),
            Self::Mesh { mesh, .. } => Cli::signed_in(mesh),
        }
    }
}

impl Server for World {
    fn url(&self) -> &str {
        match self {
            Self::Up(up) => up.url(),
            Self::Mesh { mesh, .. } => mesh.url(),
        }
    }
    fn email(&self) -> &str {
        match self {
            Self::Up(up) => up.email(),
            Self::Mesh { email, .. } => email,
        }
    }
    fn password(&self) -> &str {
        match self {
            Self::Up(up) => up.password(),
            Self::Mesh { .. } => PASSWORD,
        }
    }
}
