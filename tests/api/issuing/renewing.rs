//! The same certificate with new dates: with the same key, or with a new one.

use mutual_trust::certificate::{Certificate, KeyKind};
use mutual_trust::error::IssueError;
use mutual_trust::identity::{CertificateSpec, KeyType};
use mutual_trust::tls::{Identities, SigningKeyPair, refusal};
use mutual_trust::{CurrentTime, EntryOptions, Identity, PinMatch, PinScope, ReasonCode};

use crate::issuing::made::{kinds, own_key, spec};
use crate::support::handshake::{Outcome, handshake};
use crate::support::link::{keys_1, settings};
use crate::support::pki::{pki, self_signed};
use crate::support::{DAY, NOW, at, fixture, fixture_identity, now, provider};

const LATER: CurrentTime = CurrentTime::Known(at_later());

const fn at_later() -> pki_types::UnixTime {
    pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(NOW + 20 * DAY))
}

/// What a renewal must keep.
fn expect_same_words(new: &Certificate, old: &Certificate) {
    assert_eq!(new.subject_der(), old.subject_der());
    assert!(new.names().eq(old.names()));
    assert_ne!(new.serial(), old.serial());
    assert_ne!(new.fingerprint(), old.fingerprint());
    let from = i64::try_from(NOW + 20 * DAY - 300).unwrap();
    assert_eq!(new.validity().not_before().seconds(), from);
    let to = i64::try_from(NOW + 50 * DAY).unwrap();
    assert_eq!(new.validity().not_after().seconds(), to);
}

#[test]
fn renewing_keeps_the_key_and_the_names_and_changes_serial_and_dates() {
    for kind in kinds() {
        let key = own_key(kind, &provider());
        let old = key.self_signed(&spec(), 30, now()).unwrap();
        let new = old.renew(30, LATER, &provider()).unwrap();
        expect_same_words(new.certificate(), old.certificate());
        assert_eq!(new.certificate().key_pin(), old.certificate().key_pin());
        assert_eq!(
            new.certificate().subject_key_id(),
            old.certificate().subject_key_id()
        );
        // Renews the renewed certificate again.
        let again = new.renew(30, LATER, &provider()).unwrap();
        assert_ne!(again.certificate().serial(), new.certificate().serial());
    }
}

#[test]
fn rekeying_keeps_the_names_and_changes_the_key() {
    let key = own_key(KeyType::P256, &provider());
    let old = key.self_signed(&spec(), 30, now()).unwrap();
    for kind in kinds() {
        let new = old.rekey(&own_key(kind, &provider()), 30, LATER).unwrap();
        expect_same_words(new.certificate(), old.certificate());
        assert_ne!(new.certificate().key_pin(), old.certificate().key_pin());
        assert_ne!(
            new.certificate().subject_key_id(),
            old.certificate().subject_key_id()
        );
    }
    let refused = old.rekey(&key, 30, LATER);
    assert!(matches!(refused, Err(IssueError::SameKey)), "{refused:?}");
    let same = SigningKeyPair::from_identity(&old, &provider()).unwrap();
    assert!(matches!(
        old.rekey(&same, 30, LATER),
        Err(IssueError::SameKey)
    ));
}

#[test]
fn a_server_that_binds_to_the_key_goes_on_after_a_renewal_and_not_after_a_rekeying() {
    for setting in settings() {
        let key = own_key(KeyType::P256, &setting.provider);
        let old = key.self_signed(&spec(), 30, now()).unwrap();
        let renewed = old.renew(30, now(), &setting.provider).unwrap();
        let other = own_key(KeyType::P256, &setting.provider);
        let rekeyed = old.rekey(&other, 30, now()).unwrap();

        let key_server = self_signed("kms1.example").identity(&[], &setting.provider);
        let reaches = |matching, identity: &Identity| {
            let options = match matching {
                PinMatch::PublicKey => EntryOptions::new().with_matching(PinMatch::PublicKey),
                _ => EntryOptions::new(),
            };
            let mut known = setting.store();
            let pinned = old.certificate().clone();
            known
                .install_pin(PinScope::Clients, pinned, options)
                .unwrap();
            let server = setting
                .server(known.snapshot(), key_server.clone())
                .build()
                .unwrap();
            let trusted = setting.pinning_server(key_server.certificate()).snapshot();
            let client = setting.client(trusted, identity.clone());
            handshake(
                &client.build_for(&keys_1()).unwrap(),
                &server,
                "kms1.example",
            )
        };
        let name = &setting.name;
        reaches(PinMatch::PublicKey, &renewed).expect_link(name);
        expect_unknown(name, &reaches(PinMatch::PublicKey, &rekeyed));
        reaches(PinMatch::Certificate, &old).expect_link(name);
        reaches(PinMatch::Certificate, &renewed)
            .expect_server_refuses(name, ReasonCode::RenewedWithSameKey);
        expect_unknown(name, &reaches(PinMatch::Certificate, &rekeyed));
    }
}

/// The server refuses the unknown certificate, with whatever reason.
fn expect_unknown(name: &str, outcome: &Outcome) {
    let error = outcome.server.as_ref().unwrap_err();
    assert!(!refusal(error).unwrap().is_accepted(), "{name}");
}

#[test]
fn a_renewed_identity_is_rotated_in_like_any_other() {
    for setting in settings() {
        let key = own_key(KeyType::P256, &setting.provider);
        let old = key.self_signed(&spec(), 30, now()).unwrap();
        let new = old.renew(30, now(), &setting.provider).unwrap();
        let identities = Identities::new(old.clone());
        identities.stage(new.clone()).unwrap();
        identities.activate(&keys_1()).unwrap();
        let presented = identities.presented_to(&keys_1());
        assert_eq!(
            presented.certificate(),
            new.certificate(),
            "{}",
            setting.name
        );
    }
}

#[test]
fn what_a_ca_has_issued_is_renewed_by_the_ca_alone() {
    let ca = pki("Example");
    let made = ca.client("array-7.example");
    let identity = made.identity(&[&ca.intermediate], &provider());
    let refused = identity.renew(30, now(), &provider());
    let Err(IssueError::NotSelfSigned { issuer, .. }) = &refused else {
        panic!("{refused:?}");
    };
    assert!(issuer.contains("Example intermediate"), "{issuer}");
    let key = own_key(KeyType::P256, &provider());
    let refused = identity.rekey(&key, 30, now());
    assert!(matches!(refused, Err(IssueError::NotSelfSigned { .. })));
    // A request for the same key and names.
    let request = identity.request_renewal(&provider()).unwrap();
    assert_eq!(request.key_pin(), identity.certificate().key_pin());
}

#[test]
fn a_certificate_of_its_own_name_and_anothers_key_is_not_self_signed() {
    // Issuer and subject have the same name, but the issuer's key identifier is another one.
    let other = fixture("self-issued-aki-other");
    assert!(other.is_self_issued());
    let identity = fixture_identity(
        "self-issued-aki-other",
        "self-issued-aki-other",
        &provider(),
    );
    let refused = identity.renew(30, now(), &provider());
    assert!(
        matches!(refused, Err(IssueError::NotSelfSigned { .. })),
        "{refused:?}"
    );
}

#[test]
fn certificates_of_other_tools_are_renewed_with_their_subject_byte_for_byte() {
    // OpenSSL's default, one with names, keytool's (six attributes in PrintableString), version 1.
    for (name, key) in [
        ("openssl-req-default", "openssl-req-default"),
        ("openssl-req-san", "openssl-req-san"),
        ("keytool-default", "keytool-default"),
        ("keytool-san", "keytool-san"),
        ("v1", "v1"),
        ("ee-rsa2048", "rsa2048"),
        ("ip-san-only", "ip-san-only"),
        ("ipv6-san-only", "ipv6-san-only"),
        ("wildcard-san", "wildcard-san"),
        ("empty-subject", "empty-subject"),
    ] {
        let old = fixture_identity(name, key, &provider());
        let new = old.renew(30, LATER, &provider());
        let new = new.unwrap_or_else(|error| panic!("{name}: {error}"));
        expect_same_words(new.certificate(), old.certificate());
        // Renewing drops what key servers refuse.
        assert!(!new.certificate().is_ca(), "{name}");
        assert_eq!(new.certificate().version(), 3, "{name}");
        let bits = |identity: &Identity| identity.certificate().key_kind();
        assert_ne!(bits(&new), KeyKind::Other, "{name}");
        assert_eq!(bits(&new), bits(&old), "{name}");
    }
}

#[test]
fn what_cannot_be_written_again_is_not_left_out() {
    use rcgen::{DnType, DnValue, OtherNameValue, SanType};

    let bmp = self_signed_with(|params| {
        let name: rcgen::string::BmpString = "array-7".try_into().unwrap();
        let name = DnValue::BmpString(name);
        params.distinguished_name.push(DnType::CommonName, name);
    });
    let other_name = self_signed_with(|params| {
        let value = OtherNameValue::Utf8String("x".to_owned());
        let name = SanType::OtherName((vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 3], value));
        params.subject_alt_names.push(name);
    });
    for (certificate, lost) in [
        (bmp, "the subject"),
        (other_name, "a subject alternative name"),
    ] {
        let refused = CertificateSpec::from_template(certificate.certificate());
        let Err(IssueError::NotKept { what, .. }) = &refused else {
            panic!("{refused:?}");
        };
        assert_eq!(*what, lost);
        let refused = certificate.renew(30, now(), &provider());
        assert!(matches!(refused, Err(IssueError::NotKept { .. })));
    }
    // Names of all other forms are kept.
    let all = self_signed_with(|params| {
        let names = &mut params.subject_alt_names;
        names.push(SanType::URI("urn:array:7".try_into().unwrap()));
        names.push(SanType::Rfc822Name(
            "root@array.example".try_into().unwrap(),
        ));
    });
    let renewed = all.renew(30, LATER, &provider()).unwrap();
    assert_eq!(renewed.certificate().names().count(), 2);
    expect_same_words(renewed.certificate(), all.certificate());
}

fn self_signed_with(change: impl FnOnce(&mut rcgen::CertificateParams)) -> Identity {
    let made = crate::support::pki::spec("array-7")
        .params(change)
        .self_signed();
    made.identity(&[], &provider())
}

#[test]
fn a_renewal_keeps_to_the_bounds_of_any_certificate() {
    let old = own_key(KeyType::P256, &provider())
        .self_signed(&spec(), 30, now())
        .unwrap();
    assert!(matches!(
        old.renew(0, now(), &provider()),
        Err(IssueError::Days { .. })
    ));
    let unset = old.renew(30, CurrentTime::Unset, &provider());
    assert!(matches!(unset, Err(IssueError::ClockUnset)));
    let early = CurrentTime::Known(at(0));
    assert!(matches!(
        old.renew(30, early, &provider()),
        Err(IssueError::ClockOff)
    ));
}
