//! A file that says what was installed: the pinned versions themselves, so that changing a pin installs again.

use std::{fs, path::Path};

/// Whether the last complete installation was of exactly these pins.
pub(crate) fn is_current(stamp: &Path, pins: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|text| text == pins)
}

/// To be called last, when everything is in place.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write(stamp: &Path, pins: &str) -> anyhow::Result<()> {
    Ok(fs::write(stamp, pins)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_pin_is_not_current() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let stamp = folder.path().join("stamp");
        assert!(!is_current(&stamp, "a 1"));
        write(&stamp, "a 1").expect("it can be written");
        assert!(is_current(&stamp, "a 1"));
        assert!(!is_current(&stamp, "a 2"));
    }
}
