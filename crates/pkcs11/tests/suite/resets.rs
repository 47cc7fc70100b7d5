//! A token that goes away and comes back.

use mutual_trust_pkcs11::{Error, KeyType, TokenKey};
use rustls::SignatureScheme;
use rustls::sign::{Signer, SigningKey};

use crate::support::{Place, alone};

/// A key in the module that fails, and what signs with it.
fn key(place: &Place) -> (TokenKey, Box<dyn Signer>) {
    let uri = place.shim("array", "link");
    let key = place.made(&uri, KeyType::P256);
    let signer = key
        .choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256])
        .unwrap();
    signer.sign(b"before").unwrap();
    (key, signer)
}

#[test]
fn after_each_error_of_a_reset_the_key_is_found_again_once() {
    alone(
        "resets::after_each_error_of_a_reset_the_key_is_found_again_once",
        &["array"],
        |place| {
            let (_key, signer) = key(place);
            for (name, value) in [
                ("CKR_OBJECT_HANDLE_INVALID", "82"),
                ("CKR_KEY_HANDLE_INVALID", "60"),
                ("CKR_SESSION_HANDLE_INVALID", "b3"),
                ("CKR_SESSION_CLOSED", "b0"),
                ("CKR_USER_NOT_LOGGED_IN", "101"),
                ("CKR_DEVICE_REMOVED", "32"),
                ("CKR_DEVICE_ERROR", "30"),
                ("CKR_TOKEN_NOT_PRESENT", "e0"),
                ("CKR_CRYPTOKI_NOT_INITIALIZED", "190"),
                ("CKR_GENERAL_ERROR", "5"),
                ("CKR_OPERATION_ACTIVE", "90"),
            ] {
                for function in ["C_SignInit", "C_Sign"] {
                    let before = place.calls("C_SignInit");
                    place.order(&format!("fail {function} {value} 1"));
                    signer
                        .sign(b"after")
                        .unwrap_or_else(|error| panic!("{name}: {error}"));
                    assert_eq!(place.calls("C_SignInit"), before + 2, "{name} {function}");
                    // Twice in a row is an error: there is one more try, not two.
                    place.order(&format!("fail {function} {value} 2"));
                    signer.sign(b"after").unwrap_err();
                    assert_eq!(place.calls("C_SignInit"), before + 4, "{name} {function}");
                }
            }
            // What a reset does not explain is not tried again: CKR_DATA_LEN_RANGE.
            let before = place.calls("C_SignInit");
            place.order("fail C_SignInit 21 1");
            signer.sign(b"after").unwrap_err();
            assert_eq!(place.calls("C_SignInit"), before + 1);
        },
    );
}

#[test]
fn after_a_log_out_or_a_reset_of_the_module_the_next_signature_succeeds() {
    alone(
        "resets::after_a_log_out_or_a_reset_of_the_module_the_next_signature_succeeds",
        &["array"],
        |place| {
            let (_key, signer) = key(place);
            for order in ["close", "reset", "close", "reset"] {
                let logins = place.calls("C_Login");
                place.order(order);
                signer
                    .sign(b"after")
                    .unwrap_or_else(|error| panic!("{order}: {error}"));
                assert_eq!(place.calls("C_Login"), logins + 1, "{order}");
            }
        },
    );
}

#[test]
fn after_a_reset_one_signature_alone_opens_its_session_again() {
    alone(
        "resets::after_a_reset_one_signature_alone_opens_its_session_again",
        &["array"],
        |place| {
            let (_key, signer) = key(place);
            let all = || {
                std::thread::scope(|scope| {
                    for _ in 0..4 {
                        scope.spawn(|| signer.sign(b"message").unwrap());
                    }
                });
            };
            place.order("slow 200");
            all();
            for order in ["close", "reset"] {
                place.order(order);
                signer.sign(b"after").unwrap();
                // The other sessions are known to be gone: none is tried.
                let before = place.calls("C_SignInit");
                all();
                assert_eq!(place.calls("C_SignInit"), before + 4, "{order}");
            }
        },
    );
}

#[test]
fn after_a_reset_each_opening_of_a_token_finds_its_key_again() {
    alone(
        "resets::after_a_reset_each_opening_of_a_token_finds_its_key_again",
        &["array"],
        |place| {
            let (key, signer) = key(place);
            let second = place.open(key.uri()).key(key.uri(), &place.provider);
            let second = second.unwrap();
            let second = second.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]);
            for _ in 0..2 {
                place.order("close");
                signer.sign(b"after").unwrap();
                // Its session is gone too, and the process is logged in.
                second.as_ref().unwrap().sign(b"after").unwrap();
            }
        },
    );
}

#[test]
fn while_a_token_is_away_signatures_fail_and_then_they_succeed() {
    alone(
        "resets::while_a_token_is_away_signatures_fail_and_then_they_succeed",
        &["array"],
        |place| {
            let (_key, signer) = key(place);
            // Each look at the slots is two calls, and each signature looks once more.
            place.order("close\nabsent 1000000");
            for _ in 0..3 {
                let error = signer.sign(b"away").unwrap_err().to_string();
                assert!(error.contains("TokenNotPresent"), "{error}");
            }
            place.order("absent 0");
            signer.sign(b"back").unwrap();
        },
    );
}

#[test]
fn a_token_that_comes_back_in_another_slot_is_found() {
    alone(
        "resets::a_token_that_comes_back_in_another_slot_is_found",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            let by_label = place.made(&uri, KeyType::P256);
            // As the URI of a program that lists slots names it.
            let number = slot_number(place);
            let module = place.folder.join("shim.so");
            let text = format!(
                "pkcs11:slot-id={number};object=link?module-path={}",
                module.display()
            );
            let by_slot = text.parse().unwrap();
            let by_slot = place.open(&by_slot).key(&by_slot, &place.provider).unwrap();
            place.order("close\nmoved 7");
            for key in [by_label, by_slot] {
                let signer = key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]);
                signer.unwrap().sign(b"moved").unwrap();
            }
        },
    );
}

/// The number of the first slot, as SoftHSM's own tool shows it.
fn slot_number(place: &Place) -> u64 {
    let shown = std::process::Command::new("softhsm2-util")
        .arg("--show-slots")
        .env("SOFTHSM2_CONF", place.folder.join("softhsm2.conf"))
        .output()
        .unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    let mut numbers = text.lines().filter_map(|line| line.strip_prefix("Slot "));
    numbers.next().unwrap().trim().parse().unwrap()
}

#[test]
fn threads_that_sign_in_a_reset_all_succeed() {
    alone(
        "resets::threads_that_sign_in_a_reset_all_succeed",
        &["array"],
        |place| {
            let (_key, signer) = key(place);
            for _ in 0..5 {
                std::thread::scope(|scope| {
                    for number in 0..8 {
                        let signer = &signer;
                        scope.spawn(move || {
                            if number == 0 {
                                place.order("close");
                            }
                            for _ in 0..10 {
                                signer.sign(b"in a reset").unwrap();
                            }
                        });
                    }
                });
            }
        },
    );
}

#[test]
fn another_key_of_the_same_name_is_not_used() {
    alone(
        "resets::another_key_of_the_same_name_is_not_used",
        &["array"],
        |place| {
            let (key, signer) = key(place);
            let uri = key.uri().clone();
            // Deleted and made again by another part of the process.
            key.clone().delete().unwrap();
            let token = place.open(&uri);
            token
                .generate(&uri, KeyType::P256, &place.provider)
                .unwrap();
            place.order("close");
            let error = signer.sign(b"after").unwrap_err().to_string();
            assert!(error.contains("another key of the same name"), "{error}");
            // It is not deleted either.
            let error = key.delete().unwrap_err();
            assert!(matches!(error, Error::KeyChanged), "{error:?}");
            token.key(&uri, &place.provider).unwrap();
        },
    );
}

#[test]
fn another_key_of_the_same_name_is_not_used_before_the_first_signature() {
    alone(
        "resets::another_key_of_the_same_name_is_not_used_before_the_first_signature",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            let first = place.made(&uri, KeyType::P256);
            let token = place.open(&uri);
            let key = token.key(&uri, &place.provider).unwrap();
            first.delete().unwrap();
            token
                .generate(&uri, KeyType::P256, &place.provider)
                .unwrap();
            let signer = key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]);
            let error = signer.unwrap().sign(b"first").unwrap_err().to_string();
            assert!(error.contains("another key of the same name"), "{error}");
        },
    );
}
