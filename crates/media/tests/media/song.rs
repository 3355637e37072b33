//! Songs to try, and a run of the whole crate over one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use segue_media::{Analysis, Error, Limits, Manifest, Sink, Unattended, analyse, encode, ladder};
use tempfile::TempDir;

/// A repeatable piece: a chord that drifts, with some noise, half as loud in the second channel.
pub(crate) fn samples(rate: u32, channels: u16, bits: u32, frames: usize) -> Vec<i32> {
    let full = f64::from(1u32 << (bits - 1)) - 1.0;
    let mut noise = 0x2545_f491_4f6c_dd1du64;
    let mut out = Vec::with_capacity(frames * usize::from(channels));
    for frame in 0..frames {
        let time = frame as f64 / f64::from(rate);
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        let hiss = (noise >> 40) as f64 / f64::from(1 << 24) - 0.5;
        let tone = |hertz: f64| (time * hertz * std::f64::consts::TAU).sin();
        let value = 0.3 * tone(220.0 + 3.0 * time) + 0.2 * tone(1234.5) + 0.1 * tone(2900.0) + 0.05 * hiss;
        for channel in 0..channels {
            out.push((value * full / f64::from(channel + 1)).round() as i32);
        }
    }
    out
}

/// Little-endian bytes of samples of 16, 24 or 32 bits.
pub(crate) fn bytes(samples: &[i32], bits: u32) -> Vec<u8> {
    let width = bits as usize / 8;
    samples.iter().flat_map(|sample| sample.to_le_bytes().into_iter().take(width)).collect()
}

/// A WAV file of codec `tag` (1 integer, 3 float) around raw data.
pub(crate) fn wav(tag: u16, rate: u32, channels: u16, bits: u16, data: &[u8]) -> Vec<u8> {
    let frame = channels * bits / 8;
    let mut out = b"RIFF".to_vec();
    out.extend((36 + data.len() as u32).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0");
    out.extend(tag.to_le_bytes());
    out.extend(channels.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend((rate * u32::from(frame)).to_le_bytes());
    out.extend(frame.to_le_bytes());
    out.extend(bits.to_le_bytes());
    out.extend(b"data");
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    out
}

/// A finished run.
pub(crate) struct Run {
    pub(crate) folder: TempDir,
    pub(crate) analysis: Analysis,
    pub(crate) manifest: Manifest,
    /// Names in the order they came, with their media types.
    pub(crate) order: Vec<(String, String)>,
}

impl Run {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("the object was put")
    }

    /// Every object by name.
    pub(crate) fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let read = |name: &String| (name.clone(), fs::read(self.path(name)).expect("the object was put"));
        self.order.iter().map(|(name, _)| read(name)).collect()
    }
}

/// Encodes a file of these bytes.
pub(crate) fn encode_bytes(bytes: &[u8]) -> Result<Run, Error> {
    let source = tempfile::NamedTempFile::new()?;
    fs::write(source.path(), bytes)?;
    encode_file(source.path())
}

pub(crate) fn encode_file(source: &Path) -> Result<Run, Error> {
    let file = File::open(source)?;
    let analysis = analyse(&file, &Limits::default(), &Unattended)?;
    let folder = tempfile::tempdir()?;
    let mut sink = Folder { root: folder.path().to_owned(), order: Vec::new() };
    let manifest = encode(&file, &analysis, &ladder(&analysis), "a-song", &Unattended, &mut sink)?;
    Ok(Run { order: sink.order, folder, analysis, manifest })
}

struct Folder {
    root: PathBuf,
    order: Vec<(String, String)>,
}

impl Sink for Folder {
    fn put(&mut self, name: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().expect("objects are in the folder"))?;
        assert!(!path.exists(), "{name} was put twice");
        fs::write(path, bytes)?;
        self.order.push((name.into(), content_type.into()));
        Ok(())
    }
}
