//! Finding keys, making them, and that they belong to their certificates.

use mutual_trust::identity::{CertificateChain, CertificateSpec};
use mutual_trust_pkcs11::{Error, KeyType, PinSource, Token, TokenSettings, Uri};
use mutual_trust_test_support::now;
use mutual_trust_test_support::pki::self_signed;

use crate::support::{PIN, alone, pin};

#[test]
fn a_key_is_found_by_its_label_its_identifier_and_its_uri() {
    alone(
        "keys::a_key_is_found_by_its_label_its_identifier_and_its_uri",
        &["array"],
        |place| {
            let uri = place.uri("array", "link");
            let made = place.made(&uri.clone().with_id(vec![7]), KeyType::P256);
            let token = place.open(&uri);
            let module = std::env::var("MT_SOFTHSM").unwrap();
            let text = format!("pkcs11:token=array;id=%07;type=private?module-path={module}");
            let by_id = text.parse::<Uri>().unwrap();
            for uri in [&uri, &by_id] {
                let found = token.key(uri, &place.provider).unwrap();
                assert_eq!(
                    found.subject_public_key_info(),
                    made.subject_public_key_info()
                );
            }
            let none = token.key(&uri.clone().with_id(vec![8]), &place.provider);
            assert!(matches!(none, Err(Error::KeyNotFound { .. })), "{none:?}");
            let none = token.key(&Uri::new(), &place.provider);
            assert!(matches!(none, Err(Error::NoKey)), "{none:?}");
            let again = token.generate(&uri, KeyType::P256, &place.provider);
            assert!(matches!(again, Err(Error::KeyExists { .. })), "{again:?}");
            let other = uri.clone().with_object("other").with_id(vec![7]);
            let again = token.generate(&other, KeyType::P256, &place.provider);
            assert!(matches!(again, Err(Error::KeyExists { .. })), "{again:?}");
            made.delete().unwrap();
            let none = token.key(&uri, &place.provider);
            assert!(matches!(none, Err(Error::KeyNotFound { .. })), "{none:?}");
        },
    );
}

#[test]
fn a_key_that_is_made_in_the_token_cannot_leave_it() {
    alone(
        "keys::a_key_that_is_made_in_the_token_cannot_leave_it",
        &["array"],
        |place| {
            let uri = place.uri("array", "link");
            place.made(&uri, KeyType::P256);
            // As another program sees it.
            let shown = std::process::Command::new("pkcs11-tool")
                .args(["--module", &std::env::var("MT_SOFTHSM").unwrap()])
                .args(["--token-label", "array", "--login", "--pin", PIN, "-O"])
                .output();
            let Ok(shown) = shown else {
                // OpenSC is not here; the crate itself has asked the token.
                return;
            };
            let text = String::from_utf8_lossy(&shown.stdout).into_owned();
            assert!(
                text.contains("sensitive, always sensitive, never extractable, local"),
                "{text}"
            );
            assert!(!text.contains("WARNING"), "{text}");
        },
    );
}

#[test]
fn a_key_that_is_not_that_of_the_certificate_is_refused() {
    alone(
        "keys::a_key_that_is_not_that_of_the_certificate_is_refused",
        &["array"],
        |place| {
            let (one, other) = (place.uri("array", "one"), place.uri("array", "other"));
            let key = place.made(&one, KeyType::P256);
            let chain = place.identity(&key, "array-7").chain().clone();
            place.made(&other, KeyType::P256);
            let token = place.open(&one);
            token
                .identity(&one, chain.clone(), &place.provider)
                .unwrap();
            let wrong = token.identity(&other, chain, &place.provider);
            assert!(matches!(wrong, Err(Error::OtherKey)), "{wrong:?}");
            let chain = CertificateChain::new(vec![self_signed("array-7").certificate]).unwrap();
            let wrong = token.identity(&one, chain, &place.provider);
            assert!(matches!(wrong, Err(Error::OtherKey)), "{wrong:?}");
        },
    );
}

/// The public object is of another key than the private one, as after a mistaken import.
#[test]
fn a_public_object_of_another_key_is_found_by_the_first_signature() {
    alone(
        "keys::a_public_object_of_another_key_is_found_by_the_first_signature",
        &["array"],
        |place| {
            let uri = place.uri("array", "link");
            place.made(&uri.clone().with_id(vec![1]), KeyType::P256);
            place.made(&place.uri("array", "other").with_id(vec![2]), KeyType::P256);
            let is_done = tool(&["--delete-object", "--type", "pubkey", "--id", "01"])
                && tool(&["--type", "pubkey", "--id", "02", "--set-id", "01"]);
            if !is_done {
                mutual_trust_test_support::skips::skipped("objects of two keys: no opensc");
                return;
            }
            let found = place.open(&uri).key(&uri, &place.provider);
            assert!(matches!(found, Err(Error::WrongSignature)), "{found:?}");
        },
    );
}

/// Some tokens keep no public objects.
#[test]
fn the_certificate_stands_in_for_a_public_object_that_is_not_there() {
    alone(
        "keys::the_certificate_stands_in_for_a_public_object_that_is_not_there",
        &["array"],
        |place| {
            let uri = place.uri("array", "link");
            let key = place.made(&uri.clone().with_id(vec![1]), KeyType::P256);
            let chain = place.identity(&key, "array-7").chain().clone();
            let gone = tool(&["--delete-object", "--type", "pubkey", "--id", "01"]);
            if !gone {
                mutual_trust_test_support::skips::skipped(
                    "a token without public objects: no opensc",
                );
                return;
            }
            let token = place.open(&uri);
            let none = token.key(&uri, &place.provider);
            assert!(matches!(none, Err(Error::NoPublicKey)), "{none:?}");
            token.identity(&uri, chain, &place.provider).unwrap();
            let other = CertificateChain::new(vec![self_signed("x").certificate]).unwrap();
            let wrong = token.identity(&uri, other, &place.provider);
            assert!(matches!(wrong, Err(Error::WrongSignature)), "{wrong:?}");
        },
    );
}

/// OpenSC's tool with the token. `false` if it is not here.
fn tool(arguments: &[&str]) -> bool {
    let done = std::process::Command::new("pkcs11-tool")
        .args(["--module", &std::env::var("MT_SOFTHSM").unwrap()])
        .args(["--token-label", "array", "--login", "--pin", PIN])
        .args(arguments)
        .output();
    done.is_ok_and(|done| done.status.success())
}

#[test]
fn a_key_that_asks_for_its_pin_at_each_signature_is_refused() {
    alone(
        "keys::a_key_that_asks_for_its_pin_at_each_signature_is_refused",
        &["array"],
        |place| {
            let made = tool(&[
                "--keypairgen",
                "--key-type",
                "EC:prime256v1",
                "--label",
                "always",
                "--id",
                "01",
                "--always-auth",
            ]);
            if !made {
                mutual_trust_test_support::skips::skipped("keys that ask for their PIN: no opensc");
                return;
            }
            let always = place.uri("array", "always");
            let token = place.open(&always);
            let refused = token.key(&always, &place.provider);
            assert!(
                matches!(refused, Err(Error::AlwaysAuthenticate)),
                "{refused:?}"
            );
        },
    );
}

#[test]
fn the_certificate_beside_a_key_is_read() {
    alone(
        "keys::the_certificate_beside_a_key_is_read",
        &["array"],
        |place| {
            let uri = place.uri("array", "link");
            let key = place.made(&uri.clone().with_id(vec![1]), KeyType::P256);
            let identity = place.identity(&key, "array-7");
            let none = key.token().certificate(&uri);
            assert!(matches!(none, Err(Error::KeyNotFound { .. })), "{none:?}");
            let file = place.folder.join("link.der");
            std::fs::write(&file, identity.certificate().der()).unwrap();
            let file = file.display().to_string();
            let write = ["--write-object", &file, "--type", "cert", "--id", "01"];
            if !tool(&[&write[..], &["--label", "link"]].concat()) {
                mutual_trust_test_support::skips::skipped("certificates in a token: no opensc");
                return;
            }
            let read = place.open(&uri).certificate(&uri).unwrap();
            assert_eq!(read.fingerprint(), identity.certificate().fingerprint());
        },
    );
}

#[test]
fn of_two_tokens_the_one_that_is_named_is_taken() {
    alone(
        "keys::of_two_tokens_the_one_that_is_named_is_taken",
        &["one", "two", "two"],
        |place| {
            let one = place.made(&place.uri("one", "link"), KeyType::P256);
            assert_eq!(one.token().label(), "one");
            let open = |uri: &Uri| Token::open(uri, Some(pin()), TokenSettings::new());
            let several = open(&place.uri("two", "link"));
            assert!(
                matches!(several, Err(Error::SeveralTokens { count: 2, .. })),
                "{several:?}"
            );
            let none = open(&place.uri("three", "link"));
            assert!(matches!(none, Err(Error::TokenNotFound { .. })), "{none:?}");
            let none = open(&place.uri("one", "link").with_serial("0"));
            assert!(matches!(none, Err(Error::TokenNotFound { .. })), "{none:?}");
            let none = open(&Uri::new());
            assert!(matches!(none, Err(Error::NoModule)), "{none:?}");
            let none = open(&Uri::new().with_module_name("no-such-module"));
            assert!(
                matches!(none, Err(Error::ModuleNotFound { .. })),
                "{none:?}"
            );
            let none = open(&Uri::new().with_module_path(place.folder.join("softhsm2.conf")));
            assert!(matches!(none, Err(Error::Module { .. })), "{none:?}");
            open(&Uri::new().with_module_name("softhsm2").with_token("one")).unwrap();
        },
    );
}

#[test]
fn a_module_is_named_as_in_a_uri_also_when_it_is_named_in_code() {
    alone(
        "keys::a_module_is_named_as_in_a_uri_also_when_it_is_named_in_code",
        &["array"],
        |place| {
            let shim = place.shim("array", "link");
            let open = |uri: Uri| {
                let uri = uri.with_token("array");
                Token::open(&uri, Some(pin()), TokenSettings::new())
            };
            let file = place.folder.join("shim.so").display().to_string();
            for name in ["", "..", "../shim", r"a\b", &file] {
                let refused = open(Uri::new().with_module_name(name));
                assert!(
                    matches!(refused, Err(Error::ModuleNotFound { .. })),
                    "{name}: {refused:?}"
                );
            }
            std::env::set_current_dir(&place.folder).unwrap();
            for path in ["shim.so", "./shim.so", ""] {
                let refused = open(Uri::new().with_module_path(path));
                assert!(
                    matches!(refused, Err(Error::Module { .. })),
                    "{path}: {refused:?}"
                );
            }
            assert_eq!(place.calls("C_Initialize"), 0);
            open(shim).unwrap();
        },
    );
}

#[test]
fn a_request_is_signed_in_the_token_and_its_answer_installed() {
    alone(
        "keys::a_request_is_signed_in_the_token_and_its_answer_installed",
        &["array"],
        |place| {
            let uri = place.uri("array", "link");
            let key = place.made(&uri, KeyType::Rsa2048);
            let pair = key.signing_key_pair(&place.provider).unwrap();
            let spec = CertificateSpec::new("array-7").unwrap();
            // Reading it again checks its signature.
            let request = pair.request(&spec).unwrap();
            let pem = request.to_pem();
            mutual_trust::identity::CertificateRequest::from_pem(pem.as_bytes()).unwrap();
            let old = pair.self_signed(&spec, 30, now()).unwrap();
            let renewed = old.renew(365, now(), &place.provider).unwrap();
            assert_eq!(
                renewed.certificate().subject_public_key_info(),
                key.subject_public_key_info()
            );
        },
    );
}

#[test]
fn nothing_shows_the_pin() {
    alone("keys::nothing_shows_the_pin", &["array"], |place| {
        let uri = place.uri("array", "link");
        let secret = "s3cret-pin";
        let source = PinSource::kept(secret.to_owned().into());
        let shown = format!("{source:?}");
        let error = Token::open(&uri, Some(source), TokenSettings::new()).unwrap_err();
        let token = place.open(&uri);
        token.set_pin(PinSource::kept(secret.to_owned().into()));
        let all = format!("{shown} {error} {error:?} {token:?}");
        assert!(!all.contains(secret), "{all}");
    });
}
