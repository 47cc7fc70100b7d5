//! Lists that openssl writes, compared with what openssl prints of them.

use mutual_trust::certificate::{
    Certificate, Crl, CrlDeviation, CrlKinds, RevocationReason, Timestamp,
};
use mutual_trust::error::UnsupportedCrl;
use mutual_trust::{AuthorityScope, EntryOptions, ReasonCode};

use super::common::{Scene, trusting};
use super::support::{fixture, fixture_bytes};
use crate::support::Lists as _;

fn list(name: &str) -> Crl {
    Crl::from_pem(&fixture_bytes(&format!("crls/{name}.pem"))).unwrap()
}

fn certificate(name: &str) -> Certificate {
    fixture(&format!("crls/{name}"))
}

fn scene() -> Scene {
    let mut scene = trusting(&[]);
    let ca = certificate("ca");
    scene
        .store
        .install_authority(AuthorityScope::AnyServer, ca, EntryOptions::new())
        .unwrap();
    scene
}

#[test]
fn every_fact_is_what_openssl_says() {
    let v2 = list("v2");
    assert_eq!(v2.version(), 2);
    assert_eq!(v2.issuer(), "CN=List CA");
    assert_eq!(v2.issuer_der(), certificate("ca").subject_der());
    // 2026-12-30 and 2027-01-06
    assert_eq!(v2.this_update().seconds(), 1_798_588_800);
    assert_eq!(
        v2.next_update().map(Timestamp::seconds),
        Some(1_799_193_600)
    );
    assert_eq!(v2.number().unwrap().to_string(), "4096");
    assert_eq!(v2.authority_key_id(), certificate("ca").subject_key_id());
    assert_eq!(v2.signature_algorithm(), "1.2.840.10045.4.3.2");
    assert_eq!(v2.kinds(), CrlKinds::All);
    assert!(v2.has_all_reasons());
    assert_eq!(v2.distribution_point().count(), 0);
    assert_eq!(v2.revoked_count(), 2);
    assert_eq!(v2.deviations(), []);
    assert_eq!(v2.refusal(), None);
    let reason = |name: &str| {
        let revoked = v2.revoked(certificate(name).serial());
        revoked.map(|revoked| revoked.reason)
    };
    assert_eq!(reason("revoked"), Some(RevocationReason::KeyCompromise));
    assert_eq!(reason("on-hold"), Some(RevocationReason::CertificateHold));
    assert_eq!(reason("good"), None);

    let part = list("part-1");
    assert_eq!(part.kinds(), CrlKinds::EndEntities);
    let point: Vec<&str> = part.distribution_point().collect();
    assert_eq!(point, ["http://ca.example/part-1.crl"]);
    assert!(!list("some-reasons").has_all_reasons());
    assert_eq!(
        list("v2-issuer").authority_key_id(),
        certificate("ca").subject_key_id()
    );
    assert_eq!(
        list("no-extensions").deviations(),
        [CrlDeviation::NoAuthorityKeyId]
    );
    let v1 = list("v1");
    assert_eq!(v1.version(), 1);
    assert_eq!(
        v1.deviations(),
        [
            CrlDeviation::Version1,
            CrlDeviation::NoNumber,
            CrlDeviation::NoAuthorityKeyId
        ]
    );
    assert_eq!(v1.to_pem().as_bytes(), fixture_bytes("crls/v1.pem"));
}

#[test]
fn each_complete_list_revokes_and_lets_the_rest_pass() {
    for name in ["v1", "no-extensions", "v2", "v2-issuer", "part-1"] {
        let mut scene = scene();
        let good = certificate("good");
        assert_eq!(scene.verdict(&[&good]).reason(), ReasonCode::ChainVerified);
        let report = scene.install(list(name));
        assert_eq!(report.checks().len(), 1, "{name}");
        let reason = |scene: &mut Scene, of: &str| scene.verdict(&[&certificate(of)]).reason();
        assert_eq!(
            reason(&mut scene, "good"),
            ReasonCode::ChainVerified,
            "{name}"
        );
        assert_eq!(reason(&mut scene, "revoked"), ReasonCode::Revoked, "{name}");
        assert_eq!(reason(&mut scene, "on-hold"), ReasonCode::Revoked, "{name}");
    }
    // A list for some reasons can revoke, but cannot confirm that a certificate is not revoked.
    let mut scene = scene();
    scene.install(list("some-reasons"));
    assert_eq!(
        scene.verdict(&[&certificate("good")]).reason(),
        ReasonCode::RevocationUnknown
    );
    assert_eq!(
        scene.verdict(&[&certificate("revoked")]).reason(),
        ReasonCode::Revoked
    );
}

#[test]
fn kinds_that_are_not_installed_are_read_and_say_why() {
    for (name, why) in [
        ("attributes", UnsupportedCrl::AttributeCertificates),
        ("indirect", UnsupportedCrl::Indirect),
        ("delta", UnsupportedCrl::Delta),
        ("relative", UnsupportedCrl::RelativeDistributionPoint),
    ] {
        assert_eq!(list(name).refusal(), Some(&why), "{name}");
    }
}
