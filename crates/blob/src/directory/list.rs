//! Names by prefix, in order: a walk over the folders of objects and of uncommitted blocks at once.

use super::{Directory, Inner, error::EngineError, layout::MARK};
use segue_domain::ObjectName;
use segue_ports::blob::Listing;
use std::{collections::BTreeSet, fs, io, path::Path};

/// Names on a page.
const PAGE: usize = 1000;

impl Directory {
    pub(super) async fn names(&self, prefix: &str, after: Option<&str>) -> Result<Listing, EngineError> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.blocking(move |inner| inner.names(&prefix, after.as_deref())).await
    }
}

impl Inner {
    fn names(&self, prefix: &str, after: Option<&str>) -> Result<Listing, EngineError> {
        let folder = prefix.rfind('/').map_or("", |end| &prefix[..=end]);
        // A prefix that no name can have must not lead out of the folder either.
        if !folder.is_empty() && folder[..folder.len() - 1].parse::<ObjectName>().is_err() {
            return Ok(Listing::default());
        }
        let mut walk = Walk { prefix, after, found: Vec::new() };
        walk.folder(&self.layout.objects(), &self.layout.staging(), folder)?;
        let more = walk.found.len() > PAGE;
        walk.found.truncate(PAGE);
        let next = walk.found.last().filter(|_| more).map(ToString::to_string);
        Ok(Listing { objects: walk.found, next })
    }
}

struct Walk<'a> {
    prefix: &'a str,
    after: Option<&'a str>,
    found: Vec<ObjectName>,
}

impl Walk<'_> {
    /// Takes the names below `path`, which is empty or ends with a slash.
    fn folder(&mut self, objects: &Path, staging: &Path, path: &str) -> Result<(), EngineError> {
        // An entry of a folder counts as "name/", so the set has the order of the names below it: '-' and '.' come
        // before '/', digits and letters behind it.
        let mut entries = BTreeSet::new();
        collect(&objects.join(path), false, &mut entries)?;
        collect(&staging.join(path), true, &mut entries)?;
        for entry in entries {
            if self.found.len() > PAGE {
                break;
            }
            let name = format!("{path}{entry}");
            if name.ends_with('/') {
                let wanted = name.starts_with(self.prefix) || self.prefix.starts_with(&name);
                let over = self.after.is_some_and(|after| after > name.as_str() && !after.starts_with(&name));
                if wanted && !over {
                    self.folder(objects, staging, &name)?;
                }
            } else if name.starts_with(self.prefix)
                && self.after.is_none_or(|after| name.as_str() > after)
                && let Ok(name) = name.parse()
            {
                self.found.push(name);
            }
        }
        Ok(())
    }
}

/// Adds the entries of a folder: objects bare, folders with a slash.
fn collect(folder: &Path, staging: bool, entries: &mut BTreeSet<String>) -> io::Result<()> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        // Never made, or pruned a moment ago.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    for entry in listed {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        match name.strip_suffix(MARK) {
            Some(object) => {
                // The folder of blocks is made a moment before its first block.
                let empty = || fs::read_dir(entry.path()).is_ok_and(|mut blocks| blocks.next().is_none());
                if !(staging && empty()) {
                    entries.insert(object.to_owned());
                }
            }
            None => drop(entries.insert(format!("{name}/"))),
        }
    }
    Ok(())
}
