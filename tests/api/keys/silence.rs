//! No error shows a byte of a key or a passphrase, whatever is damaged.

use std::collections::{BTreeSet, HashSet};
use std::error::Error;

use mutual_trust::Identity;
use mutual_trust::error::IdentityError;
use mutual_trust::identity::{CertificateChain, KeyReader, PrivateKey};

#[cfg(feature = "encrypted-keys")]
use crate::keys::found::section;
use crate::keys::{keys_format, path};
#[cfg(feature = "encrypted-keys")]
use crate::support::der::Der;
use crate::support::{fixture_bytes, fixture_key, providers};

const WINDOW: usize = 8;
const WRONG: &str = "Qx7!zLp#93kd-Vm";

/// What an error must not show: parts of the key's DER and base64, in any notation for bytes.
struct Secrets {
    windows: HashSet<Vec<u8>>,
    checked: HashSet<String>,
}

impl Secrets {
    fn of(name: &str) -> Self {
        let mut windows = HashSet::new();
        let mut add = |text: &[u8]| windows.extend(text.windows(WINDOW).map(<[u8]>::to_vec));
        let text = String::from_utf8(keys_format(&format!("{name}.pem"))).unwrap();
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        add(body.as_bytes());
        let content = keys_format(&format!("{name}.der"));
        add(&content);
        let hex: String = content.iter().map(|byte| format!("{byte:02x}")).collect();
        add(hex.as_bytes());
        add(hex.to_uppercase().as_bytes());
        add(format!("{content:?}").as_bytes());
        add(b"correct horse");
        add(WRONG.as_bytes());
        Self {
            windows,
            checked: HashSet::new(),
        }
    }

    /// Checks an error and all its causes.
    fn check(&mut self, what: &str, error: &IdentityError) {
        let mut text = format!("{error} {error:?} {error:#?}");
        let mut below: Option<&dyn Error> = error.source();
        while let Some(source) = below {
            text.push_str(&format!(" {source} {source:?}"));
            below = source.source();
        }
        assert!(!self.is_in(&text), "{what}: {text}");
    }

    fn is_in(&mut self, text: &str) -> bool {
        let mut windows = text.as_bytes().windows(WINDOW);
        self.checked.insert(text.to_owned()) && windows.any(|shown| self.windows.contains(shown))
    }
}

#[test]
fn the_search_finds_what_is_shown() {
    let name = "p256-pbkdf2-aes256";
    let der = keys_format(&format!("{name}.der"));
    let text = String::from_utf8(keys_format(&format!("{name}.pem"))).unwrap();
    let line = text.lines().nth(2).unwrap();
    for shown in [
        format!("found {} there", &line[10..18]),
        format!("found {:?} there", &der[60..64]),
        format!(
            "found {:02x}{:02x}{:02x}{:02x}",
            der[60], der[61], der[62], der[63]
        ),
        String::from("for correct horse"),
        String::from("line 3: section 1 is not base64"),
    ] {
        let expected = !shown.starts_with("line");
        assert_eq!(Secrets::of(name).is_in(&shown), expected, "{shown}");
    }
}

/// The name of a variant and of the variant inside it.
fn names(error: &IdentityError) -> String {
    let text = format!("{error:?}");
    let end = text.find([' ', '{']).unwrap_or(text.len());
    let name = &text[..end];
    let inner = name
        .split(['(', ')'])
        .take(2)
        .filter(|part| !part.is_empty());
    inner.collect::<Vec<_>>().join(" ")
}

#[cfg(feature = "encrypted-keys")]
fn read(content: &[u8]) -> Vec<Result<PrivateKey, IdentityError>> {
    use mutual_trust::identity::Passphrase;

    let wrong = Passphrase::from(String::from(WRONG));
    let reader = KeyReader::new().with_passphrase(&wrong);
    let mut results = read_plain(content);
    results.push(reader.pem(content));
    results.push(reader.der(content.to_vec()));
    results
}

#[cfg(not(feature = "encrypted-keys"))]
fn read(content: &[u8]) -> Vec<Result<PrivateKey, IdentityError>> {
    read_plain(content)
}

fn read_plain(content: &[u8]) -> Vec<Result<PrivateKey, IdentityError>> {
    vec![
        PrivateKey::from_pem(content),
        PrivateKey::from_der(content.to_vec()),
        PrivateKey::from_reader(content, content.len()),
        PrivateKey::from_reader(content, content.len().saturating_sub(1)),
        PrivateKey::from_reader(content, content.len() + 1),
        KeyReader::new().combined_pem(content).map(|(_, key)| key),
        CertificateChain::from_combined_pem(content).and_then(|_| PrivateKey::from_der(Vec::new())),
    ]
}

/// Files with damage in every place, as it happens to files.
fn damaged(whole: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![whole.to_vec(), [whole, whole].concat(), Vec::new()];
    // The step is coprime to line and block lengths.
    for place in (0..whole.len()).step_by(7) {
        all.push(whole[..place].to_vec());
        all.push(whole[place..].to_vec());
        let mut flipped = whole.to_vec();
        flipped[place] ^= 1;
        all.push(flipped);
        let mut zeroed = whole.to_vec();
        zeroed[place] = 0;
        all.push(zeroed);
        for inserted in [&b"\n"[..], b"-----", b"\xff", b": "] {
            all.push([&whole[..place], inserted, &whole[place..]].concat());
        }
    }
    if let Ok(text) = core::str::from_utf8(whole) {
        all.push(text.replace('\n', "").into_bytes());
        all.push(text.replace('\n', " ").into_bytes());
        all.push(text.replace("-----\n", "-----").into_bytes());
        all.push(text.replace("-----", "----").into_bytes());
        // The content in the place of the label.
        let body: String = text
            .lines()
            .filter(|line| !line.starts_with('-'))
            .take(1)
            .collect();
        let body = body.replace(['+', '/', '='], "A");
        for label in [
            format!("{body} PRIVATE KEY"),
            body.clone(),
            format!("PRIVATE KEY {body}"),
        ] {
            all.push(text.replace("PRIVATE KEY", &label).into_bytes());
            all.push(text.replacen("PRIVATE KEY", &label, 1).into_bytes());
        }
    }
    all
}

fn check(name: &str, whole: &[u8], seen: &mut BTreeSet<String>) {
    let mut secrets = Secrets::of(name);
    for (number, content) in damaged(whole).into_iter().enumerate() {
        for result in read(&content) {
            if let Err(error) = result {
                secrets.check(&format!("{name} {number}"), &error);
                seen.insert(names(&error));
            }
        }
    }
}

#[test]
fn a_damaged_key_is_never_shown() {
    // K2
    let mut seen = BTreeSet::new();
    for name in ["p256-pkcs8", "p256-sec1", "ed25519-pkcs8", "rsa2048-pkcs1"] {
        for form in ["pem", "der"] {
            check(name, &keys_format(&format!("{name}.{form}")), &mut seen);
        }
    }
    let wanted = [
        "KeyPem MissingEnd",
        "KeyPem Boundary",
        "KeyPem Base64",
        "KeyPem Headers",
        "KeyPem Label",
        "KeyPem LabelMismatch",
        "KeyPem NotText",
        "KeyPem NoSection",
        "KeyReader UnexpectedEof",
        "KeyReader Grew",
        "KeyReader Empty",
        "KeyMalformed",
        "KeyTruncated",
        "KeyTrailing",
        "NotOneKey",
        "NoCertificate",
        "Certificate Pem",
        "LegacyEncryptedKey",
    ];
    for wanted in wanted {
        assert!(seen.contains(wanted), "{wanted} is not among {seen:?}");
    }
}

#[cfg(feature = "encrypted-keys")]
#[test]
fn a_damaged_encrypted_key_is_never_shown_nor_is_its_passphrase() {
    // K2
    let mut seen = BTreeSet::new();
    for name in ["p256-pbkdf2-aes256", "p256-scrypt-parameters"] {
        let mut key = Der::read(&keys_format(&format!("{name}.der")));
        // Above the limit, and a small number that takes no time.
        for digits in [&[0x7f, 0xff, 0xff, 0xff, 0xff][..], &[2]] {
            digits.clone_into(key.at(&[0, 1, 0, 1, 1]).content());
            check(name, &key.write(), &mut seen);
        }
        let text = section("ENCRYPTED PRIVATE KEY", &key.write());
        check(name, &text, &mut seen);
    }
    for wanted in [
        "Decrypt Passphrase",
        "Decrypt Malformed",
        "Decrypt Algorithm",
        "Decrypt ScryptCost",
        "Decrypt Iterations",
        "EncryptedKey",
    ] {
        assert!(seen.contains(wanted), "{wanted} is not among {seen:?}");
    }
}

#[test]
fn a_key_that_is_refused_whole_is_never_shown() {
    // K2: refused for its kind, its size, by the provider and for its certificate.
    for (name, provider) in providers() {
        for (key, chain) in [
            ("p256-pkcs8", "ee-p384"),
            ("p256-sec1-without-public-part", "ee-p384"),
            ("rsa2048-pkcs1", "ee-p256"),
            ("p521-pkcs8", "ee-p256"),
            ("refused-rsa1024", "ee-p256"),
        ] {
            let mut secrets = Secrets::of(key);
            let chain =
                CertificateChain::from_pem(&fixture_bytes(&format!("{chain}.pem"))).unwrap();
            let key = KeyReader::new()
                .allow_shared_file()
                .file(path(&format!("{key}.pem")));
            let error = key
                .and_then(|key| Identity::new(chain, key, &provider))
                .unwrap_err();
            secrets.check(name, &error);
        }
        // What a key shows of itself.
        let mut secrets = Secrets::of("p256-pkcs8");
        let key = PrivateKey::from_pem(&keys_format("p256-pkcs8.pem")).unwrap();
        let shown = format!("{key:?} {key:#?}");
        assert_eq!(shown, "PrivateKey(ECDSA P-256) PrivateKey(ECDSA P-256)");
        let chain = fixture_bytes("ee-p256.pem");
        let identity = Identity::from_pem(&chain, &fixture_key("p256"), &provider).unwrap();
        let shown = format!("{identity:?} {identity:#?}");
        assert!(!secrets.is_in(&shown), "{shown}");
    }
}
