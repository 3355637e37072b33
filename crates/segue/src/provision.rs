//! `segue provision`: everything that has to be there before the roles of a mesh start. Every step changes nothing when
//! it is repeated, and may run while an older version serves.

use crate::{
    cli::{ProvisionArgs, Role},
    compose::{self, Engines},
    config::{self, Config, ConfigError},
    keys::{self, Keys},
    output,
};
use anyhow::Context;
use segue_encoder::Encoder;
use segue_identity::{FirstAccount, Identity};
use segue_mesh::{Verifier, VerifierConfig};
use segue_playlist::Playlists;
use segue_ports::bus::WorkQueue;
use segue_search::Search;
use segue_song::Song;
use serde::Serialize;
use std::time::Duration;

/// How long an engine is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Roles whose engines are provisioned.
const ROLES: [Role; 6] = [Role::Identity, Role::Song, Role::Playlist, Role::Encoder, Role::Search, Role::Cdc];

#[derive(Serialize)]
struct Done<'a> {
    provisioned: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}

pub(crate) fn run(args: ProvisionArgs, json: bool) -> anyhow::Result<()> {
    let config = config::load(args.config.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let first = runtime.block_on(provision(&config, |step| {
        if !json {
            eprintln!("== {step}");
        }
    }))?;
    if json {
        let (email, password) =
            (first.as_ref().map(|f| f.email.as_str()), first.as_ref().map(|f| f.password.as_str()));
        output::json(&Done { provisioned: true, email, password });
    } else if let Some(first) = first {
        output::text("The first account, shown this once:");
        output::text(&format!("  e-mail    {}", first.email));
        output::text(&format!("  password  {}", first.password));
    } else {
        output::text("everything is there");
    }
    Ok(())
}

async fn provision(config: &Config, say: impl Fn(&str)) -> anyhow::Result<Option<FirstAccount>> {
    if config.store.is_sqlite() || config.store.url.is_empty() {
        return Err(ConfigError::value(
            "store.url",
            "names no PostgreSQL server; embedded engines need no provisioning: 'segue up' makes them",
        ))?;
    }
    for (key, missing) in [("bus.url", config.bus.url.is_empty()), ("index.url", config.index.url.is_empty())]
    {
        if missing {
            let text = "names no server; provisioning needs a file that names every engine of the mesh";
            return Err(ConfigError::value(key, text))?;
        }
    }
    say("keys");
    Keys::provision(config)?;
    let engines = Engines::open(config, &ROLES, true).await?;
    say("queues");
    declare(config, &engines).await?;
    say("database");
    let store = engines.store()?;
    store.migrate_outbox().await?;
    Identity::migrate(store).await?;
    Song::migrate(store).await?;
    Playlists::migrate(store).await?;
    Encoder::migrate(store).await?;
    say("change data capture");
    compose::relay(config, &engines)?.provision().await?;
    say("blob container");
    container(config, &engines).await?;
    say("index");
    let prepared = tokio::time::timeout(PATIENCE, engines.index()?.prepare()).await;
    let unfit = |why: String| {
        ConfigError::value("index.url", format!("the index cannot be made at {}: {why}", config.index.url))
    };
    prepared.map_err(|_| unfit("no answer in time".into()))?.map_err(|e| unfit(e.to_string()))?;
    say("signing keys and the first account");
    let deps = segue_identity::Deps {
        store: store.clone(),
        bus: engines.bus()?,
        verifier: Verifier::new(VerifierConfig::default(), engines.clock.clone()),
        clock: engines.clock.clone(),
    };
    let first = Identity::new(config.identity.clone(), deps).await?.ensure_first_account().await?;
    engines.close().await;
    Ok(first)
}

/// Every work queue there is.
pub(crate) fn queues(config: &Config) -> Vec<WorkQueue> {
    let mut queues = Song::queues();
    queues.extend(Playlists::queues());
    queues.extend(Encoder::queues(&config.encoder));
    queues.extend(Search::queues(&config.search));
    queues
}

/// Before the relay's slot exists, so that no fact is published past a queue that is not there yet.
async fn declare(config: &Config, engines: &Engines) -> anyhow::Result<()> {
    let bus = engines.bus()?;
    let declared = tokio::time::timeout(PATIENCE, async {
        for queue in queues(config) {
            bus.declare(&queue).await?;
        }
        Ok::<_, segue_ports::bus::BusError>(())
    });
    let unfit = |why: String| ConfigError::value("bus.url", format!("the broker cannot be used: {why}"));
    Ok(declared.await.map_err(|_| unfit("no answer in time".into()))?.map_err(|e| unfit(e.to_string()))?)
}

async fn container(config: &Config, engines: &Engines) -> anyhow::Result<()> {
    let Some(azure) = engines.azure() else { return Ok(()) };
    azure.provision().await.map_err(|e| unfit_blob(&e))?;
    let file = &config.blob.reader.sas_file;
    if !file.as_os_str().is_empty() {
        let life = Duration::from_secs(u64::from(config.blob.reader_sas_days) * 24 * 3600);
        let sas = azure
            .container_sas(engines.clock.now().plus(life))
            .await
            .context("cannot sign the SAS for edges")?;
        keys::write(file, sas.expose().as_bytes(), 0o600)?;
    }
    Ok(())
}

/// The setting that is wrong when an account cannot be used.
pub(crate) fn unfit_blob(error: &segue_blob::AzureUnfit) -> ConfigError {
    ConfigError::value(&format!("blob.azure.{}", error.key()), error.to_string())
}
