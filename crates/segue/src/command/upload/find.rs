//! Which files are uploaded.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    io::Read,
    path::{Path, PathBuf},
};

/// What a folder is searched for: what the encoder reads. A file that is named is uploaded whatever it is called, unless
/// its content is told by [`OTHER_CONTENT`].
pub(super) const READ: [&str; 4] = ["mp3", "flac", "wav", "wave"];
/// Audio that the encoder does not read: passed over in a folder, and said.
const OTHER_AUDIO: [&str; 17] = [
    "aac", "aif", "aiff", "aifc", "alac", "ape", "dsf", "dff", "m4a", "m4b", "mka", "mp4", "oga", "ogg",
    "opus", "wma", "wv",
];

/// How files begin that the encoder does not read, whatever they are called: from which byte on, and what it is.
const OTHER_CONTENT: [(usize, &[u8], &str); 9] = [
    (0, b"OggS", "Ogg"),
    (4, b"ftyp", "MPEG-4"),
    (0, b"FORM", "AIFF"),
    (0, b"DSD ", "DSD"),
    (0, b"FRM8", "DSD"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"wvpk", "WavPack"),
    (0, &[0x30, 0x26, 0xB2, 0x75], "Windows Media"),
    (0, &[0x1A, 0x45, 0xDF, 0xA3], "Matroska"),
];

/// What was found at the paths that were given.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// To be uploaded, each once.
    pub(super) files: Vec<PathBuf>,
    /// Paths that cannot be read, and why.
    pub(super) failed: Vec<(PathBuf, String)>,
    /// How many files of which kind of audio were passed over.
    pub(super) passed_over: BTreeMap<String, u64>,
}

impl Found {
    /// One sentence on what was passed over and why; nothing when nothing was.
    pub(super) fn passed_over(&self) -> Option<String> {
        let count: u64 = self.passed_over.values().sum();
        let files = if count == 1 { "file" } else { "files" };
        let kinds: Vec<String> = self.passed_over.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        (count > 0).then(|| {
            format!("passed over {count} audio {files} ({}): MP3, FLAC and WAV are read", kinds.join(", "))
        })
    }
}

/// Looks through files and folders.
pub(super) fn find(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in paths {
        match fs::metadata(path) {
            Err(e) => found.failed.push((path.clone(), e.to_string())),
            Ok(meta) if meta.is_file() => found.files.push(path.clone()),
            Ok(_) => look_through(path, &mut found),
        }
    }
    let mut seen = HashSet::new();
    found.files.retain(|f| seen.insert(fs::canonicalize(f).unwrap_or_else(|_| f.clone())));
    found
}

/// What a file is by its first bytes, when the encoder does not read that: then nothing is sent. What is not told here the
/// encoder judges; of a file that cannot be read, who reads it next says so.
pub(super) fn other_content(path: &Path) -> Option<&'static str> {
    let mut begin = Vec::new();
    fs::File::open(path).and_then(|file| file.take(12).read_to_end(&mut begin)).ok()?;
    let is =
        |(at, bytes, _): &(usize, &[u8], _)| begin.get(*at..).is_some_and(|rest| rest.starts_with(bytes));
    OTHER_CONTENT.into_iter().find(is).map(|(.., name)| name)
}

fn look_through(folder: &Path, found: &mut Found) {
    // What is hidden is not meant: "._Song.mp3", which some systems put beside each file, is no song.
    let shown = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    let walk = walkdir::WalkDir::new(folder).follow_links(true).sort_by_file_name();
    for entry in walk.into_iter().filter_entry(shown) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                found.failed.push((e.path().unwrap_or(folder).to_owned(), e.to_string()));
                continue;
            }
        };
        let kind = kind(entry.path());
        if !entry.file_type().is_file() {
        } else if READ.contains(&kind.as_str()) {
            found.files.push(entry.into_path());
        } else if OTHER_AUDIO.contains(&kind.as_str()) {
            *found.passed_over.entry(kind).or_default() += 1;
        }
    }
}

/// Its extension in lower case.
fn kind(path: &Path) -> String {
    path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_what_is_read_and_says_what_is_not() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.mp3", "._a.mp3", "b.FLAC", "c.m4a", "d.m4a", "e.ogg", "cover.jpg", "none"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let found =
            find(&[folder.path().to_owned(), folder.path().join("a.mp3"), folder.path().join("gone")]);
        assert_eq!(found.files, [folder.path().join("a.mp3"), folder.path().join("b.FLAC")]);
        assert_eq!(found.failed.len(), 1);
        let said = found.passed_over().unwrap();
        assert_eq!(said, "passed over 3 audio files (2 m4a, 1 ogg): MP3, FLAC and WAV are read");
        // A file that is named is taken whatever it is called.
        assert_eq!(find(&[folder.path().join("e.ogg")]).files.len(), 1);
    }

    #[test]
    fn a_file_of_another_kind_is_told_by_its_first_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let of = |bytes: &[u8]| {
            let path = folder.path().join("song.mp3");
            fs::write(&path, bytes).unwrap();
            other_content(&path)
        };
        assert_eq!(of(b"OggS\0\x02"), Some("Ogg"));
        assert_eq!(of(b"\0\0\0\x20ftypM4A \0\0\0\0isom"), Some("MPEG-4"));
        assert_eq!(of(b"FORM\0\0\x10\0AIFF"), Some("AIFF"));
        for read in [&b"ID3\x04"[..], b"fLaC", b"RIFF\0\0\0\0WAVE", b"", b"Ogg"] {
            assert_eq!(of(read), None);
        }
    }
}
