//! Advice on identities that some peers refuse: one item for each property, and none for identities without any.

use mutual_trust::certificate::{Certificate, CurrentTime, KeyRefusal};
use mutual_trust::identity::{CertificateChain, IdentityAdvice as A};
use mutual_trust::tls::KeyMatch;
use mutual_trust::{Identity, limits};
use rcgen::ExtendedKeyUsagePurpose;

use crate::keys::signers::Signer;
use crate::support::pki::{Made, Spec, pki, spec};
use crate::support::{NOW, at, fixture, fixture_identity, now, provider};

fn good() -> Spec {
    spec("array-7")
        .dns("array-7.example")
        .client_auth()
        .server_auth()
}

fn of(made: Made) -> Vec<A> {
    made.identity(&[], &provider()).advice(now())
}

/// The advice on a chain without its private key.
fn about(certificates: Vec<Certificate>, clock: CurrentTime) -> Vec<A> {
    let chain = CertificateChain::new(certificates).unwrap();
    let signer = Signer::silent();
    let identity = Identity::from_signer(chain, signer, KeyMatch::AcceptUnknown).unwrap();
    identity.advice(clock)
}

#[test]
fn nothing_is_said_about_what_every_peer_accepts() {
    assert_eq!(of(good().self_signed()), []);
    let pki = pki("corp");
    let leaf = good().signed_by(&pki.intermediate);
    let identity = leaf.identity(&[&pki.intermediate, &pki.root], &provider());
    assert_eq!(identity.advice(now()), []);
    for kind in ["rsa2048", "rsa3072", "rsa4096", "p256", "p384", "ed25519"] {
        let identity = fixture_identity(&format!("ee-{kind}"), kind, &provider());
        assert_eq!(identity.advice(now()), [], "{kind}");
    }
}

#[test]
fn an_extended_key_usage_that_leaves_clients_out_is_told_apart_from_one_that_does_not_name_them() {
    let named = |usage| spec("a").dns("a.example").extended_key_usage(usage);
    assert_eq!(
        of(named(ExtendedKeyUsagePurpose::ServerAuth).self_signed()),
        [A::NotForClients]
    );
    assert_eq!(
        of(named(ExtendedKeyUsagePurpose::CodeSigning).self_signed()),
        [A::NotForClients]
    );
    // PyKMIP requires clientAuth by name.
    assert_eq!(
        of(named(ExtendedKeyUsagePurpose::Any).self_signed()),
        [A::ClientAuthNotStated]
    );
    let none = of(spec("a").dns("a.example").self_signed());
    assert_eq!(none, [A::ClientAuthNotStated]);
    assert!(none[0].to_string().contains("PyKMIP"));
    assert_eq!(
        of(named(ExtendedKeyUsagePurpose::ClientAuth).self_signed()),
        []
    );
}

#[test]
fn a_ca_that_is_presented_as_our_own_certificate_is_told() {
    let found = of(good().ca().self_signed());
    assert_eq!(found, [A::IsCa]);
    assert!(found[0].to_string().contains("MinIO KES"));
    // The usual self-made certificate: `openssl req -x509`.
    let identity = fixture_identity("openssl-req-default", "openssl-req-default", &provider());
    assert_eq!(
        identity.advice(now()),
        [A::ClientAuthNotStated, A::IsCa, A::NoNames]
    );
}

#[test]
fn a_certificate_without_names_or_of_version_1_is_told() {
    let found = of(spec("a").client_auth().self_signed());
    assert_eq!(found, [A::NoNames]);
    let found = about(vec![fixture("v1")], now());
    assert!(
        matches!(
            found.as_slice(),
            [
                A::ClientAuthNotStated,
                A::NoNames,
                A::OldVersion { version: 1, .. }
            ]
        ),
        "{found:?}"
    );
    assert!(found[2].to_string().contains("version 1"));
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn a_key_that_has_no_place_in_tls_1_2_is_told() {
    let identity = fixture_identity("ee-p521", "p521", &mutual_trust::tls::provider::aws_lc_rs());
    let found = identity.advice(now());
    assert!(
        matches!(
            found.as_slice(),
            [A::OnlyTls13 {
                key: mutual_trust::certificate::KeyKind::P521,
                ..
            }]
        ),
        "{found:?}"
    );
    assert!(found[0].to_string().contains("TLS 1.3 only"));
}

#[test]
fn the_end_is_told_thirty_days_ahead_to_the_second() {
    let notice = i64::try_from(limits::EXPIRY_NOTICE.as_secs()).unwrap();
    assert_eq!(notice, 30 * 24 * 60 * 60);
    let ending = |end| of(good().valid(-1000, end).self_signed());
    assert_eq!(ending(notice), []);
    let soon = ending(notice - 1);
    let not_after = i64::try_from(NOW).unwrap() + notice - 1;
    assert!(
        matches!(soon.as_slice(), [A::ExpiresSoon { index: 0, not_after: end, .. }] if end.seconds() == not_after),
        "{soon:?}"
    );
    assert_eq!(
        soon[0].to_string(),
        "the certificate ends soon, at 2027-01-30T23:59:59Z"
    );
    // The last second still counts as valid.
    assert!(matches!(ending(0).as_slice(), [A::ExpiresSoon { .. }]));
    let over = ending(-1);
    assert!(
        matches!(over.as_slice(), [A::Expired { index: 0, .. }]),
        "{over:?}"
    );
    assert_eq!(
        over[0].to_string(),
        "the certificate ended at 2026-12-31T23:59:59Z"
    );
}

#[test]
fn a_beginning_in_the_future_is_told() {
    let beginning = |begin| of(good().valid(begin, 400 * 86_400).self_signed());
    assert_eq!(beginning(0), []);
    let early = beginning(1);
    assert!(
        matches!(early.as_slice(), [A::NotYetValid { index: 0, .. }]),
        "{early:?}"
    );
    assert_eq!(
        early[0].to_string(),
        "the certificate is not valid before 2027-01-01T00:00:01Z"
    );
}

#[test]
fn without_a_clock_nothing_is_said_of_time_but_that() {
    let expired = good().valid(-2000, -1000).self_signed();
    let identity = expired.identity(&[], &provider());
    assert_eq!(identity.advice(CurrentTime::Unset), [A::ClockUnset]);
    // M7: the given clock is used, not that of the machine.
    let then = CurrentTime::Known(at(NOW - 1500));
    assert!(matches!(
        identity.advice(then).as_slice(),
        [A::ExpiresSoon { .. }]
    ));
}

#[test]
fn the_certificates_behind_our_own_are_judged_by_their_time_and_key() {
    let root = spec("root").ca().self_signed();
    let short = spec("short").ca().valid(-1000, 1000).signed_by(&root);
    let leaf = good().signed_by(&short);
    let found = leaf.identity(&[&short, &root], &provider()).advice(now());
    assert!(
        matches!(found.as_slice(), [A::ExpiresSoon { index: 1, .. }]),
        "{found:?}"
    );
    assert!(
        found[0]
            .to_string()
            .starts_with("certificate 1 of the chain ends soon")
    );
}

#[test]
fn what_is_weaker_than_the_policy_is_told() {
    let weak = fixture("rsa1024");
    let found = about(vec![weak], now());
    let of_key: Vec<&A> = found
        .iter()
        .filter(|one| matches!(one, A::Key { .. }))
        .collect();
    assert!(
        matches!(
            of_key.as_slice(),
            [A::Key {
                index: 0,
                refusal: KeyRefusal::Weak { min_bits: 2048, .. },
                ..
            }]
        ),
        "{found:?}"
    );
    // A weak issuer above a strong leaf.
    let weak = fixture("rsa1024-ca");
    let root = spec("root").ca().self_signed();
    let issuer = spec("weak").ca().for_key_of(&weak, &root);
    let leaf = {
        let named = spec("weak").ca().self_signed();
        good().no_authority_key_id().signed_by(&named)
    };
    let chain = CertificateChain::new(vec![leaf.certificate(), issuer]).unwrap();
    let key = mutual_trust::identity::PrivateKey::from_der(leaf.key.serialize_der()).unwrap();
    let found = Identity::new(chain, key, &provider())
        .unwrap()
        .advice(now());
    assert!(
        matches!(
            found.as_slice(),
            [A::Key {
                index: 1,
                refusal: KeyRefusal::Weak { .. },
                ..
            }]
        ),
        "{found:?}"
    );
    assert!(found[0].to_string().contains("RSA 1024"), "{}", found[0]);
}

#[test]
fn a_signature_by_an_issuer_with_a_broken_digest_is_told() {
    // The signature on a self-signed certificate proves nothing, so there is no advice on it.
    let own = about(vec![fixture("sha1-self-signed")], now());
    assert!(
        !own.iter().any(|one| matches!(one, A::WeakSignature { .. })),
        "{own:?}"
    );
    // The same bytes with another issuer name, as an old CA would have signed it.
    let text = fixture("sha1-self-signed");
    let der = text.der().to_vec();
    let mut tree = crate::support::der::Der::read(&der);
    let issuer = tree.field(3).at(&[0, 0, 1]).content();
    issuer[0] ^= 1;
    let signed = Certificate::from_der(&tree.write()).unwrap();
    let found = about(vec![signed], now());
    assert!(
        found.iter().any(|one| matches!(
            one,
            A::WeakSignature {
                index: 0,
                digest: "SHA-1",
                ..
            }
        )),
        "{found:?}"
    );
}

#[test]
fn each_digest_that_can_be_forged_has_its_name() {
    // RFC 3279 sections 2.2.1 to 2.2.3. The last one is RSA with SHA-256.
    let rsa = |last: u8| vec![0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last];
    for (oid, digest) in [
        (rsa(2), Some("MD2")),
        (rsa(4), Some("MD5")),
        (rsa(5), Some("SHA-1")),
        (
            vec![0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03],
            Some("SHA-1"),
        ),
        (
            vec![0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
            Some("SHA-1"),
        ),
        (rsa(11), None),
    ] {
        let mut tree = crate::support::der::Der::read(fixture("chain-server").der());
        *tree.at(&[1, 0]).content() = oid.clone();
        *tree.field(2).at(&[0]).content() = oid;
        let signed = Certificate::from_der(&tree.write()).unwrap();
        let found = about(vec![signed], now());
        let named = found.iter().find_map(|one| {
            let A::WeakSignature { digest, .. } = one else {
                return None;
            };
            Some(*digest)
        });
        assert_eq!(named, digest, "{found:?}");
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn a_key_that_signs_in_tls_1_3_only_is_told_with_its_peers() {
    for algorithm in [
        &rcgen::PKCS_ML_DSA_44,
        &rcgen::PKCS_ML_DSA_65,
        &rcgen::PKCS_ML_DSA_87,
    ] {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let found = of(good().key(key).self_signed());
        assert_eq!(found, [A::MlDsa], "{algorithm:?}");
        let text = found[0].to_string();
        assert!(
            text.contains("TLS 1.3 only") && text.contains("3.5"),
            "{text}"
        );
    }
}
