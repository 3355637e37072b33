//! Playlists as files of other programs.

use super::{Session, name, object, table};
use crate::{cli::FormatArg, command::sink::Sink, output};
use segue_client::{
    ClientError,
    proto::playlist::v1::{Format, ImportPlaylistRequest},
};
use serde_json::json;
use std::{io::Read, path::Path};

/// As the service has it; a file that is larger is not even read.
const MOST_BYTES: u64 = 3 << 20;

pub(super) async fn export(
    session: &Session,
    text: &str,
    format: Option<FormatArg>,
    to: Option<&Path>,
) -> anyhow::Result<()> {
    let format = format.or_else(|| to.and_then(named)).unwrap_or(FormatArg::M3u8);
    let playlist_id = name::playlist(session, text).await?;
    let mut sink = Sink::open(to)?;
    session.client.export_playlist(&playlist_id, wire(format), |piece| sink.write(piece)).await?;
    sink.close()?;
    if let Some(to) = to {
        match session.json {
            true => output::json(&json!({"playlist_id": playlist_id, "path": to.display().to_string()})),
            false => output::hint(&format!("wrote {}", to.display())),
        }
    }
    Ok(())
}

pub(super) async fn import(
    session: &Session,
    file: &Path,
    title: Option<String>,
    format: Option<FormatArg>,
) -> anyhow::Result<()> {
    let wish = ImportPlaylistRequest {
        title: title.unwrap_or_default(),
        content: read(file)?,
        format: format.or_else(|| named(file)).map_or(Format::Unspecified, wire).into(),
        ..Default::default()
    };
    let done = session.client.import_playlist(wish).await?;
    let playlist = done.playlist.unwrap_or_default();
    if session.json {
        let mut line = object(&playlist);
        line["matched"] = done.matched.into();
        line["missing_count"] = done.missing_count.into();
        let missing = done.missing.iter().map(|m| json!({"position": m.position, "text": m.text}));
        line["missing"] = missing.collect::<Vec<_>>().into();
        output::json(&line);
        return Ok(());
    }
    output::text(&playlist.playlist_id);
    let songs = table::count(done.matched, "song");
    output::hint(&format!("{} has {songs}", output::clean(&playlist.title)));
    if done.missing_count > 0 {
        output::hint(&format!("not found among your songs: {}", done.missing_count));
        for entry in &done.missing {
            output::hint(&format!("  {:>5}  {}", entry.position, output::clean(&entry.text)));
        }
    }
    Ok(())
}

/// The format that the name of a file says.
fn named(file: &Path) -> Option<FormatArg> {
    let end = file.extension()?.to_str()?.to_ascii_lowercase();
    match end.as_str() {
        "xspf" => Some(FormatArg::Xspf),
        "m3u" | "m3u8" => Some(FormatArg::M3u8),
        _ => None,
    }
}

fn wire(format: FormatArg) -> Format {
    match format {
        FormatArg::M3u8 => Format::M3u8,
        FormatArg::Xspf => Format::Xspf,
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let fail = |source| ClientError::File { path: path.display().to_string(), cause: source };
    let mut content = Vec::new();
    let mut take = |from: &mut dyn Read| from.take(MOST_BYTES + 1).read_to_end(&mut content);
    match path == Path::new("-") {
        true => take(&mut std::io::stdin().lock()),
        false => take(&mut std::fs::File::open(path).map_err(fail)?),
    }
    .map_err(fail)?;
    let fits = content.len() as u64 <= MOST_BYTES;
    anyhow::ensure!(fits, "{} is larger than 3 MiB; no playlist of 10,000 songs is", path.display());
    Ok(content)
}
