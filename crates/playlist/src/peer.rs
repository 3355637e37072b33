//! What this role asks of others: songs of the song role, accounts of identity.

mod accounts;
mod own;
mod songs;

pub(crate) use accounts::Accounts;
pub(crate) use songs::{Songs, plays};

use segue_mesh::ORIGIN_HEADER;
use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
};

/// Metadata in which a write says `id@version`; sent back with a read, that reads at least this version. A caller who
/// wrote several things sends a list with commas.
pub(crate) const CONSISTENCY: &str = "segue-consistency";
const AUTHORIZATION: &str = "authorization";

/// What of a call travels along on calls that are made for it: whose it is, the address by which they reached us, and
/// what they have seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Passport([Option<MetadataValue<Ascii>>; 3]);

const HEADERS: [&str; 3] = [AUTHORIZATION, ORIGIN_HEADER, CONSISTENCY];

impl Passport {
    pub(crate) fn of<T>(request: &Request<T>) -> Self {
        Self(HEADERS.map(|name| request.metadata().get(name).cloned()))
    }

    fn stamp<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        for (name, value) in HEADERS.into_iter().zip(&self.0) {
            if let Some(value) = value {
                request.metadata_mut().insert(name, value.clone());
            }
        }
        request
    }
}
