//! Password hashes: argon2id with OWASP's first choice of parameters (19 MiB, 2 passes, 1 lane).

use crate::Error;
use argon2::{Algorithm, Argon2, Block, Params, PasswordHash, Version, password_hash::phc};
use std::sync::Arc;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT: usize = 32;
/// glibc keeps freed pieces below 32 MiB for the thread that had them: 24 hashes left 390 MB behind. A larger
/// reservation is a mapping of its own that goes back when freed (1 MB left), and what is not touched costs nothing.
const RESERVED_BLOCKS: usize = 33 * 1024;

/// Hashes and verifies passwords, a bounded number at once, off the runtime's threads.
pub(crate) struct Passwords {
    /// Who hashes now: bounds memory.
    hashing: Arc<Semaphore>,
    /// Who hashes or waits: bounds the wait.
    admitted: Arc<Semaphore>,
    /// A hash of no password, for addresses without an account.
    dummy: String,
}

impl Passwords {
    pub(crate) fn new(at_once: usize, queue: usize) -> Result<Self, Error> {
        Ok(Self {
            hashing: Arc::new(Semaphore::new(at_once)),
            admitted: Arc::new(Semaphore::new(at_once + queue)),
            // Random bytes instead of a real hash: nobody can know a password that leads to them.
            dummy: encode(&rand::random(), &rand::random())?,
        })
    }

    /// The PHC string of a password with a new salt.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, Error> {
        let password = password.to_owned();
        self.work(move || {
            let salt: [u8; 16] = rand::random();
            encode(&salt, &derive(password.as_bytes(), &salt, params(MEMORY_KIB, PASSES, LANES)?)?)
        })
        .await
    }

    /// True when `password` is the one behind `hash`. Without a hash it works as long, and is false.
    pub(crate) async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Error> {
        let password = password.to_owned();
        let exists = hash.is_some();
        let hash = hash.unwrap_or(&self.dummy).to_owned();
        let matches = self.work(move || matches(password.as_bytes(), &hash)).await?;
        Ok(exists && matches)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| Error::Busy)?;
        let slot = Arc::clone(&self.hashing).acquire_owned().await.map_err(Error::internal)?;
        // Both go along: a caller that goes away does not stop the work, and its memory still counts.
        let job = tokio::task::spawn_blocking(move || {
            let result = work();
            drop((slot, admitted));
            result
        });
        job.await.map_err(Error::internal)?
    }
}

fn matches(password: &[u8], hash: &str) -> Result<bool, Error> {
    let hash = PasswordHash::new(hash).map_err(Error::internal)?;
    let params = Params::try_from(&hash).map_err(Error::internal)?;
    let (Some(salt), Some(stored)) = (&hash.salt, &hash.hash) else {
        return Err(Error::internal("a password hash without salt or output"));
    };
    let derived = derive(password, salt.as_ref(), params)?;
    Ok(bool::from(derived.as_slice().ct_eq(stored.as_bytes())))
}

fn derive(password: &[u8], salt: &[u8], params: Params) -> Result<[u8; OUTPUT], Error> {
    let count = params.block_count();
    let mut blocks: Vec<Block> = Vec::new();
    blocks.try_reserve_exact(count.max(RESERVED_BLOCKS)).map_err(Error::internal)?;
    blocks.resize(count, Block::new());
    let mut output = [0; OUTPUT];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password, salt, &mut output, &mut blocks)
        .map_err(Error::internal)?;
    Ok(output)
}

fn params(memory_kib: u32, passes: u32, lanes: u32) -> Result<Params, Error> {
    Params::new(memory_kib, passes, lanes, Some(OUTPUT)).map_err(Error::internal)
}

fn encode(salt: &[u8; 16], output: &[u8; OUTPUT]) -> Result<String, Error> {
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: params(MEMORY_KIB, PASSES, LANES)?.try_into().map_err(Error::internal)?,
        salt: Some(phc::Salt::new(salt).map_err(Error::internal)?),
        hash: Some(phc::Output::new(output).map_err(Error::internal)?),
    };
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::PasswordVerifier;

    #[tokio::test]
    async fn a_hash_fits_its_password_only_and_other_programs_agree() {
        let passwords = Passwords::new(1, 1).unwrap();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("correct hors", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("correct horse", None).await.unwrap());
        assert!(Argon2::default().verify_password(b"correct horse", &*hash).is_ok());
        assert_ne!(hash, passwords.hash("correct horse").await.unwrap());
    }

    #[tokio::test]
    async fn more_than_may_wait_are_refused() {
        let passwords = Passwords::new(1, 2).unwrap();
        let results = futures::future::join_all((0..5).map(|_| passwords.hash("correct horse"))).await;
        assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 3);
        assert!(results.iter().any(|r| matches!(r, Err(Error::Busy))));
        assert!(passwords.hash("correct horse").await.is_ok(), "and the queue drains");
    }
}
