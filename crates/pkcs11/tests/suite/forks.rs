//! A process that was forked does not use what its parent opened.

use std::fs;
use std::process;

use mutual_trust_pkcs11::{Error, KeyType, PinSource, Token, TokenSettings};
use rustix::process::{WaitOptions, wait};
use rustls::SignatureScheme;
use rustls::sign::SigningKey;

use crate::support::{alone, pin};

/// What the child ends with. Not 0: a child whose thread panics ends with that.
const DONE: i32 = 42;

#[test]
fn a_child_is_told_and_can_open_the_token_again() {
    alone(
        "forks::a_child_is_told_and_can_open_the_token_again",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            let key = place.made(&uri, KeyType::P256);
            let sign = || {
                let signer = key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]);
                signer.unwrap().sign(b"message")
            };
            let parent = process::id();
            // The next session forks the process.
            place.order("close\nfork");
            sign().unwrap();
            if process::id() != parent {
                let told = sign().is_err_and(|error| error.to_string().contains("forked"));
                let found = key.token().key(&uri, &place.provider);
                let told = told && matches!(found, Err(Error::Forked { .. }));
                let again = Token::open(&uri, Some(pin()), TokenSettings::new());
                let again = again.and_then(|again| again.key(&uri, &place.provider));
                let signs = again.is_ok_and(|again| {
                    again.subject_public_key_info() == key.subject_public_key_info()
                });
                process::exit(match (told, signs) {
                    (true, true) => DONE,
                    (false, _) => 3,
                    (true, false) => 4,
                });
            }
            fs::write(place.folder.join("go"), "").unwrap();
            let (_, status) = wait(WaitOptions::empty()).unwrap().unwrap();
            assert_eq!(status.exit_status(), Some(DONE), "{status:?}");
            sign().unwrap();
        },
    );
}

#[test]
fn a_child_knows_which_pin_was_refused() {
    alone(
        "forks::a_child_knows_which_pin_was_refused",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            let wrong = || {
                let pin = PinSource::kept(String::from("9999").into());
                Token::open(&uri, Some(pin), TokenSettings::new()).unwrap_err()
            };
            let first = wrong();
            assert!(matches!(first, Error::LogIn { .. }), "{first:?}");
            let parent = process::id();
            place.order("fork");
            let opened = Token::open(&uri, Some(pin()), TokenSettings::new());
            if process::id() != parent {
                // Also if the module cannot be initialised at first.
                place.order("fail C_Initialize 5 1");
                if !matches!(wrong(), Error::Module { .. }) {
                    process::exit(3);
                }
                let told = matches!(wrong(), Error::LogInNotRepeated { .. });
                process::exit(if told { DONE } else { 4 });
            }
            opened.unwrap();
            fs::write(place.folder.join("go"), "").unwrap();
            let (_, status) = wait(WaitOptions::empty()).unwrap().unwrap();
            assert_eq!(status.exit_status(), Some(DONE), "{status:?}");
        },
    );
}
