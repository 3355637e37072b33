//! Folders that nobody remembers, but that hold nothing else than a song's files.

use crate::download::{COVER_NAME, MASTER_NAME, Plan};
use segue_proto::song::v1::Song;
use std::{collections::HashSet, fs, path::Path};

/// Whether what is at `path` may be taken for this song: a folder in which there are only files that the song has, of any
/// content, and no master playlist of another song.
pub(crate) fn fits(path: &Path, song: &Song, plan: &Plan) -> bool {
    if !fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir()) {
        return false;
    }
    let mut names: HashSet<&str> = plan.pieces().iter().map(|piece| &*piece.name).collect();
    names.extend([MASTER_NAME, COVER_NAME]);
    let another = fs::read_to_string(path.join(MASTER_NAME)).is_ok_and(|text| !text.contains(&song.song_id));
    !another && only(path, "", &names)
}

/// Whether everything below is one of the names; two levels at most.
fn only(path: &Path, prefix: &str, names: &HashSet<&str>) -> bool {
    let Ok(entries) = fs::read_dir(path) else { return false };
    entries.into_iter().all(|entry| {
        let Ok(entry) = entry else { return false };
        let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else { return false };
        if kind.is_dir() && prefix.is_empty() {
            return only(&entry.path(), &format!("{name}/"), names);
        }
        let name = format!("{prefix}{name}");
        kind.is_file() && names.contains(name.strip_suffix(".part").unwrap_or(&name))
    })
}
