//! What one gateway knows of one bucket that gateways share: the most that it can hold. Others may have drawn from it
//! since, so a refusal by this is right without asking, and an admission is at most a lease too many.

use segue_ports::budget::Bucket;
use std::time::Duration;

/// A bucket as it was when it was last heard of, and what was drawn here since. Times are those of one clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ledger {
    /// The most that the bucket held at `at`.
    tokens: f64,
    at: Duration,
    /// Drawn here and not yet said, the first of it at `since`.
    used: u32,
    since: Duration,
    /// When all that was used had been said.
    told: Duration,
    /// Until then the engine is left alone and the bucket is this gateway's own.
    alone_until: Duration,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Draw {
    /// It was paid for; so much is left.
    Admitted(f64),
    /// There will be enough after this.
    Refused(Duration),
    /// A lease is used up: what was used must be said first.
    Settle,
}

impl Ledger {
    /// A bucket that nobody here has drawn from.
    pub(super) fn full(bucket: Bucket, now: Duration) -> Self {
        Self {
            tokens: f64::from(bucket.burst),
            at: now,
            used: 0,
            since: now,
            told: now,
            alone_until: Duration::ZERO,
        }
    }

    pub(super) fn draw(&mut self, cost: u32, bucket: Bucket, now: Duration) -> Draw {
        let (most, price) = (self.most(bucket, now), f64::from(cost));
        if most < price {
            return Draw::Refused(Duration::from_secs_f64((price - most) / bucket.per_second));
        }
        if self.owes(cost, bucket, now) {
            return Draw::Settle;
        }
        self.tokens = most - price;
        self.at = now;
        if self.used == 0 {
            self.since = now;
        }
        self.used = self.used.saturating_add(cost);
        Draw::Admitted(self.tokens)
    }

    /// True when drawing so much more would be more than a lease.
    pub(super) fn owes(&self, cost: u32, bucket: Bucket, now: Duration) -> bool {
        self.used > 0 && self.used.saturating_add(cost) > lease(bucket) && now >= self.alone_until
    }

    /// What is to be said, and how long ago the first of it was used.
    pub(super) fn unsaid(&self, now: Duration) -> (u32, Duration) {
        (self.used, now.saturating_sub(self.since))
    }

    /// The bucket held so many tokens at some time after `asked`, with all that was used here taken out.
    pub(super) fn settled(&mut self, tokens: f64, asked: Duration) {
        // From the earlier time on more can have flowed in, never less.
        *self = Self { tokens, at: asked, used: 0, since: asked, told: asked, alone_until: Duration::ZERO };
    }

    /// Nobody answers. What was used may have been taken out or not; it is let go, so that nobody pays twice.
    pub(super) fn alone(&mut self, now: Duration, pause: Duration) {
        self.used = 0;
        self.told = now;
        self.alone_until = now + pause;
    }

    /// How long ago something was drawn here, or heard.
    pub(super) fn rested(&self, now: Duration) -> Duration {
        now.saturating_sub(self.at)
    }

    /// The most that the bucket can hold.
    pub(super) fn most(&self, bucket: Bucket, now: Duration) -> f64 {
        let filled = now.saturating_sub(self.at).as_secs_f64() * bucket.per_second;
        (self.tokens + filled).min(f64::from(bucket.burst))
    }

    /// True when forgetting it gives nobody more than one percent too much: it is full again, and what was not said is
    /// less than that.
    pub(super) fn negligible(&self, bucket: Bucket, now: Duration) -> bool {
        let unsaid = now.saturating_sub(self.told).as_secs_f64() * bucket.per_second / 100.0;
        self.most(bucket, now) >= f64::from(bucket.burst) && f64::from(self.used) <= unsaid
    }
}

/// How much a gateway draws before it says so: a tenth of a limit under 100; else a twentieth and at least 50, so that the
/// engine is called for no more than one call in fifty.
pub(super) fn lease(bucket: Bucket) -> u32 {
    match bucket.burst {
        small @ ..100 => (small / 10).max(1),
        large => (large / 20).max(50),
    }
}
