//! The pool of sessions is bounded, and so are the waits for it.

use std::thread;
use std::time::{Duration, Instant};

use mutual_trust_pkcs11::{Error, KeyType, Token, TokenSettings};
use rustls::SignatureScheme;
use rustls::sign::SigningKey;

use crate::support::{alone, pin};

const P256: [SignatureScheme; 1] = [SignatureScheme::ECDSA_NISTP256_SHA256];

#[test]
fn a_signature_waits_for_a_session_and_not_longer_than_it_may() {
    alone(
        "sessions::a_signature_waits_for_a_session_and_not_longer_than_it_may",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            place.made(&uri, KeyType::P256);
            let settings = TokenSettings::new()
                .with_max_sessions(1)
                .unwrap()
                .with_max_wait(Duration::from_millis(150))
                .unwrap();
            let token = Token::open(&uri, Some(pin()), settings).unwrap();
            let key = token.key(&uri, &place.provider).unwrap();
            let sign = || key.choose_scheme(&P256).unwrap().sign(b"message");
            // Two that wait for each other, and have the time.
            place.order("slow 20");
            thread::scope(|scope| {
                let both = [scope.spawn(sign), scope.spawn(sign)];
                for one in both {
                    one.join().unwrap().unwrap();
                }
            });
            place.order("slow 1000");
            thread::scope(|scope| {
                let slow = scope.spawn(sign);
                thread::sleep(Duration::from_millis(100));
                let started = Instant::now();
                let error = sign().unwrap_err().to_string();
                assert!(error.contains("were in use for 150ms"), "{error}");
                assert!(started.elapsed() < Duration::from_millis(800));
                slow.join().unwrap().unwrap();
            });
        },
    );
}

#[test]
fn a_token_that_allows_fewer_sessions_is_used_with_those() {
    alone(
        "sessions::a_token_that_allows_fewer_sessions_is_used_with_those",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            let key = place.made(&uri, KeyType::P256);
            let sign = || key.choose_scheme(&P256).unwrap().sign(b"message");
            // CKR_SESSION_COUNT from the second session on.
            place.order("slow 5\nfail C_OpenSession b1 100");
            thread::scope(|scope| {
                let all: Vec<_> = (0..8).map(|_| scope.spawn(sign)).collect();
                for one in all {
                    one.join().unwrap().unwrap();
                }
            });
        },
    );
}

#[test]
fn after_a_shortage_all_sessions_that_were_set_are_used_again() {
    alone(
        "sessions::after_a_shortage_all_sessions_that_were_set_are_used_again",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            place.made(&uri, KeyType::P256);
            let settings = TokenSettings::new().with_max_sessions(2).unwrap();
            let token = Token::open(&uri, Some(pin()), settings).unwrap();
            let key = token.key(&uri, &place.provider).unwrap();
            let sign = || key.choose_scheme(&P256).unwrap().sign(b"message").unwrap();
            let all = || {
                let before = place.calls("C_OpenSession");
                thread::scope(|scope| {
                    for _ in 0..2 {
                        scope.spawn(sign);
                    }
                });
                place.calls("C_OpenSession") - before
            };
            // CKR_SESSION_COUNT for the second, which is tried again before the first is free.
            place.order("slow 2000\nfail C_OpenSession b1 1");
            assert_eq!(all(), 2);
        },
    );
}

#[test]
fn a_session_that_the_token_closed_is_the_only_one_that_is_opened_again() {
    alone(
        "sessions::a_session_that_the_token_closed_is_the_only_one_that_is_opened_again",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            let key = place.made(&uri, KeyType::P256);
            let sign = || key.choose_scheme(&P256).unwrap().sign(b"message").unwrap();
            let all = || {
                let before = place.calls("C_OpenSession");
                thread::scope(|scope| {
                    for _ in 0..4 {
                        scope.spawn(sign);
                    }
                });
                place.calls("C_OpenSession") - before
            };
            place.order("slow 200");
            all();
            place.order("slow 20");
            // CKR_SESSION_HANDLE_INVALID and CKR_SESSION_CLOSED.
            for value in ["b3", "b0"] {
                let before = (place.calls("C_OpenSession"), place.calls("C_Login"));
                place.order(&format!("fail C_SignInit {value} 1"));
                sign();
                assert_eq!(all(), 0, "{value}");
                let now = (place.calls("C_OpenSession"), place.calls("C_Login"));
                assert_eq!(now, (before.0 + 1, before.1), "{value}");
            }
            assert_eq!(place.calls("C_CloseSession"), 1, "the one that wrote");
            // CKR_DEVICE_REMOVED takes all of them.
            place.order("slow 200\nfail C_SignInit 32 1");
            sign();
            assert_eq!(all(), 3);
        },
    );
}

#[test]
fn a_session_of_before_a_reset_is_not_closed_by_its_number() {
    alone(
        "sessions::a_session_of_before_a_reset_is_not_closed_by_its_number",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            let key = place.made(&uri, KeyType::P256);
            let sign = || key.choose_scheme(&P256).unwrap().sign(b"message").unwrap();
            let before = place.calls("C_CloseSession");
            place.order("slow 600");
            thread::scope(|scope| {
                scope.spawn(sign);
                thread::sleep(Duration::from_millis(200));
                // Another thread is told that the token was removed (CKR_DEVICE_REMOVED).
                place.order("slow 0\nfail C_SignInit 32 1");
                sign();
            });
            assert_eq!(place.calls("C_CloseSession"), before);
            // In a log-out (CKR_USER_NOT_LOGGED_IN), the sessions stay, and both are closed.
            place.order("slow 600");
            thread::scope(|scope| {
                scope.spawn(sign);
                thread::sleep(Duration::from_millis(200));
                place.order("slow 0\nfail C_SignInit 101 1");
                sign();
            });
            assert_eq!(place.calls("C_CloseSession"), before + 2);
        },
    );
}

#[test]
fn settings_out_of_range_are_errors() {
    let set = TokenSettings::new;
    assert!(matches!(
        set().with_max_sessions(0),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        set().with_max_sessions(257),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        set().with_max_wait(Duration::from_secs(61)),
        Err(Error::Setting { .. })
    ));
    set().with_max_sessions(256).unwrap();
    set().with_max_wait(Duration::from_secs(60)).unwrap();
}
