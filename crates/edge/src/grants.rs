//! Grants that were verified already: the signature costs more than the rest of a hit together.

use crate::{lock::lock, lru::Lru};
use segue_domain::{Grant, GrantError, GrantVerifier, Timestamp};
use std::sync::{Arc, Mutex};

/// Verifies grants and remembers the good ones; bad ones are never remembered, so they cost no memory.
#[derive(Debug)]
pub(crate) struct Grants {
    verifier: GrantVerifier,
    known: Mutex<Lru<Arc<str>, Arc<Grant>>>,
    limit: usize,
}

/// A good grant.
pub(crate) struct Verified {
    pub(crate) grant: Arc<Grant>,
    /// Whether this is the first time that it is seen: the beginning of a play.
    pub(crate) first: bool,
}

impl Grants {
    pub(crate) fn new(verifier: GrantVerifier, limit: usize) -> Self {
        Self { verifier, known: Mutex::new(Lru::new()), limit: limit.max(1) }
    }

    /// The grant, if it is good at `now`.
    pub(crate) fn verify(&self, text: &str, now: Timestamp) -> Result<Verified, GrantError> {
        let known = lock(&self.known).get(text).map(|g| g.clone());
        if let Some(grant) = known {
            if now < grant.expires {
                return Ok(Verified { grant, first: false });
            }
            lock(&self.known).remove(text);
            return Err(GrantError::Expired);
        }
        let grant = Arc::new(self.verifier.verify(text, now)?);
        let mut known = lock(&self.known);
        let first = known.insert(text.into(), grant.clone()).is_none();
        while known.len() > self.limit {
            known.pop_oldest();
        }
        Ok(Verified { grant, first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_domain::{GrantSigner, OutputId, SongId};

    #[test]
    fn remembered_grants_still_expire_and_stay_few() {
        let signer = GrantSigner::from_seed(&[1; 32]);
        let grants = Grants::new(GrantVerifier::new(&[signer.public_key()]).unwrap(), 2);
        let sign = || {
            let (song, output, expires) = (SongId::new(), OutputId::new(), Timestamp::from_seconds(10));
            signer.sign(&Grant { song, output, listener: None, expires })
        };
        let text = sign();
        assert!(grants.verify(&text, Timestamp(0)).unwrap().first);
        assert!(!grants.verify(&text, Timestamp(9_999)).unwrap().first);
        assert_eq!(grants.verify(&text, Timestamp(10_000)).err(), Some(GrantError::Expired));
        for _ in 0..5 {
            grants.verify(&sign(), Timestamp(0)).unwrap();
        }
        assert_eq!(lock(&grants.known).len(), 2);
    }
}
