//! Displayed texts: nothing of a private key (K2), and nothing from a certificate that breaks a line.

use mutual_trust::certificate::{Certificate, SanName};
use mutual_trust::error::{CertificateError, FingerprintError, IdentityError, PemError};
use mutual_trust::identity::PrivateKey;
use mutual_trust::limits::MAX_SHOWN_NAME;
use mutual_trust::policy::ExpectedServer;
use mutual_trust::{EntryOptions, Fingerprint, Identity, PinScope, VerifyRequest, decide};
use rcgen::{DnType, DnValue};

use crate::support::der::{bytes, parts, tree};
use crate::support::pki::{Made, spec};
use crate::support::*;

/// Characters that break a line, or hide or reorder its text: control characters, line and paragraph separators, and
/// all with the Unicode property `Bidi_Control`.
fn breaks(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn assert_clean(what: &str, text: &str) {
    // A text of several lines may only have line breaks of this crate.
    let found: Vec<char> = text
        .chars()
        .filter(|letter| breaks(*letter) && *letter != '\n')
        .collect();
    assert!(found.is_empty(), "{what}: {found:?} in {text:?}");
    assert!(!text.contains("a\nb"), "{what}: {text:?}");
}

fn named(name: &str) -> Made {
    spec(name)
        .params(|params| {
            params
                .distinguished_name
                .push(DnType::OrganizationName, DnValue::Utf8String(name.into()));
        })
        .dns("kms1.example")
        .self_signed()
}

/// All texts that can contain names of a certificate.
fn texts(made: &Made) -> Vec<(&'static str, String)> {
    let certificate = made.certificate();
    let mut texts = vec![
        ("subject", certificate.subject()),
        ("issuer", certificate.issuer()),
        ("Debug", format!("{certificate:?}")),
        ("alternate Debug", format!("{certificate:#?}")),
    ];
    for name in certificate.names() {
        texts.push(("name", format!("{name} {name:?}")));
    }
    let identity = made.identity(&[], &provider());
    texts.push(("Identity", format!("{identity:?} {identity:#?}")));
    let mut store = store();
    let bundle = store.classify_bundle(vec![certificate.clone()]);
    texts.push(("Bundle", format!("{bundle:?}")));
    let report = store
        .install_pin(
            PinScope::Name(host("kms1.example")),
            certificate.clone(),
            EntryOptions::new(),
        )
        .unwrap();
    texts.push(("Report", format!("{report} {report:?}")));
    for entry in store.contents().entries() {
        texts.push(("Entry", format!("{entry:?}")));
    }
    texts.push(("TrustSnapshot", format!("{:?}", store.contents())));
    store.block_selector(mutual_trust::store::BlockSelector::issuer_serial(
        &certificate,
    ));
    for block in store.contents().blocks() {
        texts.push(("BlockSelector", format!("{block} {block:?}")));
    }
    let error = store
        .install_pin(PinScope::Clients, certificate.clone(), EntryOptions::new())
        .unwrap_err();
    texts.push(("StoreError", format!("{error} {error:?}")));
    // A refusal that names the presented certificate: nothing is installed for that server.
    let view = crate::support::store().snapshot();
    let target = host("kms1.example");
    let question =
        VerifyRequest::server(ExpectedServer::Name(&target), certificate.der(), &[], now());
    let verdict = decide(&view, &policy(), &question);
    texts.push(("Verdict", format!("{verdict} {verdict:?}")));
    texts
}

#[test]
fn names_from_certificates_cannot_break_or_turn_a_line() {
    for bad in [
        "\n", "\r", "\0", "\t", "\u{1b}", "\u{7f}", "\u{85}", "\u{9b}",
    ] {
        for (what, text) in texts(&named(&format!("a{bad}b"))) {
            assert_clean(what, &text);
        }
    }
    for bad in [
        "\u{202e}", "\u{202a}", "\u{2066}", "\u{2069}", "\u{200f}", "\u{2028}", "\u{2029}",
    ] {
        for (what, text) in texts(&named(&format!("a{bad}b"))) {
            assert_clean(what, &text);
        }
    }
}

#[test]
fn every_character_that_turns_a_line_is_shown_by_its_number() {
    // Unicode 16, PropList.txt, Bidi_Control: lists often omit U+061C.
    let certificate = named("a\u{61c}b").certificate();
    assert_clean("subject", &certificate.subject());
    assert_clean("Debug", &format!("{certificate:?}"));
}

#[test]
fn the_letters_of_other_languages_are_shown_as_they_are() {
    let certificate = named("Schlüssel-Verwaltung 鍵").certificate();
    assert!(certificate.subject().contains("Schlüssel-Verwaltung 鍵"));
}

#[test]
fn a_name_is_shown_up_to_a_bound() {
    let certificate = spec(&"x".repeat(5000)).self_signed().certificate();
    assert!(certificate.subject().chars().count() <= MAX_SHOWN_NAME + 1);
    assert!(format!("{certificate:?}").len() < 1000);
    // A text of escapes only is bounded too.
    let certificate = spec(&"\u{202e}".repeat(5000)).self_signed().certificate();
    assert!(certificate.subject().len() <= (MAX_SHOWN_NAME + 1) * "\\u{202e}".len());
}

#[test]
fn an_alternative_name_with_characters_that_no_name_has_is_no_name() {
    let certificate = spec("x").dns("kms1.example").self_signed().certificate();
    let with = |tag: u8, value: &[u8]| {
        let mut der = tree(&certificate);
        *der.extension_value(17) = parts(0x30, vec![bytes(tag, value)]).write();
        Certificate::from_der(&der.write())
    };
    for tag in [0x81, 0x82, 0x86] {
        for value in [
            &b"a\nb"[..],
            b"a b",
            b"a\0.example",
            b"",
            b"\x1b[31m",
            b"a\x7f",
        ] {
            let names = with(tag, value).map(|read| {
                let names: Vec<String> = read.names().map(|name| name.to_string()).collect();
                assert!(read.names().all(|name| name == SanName::Other), "{value:?}");
                names
            });
            // Refusing the whole certificate is also correct.
            if let Ok(names) = names {
                assert_eq!(names, ["other"], "{value:?}");
            }
        }
    }
    for value in [&[127, 0, 0][..], &[127, 0, 0, 1, 255, 255, 255, 255], &[]] {
        if let Ok(read) = with(0x87, value) {
            assert!(read.names().all(|name| name == SanName::Other), "{value:?}");
        }
    }
}

#[test]
fn errors_about_pem_carry_nothing_that_breaks_a_line() {
    for label in ["X\u{1b}[31mY", "X\rY", "X\u{202e}Y", "X\u{7f}Y"] {
        let text = format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        let error = Certificate::many_from_pem(text.as_bytes()).unwrap_err();
        assert_clean("PemError", &format!("{error} {error:?}"));
    }
}

/// Whether `text` shows four consecutive bytes of `secret`, in any notation for bytes.
fn shows(text: &str, secret: &[u8]) -> bool {
    use base64ct::{Base64, Encoding};
    let squeezed: String = text.to_lowercase().split([' ', ':', '\n', ',']).collect();
    secret.windows(4).any(|part| {
        let hex: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
        let decimal = part
            .iter()
            .map(u8::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        squeezed.contains(&hex) || text.contains(&decimal)
    }) || secret
        .windows(6)
        .any(|part| text.contains(&Base64::encode_string(part)))
}

#[test]
fn nothing_of_a_private_key_is_shown() {
    // K2.
    for (name, key) in [
        ("ee-p256", "p256"),
        ("ee-rsa2048", "rsa2048"),
        ("ee-ed25519", "ed25519"),
    ] {
        let pem = fixture_key(key);
        let secret: Vec<u8> = {
            use base64ct::{Base64, Encoding};
            let text = String::from_utf8(pem.clone()).unwrap();
            let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
            Base64::decode_vec(&body).unwrap()
        };
        // The test works: it finds the key in a text that shows it.
        assert!(shows(&format!("{secret:?}"), &secret));
        assert!(shows(
            &String::from_utf8_lossy(&pem).replace('\n', ""),
            &secret
        ));

        let loaded = PrivateKey::from_pem(&pem).unwrap();
        let text = format!("{loaded:?} {loaded:#?}");
        assert!(text.contains("PrivateKey") && text.len() < 64, "{text}");
        let identity = fixture_identity(name, key, &provider());
        // Only the private part of the key, which is not in the certificate.
        let own = identity.certificate().der().to_vec();
        let secret: Vec<u8> = secret
            .windows(8)
            .filter(|part| !own.windows(8).any(|shared| shared == *part))
            .flatten()
            .copied()
            .collect();
        for text in [format!("{identity:?}"), format!("{identity:#?}")] {
            assert!(!shows(&text, &secret), "{text}");
            assert!(text.len() < 512, "{text}");
        }
    }
}

#[test]
fn no_error_about_a_key_carries_a_byte_of_it() {
    // K2.
    let pem = String::from_utf8(fixture_key("p256")).unwrap();
    let body: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let damaged = [
        pem.replacen(body[0], &format!("!{}", body[0]), 1),
        pem.replacen(body[0], &body[0][1..], 1),
        pem.replacen(body[0], &format!("{}: x", body[0]), 1),
        pem.replace("-----END PRIVATE KEY-----\n", ""),
        pem.replace("-----END PRIVATE KEY-----", "-----END EC PRIVATE KEY-----"),
        pem.replace("PRIVATE KEY", "DSA PRIVATE KEY"),
        pem.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
        format!("{pem}{pem}"),
    ];
    for text in damaged {
        let error = PrivateKey::from_pem(text.as_bytes()).unwrap_err();
        let shown = format!("{error} {error:?} {error:#?}");
        for line in &body {
            for part in line.as_bytes().windows(8) {
                let part = core::str::from_utf8(part).unwrap();
                assert!(!shown.contains(part), "{shown}");
            }
        }
    }
    let other = Identity::from_pem(
        &fixture_bytes("ee-p256.pem"),
        &fixture_key("p256-b"),
        &provider(),
    );
    let shown = format!("{:?}", other.as_ref().unwrap_err());
    assert!(matches!(other, Err(IdentityError::KeyMismatch { .. })));
    assert!(shown.len() < 256, "{shown}");
}

#[test]
fn a_fingerprint_of_another_digest_is_refused_with_the_option_that_prints_the_right_one() {
    let sha1 = "9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B";
    let hint = |error: &FingerprintError| error.to_string().contains("-sha256");
    for (text, count) in [(sha1, 20), (&sha1[..16 * 3 - 1], 16), (&sha1[..2], 1)] {
        let error = text.parse::<Fingerprint>().unwrap_err();
        assert!(hint(&error), "{error}");
        assert!(matches!(error, FingerprintError::Length { found, .. } if found == count));
    }
    for text in [
        format!("SHA1 Fingerprint={sha1}"),
        format!("sha1 Fingerprint={sha1}\n"),
        format!("MD5 Fingerprint={}", &sha1[..16 * 3 - 1]),
        format!("sha384 Fingerprint={sha1}:{sha1}:{}", &sha1[..8 * 3 - 1]),
    ] {
        let error = text.parse::<Fingerprint>().unwrap_err();
        assert!(hint(&error), "{error}");
        assert!(
            matches!(error, FingerprintError::OtherDigest),
            "{text}: {error:?}"
        );
    }
    // The right label does not make a short value valid, and the right length does not make a wrong label valid.
    let error = format!("sha256 Fingerprint={sha1}").parse::<Fingerprint>();
    assert!(matches!(
        error,
        Err(FingerprintError::Length { found: 20, .. })
    ));
    let whole = fixture("ee-p256").fingerprint().to_string();
    for label in ["sha256 print", "sha256 fingerprint of", "sha256"] {
        let error = format!("{label}={whole}").parse::<Fingerprint>();
        assert!(
            matches!(error, Err(FingerprintError::NotHex { offset: 0, .. })),
            "{label}: {error:?}"
        );
    }
    let error = format!("sha3-256 Fingerprint={whole}").parse::<Fingerprint>();
    assert!(
        matches!(error, Err(FingerprintError::OtherDigest)),
        "{error:?}"
    );
}

#[test]
fn the_texts_of_errors_say_where() {
    let error = Certificate::many_from_pem(&fixture_bytes("malformed/base64-garbage.pem"));
    let text = error.unwrap_err().to_string();
    assert!(
        text.contains("line 3") && text.contains("section 1"),
        "{text}"
    );
    let error = Certificate::many_from_pem(&fixture_bytes("malformed/der-as-pem.pem")).unwrap_err();
    assert!(matches!(
        error,
        CertificateError::Pem(PemError::NotText { .. })
    ));
    assert!(error.to_string().contains("DER"), "{error}");
}

/// The displayed subject of a certificate with this common name.
fn subject_shown(name: &str) -> String {
    spec(name).self_signed().certificate.subject()
}

#[test]
fn a_subject_of_one_part_is_not_shown_as_two() {
    for (name, shown) in [
        ("kms1, O=Trusted Bank", "CN=kms1\\, O\\=Trusted Bank"),
        ("kms1 + O=Trusted Bank", "CN=kms1 \\+ O\\=Trusted Bank"),
        ("#0401", "CN=\\#0401"),
        (" kms1 ", "CN=\\ kms1\\ "),
        ("a\nb", "CN=a\\u{a}b"),
        ("a\\u{a}b", "CN=a\\\\u{a}b"),
        ("Schlüsselverwaltung 鍵", "CN=Schlüsselverwaltung 鍵"),
    ] {
        assert_eq!(subject_shown(name), shown);
    }
    // The issuer, and what an administrator looks at.
    let made = spec("kms1, O=Trusted Bank").self_signed();
    let shown = "CN=kms1\\, O\\=Trusted Bank";
    assert_eq!(made.certificate.issuer(), shown);
    assert!(format!("{:?}", made.certificate).contains("kms1\\\\, O"));
    let der = made.certificate.der();
    let verdict = decide(
        &store().snapshot(),
        &policy(),
        &VerifyRequest::client(der, &[], now()),
    );
    assert!(
        verdict.to_string().contains(&format!("({shown})")),
        "{verdict}"
    );
}

#[test]
fn letters_without_a_picture_are_shown_by_their_numbers() {
    for code in [
        0xad, 0x34f, 0x115f, 0x1160, 0x180e, 0x2800, 0x3164, 0xfe00, 0xfe0f, 0xffa0, 0xfff9,
        0xfffb, 0xe0000, 0xe0041, 0xe0100, 0xe01ef, 0x202e, 0x200b, 0x2066, 0xfeff, 0xa0, 0x3000,
    ] {
        let letter = char::from_u32(code).unwrap();
        assert_eq!(
            subject_shown(&format!("kms{letter}1")),
            format!("CN=kms\\u{{{code:x}}}1")
        );
    }
}

#[test]
fn an_alternative_name_is_not_shown_as_two() {
    for (made, shown) in [
        (
            spec("x").dns("x,dns:admin.example"),
            "dns:x\\u{2c}dns\\u{3a}admin.example",
        ),
        (
            spec("x").dns("a\\u{2c}b.example"),
            "dns:a\\u{5c}u\\u{7b}2c\\u{7d}b.example",
        ),
        (
            spec("x").uri("x:y,dns:admin.example"),
            "uri:x:y\\u{2c}dns:admin.example",
        ),
        (
            spec("x").uri("spiffe://e/a?b=c;d"),
            "uri:spiffe://e/a?b=c;d",
        ),
        (spec("x").dns("*._kms.Example-1"), "dns:*._kms.Example-1"),
        (spec("x").ip("::ffff:192.0.2.1"), "ip:::ffff:192.0.2.1"),
    ] {
        let made = made.self_signed();
        let names: Vec<String> = made
            .certificate
            .names()
            .map(|name| name.to_string())
            .collect();
        assert_eq!(names, [shown]);
    }
}
