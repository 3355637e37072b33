//! What can be wrong before a cache is there. Afterwards it has no errors of its own.

/// An error of opening a cache.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The configuration cannot work.
    #[error("cache.{field} must be {wanted}")]
    Config {
        /// The setting.
        field: &'static str,
        /// What it must be.
        wanted: String,
    },
    /// Redis refuses us: change the URL.
    #[error("Redis refuses the user or the password of cache.redis.url: {0}")]
    Refused(String),
    /// Nothing answers there now.
    #[error("Redis does not answer at cache.redis.url: {0}")]
    Unavailable(String),
}
