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
            // CKR_SESSION_COUNT for the second.
            place.order("slow 200\nfail C_OpenSession b1 1");
            assert_eq!(all(), 1);
            thread::sleep(Duration::from_millis(1000));
            assert_eq!(all(), 1);
            assert_eq!(all(), 0);
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
