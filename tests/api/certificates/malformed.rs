//! Damaged files: each is refused as a whole, with a specific error and position (rule I4).

use mutual_trust::certificate::Certificate;
use mutual_trust::error::{CertificateError as E, OtherFormat, PemError as P};
use mutual_trust::limits::{MAX_CERTIFICATE_BYTES, MAX_PEM_BYTES, MAX_PEM_LABEL, MAX_PEM_SECTIONS};

use crate::support::*;

fn pem(name: &str) -> E {
    Certificate::many_from_pem(&fixture_bytes(name)).unwrap_err()
}

fn der(name: &str) -> E {
    Certificate::from_der(&fixture_bytes(name)).unwrap_err()
}

fn text(text: &str) -> Result<Vec<Certificate>, E> {
    Certificate::many_from_pem(text.as_bytes())
}

macro_rules! assert_is {
    ($error:expr, $pattern:pat $(if $guard:expr)?) => {{
        let error = $error;
        assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
    }};
}

#[test]
fn a_section_that_is_cut_short_is_named_and_nothing_of_the_file_is_read() {
    // I4: all or nothing. The first section of both files is valid.
    for name in ["truncated-last-section", "missing-end"] {
        let root = String::from_utf8(fixture_bytes("ca-root.pem")).unwrap();
        let second = root.lines().count() + 1;
        let error = pem(&format!("malformed/{name}.pem"));
        assert_is!(
            error,
            E::Pem(P::MissingEnd { index: 1, line, label, .. })
                if *line == second && label == "CERTIFICATE"
        );
    }
}

#[test]
fn a_section_under_another_label_is_named_with_the_label() {
    for (name, expected) in [
        ("x509-certificate", "X509 CERTIFICATE"),
        ("trusted-certificate", "TRUSTED CERTIFICATE"),
    ] {
        let error = pem(&format!("malformed/mislabelled-{name}.pem"));
        assert_is!(
            error,
            E::Pem(P::Label { index: 0, line: 1, label, .. }) if label == expected
        );
    }
}

#[test]
fn a_private_key_in_a_certificate_file_is_named() {
    let certificate = String::from_utf8(fixture_bytes("ee-p256.pem")).unwrap();
    let behind = certificate.lines().count() + 1;
    assert_is!(
        pem("malformed/cert-with-private-key.pem"),
        E::PrivateKey { index: 1, line, .. } if *line == behind
    );
    // Every kind of private key, also before the certificate.
    for label in [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
    ] {
        let file = format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n{certificate}");
        assert_is!(
            text(&file).unwrap_err(),
            E::PrivateKey {
                index: 0,
                line: 1,
                ..
            }
        );
        let one = Certificate::from_pem(file.as_bytes()).unwrap_err();
        assert_is!(
            one,
            E::PrivateKey {
                index: 0,
                line: 1,
                ..
            }
        );
    }
}

#[test]
fn content_that_is_not_base64_is_named_with_its_line() {
    assert_is!(
        pem("malformed/base64-garbage.pem"),
        E::Pem(P::Base64 {
            index: 0,
            line: 3,
            ..
        })
    );
}

#[test]
fn a_section_without_content_is_an_empty_certificate() {
    assert_is!(
        pem("malformed/empty-section.pem"),
        E::Section { index: 0, line: 1, source, .. } if matches!(**source, E::Empty)
    );
}

#[test]
fn a_file_without_sections_is_an_error() {
    for name in ["malformed/empty.pem", "malformed/only-text.pem"] {
        assert_is!(pem(name), E::Pem(P::NoSection));
    }
}

#[test]
fn der_under_the_name_of_pem_is_said_to_be_no_text() {
    let whole = fixture_bytes("malformed/der-as-pem.pem");
    let first = whole.iter().position(|byte| !byte.is_ascii()).unwrap();
    assert_is!(
        pem("malformed/der-as-pem.pem"),
        E::Pem(P::NotText { offset, .. }) if *offset == first
    );
}

#[test]
fn der_that_is_not_one_whole_certificate_is_refused_with_its_place() {
    let length = fixture_bytes("ee-p256.der").len();
    assert_is!(
        der("malformed/trailing-byte.der"),
        E::TrailingBytes { offset, count: 1, .. } if *offset == length
    );
    assert_is!(
        der("malformed/truncated.der"),
        E::Malformed {
            field: "encoding",
            offset: Some(0),
            ..
        }
    );
    assert_is!(der("malformed/zero-length.der"), E::Empty);
    assert_is!(
        der("malformed/empty-sequence.der"),
        E::Malformed {
            field: "certificate structure",
            offset: None,
            ..
        }
    );
    // RFC 5280 section 4.2. The fifth extension is the second subjectKeyIdentifier.
    assert_is!(
        der("malformed/duplicate-extension.der"),
        E::DuplicateExtension { oid, index: 4, .. } if oid == "2.5.29.14"
    );
}

#[test]
fn a_negative_serial_number_is_read_as_it_stands() {
    // RFC 5280 section 4.1.2.2: users should accept such certificates, although CAs must not issue them.
    let bytes = fixture_bytes("malformed/not-canonical-negative-serial.der");
    let certificate = Certificate::from_der(&bytes).unwrap();
    assert_eq!(certificate.serial(), [0xfb]);
}

#[test]
fn a_certificate_over_the_limit_is_refused_with_its_size() {
    assert_is!(
        pem("huge-over-limit.pem"),
        E::Section { index: 0, line: 1, source, .. }
            if matches!(**source, E::TooLarge { size, limit: MAX_CERTIFICATE_BYTES, .. } if size > 79_000)
    );
    // Inputs above the limit are refused without parsing.
    let error = Certificate::from_der(&vec![0; MAX_CERTIFICATE_BYTES + 1]).unwrap_err();
    assert_is!(error, E::TooLarge { .. });
    let error = Certificate::from_der(&vec![0; MAX_CERTIFICATE_BYTES]).unwrap_err();
    assert_is!(error, E::Malformed { .. });
}

#[test]
fn exactly_one_certificate_means_one() {
    let two = [fixture_bytes("ee-p256.pem"), fixture_bytes("ca-root.pem")].concat();
    assert_is!(
        Certificate::from_pem(&two).unwrap_err(),
        E::NotOne { found: 2, .. }
    );
    assert_is!(
        Certificate::from_pem(b"").unwrap_err(),
        E::Pem(P::NoSection)
    );
}

#[test]
fn the_error_of_a_bad_certificate_in_a_bundle_names_its_section() {
    // I4: position, line and the fault of that certificate.
    let good = fixture("ca-root").to_pem();
    let truncated = fixture_bytes("malformed/truncated.der");
    let bad = encode("CERTIFICATE", &truncated);
    let line = good.lines().count() * 2 + 1;
    let file = format!("{good}{good}{bad}{good}");
    assert_is!(
        text(&file).unwrap_err(),
        E::Section { index: 2, line: at, source, .. }
            if *at == line && matches!(**source, E::Malformed { field: "encoding", .. })
    );
}

/// Encodes PEM independently of the crate, in lines of 64 characters.
fn encode(label: &str, der: &[u8]) -> String {
    use base64ct::{Base64, Encoding};
    let body = Base64::encode_string(der);
    let lines: Vec<&str> = body
        .as_bytes()
        .chunks(64)
        .map(|line| core::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

#[test]
fn a_boundary_that_people_or_programs_spoilt_is_an_error_and_hides_nothing() {
    // I4: a mislabelled or unreadable section. In each file the first certificate is valid, and the boundaries of the
    // second are damaged so that people can still read them.
    let good = fixture("ca-root").to_pem();
    let second = fixture("ee-p256").to_pem();
    let line = good.lines().count() + 1;
    for (spoilt, what) in [
        (second.replace("-----BEGIN", "----BEGIN"), "a dash lost"),
        (second.replace("-----BEGIN", " -----BEGIN"), "indented"),
        (second.replace("-----BEGIN", ">-----BEGIN"), "quoted"),
        (
            second.replace("CERTIFICATE-----", "CERTIFICATE----"),
            "a dash lost at the end",
        ),
        (second.replacen("-----END", "-----BEGIN", 1), "begun twice"),
    ] {
        let error = text(&format!("{good}{spoilt}")).unwrap_err();
        let (E::Pem(P::Boundary { line: at, .. }) | E::Pem(P::MissingEnd { line: at, .. })) = error
        else {
            panic!("{what}: {error:?}");
        };
        assert_eq!(at, line, "{what}");
    }
    // `cat` of a file without a final line end.
    let joined = format!("{}{second}", good.trim_end());
    assert_is!(
        text(&joined).unwrap_err(),
        E::Pem(P::Boundary { line: at, .. }) if *at == line - 1
    );
    // Line ends of CR only.
    assert_is!(
        text(&second.replace('\n', "\r")).unwrap_err(),
        E::Pem(P::OtherFormat {
            found: OtherFormat::CarriageReturn,
            ..
        })
    );
}

#[test]
fn a_section_whose_boundaries_are_both_spoilt_is_not_passed_over_as_text() {
    // I4: all or nothing. Dashes and letters as mail programs and word processors change them.
    let good = fixture("ca-root").to_pem();
    let second = fixture("ee-p256").to_pem();
    let mut passed_over = Vec::new();
    for (spoilt, what) in [
        (second.replace("-----", "--"), "dashes lost"),
        (second.replace("-----", "—–"), "dashes joined"),
        (second.replace("-----", "- - - - -"), "dashes spaced"),
        (
            second
                .replace("-----BEGIN ", "----- BEGIN ")
                .replace("-----END ", "----- END "),
            "space after the dashes",
        ),
        (
            second
                .replace("BEGIN CERTIFICATE", "Begin Certificate")
                .replace("END CERTIFICATE", "End Certificate"),
            "other case",
        ),
        (
            second
                .replace("BEGIN CERTIFICATE", "begin certificate")
                .replace("END CERTIFICATE", "end certificate"),
            "lower case",
        ),
    ] {
        if text(&format!("{good}{spoilt}")).is_ok() {
            passed_over.push(what);
        }
    }
    assert!(passed_over.is_empty(), "{passed_over:?}");
}

#[test]
fn what_tools_write_around_sections_is_no_boundary() {
    let (root, leaf) = (fixture("ca-root").to_pem(), fixture("ee-p256").to_pem());
    for around in [
        // openssl s_client -showcerts
        format!(
            "CONNECTED(00000003)\n---\nCertificate chain\n 0 s:CN = kms1.example\n   i:CN = Example Root CA\n\
             {leaf} 1 s:CN = Example Root CA\n{root}---\nServer certificate\nsubject=CN = kms1.example\n---\n\
             No client certificate CA names sent\nVerification error: self-signed certificate\n---\n"
        ),
        // openssl pkcs12 -nokeys
        format!(
            "Bag Attributes\n    friendlyName: kms\n    localKeyID: 54 69 6D 65\nsubject=CN = kms1.example\n\
             issuer=CN = Example Root CA\n{leaf}Bag Attributes: <No Attributes>\n{root}"
        ),
        // A bundle of roots from a distribution, and a file with notes.
        format!(
            "##\n## Bundle of CA Root Certificates\n##\n\n# Label: \"Example Root CA\"\nExample Root CA\n\
             ===============\n{root}\n----------\nthe key server of building 7; ends in March\n{leaf}"
        ),
    ] {
        let read = text(&around);
        assert_eq!(
            read.map(|all| all.len()).map_err(|e| e.to_string()),
            Ok(2),
            "{around}"
        );
    }
}

#[test]
fn a_file_that_is_cut_at_any_byte_is_an_error_or_was_cut_between_sections() {
    // I4: all or nothing.
    let first = fixture("ca-root").to_pem();
    let second = fixture("ee-p256").to_pem();
    let file = format!("{first}{second}");
    for cut in 0..file.len() {
        let read = text(&file[..cut]);
        // The last line may lack its line end. A line of dashes may be decoration.
        let into_second = cut.saturating_sub(first.len());
        if cut + 1 == first.len() || (cut >= first.len() && into_second <= 5) {
            assert_eq!(read.unwrap().len(), 1, "cut at {cut}");
        } else if cut + 1 == file.len() {
            assert_eq!(read.unwrap().len(), 2, "cut at {cut}");
        } else {
            let tail = &file[cut.saturating_sub(12)..cut];
            assert!(read.is_err(), "cut at {cut}, behind {tail:?}");
        }
    }
}

#[test]
fn other_damage_inside_a_section_is_an_error_with_its_line() {
    let good = fixture("ee-p256").to_pem();
    let label = |new: &str| good.replacen("-----END CERTIFICATE", new, 1);
    let last = good.lines().count();
    assert_is!(
        text(&label("-----END X509 CRL")).unwrap_err(),
        E::Pem(P::LabelMismatch { index: 0, line, begin, end, .. })
            if *line == last && begin == "CERTIFICATE" && end == "X509 CRL"
    );
    let end_only = "-----END CERTIFICATE-----\n";
    assert_is!(
        text(&format!("{end_only}{good}")).unwrap_err(),
        E::Pem(P::Boundary { line: 1, .. })
    );
    let headers = good.replacen('\n', "\nComment: x\n\n", 1);
    assert_is!(
        text(&headers).unwrap_err(),
        E::Pem(P::Headers {
            index: 0,
            line: 2,
            ..
        })
    );
    // Padding in the middle, a missing or additional character, a non-breaking space.
    let body = good.lines().nth(1).unwrap();
    for spoilt in [
        format!("={}", &body[1..]),
        body[1..].to_owned(),
        format!("A{body}"),
        format!("\u{a0}{body}"),
    ] {
        let error = text(&good.replacen(body, &spoilt, 1)).unwrap_err();
        assert_is!(error, E::Pem(P::Base64 { index: 0, .. }));
    }
    let long = "X".repeat(MAX_PEM_LABEL + 1);
    assert_is!(
        text(&good.replace("CERTIFICATE", &long)).unwrap_err(),
        E::Pem(P::Boundary { line: 1, .. })
    );
}

#[test]
fn the_size_of_a_pem_file_and_its_sections_are_bounded() {
    let mut file = vec![b'\n'; MAX_PEM_BYTES];
    assert_is!(
        Certificate::many_from_pem(&file).unwrap_err(),
        E::Pem(P::NoSection)
    );
    file.push(b'\n');
    assert_is!(
        Certificate::many_from_pem(&file).unwrap_err(),
        E::Pem(P::TooLarge { size, limit: MAX_PEM_BYTES, .. }) if *size == MAX_PEM_BYTES + 1
    );
    let sections = "-----BEGIN X-----\n-----END X-----\n".repeat(MAX_PEM_SECTIONS + 1);
    assert_is!(
        text(&sections).unwrap_err(),
        E::Pem(P::TooManySections {
            limit: MAX_PEM_SECTIONS,
            ..
        })
    );
}
