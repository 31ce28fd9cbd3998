//! One message to an endpoint, by the Standard Webhooks specification: what is signed, and with what.

use aws_lc_rs::hmac;
use bytes::Bytes;
use data_encoding::BASE64;
use passthrough_core::header::Fields;
use zeroize::Zeroizing;

/// How long to wait after each attempt that failed, in milliseconds: the last attempt is made a day after the first.
const PAUSES_MS: [i64; 8] =
    [5_000, 30_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 23_000_000];

/// How long after it was queued a receiver may have a message put off.
const DAY_MS: i64 = 24 * 3_600_000;
/// How late the last attempt is at most: all pauses, each spread as far as it can be.
const LAST_MS: i64 = 95_000_000;

/// When to try again after so many attempts at a message that was queued at `queued_at`; `None` to give up. `luck`
/// spreads those that failed together.
pub fn next_attempt(
    attempts: i64,
    queued_at: i64,
    now: i64,
    retry_after_ms: Option<i64>,
    luck: u32,
) -> Option<i64> {
    let number = usize::try_from(attempts.max(1) - 1).ok()?;
    let pause = *PAUSES_MS.get(number)?;
    let spread = pause / 10 * i64::from(luck % 1_000) / 1_000;
    // Whoever asks for more time gets it, within the same day: eight times ten hours would be half a week.
    let elapsed = now.saturating_sub(queued_at);
    let asked = retry_after_ms.unwrap_or_default().min(DAY_MS - elapsed);
    let wait = (pause + spread).max(asked);
    // What was queued before the server was away for days is tried once more all the same.
    if attempts <= 2 || elapsed + wait <= LAST_MS {
        return Some(now + wait);
    }
    // A last try at the end of the day, unless there was one just now.
    (DAY_MS - elapsed >= PAUSES_MS[3]).then_some(queued_at + DAY_MS)
}

/// The headers of a message: `webhook-id`, `webhook-timestamp` (unix seconds), and `webhook-signature` with one
/// signature for each key, over `id.timestamp.body`.
pub fn headers(id: &str, unix_s: i64, body: &Bytes, keys: &[Zeroizing<Vec<u8>>]) -> Fields {
    let timestamp = unix_s.to_string();
    let signatures: Vec<String> = keys.iter().map(|key| sign(key, id, &timestamp, body)).collect();
    let mut fields = Fields::default();
    for (name, value) in [
        ("content-type", "application/json"),
        ("user-agent", concat!("Passthrough/", env!("CARGO_PKG_VERSION"))),
        ("webhook-id", id),
        ("webhook-timestamp", &timestamp),
        ("webhook-signature", &signatures.join(" ")),
    ] {
        fields.push(Bytes::copy_from_slice(name.as_bytes()), Bytes::copy_from_slice(value.as_bytes()));
    }
    fields
}

fn sign(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        context.update(part);
    }
    format!("v1,{}", BASE64.encode(context.sign().as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn the_specifications_example_has_its_signature() {
        let key = BASE64.decode(b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_key_signs_and_the_newest_comes_first() {
        let keys = [Zeroizing::new(vec![1; 32]), Zeroizing::new(vec![2; 32])];
        let fields = headers("evt_1", 5, &Bytes::from_static(b"{}"), &keys);
        let value = fields.get("webhook-signature").map(|value| String::from_utf8_lossy(value).into_owned());
        let expected =
            format!("{} {}", sign(&[1; 32], "evt_1", "5", b"{}"), sign(&[2; 32], "evt_1", "5", b"{}"));
        assert_eq!(value, Some(expected));
    }

    #[test]
    fn attempts_go_on_for_a_day_and_then_end() {
        let (mut now, mut attempts) = (0, 1);
        while let Some(next) = next_attempt(attempts, 0, now, None, 0) {
            assert!(next > now);
            (now, attempts) = (next, attempts + 1);
        }
        assert_eq!(attempts, 9);
        assert!((23 * 3_600_000..=24 * 3_600_000).contains(&now), "{now}");
        assert_eq!(next_attempt(1, 0, 0, Some(60_000), 0), Some(60_000));
        assert_eq!(next_attempt(1, 0, 0, None, 999), Some(5_499));
    }

    #[test]
    fn neither_spread_nor_what_a_receiver_asks_for_makes_it_longer_than_a_day_or_so() {
        for asked in [0, 1_000, 3_600_000, 36_000_000, 80_000_000, i64::MAX] {
            for luck in [0, 999] {
                let (mut now, mut attempts) = (0, 1);
                while let Some(next) = next_attempt(attempts, 0, now, Some(asked), luck) {
                    assert!(next > now && (asked > DAY_MS || next - now >= asked.min(DAY_MS - now)));
                    (now, attempts) = (next, attempts + 1);
                }
                assert!((23 * 3_600_000..=27 * 3_600_000).contains(&now), "{asked} {luck}: {now}");
                assert!(asked > 0 || attempts == 9, "{luck}: {attempts}");
            }
        }
    }
}
