//! The end of a good attempt: manifest, then one transaction.

use super::{Job, attempt::Made, output::Output, stop::Stop};
use crate::{encoder::Inner, encoding::State, event, repository::Change};

/// Makes the output the encoding's own. Not to be cut short: once the manifest is on its way only the row says
/// what holds. On an error the output is abandoned here, unless somebody may have been told of it.
pub(super) async fn publish(encoder: &Inner, job: &Job, made: Made, mut output: Output) -> Result<(), Stop> {
    match commit_manifest(encoder, job, &made, &mut output).await {
        Ok(()) => {}
        Err(stop) => {
            output.abandon().await;
            return Err(stop);
        }
    }
    let header = job.header;
    let summary = event::summary(header.song, header.id, output.id, &made.manifest, made.total_bytes);
    let now = encoder.deps.clock.now();
    match encoder.repository.succeed(header, output.id, summary, now).await {
        Ok(Change::Made(_)) => Ok(()),
        Ok(Change::Ended(row)) if row.output == Some(output.id) => Ok(()),
        Ok(Change::Ended(_)) => {
            output.abandon().await;
            Err(Stop::Ended)
        }
        // It may have been committed. The next attempt reads the row; if this output lost, the reaper removes it.
        Err(error) => Err(error.into()),
    }
}

async fn commit_manifest(encoder: &Inner, job: &Job, made: &Made, output: &mut Output) -> Result<(), Stop> {
    if encoder.songs.owner(job.header.song).await?.is_none() {
        return Err(Stop::cancelled("the song was deleted"));
    }
    let row = encoder.repository.get(job.header.song, job.header.id).await?;
    if row.is_none_or(|row| row.state != State::Running) {
        return Err(Stop::Ended);
    }
    (encoder.deps.crash)("before-manifest");
    output.commit(made.json.clone()).await?;
    (encoder.deps.crash)("after-manifest");
    Ok(())
}
