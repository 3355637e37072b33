//! The `gateway` section of the configuration.

use crate::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `gateway` section of the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayConfig {
    /// Scheme and authority under which clients reach us: `https://music.example`. When empty, what each request
    /// says of itself.
    pub public_url: String,
    /// Believe `x-forwarded-for`, `-proto` and `-host`. Only behind a proxy that sets them: clients could write
    /// anything there.
    pub trust_forwarded: bool,
    /// Longest request message, bytes as sent. A longer one is cut off at its header, unread.
    pub max_message_bytes: u32,
    /// Calls that wait for their answer at once; one more is refused.
    pub max_concurrent_calls: usize,
    /// Deadline of a call that names none, milliseconds. Streams need only begin within it.
    pub default_deadline_ms: u64,
    /// Longest deadline of a call that is no stream, milliseconds; a longer one is shortened to it.
    pub max_deadline_ms: u64,
    /// Web origins that may call, or `*` for all. Credentials travel in the `authorization` header, which a page
    /// of another origin cannot know, so `*` gives nothing away.
    pub cors_origins: Vec<String>,
    /// Budgets of calls.
    pub limits: LimitsConfig,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            public_url: String::new(),
            trust_forwarded: false,
            max_message_bytes: 4 << 20,
            max_concurrent_calls: 2048,
            default_deadline_ms: 30_000,
            max_deadline_ms: 300_000,
            cors_origins: vec!["*".into()],
            limits: LimitsConfig::default(),
        }
    }
}

/// A budget for each bucket of `segue.policy.v1`. Each signed-in user has one of their own, and so has each
/// address (IPv6: each /64) of those who are not signed in. Gateways with a Redis keep these limits together: each may admit
/// up to a tenth of a burst too many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Cheap reads.
    pub read: BudgetConfig,
    /// Calls that change something. Uploading a song takes about three.
    pub write: BudgetConfig,
    /// Passwords and new accounts: by address, also for signed-in users.
    pub credential: BudgetConfig,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            read: BudgetConfig { per_second: 200.0, burst: 1000 },
            write: BudgetConfig { per_second: 60.0, burst: 600 },
            credential: BudgetConfig { per_second: 0.5, burst: 30 },
        }
    }
}

/// How fast a budget fills, and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetConfig {
    /// Calls of cost 1 per second, in the long run.
    pub per_second: f64,
    /// Calls of cost 1 at once, after a pause.
    pub burst: u32,
}

impl GatewayConfig {
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let wrong = |field: &'static str, wanted: &str| Err(Error::Config { field, wanted: wanted.into() });
        if self.max_message_bytes == 0 {
            return wrong("max_message_bytes", "at least 1");
        }
        if self.max_concurrent_calls == 0 || self.max_concurrent_calls > tokio::sync::Semaphore::MAX_PERMITS {
            return wrong("max_concurrent_calls", "at least 1");
        }
        if self.default_deadline_ms == 0 || self.max_deadline_ms < self.default_deadline_ms {
            return wrong("max_deadline_ms", "at least default_deadline_ms, and that at least 1");
        }
        if self.max_deadline_ms > 86_400_000 {
            return wrong("max_deadline_ms", "at most one day, 86400000");
        }
        Ok(())
    }
}
