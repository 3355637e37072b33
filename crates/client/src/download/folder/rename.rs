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
            self.release(&record.name);
        }
        let mut renamed = Vec::new();
        for (record, wanted) in records {
            let key = (record.song_id.clone(), record.form);
            let extension = match record.form {
                Form::Hls => "",
                Form::Single => record.name.rfind('.').map_or("", |dot| &record.name[dot..]),
            };
            let old = self.path(&record);
            // What is there still under its old name does not keep others from taking it.
            let moving = self.moving(&record);
            if fs::symlink_metadata(&old).is_ok() {
                fs::rename(&old, &moving).map_err(|e| file_error(&old, e))?;
            }
            renamed.push((record.clone(), key, extension.to_owned(), wanted));
        }
        let done = renamed.into_iter().map(|(mut record, key, extension, wanted)| {
            let name = self.free(&wanted, &extension, &key, |_| false);
            if record.form == Form::Single {
                for file in &mut record.files {
                    file.name.clone_from(&name);
                }
            }
            record.name = name;
            record.wanted = wanted;
            self.save(&record)?;
            self.finish_move(&record)?;
            Ok(record)
        });
        done.collect()
    }

    fn moving(&self, record: &Record) -> PathBuf {
        let form = match record.form {
            Form::Hls => "hls",
            Form::Single => "file",
        };
        self.root.join(STATE).join("moving").join(format!("{}.{form}", record.song_id))
    }

    /// Puts what is on the move where its record says.
    fn finish_move(&self, record: &Record) -> Result<(), ClientError> {
        let (moving, to) = (self.moving(record), self.path(record));
        if fs::symlink_metadata(&moving).is_ok() && fs::symlink_metadata(&to).is_err() {
            fs::rename(&moving, &to).map_err(|e| file_error(&to, e))?;
        }
        Ok(())
    }

    /// As [`Folder::finish_move`], after a process was killed.
    pub(super) fn finish_moves(&self) -> Result<(), ClientError> {
        self.records()?.iter().try_for_each(|record| self.finish_move(record))
    }
}
