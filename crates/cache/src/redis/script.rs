//! Lua scripts: what must happen at once.

use bytes::Bytes;
use fred::{
    clients::{Client, WithOptions},
    error::Error,
    interfaces::ClientLike,
    types::{ClusterHash, CustomCommand, FromValue, Value},
};
use std::sync::LazyLock;

macro_rules! script {
    ($file:literal) => {
        LazyLock::new(|| Script::new(concat!(include_str!("script/frame.lua"), include_str!($file))))
    };
}

pub(super) static ACQUIRE: LazyLock<Script> = script!("script/acquire.lua");
pub(super) static WRITE: LazyLock<Script> = script!("script/write.lua");
pub(super) static RAISE: LazyLock<Script> = script!("script/raise.lua");
pub(super) static REMOVE: LazyLock<Script> = script!("script/remove.lua");
pub(super) static CHARGE: LazyLock<Script> = script!("script/charge.lua");

/// A script, and the name under which a server that has seen it knows it.
pub(super) struct Script {
    lua: &'static str,
    sha1: String,
}

impl Script {
    fn new(lua: &'static str) -> Self {
        Self { lua, sha1: fred::util::sha1_hash(lua) }
    }

    /// Runs it where its keys are, which must be in one slot. Client calls of one kind for scripts ignore the options
    /// of a call, so it is put together here.
    pub(super) async fn run<R: FromValue>(
        &self,
        client: &WithOptions<Client>,
        keys: &[String],
        arguments: Vec<Bytes>,
    ) -> Result<R, Error> {
        let send = async |name: &'static str, script: &str| {
            let mut words: Vec<Value> = vec![script.into(), keys.len().to_string().into()];
            words.extend(keys.iter().map(|key| Value::from(key.as_str())));
            words.extend(arguments.iter().cloned().map(Value::Bytes));
            let hash = ClusterHash::from(keys[0].as_str());
            client.custom(CustomCommand::new_static(name, hash, false), words).await
        };
        match send("EVALSHA", &self.sha1).await {
            // A server that has not seen it, or has forgotten it.
            Err(error) if error.details().starts_with("NOSCRIPT") => send("EVAL", self.lua).await,
            answered => answered,
        }
    }
}
