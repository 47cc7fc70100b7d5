//! What a pin that matches must still satisfy (rules I4, I8, M3 to M6).

use std::time::Duration;

use mutual_trust::store::ValidityRule;
use mutual_trust::{EntryOptions, ReasonCode, ReasonCode::*};
use rcgen::ExtendedKeyUsagePurpose;

use super::row::{Expect, Row, accepted, hold, refused, row};
use super::support::pki::{Made, pki, self_signed, spec};
use super::support::{NOW, at, fixture, keys, policy};
use super::world::{For, Has, KEYS_1, KMS, World, by_public_key, plain};

const DAY: i64 = 24 * 60 * 60;
const PIN: &str = "pin own for server keys-1";

fn matched() -> Expect {
    accepted(PinMatched, PIN)
}

/// The pin matches and cannot be used.
fn fell(reason: ReasonCode, considered: &'static str) -> Expect {
    refused(reason).by(PIN).considered(&[considered])
}

fn pinned(world: &mut World, certificate: &impl Has, options: EntryOptions) {
    world.pin_with(KEYS_1, "own", certificate, options);
    world.presents(certificate);
}

/// Only the fingerprint is installed.
fn bare(world: &mut World, certificate: &impl Has, options: EntryOptions) {
    world.fingerprint(KEYS_1, "own", certificate, options);
    world.presents(certificate);
}

fn shapes() -> Vec<Row> {
    let shapes: &[(&'static str, &'static [&'static str])] = &[
        ("ca-false", &[]),
        ("no-basic-constraints", &[]),
        ("openssl-req-san", &[]),
        ("openssl-req-default", &["NameNotCovered"]),
        ("keytool-default", &["NameNotCovered"]),
        ("keytool-san", &[]),
        ("keytool-ec", &[]),
        ("v1", &["NameNotCovered"]),
        ("v1-ca-signed", &["NameNotCovered"]),
        ("empty-subject", &[]),
        ("not-after-9999", &[]),
        ("huge", &[]),
        ("sha1-self-signed", &[]),
        ("self-issued-aki-other", &[]),
        ("self-signed-with-ca-subject", &[]),
        ("wildcard-san", &["NameNotCovered"]),
        ("ip-san-only", &["NameNotCovered"]),
        ("chain-server", &[]),
        ("ca-intermediate", &["NameNotCovered", "NoDigitalSignature"]),
        ("ee-rsa2048", &[]),
        ("ee-p384", &[]),
        ("ee-ed25519", &[]),
        ("eku-any", &[]),
        ("eku-server-only", &[]),
        ("ku-key-encipherment-only", &["NoDigitalSignature"]),
        #[cfg(feature = "aws-lc-rs")]
        ("ee-p521", &[]),
    ];
    let row_of = |(name, warnings): &(&'static str, &'static [&'static str])| {
        let name = *name;
        let says = format!("a pin may be any certificate: {name}");
        row("M1", says, matched().warns(warnings), move |world| {
            pinned(world, &fixture(name), plain());
        })
    };
    shapes.iter().map(row_of).collect()
}

/// Valid from a day after `NOW` for one day, asked at `seconds` after its begin or end.
fn dated(world: &mut World, begin: bool, seconds: i64, options: EntryOptions) {
    let made = spec("x").dns(KMS).valid(DAY, 2 * DAY).self_signed();
    pinned(world, &made, options);
    let bound = if begin { DAY } else { 2 * DAY };
    world.at(bound + seconds);
}

fn grace(days: u64) -> ValidityRule {
    ValidityRule::Grace(Duration::from_secs(days * 24 * 60 * 60))
}

#[rustfmt::skip]
fn dates() -> Vec<Row> {
    let expired = || fell(Expired, "pin own for server keys-1: Expired");
    let early = || fell(NotYetValid, "pin own for server keys-1: NotYetValid");
    let in_grace = || matched().warns(&["InGrace"]);
    let ended = || fell(EntryEnded, "pin own for server keys-1: EntryEnded");
    let ends = || plain().with_end(at(NOW + 24 * 60 * 60));
    vec![
        row("M3", "at the last second before the tolerance", early(), |w| dated(w, true, -301, plain())),
        row("M3", "at the first second of the tolerance before notBefore", matched(), |w| dated(w, true, -300, plain())),
        row("M3", "at notBefore", matched(), |w| dated(w, true, 0, plain())),
        row("M3", "at notAfter", matched(), |w| dated(w, false, 0, plain())),
        row("M3", "a second after notAfter", expired(), |w| dated(w, false, 1, plain())),
        row("M3", "with a grace, at notAfter", matched(), |w| dated(w, false, 0, plain().with_validity(grace(3)))),
        row("M3", "with a grace, a second after notAfter", in_grace(), |w| dated(w, false, 1, plain().with_validity(grace(3)))),
        row("M3", "at the last second of the grace", in_grace(), |w| dated(w, false, 3 * DAY, plain().with_validity(grace(3)))),
        row("M3", "a second after the grace", expired(), |w| dated(w, false, 3 * DAY + 1, plain().with_validity(grace(3)))),
        row("M3", "a grace is none before notBefore", early(), |w| dated(w, true, -301, plain().with_validity(grace(3)))),
        row("M3", "the policy's grace is the default", in_grace(), |w| {
            w.policy = w.policy.validity(grace(3)).unwrap();
            dated(w, false, 3 * DAY, plain());
        }),
        row("M3", "the entry's rule goes before the policy's grace", expired(), |w| {
            w.policy = w.policy.validity(grace(3)).unwrap();
            dated(w, false, 1, plain().with_validity(ValidityRule::Enforce));
        }),
        row("M3", "the entry's grace goes before the policy's rule", in_grace(), |w| {
            w.policy = w.policy.validity(ValidityRule::Enforce).unwrap();
            dated(w, false, 1, plain().with_validity(grace(1)));
        }),
        row("M3", "a policy's grace of 366 days, a second after it", expired(), |w| {
            w.policy = w.policy.validity(grace(366)).unwrap();
            dated(w, false, 366 * DAY + 1, plain());
        }),
        row("I8", "a second before the entry's end", matched(), move |w| { pinned(w, &self_signed(KMS), ends()); w.at(DAY - 1); }),
        row("I8", "at the entry's end", ended(), move |w| { pinned(w, &self_signed(KMS), ends()); w.at(DAY); }),
        row("I8", "a grace does not prolong the entry's end", ended(), move |w| {
            pinned(w, &self_signed(KMS), ends().with_validity(grace(30)));
            w.at(DAY);
        }),
        row("I8", "an entry that was disabled and enabled again", matched(), |w| {
            let made = self_signed(KMS);
            let key = w.pin(KEYS_1, "own", &made);
            w.disable(&key);
            w.store.enable(&key).unwrap();
            w.presents(&made);
        }),
    ]
}

/// The fingerprint of a certificate that import refuses is judged by what is presented.
#[rustfmt::skip]
fn bare_fingerprints() -> Vec<Row> {
    let by_fingerprint = || accepted(FingerprintMatched, PIN);
    let fixture_row = |name: &'static str, expect: Expect| {
        let says = format!("only the fingerprint is installed, of {name}");
        row("M1", says, expect, move |w| bare(w, &fixture(name), plain()))
    };
    vec![
        fixture_row("ca-false", by_fingerprint()),
        fixture_row("v1", by_fingerprint().warns(&["NameNotCovered"])),
        fixture_row("openssl-req-san", by_fingerprint()),
        fixture_row("sha1-self-signed", by_fingerprint().warns(&["SelfSignatureUnsupported"])),
        fixture_row("self-issued-aki-other", by_fingerprint()),
        fixture_row("chain-server", by_fingerprint()),
        fixture_row("ku-key-encipherment-only", by_fingerprint().warns(&["NoDigitalSignature"])),
        fixture_row("broken-self-signature", fell(WrongSelfSignature, "pin own for server keys-1: WrongSelfSignature")),
        fixture_row("self-issued-other-key", fell(WrongSelfSignature, "pin own for server keys-1: WrongSelfSignature")),
        fixture_row("rsa1024", fell(KeyNotAllowed, "pin own for server keys-1: KeyNotAllowed")),
        fixture_row("field/key-off-curve", fell(KeyNotAllowed, "pin own for server keys-1: KeyNotAllowed").detail("the key (ECDSA P-256) verifies no signature: its point is not on the curve")),
        fixture_row("field/key-rsa-e1", fell(KeyNotAllowed, "pin own for server keys-1: KeyNotAllowed")),
        fixture_row("expired", fell(Expired, "pin own for server keys-1: Expired")),
        fixture_row("not-yet-valid", fell(NotYetValid, "pin own for server keys-1: NotYetValid")),
        fixture_row("eku-client-only", fell(WrongExtendedKeyUsage, "pin own for server keys-1: WrongExtendedKeyUsage")),
        fixture_row("eku-code-signing", fell(WrongExtendedKeyUsage, "pin own for server keys-1: WrongExtendedKeyUsage")),
        fixture_row("unknown-critical-extension", fell(UnknownCriticalExtension, "pin own for server keys-1: UnknownCriticalExtension").detail("extension 1.2.3.4.5.6")),
        row("M1", "any_role waives the usage of a fingerprint's certificate", by_fingerprint().warns(&["RoleWaived"]), |w| {
            bare(w, &fixture("eku-client-only"), plain().with_any_role());
        }),
        row("M1", "a fingerprint past its end", fell(EntryEnded, "pin own for server keys-1: EntryEnded"), |w| {
            bare(w, &fixture("ca-false"), plain().with_end(at(NOW + 60)));
            w.at(60);
        }),
        row("M1", "the fingerprint of an expired certificate with a grace", by_fingerprint().warns(&["InGrace"]), |w| {
            bare(w, &spec("x").dns(KMS).valid(-9 * DAY, -DAY).self_signed(), plain().with_validity(grace(2)));
        }),
        row("M1", "the fingerprint of something malformed", refused(MalformedCertificate), |w| {
            let malformed = super::support::fixture_bytes("malformed/trailing-byte.der");
            let digest: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(&malformed).into();
            let fingerprint = mutual_trust::Fingerprint::from_bytes(digest);
            let scope = mutual_trust::PinScope::Server("keys-1".parse().unwrap());
            w.store.install_pin_fingerprint(scope, fingerprint, plain()).unwrap();
            w.presents_bytes(malformed);
        }),
    ]
}

/// A pin by public key, and a certificate with the same key but other statements.
fn renewed(
    world: &mut World,
    installed: impl Fn(super::support::pki::Spec) -> super::support::pki::Spec,
    presented: impl Fn(super::support::pki::Spec) -> super::support::pki::Spec,
    options: EntryOptions,
) {
    let old = installed(spec("x").dns(KMS)).self_signed();
    let new = presented(spec("x").dns(KMS).key_of(&old)).self_signed();
    world.pin_with(KEYS_1, "own", &old, options);
    world.presents(&new);
}

/// Under public-key match, what is presented and what is installed must both hold.
#[rustfmt::skip]
fn by_key() -> Vec<Row> {
    let by_key = || accepted(KeyMatched, PIN);
    let fell = |reason: ReasonCode, considered| fell(reason, considered);
    vec![
        row("M1", "both certificates of the key hold", by_key(), |w| renewed(w, |s| s, |s| s, by_public_key())),
        row("M1", "the installed certificate itself, by its key", by_key(), |w| pinned(w, &self_signed(KMS), by_public_key())),
        row("M3", "the installed certificate has expired, the presented one has not", fell(Expired, "pin own for server keys-1: Expired"), |w| {
            renewed(w, |s| s.valid(-9 * DAY, -1), |s| s, by_public_key());
        }),
        row("M3", "the presented certificate has expired, the installed one has not", fell(Expired, "pin own for server keys-1: Expired"), |w| {
            renewed(w, |s| s, |s| s.valid(-9 * DAY, -1), by_public_key());
        }),
        row("M3", "the installed certificate is not valid yet, the presented one is", fell(NotYetValid, "pin own for server keys-1: NotYetValid"), |w| {
            renewed(w, |s| s.valid(DAY, 9 * DAY), |s| s, by_public_key());
        }),
        row("M3", "the presented certificate is not valid yet, the installed one is", fell(NotYetValid, "pin own for server keys-1: NotYetValid"), |w| {
            renewed(w, |s| s, |s| s.valid(DAY, 9 * DAY), by_public_key());
        }),
        row("M3", "the installed certificate is in its grace", by_key().warns(&["InGrace"]), |w| {
            renewed(w, |s| s.valid(-9 * DAY, -1), |s| s, by_public_key().with_validity(grace(1)));
        }),
        row("M3", "the presented certificate is in its grace", by_key().warns(&["InGrace"]), |w| {
            renewed(w, |s| s, |s| s.valid(-9 * DAY, -1), by_public_key().with_validity(grace(1)));
        }),
        row("M4", "the presented certificate is for clients only", fell(WrongExtendedKeyUsage, "pin own for server keys-1: WrongExtendedKeyUsage"), |w| {
            renewed(w, |s| s, |s| s.client_auth(), by_public_key());
        }),
        row("M4", "any_role waives the usage of the presented certificate", by_key().warns(&["RoleWaived"]), |w| {
            renewed(w, |s| s, |s| s.client_auth(), by_public_key().with_any_role());
        }),
        row("M4", "any_role waives the usage of the installed certificate", by_key().warns(&["RoleWaived"]), |w| {
            renewed(w, |s| s.client_auth(), |s| s, by_public_key().with_any_role());
        }),
        row("M4", "the presented certificate lacks digitalSignature", by_key().warns(&["NoDigitalSignature"]), |w| {
            renewed(w, |s| s, |s| s.key_usage(&[rcgen::KeyUsagePurpose::KeyEncipherment]), by_public_key());
        }),
        row("M6", "the presented certificate has an unknown critical extension", fell(UnknownCriticalExtension, "pin own for server keys-1: UnknownCriticalExtension"), |w| {
            renewed(w, |s| s, |s| s.critical_extension(&[1, 2, 3, 4]), by_public_key());
        }),
        row("M1", "the presented certificate is CA-signed", by_key(), |w| {
            let old = self_signed(KMS);
            w.pin_with(KEYS_1, "own", &old, by_public_key());
            w.presents(&spec("x").dns(KMS).key_of(&old).signed_by(&pki("any").root));
        }),
        row("M1", "the presented certificate says CA:TRUE", by_key().warns(&["NoDigitalSignature"]), |w| renewed(w, |s| s, |s| s.ca(), by_public_key())),
        row("M5", "the presented certificate is for another name", by_key().warns(&["NameNotCovered"]), |w| {
            let old = self_signed(KMS);
            w.pin_with(KEYS_1, "own", &old, by_public_key());
            w.presents(&spec("x").dns("other.example").key_of(&old).self_signed());
        }),
        row("I8", "an entry by key is past its end", fell(EntryEnded, "pin own for server keys-1: EntryEnded"), |w| {
            renewed(w, |s| s, |s| s, by_public_key().with_end(at(NOW + 60)));
            w.at(60);
        }),
    ]
}

fn rsa2048() -> Made {
    let key = String::from_utf8(super::support::fixture_key("rsa2048")).unwrap();
    spec("x")
        .dns(KMS)
        .key(rcgen::KeyPair::from_pem(&key).unwrap())
        .self_signed()
}

#[rustfmt::skip]
fn usage_and_keys() -> Vec<Row> {
    let any = |s: super::support::pki::Spec| s.extended_key_usage(ExtendedKeyUsagePurpose::Any);
    vec![
        row("M4", "anyExtendedKeyUsage does for a pin", matched(), move |w| pinned(w, &any(spec("x").dns(KMS)).self_signed(), plain())),
        row("M4", "a client's usage is waived by any_role", matched().warns(&["RoleWaived"]), |w| {
            pinned(w, &spec("x").dns(KMS).client_auth().self_signed(), plain().with_any_role());
        }),
        row("M4", "any_role says nothing when the usage allows the role", matched(), |w| pinned(w, &self_signed(KMS), plain().with_any_role())),
        row("M4", "a server's usage is waived for a client by any_role", accepted(PinMatched, "pin own for clients").warns(&["RoleWaived"]), |w| {
            let made = spec("x").server_auth().self_signed();
            w.pin_with(For::Clients, "own", &made, plain().with_any_role());
            w.presents(&made);
            w.ask_client();
        }),
        row("M4", "a client's fingerprint whose certificate is for servers", refused(WrongExtendedKeyUsage).by("pin own for clients").considered(&["pin own for clients: WrongExtendedKeyUsage"]), |w| {
            let made = spec("x").server_auth().self_signed();
            w.fingerprint(For::Clients, "own", &made, plain());
            w.presents(&made);
            w.ask_client();
        }),
        row("M6", "a critical extension that only limits certificates below is known in a pin", matched().warns(&["NoDigitalSignature"]), |w| {
            pinned(w, &spec("x").dns(KMS).ca().permit_dns("example").critical_extension(&[2, 5, 29, 36]).self_signed(), plain());
        }),
        row("I4", "the policy asks for longer keys than import did", fell(KeyNotAllowed, "pin own for server keys-1: KeyNotAllowed"), |w| {
            w.policy = mutual_trust::Policy::new(keys().require_rsa_bits(3072).unwrap());
            pinned(w, &rsa2048(), plain());
        }),
        row("I4", "the policy asks for no longer keys", matched(), |w| {
            w.policy = policy();
            pinned(w, &rsa2048(), plain());
        }),
    ]
}

pub fn rows() -> Vec<Row> {
    let mut rows = shapes();
    rows.extend(dates());
    rows.extend(bare_fingerprints());
    rows.extend(by_key());
    rows.extend(usage_and_keys());
    rows
}

// M1
#[test]
fn a_pin_may_be_any_certificate() {
    hold(shapes());
}

// M3, I8
#[test]
fn a_pin_counts_in_its_period_and_until_its_end() {
    hold(dates());
}

// M1, I4
#[test]
fn a_fingerprint_is_judged_by_what_is_presented() {
    hold(bare_fingerprints());
}

// M1, M3, M4, M6
#[test]
fn a_key_matches_only_if_both_certificates_hold() {
    hold(by_key());
}

// I4, M4, M6
#[test]
fn usages_extensions_and_keys_of_a_pin_are_judged() {
    hold(usage_and_keys());
}

// M1: what is found first by its length and its end is compared as a whole.
#[test]
fn a_certificate_that_differs_from_a_pin_in_one_bit_is_another_one() {
    // A serial number that stands nowhere else in the certificate.
    let own = spec("own")
        .dns("own")
        .server_auth()
        .serial(0x5A3C_9669_A5C3_1771)
        .self_signed();
    let der = own.certificate().der().to_vec();
    let serial = own.certificate().serial().to_vec();
    let at = der.windows(serial.len()).position(|part| part == serial);
    for bit in 0..7 {
        let mut other = der.clone();
        other[at.unwrap() + serial.len() - 1] ^= 1 << bit;
        let mut world = World::new();
        world.pin(KEYS_1, "own", &own);
        world.presents_bytes(other);
        let verdict = world.verdict();
        assert!(!verdict.is_accepted(), "{verdict}");
        assert_eq!(verdict.reason(), RenewedWithSameKey, "{verdict}");
    }
}
