//! Ids of what nobody creates: albums and artists, which are there because tags name them.
//!
//! They are UUIDv8, made by SHA-256 from the kind, the owner and the folded names, so the same tags give the same id on every
//! machine, and nothing has to be looked up or stored before it can be named.

use crate::{IdError, UserId, fold, id::uuid_type};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};
use uuid::{Builder, Uuid};

uuid_type!(/** Songs of one owner with the same album and album artist. */ AlbumId, "album id", 8);
uuid_type!(/** A name among the artists of one owner's songs. */ ArtistId, "artist id", 8);

impl AlbumId {
    /// The album that tags name: its title and its album artist, or the first artist when there is none. `None` without a
    /// title.
    pub fn of(owner: UserId, title: &str, album_artist: &str, artists: &[impl AsRef<str>]) -> Option<Self> {
        let title = Some(fold(title)).filter(|title| !title.is_empty())?;
        let mut artist = fold(album_artist);
        if artist.is_empty() {
            artist = artists.first().map(|first| fold(first.as_ref())).unwrap_or_default();
        }
        Some(Self(derive("album", owner, &[&artist, &title])))
    }
}

impl ArtistId {
    /// The artist of this name. `None` without a name.
    pub fn of(owner: UserId, name: &str) -> Option<Self> {
        let name = Some(fold(name)).filter(|name| !name.is_empty())?;
        Some(Self(derive("artist", owner, &[&name])))
    }
}

fn derive(kind: &str, owner: UserId, names: &[&str]) -> Uuid {
    let mut hash = Sha256::new();
    let owner = owner.to_string();
    for part in [kind, &owner].iter().chain(names) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [&str; 0] = [];

    #[test]
    fn the_same_tags_give_the_same_id() {
        let (owner, other) = (UserId::new(), UserId::new());
        let album = |owner, title: &str, artist: &str| AlbumId::of(owner, title, artist, &NONE);
        let id = album(owner, "Kid A", "Radiohead");
        assert_eq!(id, album(owner, " KID  a", "radiohead "));
        assert_eq!(id, AlbumId::of(owner, "Kid A", "", &["Radiohead", "Somebody"]));
        assert_ne!(id, album(other, "Kid A", "Radiohead"));
        assert_ne!(id, album(owner, "Kid A", ""));
        assert_ne!(id, album(owner, "Radiohead", "Kid A"));
        assert_eq!(album(owner, " ", "Radiohead"), None);
        assert_eq!(ArtistId::of(owner, "Zoë"), ArtistId::of(owner, "ZOE\u{308}"));
        assert_eq!(ArtistId::of(owner, "\t"), None);
    }

    #[test]
    fn they_do_not_change_from_release_to_release() {
        let owner: UserId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().expect("an id");
        let artist = ArtistId::of(owner, "Zoë").expect("a name");
        let album = AlbumId::of(owner, "Alles", "Zoë", &NONE).expect("a title");
        assert_eq!(
            [artist.to_string(), album.to_string()],
            ["063bf2b5-2c89-85ff-9966-dc419ac8581e", "8654e175-4768-8771-9908-fdc1d92cf90d"]
        );
        assert_eq!(artist.to_string().parse(), Ok(artist));
        assert!(
            artist.to_string().parse::<UserId>().is_err() && owner.to_string().parse::<AlbumId>().is_err()
        );
        assert!("".parse::<AlbumId>().is_err());
    }
}
