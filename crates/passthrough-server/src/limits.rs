//! Our own limits: how many passthroughs each API key, connection and environment may make.
//!
//! They hold for this process: several servers on one database each count for themselves. Nothing is kept
//! for a key that has not called for a while, because by then it is as if it had never called.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use passthrough_core::header::Fields;
use passthrough_core::id::{ApiKeyId, ConnectionId, Environment};
use passthrough_core::limit::{Decision, Rate, decide, give_back};

use crate::metrics::Counter;

/// The rates; what has none is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// Of each API key.
    pub api_key: Option<Rate>,
    /// Of each connection.
    pub connection: Option<Rate>,
    /// Of each environment.
    pub environment: Option<Rate>,
}

/// What a limit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One API key.
    ApiKey,
    /// One connection.
    Connection,
    /// One environment.
    Environment,
    /// Not ours: the provider's, for one connection.
    Provider,
}

impl Scope {
    /// The name in `detail.scope`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::ApiKey => "api_key",
            Scope::Connection => "connection",
            Scope::Environment => "environment",
            Scope::Provider => "provider",
        }
    }
}

/// Where a caller stands with the limit that is nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How many calls may come at once.
    pub limit: u32,
    /// How many are left.
    pub remaining: u32,
    /// Seconds until all of them are there again, rounded up.
    pub reset_s: u32,
}

/// Whose answer it is that carries a standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announced {
    /// Ours: `RateLimit-…`, the names that most programs look for.
    Here,
    /// The provider's: it may have headers of those names, which speak of another limit.
    BesideTheProviders,
}

impl Standing {
    /// The headers that tell it. Three whole numbers: the later drafts of the IETF pack them into structured
    /// fields that changed with each draft, and hardly a program reads them.
    pub fn headers(self, announced: Announced) -> [(&'static str, u32); 3] {
        let names = match announced {
            Announced::Here => ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"],
            Announced::BesideTheProviders => [
                "Passthrough-RateLimit-Limit",
                "Passthrough-RateLimit-Remaining",
                "Passthrough-RateLimit-Reset",
            ],
        };
        let [limit, remaining, reset] = names;
        [(limit, self.limit), (remaining, self.remaining), (reset, self.reset_s)]
    }

    /// Puts those headers into an answer.
    pub fn announce(self, fields: &mut Fields, announced: Announced) {
        for (name, value) in self.headers(announced) {
            fields.set(name, value.to_string());
        }
    }
}

/// A limit that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// Which one.
    pub scope: Scope,
    /// Milliseconds until a call may come, rounded up.
    pub retry_after_ms: u64,
    /// Where the caller stands.
    pub standing: Standing,
}

/// The limits of this process.
#[derive(Debug)]
pub struct Limits {
    epoch: Instant,
    api_keys: Option<Keyed<ApiKeyId>>,
    connections: Option<Keyed<ConnectionId>>,
    environments: Option<Keyed<Environment>>,
    /// Calls that were refused.
    pub refused: Counter,
}

impl Limits {
    /// Limits at these rates, all of them unused.
    pub fn new(rates: Rates) -> Self {
        Self {
            epoch: Instant::now(),
            api_keys: rates.api_key.map(Keyed::new),
            connections: rates.connection.map(Keyed::new),
            environments: rates.environment.map(Keyed::new),
            refused: Counter::default(),
        }
    }

    /// Counts a call. `None` where nothing limits it. A call that one limit refuses costs the others nothing.
    pub fn take(
        &self,
        api_key: &ApiKeyId,
        connection: &ConnectionId,
        environment: &Environment,
    ) -> Result<Option<Standing>, Exceeded> {
        if self.api_keys.is_none() && self.connections.is_none() && self.environments.is_none() {
            return Ok(None);
        }
        let now = i64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.take_at(now, api_key, connection, environment).inspect_err(|_| self.refused.increment())
    }

    fn take_at(
        &self,
        now: i64,
        api_key: &ApiKeyId,
        connection: &ConnectionId,
        environment: &Environment,
    ) -> Result<Option<Standing>, Exceeded> {
        // The narrowest first: it refuses most often.
        let of_connection = take(&self.connections, connection, now, Scope::Connection)?;
        let of_key = take(&self.api_keys, api_key, now, Scope::ApiKey).inspect_err(|_| {
            give(&self.connections, connection);
        })?;
        let of_environment =
            take(&self.environments, environment, now, Scope::Environment).inspect_err(|_| {
                give(&self.connections, connection);
                give(&self.api_keys, api_key);
            })?;
        let standings = [of_connection, of_key, of_environment].into_iter().flatten();
        Ok(standings.min_by_key(|standing| (standing.remaining, std::cmp::Reverse(standing.reset_s))))
    }
}

fn take<K: Hash + Eq + Clone>(
    keyed: &Option<Keyed<K>>,
    key: &K,
    now: i64,
    scope: Scope,
) -> Result<Option<Standing>, Exceeded> {
    let Some(keyed) = keyed else { return Ok(None) };
    let limit = keyed.rate.burst();
    match keyed.take(key, now) {
        Decision::Allow { remaining, reset_after, .. } => {
            Ok(Some(Standing { limit, remaining, reset_s: seconds(reset_after) }))
        }
        Decision::Refuse { retry_after, reset_after, .. } => {
            let standing = Standing { limit, remaining: 0, reset_s: seconds(reset_after) };
            let retry_after_ms = u64::try_from(retry_after).unwrap_or_default().div_ceil(1_000);
            Err(Exceeded { scope, retry_after_ms, standing })
        }
    }
}

fn give<K: Hash + Eq + Clone>(keyed: &Option<Keyed<K>>, key: &K) {
    if let Some(keyed) = keyed {
        keyed.give(key);
    }
}

fn seconds(us: i64) -> u32 {
    u32::try_from(u64::try_from(us).unwrap_or_default().div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

const SHARDS: usize = 16;
const SMALLEST_SWEEP: usize = 256;

/// One rate, counted for each key. Each shard forgets keys that are as new before it outgrows twice the others.
#[derive(Debug)]
struct Keyed<K> {
    rate: Rate,
    hasher: RandomState,
    shards: [Mutex<Shard<K>>; SHARDS],
}

#[derive(Debug)]
struct Shard<K> {
    /// The theoretical arrival times, microseconds.
    times: HashMap<K, i64>,
    sweep_at: usize,
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    fn new(rate: Rate) -> Self {
        let shard = || Mutex::new(Shard { times: HashMap::new(), sweep_at: SMALLEST_SWEEP });
        Self { rate, hasher: RandomState::new(), shards: std::array::from_fn(|_| shard()) }
    }

    fn shard(&self, key: &K) -> &Mutex<Shard<K>> {
        let index = self.hasher.hash_one(key) as usize % SHARDS;
        &self.shards[index]
    }

    fn take(&self, key: &K, now: i64) -> Decision {
        let mut shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(time) = shard.times.get_mut(key) {
            let decision = decide(self.rate, *time, now);
            let (Decision::Allow { tat, .. } | Decision::Refuse { tat, .. }) = decision;
            *time = tat;
            return decision;
        }
        let decision = decide(self.rate, now, now);
        if let Decision::Allow { tat, .. } = decision {
            if shard.times.len() >= shard.sweep_at {
                shard.times.retain(|_, time| *time > now);
                shard.sweep_at = (shard.times.len() * 2).max(SMALLEST_SWEEP);
            }
            shard.times.insert(key.clone(), tat);
        }
        decision
    }

    fn give(&self, key: &K) {
        let mut shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(time) = shard.times.get_mut(key) {
            *time = give_back(self.rate, *time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn limits(api_key: &str, connection: &str, environment: &str) -> Limits {
        let rate = |text: &str| text.parse().ok();
        let rates =
            Rates { api_key: rate(api_key), connection: rate(connection), environment: rate(environment) };
        Limits::new(rates)
    }

    fn call(limits: &Limits, now: i64, key: u128, connection: u128) -> Result<Option<Standing>, Exceeded> {
        let environment: Environment = "default".parse().unwrap();
        let (key, connection) = (ApiKeyId::from_parts(0, key), ConnectionId::from_parts(0, connection));
        limits.take_at(now, &key, &connection, &environment)
    }

    #[test]
    fn nothing_is_limited_unless_it_is_said() {
        let (limits, environment) = (limits("", "", ""), "default".parse().unwrap());
        let (key, connection) = (ApiKeyId::from_parts(0, 1), ConnectionId::from_parts(0, 1));
        assert_eq!(limits.take(&key, &connection, &environment), Ok(None));
    }

    #[test]
    fn each_limit_counts_its_own_and_tells_when_to_come_again() {
        let limits = limits("3/s", "2/s", "100/h");
        assert_eq!(call(&limits, 0, 1, 1), Ok(Some(Standing { limit: 2, remaining: 1, reset_s: 1 })));
        assert!(call(&limits, 0, 1, 1).is_ok());
        let standing = Standing { limit: 2, remaining: 0, reset_s: 1 };
        let exceeded = Exceeded { scope: Scope::Connection, retry_after_ms: 500, standing };
        assert_eq!(call(&limits, 0, 1, 1), Err(exceeded));
        assert!(call(&limits, 0, 1, 2).is_ok());
        assert_eq!(call(&limits, 0, 1, 3).unwrap_err().scope, Scope::ApiKey);
        assert!(call(&limits, 0, 2, 3).is_ok(), "what the key refused cost the connection nothing");
        assert!(call(&limits, SECOND / 2, 1, 1).is_ok());
    }

    #[test]
    fn what_the_environment_refuses_costs_key_and_connection_nothing() {
        let limits = limits("5/h", "5/h", "1/h");
        assert!(call(&limits, 0, 1, 1).is_ok());
        for _ in 0..20 {
            let exceeded = call(&limits, 0, 1, 1).unwrap_err();
            assert_eq!((exceeded.scope, exceeded.retry_after_ms), (Scope::Environment, 3_600_000));
        }
        let standing = call(&limits, 3_600 * SECOND, 1, 1).unwrap().unwrap();
        assert_eq!((standing.limit, standing.remaining), (1, 0));
    }

    #[test]
    fn keys_that_are_as_new_are_forgotten() {
        let limits = limits("1/s", "", "");
        for key in 0..100_000u32 {
            assert!(call(&limits, i64::from(key) * 1_000, u128::from(key), 0).is_ok());
        }
        let kept = |shard: &Mutex<Shard<ApiKeyId>>| shard.lock().unwrap().times.len();
        let kept: usize = limits.api_keys.as_ref().unwrap().shards.iter().map(kept).sum();
        assert!(kept <= SHARDS * SMALLEST_SWEEP, "{kept}");
    }
}
