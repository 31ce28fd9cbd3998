use http::StatusCode;
use passthrough_wire::error::{ErrorBody, ErrorCode, Origin};
use serde_json::json;

use super::*;
use crate::error::ApiError;

const SOON: Duration = Duration::ZERO;

fn answered(status: u16, sent: Sent, retryable: bool, detail: Option<serde_json::Value>) -> Error {
    Error::Api(Box::new(ApiError {
        status: StatusCode::from_u16(status).unwrap(),
        body: ErrorBody {
            code: ErrorCode::BadGateway,
            message: String::new(),
            detail,
            request_id: String::new(),
            origin: Origin::Provider,
            sent,
            retryable,
        },
        retry_after: None,
    }))
}

fn broken() -> Error {
    Error::Broken { server: String::new(), source: "broke".into() }
}

fn connect() -> Error {
    Error::Connect { server: String::new(), source: "refused".into() }
}

fn stranger(status: u16, retry_after: Option<Duration>) -> Error {
    Error::Stranger { status: StatusCode::from_u16(status).unwrap(), retry_after }
}

fn again(config: &RetryConfig, error: &Error, safe: bool) -> bool {
    config.pause(error, safe, 1, SOON).is_some()
}

#[test]
fn a_write_is_repeated_only_where_nothing_was_sent_or_it_was_asked_for() {
    let config = RetryConfig::default();
    for error in [answered(502, Sent::Unknown, false, None), stranger(502, None), broken()] {
        assert!(!again(&config, &error, false), "{error:?}");
        assert!(again(&config, &error, true), "{error:?}");
        assert!(again(&config.clone().repeat_writes(true), &error, false), "{error:?}");
    }
    for error in [answered(503, Sent::No, true, None), connect()] {
        assert!(again(&config, &error, false), "{error:?}");
    }
}

#[test]
fn what_is_hopeless_is_not_repeated_unless_its_code_was_asked_for() {
    let asked = RetryConfig::default().codes(["5XX".parse().unwrap()]);
    let unreadable = answered(502, Sent::Yes, false, Some(json!({"reason": "decode"})));
    let refused = answered(502, Sent::No, false, Some(json!({"reason": "blocked_address"})));
    let late = answered(504, Sent::Yes, false, Some(json!({"reason": "total_timeout"})));
    let failed = answered(500, Sent::No, false, None);
    assert!(!again(&asked, &failed, false), "the server itself may have changed something");
    for error in [unreadable, refused, late] {
        assert!(!again(&RetryConfig::default(), &error, true), "{error:?}");
        assert!(again(&asked, &error, true), "{error:?}");
    }
}

#[test]
fn only_the_codes_that_are_meant_are_repeated() {
    let missing = answered(404, Sent::No, true, None);
    assert!(!again(&RetryConfig::default(), &missing, true));
    assert!(again(&RetryConfig::default().codes([StatusCode::NOT_FOUND.into()]), &missing, true));
    assert!(!again(&RetryConfig::default().codes([]), &answered(503, Sent::No, true, None), true));
    for wrong in ["", "5X", "X", "XX", "55XX", "42", "4290", "+42", "5XXX", "abc", "5é"] {
        assert_eq!(wrong.parse::<RetryCode>(), Err(InvalidRetryCode), "{wrong:?}");
    }
}

#[test]
fn none_repeats_nothing_and_failures_of_the_socket_are_asked_for() {
    assert!(!again(&RetryConfig::none(), &connect(), true));
    let plain = RetryConfig::backoff(Backoff::default());
    assert!(!again(&plain, &connect(), true) && !again(&plain, &broken(), true));
    assert!(again(&plain.retry_connection_errors(true), &connect(), true));
    for final_one in [Error::Timeout(SOON), Error::Request(String::new())] {
        assert!(!again(&RetryConfig::default(), &final_one, true));
    }
}

#[test]
fn retry_after_is_waited_for_or_ends_it() {
    let config = RetryConfig::default();
    let pause = |seconds| {
        config.pause(&stranger(503, Some(Duration::from_secs(seconds))), true, 1, Duration::from_secs(3))
    };
    // The growing pause is the least.
    assert!(pause(0) >= Some(Duration::from_millis(250)));
    assert_eq!(pause(7), Some(Duration::from_secs(7)));
    assert_eq!(pause(8), None);
}

#[test]
fn pauses_grow_to_their_most_and_are_never_quite_the_same() {
    let backoff = Backoff { max_interval: Duration::from_secs(2), ..Backoff::default() };
    for (tries, interval) in [(1, 500), (2, 750), (3, 1125), (9, 2000), (u32::MAX, 2000)] {
        let (pause, interval) = (backoff.growing(tries), Duration::from_millis(interval));
        assert!(interval / 2 <= pause && pause <= interval, "{tries}: {pause:?}");
    }
    let first = backoff.growing(1);
    assert!((0..100).any(|_| backoff.growing(1) != first));
    let odd = Backoff { exponent: f64::NAN, ..backoff };
    assert!(odd.growing(2) <= backoff.max_interval);
}
