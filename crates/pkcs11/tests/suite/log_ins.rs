//! Log-ins: a PIN that was refused is not sent again, and no try locks a token.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use mutual_trust_pkcs11::{Error, KeyType, Pin, PinSource, Token, TokenKey, TokenSettings};
use rustls::SignatureScheme;
use rustls::sign::SigningKey;

use crate::support::{PIN, alone, pin};

fn wrong() -> PinSource {
    PinSource::callback(|| Ok(String::from("9999").into()))
}

#[test]
fn a_wrong_pin_is_sent_once_however_often_the_token_is_opened() {
    alone(
        "log_ins::a_wrong_pin_is_sent_once_however_often_the_token_is_opened",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            let open = |source| Token::open(&uri, Some(source), TokenSettings::new());
            let first = open(wrong()).unwrap_err();
            assert!(matches!(first, Error::LogIn { .. }), "{first:?}");
            for _ in 0..20 {
                let next = open(wrong()).unwrap_err();
                assert!(matches!(next, Error::LogInNotRepeated { .. }), "{next:?}");
            }
            assert_eq!(place.calls("C_Login"), 1);
            // Another PIN is another try.
            open(pin()).unwrap();
            assert_eq!(place.calls("C_Login"), 2);
        },
    );
}

#[test]
fn several_wrong_pins_are_sent_once_each() {
    alone(
        "log_ins::several_wrong_pins_are_sent_once_each",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            for _ in 0..3 {
                for wrong in ["7777", "8888", "9999"] {
                    let pin = PinSource::kept(wrong.to_owned().into());
                    Token::open(&uri, Some(pin), TokenSettings::new()).unwrap_err();
                }
            }
            assert_eq!(place.calls("C_Login"), 3);
        },
    );
}

#[test]
fn a_wrong_pin_that_two_threads_have_is_sent_once() {
    alone(
        "log_ins::a_wrong_pin_that_two_threads_have_is_sent_once",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            place.order("linger 300");
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        Token::open(&uri, Some(wrong()), TokenSettings::new()).unwrap_err();
                    });
                }
            });
            assert_eq!(place.calls("C_Login"), 1);
        },
    );
}

#[test]
fn a_token_whose_pin_was_changed_is_not_tried_again_until_it_is_given_the_new_one() {
    alone(
        "log_ins::a_token_whose_pin_was_changed_is_not_tried_again_until_it_is_given_the_new_one",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            let asked = Arc::new(AtomicUsize::new(0));
            let counted = asked.clone();
            let source = PinSource::callback(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                Ok(PIN.to_owned().into())
            });
            let token = Token::open(&uri, Some(source), TokenSettings::new()).unwrap();
            let key = token
                .generate(&uri, KeyType::P256, &place.provider)
                .unwrap();
            let signer = key
                .choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256])
                .unwrap();
            signer.sign(b"one").unwrap();
            let (logins, asks) = (place.calls("C_Login"), asked.load(Ordering::Relaxed));
            // A reset, after which the token refuses the PIN (CKR_PIN_INCORRECT).
            place.order("close\nfail C_Login a0 1");
            thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        for _ in 0..4 {
                            signer.sign(b"two").unwrap_err();
                        }
                    });
                }
            });
            assert_eq!(place.calls("C_Login"), logins + 1);
            assert_eq!(asked.load(Ordering::Relaxed), asks + 1);
            let error = signer.sign(b"three").unwrap_err().to_string();
            assert!(error.contains("not repeated"), "{error}");
            token.set_pin(pin());
            signer.sign(b"four").unwrap();
            assert_eq!(place.calls("C_Login"), logins + 2);
        },
    );
}

#[test]
fn a_pin_that_was_corrected_in_its_source_is_read_again_after_a_pause() {
    alone(
        "log_ins::a_pin_that_was_corrected_in_its_source_is_read_again_after_a_pause",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            place.made(&uri, KeyType::P256);
            let file = place.folder.join("pin");
            let put = |text: &str| {
                fs::write(&file, text).unwrap();
                fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            };
            put(PIN);
            let asked = Arc::new(AtomicUsize::new(0));
            let (counted, read) = (asked.clone(), file.clone());
            let callback = PinSource::callback(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                Pin::read(fs::File::open(&read)?)
            });
            let [by_file, by_callback] = [PinSource::file(&file), callback].map(|source| {
                let token = Token::open(&uri, Some(source), TokenSettings::new()).unwrap();
                let key = token.key(&uri, &place.provider).unwrap();
                key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256])
                    .unwrap()
            });
            put("9999");
            place.order("close");
            let logins = place.calls("C_Login");
            let sign = |signer: &dyn rustls::sign::Signer| {
                let signed = signer.sign(b"message");
                let asks = asked.swap(0, Ordering::Relaxed);
                (signed.is_ok(), asks, place.calls("C_Login") - logins)
            };
            sign(&*by_callback);
            assert_eq!(sign(&*by_file), (false, 0, 1));
            assert_eq!(sign(&*by_callback), (false, 0, 1));
            thread::sleep(mutual_trust_pkcs11::limits::LOG_IN_PAUSE);
            // It is asked once, and has the same PIN.
            assert_eq!(sign(&*by_callback), (false, 1, 1));
            assert_eq!(sign(&*by_callback), (false, 0, 1));
            put(PIN);
            assert_eq!(sign(&*by_file), (true, 0, 2));
        },
    );
}

/// CKR_PIN_LOCKED, and CKF_USER_PIN_LOCKED.
#[test]
fn a_pin_that_was_unlocked_is_tried_again() {
    alone(
        "log_ins::a_pin_that_was_unlocked_is_tried_again",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            let open = || Token::open(&uri, Some(pin()), TokenSettings::new());
            place.order("fail C_Login a4 1");
            open().unwrap_err();
            // A token that does not say so by its flags.
            let error = open().unwrap_err();
            assert!(matches!(error, Error::LogInNotRepeated { .. }), "{error:?}");
            place.order("flags 40000");
            let error = open().unwrap_err();
            assert!(matches!(error, Error::PinLocked { .. }), "{error:?}");
            // The officer unlocks it. A wrong PIN is not sent again for that.
            place.order("flags 0\nfail C_Login a0 1");
            open().unwrap_err();
            let error = open().unwrap_err();
            assert!(matches!(error, Error::LogInNotRepeated { .. }), "{error:?}");
            assert_eq!(place.calls("C_Login"), 2);
            place.order("flags 40000");
            open().unwrap_err();
            place.order("flags 0");
            let error = open().unwrap_err();
            assert!(matches!(error, Error::LogInNotRepeated { .. }), "{error:?}");
        },
    );
}

/// The flags of PKCS#11: CKF_USER_PIN_COUNT_LOW, _FINAL_TRY and _LOCKED.
#[test]
fn no_log_in_is_tried_that_could_lock_the_token() {
    alone(
        "log_ins::no_log_in_is_tried_that_could_lock_the_token",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            place.order("flags 40000");
            let locked = Token::open(&uri, Some(pin()), TokenSettings::new()).unwrap_err();
            assert!(matches!(locked, Error::PinLocked { .. }), "{locked:?}");
            place.order("flags 20000");
            let last = Token::open(&uri, Some(pin()), TokenSettings::new()).unwrap_err();
            assert!(matches!(last, Error::FinalTry { .. }), "{last:?}");
            assert_eq!(place.calls("C_Login"), 0);
            let allowed = TokenSettings::new().with_final_try();
            Token::open(&uri, Some(pin()), allowed).unwrap();
            assert_eq!(place.calls("C_Login"), 1);
            place.order("flags 10000");
            Token::open(&uri, Some(pin()), TokenSettings::new()).unwrap();
        },
    );
}

#[test]
fn a_log_in_that_waited_for_another_looks_at_the_flags_after_it() {
    alone(
        "log_ins::a_log_in_that_waited_for_another_looks_at_the_flags_after_it",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            let open = |text: &str| {
                let pin = PinSource::kept(text.to_owned().into());
                Token::open(&uri, Some(pin), TokenSettings::new()).unwrap_err()
            };
            place.order("linger 1000");
            thread::scope(|scope| {
                scope.spawn(|| open("9999"));
                thread::sleep(Duration::from_millis(300));
                let waits = scope.spawn(|| open("8888"));
                thread::sleep(Duration::from_millis(300));
                // The first wrong PIN makes the next one the final try.
                place.order("flags 20000");
                let error = waits.join().unwrap();
                assert!(matches!(error, Error::FinalTry { .. }), "{error:?}");
            });
            assert_eq!(place.calls("C_Login"), 1);
        },
    );
}

#[test]
fn a_log_in_that_fails_for_another_reason_is_not_repeated_at_once() {
    alone(
        "log_ins::a_log_in_that_fails_for_another_reason_is_not_repeated_at_once",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            let token = place.open(&uri);
            let key = token
                .generate(&uri, KeyType::P256, &place.provider)
                .unwrap();
            let signer = key
                .choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256])
                .unwrap();
            let before = place.calls("C_Login");
            // CKR_DEVICE_ERROR, as an HSM answers that starts.
            place.order("close\nfail C_Login 30 1");
            for _ in 0..10 {
                signer.sign(b"two").unwrap_err();
            }
            assert_eq!(place.calls("C_Login"), before + 1);
            let error = signer.sign(b"two").unwrap_err().to_string();
            assert!(error.contains("tried again in"), "{error}");
        },
    );
}

#[test]
fn a_pin_that_was_refused_is_sent_again_only_on_request() {
    alone(
        "log_ins::a_pin_that_was_refused_is_sent_again_only_on_request",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            place.order("fail C_Login a0 1");
            let open = |settings| Token::open(&uri, Some(pin()), settings);
            open(TokenSettings::new()).unwrap_err();
            // The officer has set the PIN to this one meanwhile.
            let error = open(TokenSettings::new()).unwrap_err();
            assert!(matches!(error, Error::LogInNotRepeated { .. }), "{error:?}");
            open(TokenSettings::new().with_refused_pin()).unwrap();
            assert_eq!(place.calls("C_Login"), 2);
        },
    );
}

#[test]
fn a_pin_comes_from_a_callback_a_file_or_a_descriptor() {
    alone(
        "log_ins::a_pin_comes_from_a_callback_a_file_or_a_descriptor",
        &["array"],
        |place| {
            let file = place.folder.join("pin");
            fs::write(&file, format!("{PIN}\nnot the pin\n")).unwrap();
            let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let uri = place.uri("array", "link");
            mode(0o644);
            let open = |source| Token::open(&uri, source, TokenSettings::new());
            let error = open(Some(PinSource::file(&file))).unwrap_err();
            assert!(matches!(error, Error::PinUnread { .. }), "{error:?}");
            mode(0o600);
            drop(open(Some(PinSource::file(&file))).unwrap());
            let text = format!("{uri}&pin-source=file:{}", file.display());
            let with_source = text.parse().unwrap();
            drop(Token::open(&with_source, None, TokenSettings::new()).unwrap());
            let descriptor = fs::File::open(&file).unwrap();
            let pin = Pin::read(descriptor).unwrap();
            drop(open(Some(PinSource::kept(pin))).unwrap());
            let error = open(None).unwrap_err();
            assert!(matches!(error, Error::PinNeeded { .. }), "{error:?}");
            Pin::read(&[b'1'; 1025][..]).unwrap_err();
        },
    );
}

#[test]
fn a_callback_may_give_another_pin_and_is_told_if_it_uses_the_token() {
    alone(
        "log_ins::a_callback_may_give_another_pin_and_is_told_if_it_uses_the_token",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            place.made(&uri, KeyType::P256);
            let signer = move |key: &TokenKey| {
                let schemes = [SignatureScheme::ECDSA_NISTP256_SHA256];
                key.choose_scheme(&schemes).unwrap().sign(b"message")
            };
            let cell = Arc::new(OnceLock::<Token>::new());
            let (inner, again) = (cell.clone(), uri.clone());
            let source = PinSource::callback(move || {
                let Some(token) = inner.get() else {
                    return Ok(PIN.to_owned().into());
                };
                // What it must not do: this and another opening of the token wait for the log-in.
                for error in [
                    Token::open(&again, Some(pin()), TokenSettings::new()).unwrap_err(),
                    token.certificate(&again).unwrap_err(),
                ] {
                    assert!(matches!(error, Error::PinUnread { .. }), "{error:?}");
                }
                token.set_pin(pin());
                Ok(String::from("9999").into())
            });
            let token = Token::open(&uri, Some(source), TokenSettings::new()).unwrap();
            let key = token.key(&uri, &place.provider).unwrap();
            cell.set(token).unwrap();
            place.order("close");
            let (sender, receiver) = std::sync::mpsc::channel();
            thread::spawn(move || {
                // The PIN that it gave is wrong. The one that it set is used at once.
                sender.send([signer(&key).is_ok(), signer(&key).is_ok()])
            });
            let signed = receiver.recv_timeout(Duration::from_secs(20));
            assert_eq!(signed.unwrap(), [false, true]);
        },
    );
}

#[test]
fn the_end_of_a_line_is_no_part_of_the_pin() {
    let read = |text: &str| Pin::read(text.as_bytes()).unwrap();
    for text in ["1234", "1234\n", "1234\r\n", "1234\r\nother\r\n"] {
        assert!(read(text) == Pin::from(PIN.to_owned()), "{text:?}");
    }
    // One end of a line alone, and nothing else.
    assert!(read("1234\r\r\n") == Pin::from(String::from("1234\r")));
    assert!(read("1234\r") == Pin::from(String::from("1234\r")));
    assert!(read("1234 \n") == Pin::from(String::from("1234 ")));
    let longest = "1".repeat(1024);
    assert!(read(&format!("{longest}\r\n")) == Pin::from(longest.clone()));
    Pin::read(format!("{longest}\r\r\n").as_bytes()).unwrap_err();
    Pin::read(format!("{longest}1\n").as_bytes()).unwrap_err();
}

#[test]
fn what_is_no_file_is_not_read_for_a_pin() {
    alone(
        "log_ins::what_is_no_file_is_not_read_for_a_pin",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            let pipe = place.folder.join("pipe");
            let made = std::process::Command::new("mkfifo").arg(&pipe).status();
            assert!(made.unwrap().success());
            for path in [pipe, place.folder.clone(), "/dev/zero".into()] {
                let (sender, receiver) = std::sync::mpsc::channel();
                let (uri, source) = (uri.clone(), PinSource::file(&path));
                // Reading a pipe that has no writer would wait.
                thread::spawn(move || {
                    sender.send(Token::open(&uri, Some(source), TokenSettings::new()))
                });
                let opened = receiver.recv_timeout(Duration::from_secs(20));
                let error = opened.unwrap().unwrap_err();
                let Error::PinUnread { source, .. } = error else {
                    panic!("{error:?}");
                };
                assert!(source.to_string().contains("no regular file"), "{source}");
            }
        },
    );
}
