//! Server names are matched here, not by webpki (rule C2). This test names the differences and finds no others.

use mutual_trust::HostName;
use mutual_trust::certificate::Certificate;
use pki_types::CertificateDer;
use proptest::prelude::*;
use webpki::EndEntityCert;

use super::support::der::{Der, SEQUENCE, bytes, parts, tree};
use super::support::fixture;

/// An encoded name: its tag and bytes.
type San = (u8, Vec<u8>);

const DNS: u8 = 0x82;
const IP: u8 = 0x87;

/// A certificate with exactly these names.
fn with_names(names: &[San]) -> Certificate {
    let mut tree = tree(&fixture("ee-p256"));
    let names = names.iter().map(|(tag, name)| bytes(*tag, name)).collect();
    *tree.extension_value(17) = parts(SEQUENCE, names).write();
    Certificate::from_der(&Der::write(&tree)).unwrap()
}

fn webpki_covers(certificate: &Certificate, host: &HostName) -> bool {
    let der = CertificateDer::from(certificate.der());
    let end_entity = EndEntityCert::try_from(&der).unwrap();
    let name = host.to_server_name().unwrap();
    end_entity.verify_is_valid_for_subject_name(&name).is_ok()
}

/// The only difference: here `*.x` covers `y.x`. webpki requires two labels after a wildcard.
fn has_one_label_behind_a_wildcard(names: &[San], host: &HostName) -> bool {
    let Some((_, zone)) = host.dns().and_then(|host| host.split_once('.')) else {
        return false;
    };
    !zone.contains('.')
        && names.iter().any(|(tag, name)| {
            *tag == DNS && name.eq_ignore_ascii_case(format!("*.{zone}").as_bytes())
        })
}

fn label() -> impl Strategy<Value = String> {
    let odd = [
        "xn--bcher-kva",
        "xn--*",
        "_x",
        "a_b",
        "-a",
        "a-",
        "*",
        "a*",
        "*a",
        "a*b",
        "",
        "0x7f",
        "10",
        "x,dns:y",
        "a b",
        "a\u{0}",
    ];
    let long = ["l".repeat(63), "l".repeat(64)];
    let odd = odd.map(str::to_owned).into_iter().chain(long);
    let plain = ["a", "kms", "KMS", "Kms1", "b-c", "lan", "example", "7"].map(str::to_owned);
    prop_oneof![
        4 => prop::sample::select(plain.to_vec()),
        1 => prop::sample::select(odd.collect::<Vec<_>>()),
    ]
}

fn dns() -> impl Strategy<Value = String> {
    let labels = prop::collection::vec(label(), 1..5);
    (any::<bool>(), labels, prop::bool::weighted(0.1)).prop_map(|(wild, labels, dot)| {
        let wild = if wild { "*." } else { "" };
        format!("{wild}{}{}", labels.join("."), if dot { "." } else { "" })
    })
}

fn address() -> impl Strategy<Value = Vec<u8>> {
    let v4 = [192, 0, 2, 1];
    let mapped = [&[0; 10][..], &[0xff, 0xff], &v4].concat();
    let v6 = [&[0x20, 0x01, 0x0d, 0xb8][..], &[0; 11], &[1]].concat();
    prop::sample::select(vec![
        v4.to_vec(),
        vec![192, 0, 2, 2],
        vec![192, 0, 2, 1, 0],
        mapped,
        v6,
    ])
}

fn san() -> impl Strategy<Value = San> {
    prop_oneof![
        4 => dns().prop_map(|name| (DNS, name.into_bytes())),
        1 => address().prop_map(|address| (IP, address)),
    ]
}

/// A host that one of the names may cover: the name itself, or with a label in the place of its wildcard.
fn host(names: &[San], at: usize, first: &str) -> Option<HostName> {
    let (tag, name) = names.get(at % names.len())?;
    if *tag == IP {
        return match name.len() {
            4 => Some(std::net::IpAddr::from(<[u8; 4]>::try_from(&name[..]).ok()?).into()),
            16 => Some(std::net::IpAddr::from(<[u8; 16]>::try_from(&name[..]).ok()?).into()),
            _ => None,
        };
    }
    let name = String::from_utf8(name.clone()).ok()?;
    name.replacen('*', first, 1).parse().ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn names_are_matched_as_webpki_matches_them_but_for_one_label_behind_a_wildcard(
        names in prop::collection::vec(san(), 1..5),
        at in any::<usize>(),
        first in prop::sample::select(vec!["a", "kms", "KMS", "a.b", "xn--bcher-kva", "_x", ""]),
    ) {
        let Some(host) = host(&names, at, first) else { return Ok(()) };
        let certificate = with_names(&names);
        let (ours, theirs) = (certificate.covers(&host), webpki_covers(&certificate, &host));
        if ours != theirs {
            prop_assert!(ours && has_one_label_behind_a_wildcard(&names, &host), "{ours} {names:?} {host}");
        }
    }
}

#[test]
fn what_differs_and_what_does_not() {
    // Name, host, result here, result of webpki.
    for (name, host, ours, theirs) in [
        ("*.lan", "kms.lan", true, false),
        ("*.LAN", "kms.lan", true, false),
        ("*.lan", "a.kms.lan", false, false),
        ("*.lan", "lan", false, false),
        ("*.kms.lan", "a.kms.lan", true, true),
        ("*.kms.lan", "_a.kms.lan", true, true),
        ("*.kms.lan", "xn--bcher-kva.kms.lan", true, true),
        ("xn--*.kms.lan", "xn--bcher-kva.kms.lan", false, false),
        ("a*.kms.lan", "ab.kms.lan", false, false),
        ("*a.kms.lan", "ba.kms.lan", false, false),
        ("a.*.lan", "a.kms.lan", false, false),
        ("*.*.lan", "a.kms.lan", false, false),
        ("*", "kms", false, false),
        ("kms", "kms", true, true),
        ("KMS.lan", "kms.LAN", true, true),
        ("kms.lan.", "kms.lan", false, false),
        ("kms.lan", "kms.lan.", true, true),
        ("*.kms.lan.", "a.kms.lan", false, false),
        ("192.0.2.1", "192.0.2.1", false, false),
    ] {
        let certificate = with_names(&[(DNS, name.as_bytes().to_vec())]);
        let host: HostName = host.parse().unwrap();
        assert_eq!(certificate.covers(&host), ours, "{name} {host}");
        assert_eq!(webpki_covers(&certificate, &host), theirs, "{name} {host}");
    }
}

#[test]
fn an_address_covers_the_same_bytes_alone() {
    let v4: HostName = "192.0.2.1".parse().unwrap();
    let mapped: HostName = "::ffff:192.0.2.1".parse().unwrap();
    assert_eq!(v4, mapped);
    let bytes = [&[0; 10][..], &[0xff, 0xff, 192, 0, 2, 1]].concat();
    for (name, covers) in [(bytes, false), (vec![192, 0, 2, 1], true)] {
        let certificate = with_names(&[(IP, name)]);
        assert_eq!(certificate.covers(&v4), covers);
        assert_eq!(webpki_covers(&certificate, &v4), covers);
    }
}
