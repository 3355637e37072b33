//! New names for songs whose metadata changed, also when two of them swap theirs.

use super::{Folder, STATE};
use crate::{
    ClientError,
    download::{Form, Record},
    hash::file_error,
};
use std::{fs, path::PathBuf};

impl Folder {
    /// Gives each of `records` the name that it now wants. First all of them give up theirs, so that names can change
    /// hands; killed in between, the next opening finishes it. The records as they are now, in order.
    pub fn rename(&self, records: Vec<(Record, String)>) -> Result<Vec<Record>, ClientError> {
        for (record, _) in &records {
            self.release(record);
            let (old, moving) = (self.path(record), self.moving(record));
            // What is there still under its old name does not keep others from taking it. What is on the move already
            // is this song; under its old name is another one then.
            if !self.is_moving(record) && fs::symlink_metadata(&old).is_ok() {
                fs::rename(&old, &moving).map_err(|e| file_error(&old, e))?;
            }
        }
        records.into_iter().map(|(record, wanted)| self.settle(record, wanted)).collect()
    }

    /// Brings a song that is on the move to a name that is free, as wanted where it can be.
    fn settle(&self, mut record: Record, wanted: String) -> Result<Record, ClientError> {
        let key = (record.song_id.clone(), record.form);
        let extension = match record.form {
            Form::Hls => "",
            Form::Single => record.name.rfind('.').map_or("", |dot| &record.name[dot..]),
        };
        let name = self.free(&wanted, extension, &key, |_| false);
        if record.form == Form::Single {
            for file in &mut record.files {
                file.name.clone_from(&name);
            }
        }
        (record.name, record.wanted) = (name, wanted);
        self.save(&record)?;
        let (moving, to) = (self.moving(&record), self.path(&record));
        if self.is_moving(&record) && fs::symlink_metadata(&to).is_err() {
            fs::rename(&moving, &to).map_err(|e| file_error(&to, e))?;
        }
        Ok(record)
    }

    fn moving(&self, record: &Record) -> PathBuf {
        let form = match record.form {
            Form::Hls => "hls",
            Form::Single => "file",
        };
        self.root.join(STATE).join("moving").join(format!("{}.{form}", record.song_id))
    }

    /// Whether it is neither under its old name nor under a new one.
    pub(super) fn is_moving(&self, record: &Record) -> bool {
        fs::symlink_metadata(self.moving(record)).is_ok()
    }

    /// Settles what was on the move when a process was killed. Names that others have are theirs.
    pub(super) fn finish_moves(&self, moving: Vec<Record>) -> Result<(), ClientError> {
        for record in moving {
            let wanted = record.wanted.clone();
            self.settle(record, wanted)?;
        }
        Ok(())
    }
}
