//! Every refusal of a server that a handshake can show, at both ends.

mod chains;
mod revoked;

use std::collections::BTreeSet;

use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, LiveTrust, PinScope, Policy, ReasonCode, TrustStore,
};

use crate::support::handshake::handshake;
use crate::support::link::{Outside, Setting, keys_1, pin, settings};
use crate::support::pki::{Made, pki, self_signed, spec};
use crate::support::plain::Credential;
use crate::support::{DAY, NOW, at, fixture, fixture_bytes, host, now, server_id};

/// A server that our client refuses.
struct Row {
    what: &'static str,
    reason: ReasonCode,
    store: TrustStore,
    presents: Credential,
    /// Dialled by this name if there is one, else as [`keys_1`].
    name: Option<&'static str>,
    policy: fn(Policy) -> Policy,
    clock: CurrentTime,
}

fn row(what: &'static str, reason: ReasonCode, store: TrustStore, presents: Credential) -> Row {
    Row {
        what,
        reason,
        store,
        presents,
        name: None,
        policy: |policy| policy,
        clock: now(),
    }
}

impl Row {
    fn name(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    fn clock(mut self, seconds: u64) -> Self {
        self.clock = CurrentTime::Known(at(seconds));
        self
    }
}

fn authority(store: &mut TrustStore, certificate: &Made) {
    let certificate = certificate.certificate();
    store
        .install_authority(AuthorityScope::AnyServer, certificate, EntryOptions::new())
        .unwrap();
}

fn fixture_authority(setting: &Setting, name: &str) -> TrustStore {
    let mut store = setting.listing_server();
    store
        .install_authority(
            AuthorityScope::AnyServer,
            fixture(name),
            EntryOptions::new(),
        )
        .unwrap();
    store
}

fn pinned(setting: &Setting, name: &str) -> TrustStore {
    setting.pinning_server(&fixture(name))
}

fn by_fingerprint(setting: &Setting, name: &str) -> TrustStore {
    let mut store = setting.listing_server();
    let fingerprint = fixture(name).fingerprint();
    let scope = PinScope::Server(keys_1());
    store
        .install_pin_fingerprint(scope, fingerprint, EntryOptions::new())
        .unwrap();
    store
}

fn itself(name: &str) -> Credential {
    Credential::fixture(name, name)
}

/// Rows about names, claims and pins (P1 to P8, M1 to M6).
fn pin_rows(setting: &Setting) -> Vec<Row> {
    use ReasonCode as R;
    let server = self_signed("kms1.example");
    let stranger = self_signed("stranger.example");
    let key = mutual_trust::store::EntryKey::new(
        mutual_trust::store::Slot::Pin,
        mutual_trust::store::Scope::Server(keys_1()),
        server.certificate.fingerprint(),
    );
    let pinning = || setting.pinning_server(&server.certificate);
    let presented = || Credential::of(&server, &[]);
    let unknown = || Credential::of(&stranger, &[]);

    let mut removed = pinning();
    removed.remove(&key).unwrap();
    let mut blocked = pinning();
    blocked.block(&server.certificate);
    let mut disabled = pinning();
    disabled.disable(&key, "rotated").unwrap();
    let mut ending = setting.listing_server();
    let options = EntryOptions::new().with_end(at(NOW + DAY));
    let scope = PinScope::Server(keys_1());
    ending
        .install_pin(scope, server.certificate(), options)
        .unwrap();
    let mut elsewhere = pinning();
    let other = server_id("keys-2");
    elsewhere.add_server(other.clone(), []).unwrap();
    pin(
        &mut elsewhere,
        PinScope::Server(other),
        &stranger.certificate,
    );
    let mut for_clients = pinning();
    pin(&mut for_clients, PinScope::Clients, &stranger.certificate);
    let ca = pki("Example");
    let mut claimed = pinning();
    authority(&mut claimed, &ca.root);
    let issued = spec("issued").dns("kms1.example").server_auth();
    let issued = issued.signed_by(&ca.intermediate);
    let signed_by_pin = spec("kms1.example").dns("kms1.example").signed_by(&server);

    vec![
        row("an unlisted name", R::UnlistedName, pinning(), presented()).name("other.example"),
        row(
            "nothing installed",
            R::NothingInstalled,
            setting.listing_server(),
            presented(),
        ),
        row("the last pin removed", R::NoUsablePin, removed, presented()),
        row(
            "another certificate",
            R::PinDoesNotMatch,
            pinning(),
            unknown(),
        ),
        row(
            "renewed with the same key",
            R::RenewedWithSameKey,
            pinned(setting, "reissued-old"),
            Credential::fixture("reissued-new", "reissued"),
        ),
        row(
            "same subject, other key",
            R::SameSubjectOtherKey,
            pinned(setting, "reissued-old"),
            itself("same-subject-other-key"),
        ),
        row(
            "signed by the pin",
            R::IssuedByPin,
            pinning(),
            Credential::of(&signed_by_pin, &[]),
        ),
        row(
            "CA-signed although claimed",
            R::AuthoritiesNotAsked,
            claimed,
            Credential::of(&issued, &[&ca.intermediate, &ca.root]),
        ),
        row(
            "the pin of another server",
            R::PinOfAnotherServer,
            elsewhere,
            unknown(),
        ),
        row(
            "a client's certificate",
            R::InstalledForOtherRole,
            for_clients,
            unknown(),
        ),
        row("a disabled entry", R::EntryDisabled, disabled, presented()),
        row("an entry past its end", R::EntryEnded, ending, presented()).clock(NOW + DAY),
        row("a blocked pin", R::Blocked, blocked, presented()),
        row(
            "an expired pin",
            R::Expired,
            pinned(setting, "expired"),
            itself("expired"),
        ),
        row(
            "a pin not yet valid",
            R::NotYetValid,
            pinned(setting, "not-yet-valid"),
            itself("not-yet-valid"),
        ),
        row(
            "a fingerprint of a certificate for clients",
            R::WrongExtendedKeyUsage,
            by_fingerprint(setting, "eku-client-only"),
            itself("eku-client-only"),
        ),
        row(
            "a fingerprint of a certificate with an unknown critical extension",
            R::UnknownCriticalExtension,
            by_fingerprint(setting, "unknown-critical-extension"),
            itself("unknown-critical-extension"),
        ),
        row(
            "a fingerprint of a certificate with a weak key",
            R::KeyNotAllowed,
            by_fingerprint(setting, "rsa1024"),
            Credential::fixture("rsa1024", "rsa2048"),
        ),
        row(
            "a fingerprint of a certificate with a broken self-signature",
            R::WrongSelfSignature,
            by_fingerprint(setting, "broken-self-signature"),
            Credential::fixture("broken-self-signature", "ca-false"),
        ),
        Row {
            policy: |policy| Policy::new(policy.key_policy().require_rsa_bits(3072).unwrap()),
            ..row(
                "a key below the policy",
                R::KeyNotAllowed,
                pinned(setting, "ee-rsa2048"),
                Credential::fixture("ee-rsa2048", "rsa2048"),
            )
        },
        row(
            "no certificate at all",
            R::MalformedCertificate,
            pinning(),
            presented().presenting(fixture_bytes("malformed/empty-sequence.der")),
        ),
        row(
            "the pin with one byte more",
            R::MalformedCertificate,
            pinned(setting, "ee-p256"),
            {
                Credential::fixture("ee-p256", "p256")
                    .presenting(fixture_bytes("malformed/trailing-byte.der"))
            },
        ),
        row(
            "sixty-five certificates",
            R::TooManyCertificates,
            pinning(),
            (0..64).fold(presented(), |many, _| many.and(&stranger.certificate)),
        ),
    ]
}

fn rows(setting: &Setting) -> Vec<Row> {
    let mut rows = pin_rows(setting);
    rows.extend(chains::rows(setting));
    rows.extend(revoked::rows(setting));
    rows
}

#[test]
fn every_refusal_of_a_server_has_its_reason_here_and_looks_the_same_there() {
    let mut failures = Vec::new();
    for setting in settings() {
        let mut outside = BTreeSet::new();
        for mut row in rows(&setting) {
            let what = format!("{}, {}", row.what, setting.name);
            let system = self_signed("array-7.example").identity(&[], &setting.provider);
            let policy = (row.policy)(setting.policy());
            let client = setting.client_with(row.store.snapshot(), system, policy, row.clock);
            let config = match row.name {
                None => client.build_for(&keys_1()),
                Some(_) => client.build_by_name(),
            };
            let server = setting.server_of(&row.presents);
            let name = row.name.unwrap_or("kms1.example");
            let outcome = handshake(&config.unwrap(), &server, name);
            if let Err(error) = outcome.client_refuses(row.reason) {
                failures.push(format!("{what}: expected {}: {error}", row.reason));
                continue;
            }
            let error = outcome.client.unwrap_err();
            outside.insert(Outside::of(&error, &outcome.sent_last.by_client));
        }
        assert_eq!(outside.len(), 1, "{}: {outside:#?}", setting.name);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_code_that_can_refuse_a_server_in_a_handshake_has_a_row() {
    let setting = settings().remove(0);
    let mut shown: BTreeSet<_> = rows(&setting).iter().map(|row| row.reason).collect();
    shown.extend([
        // A server that is gone when the handshake comes, below.
        ReasonCode::UnknownServer,
        // In `possession.rs`.
        ReasonCode::HandshakeSignatureInvalid,
        // In `unfinished.rs`.
        ReasonCode::HandshakeNotFinished,
        // rustls dials no name that could not be a server's.
        ReasonCode::NoNameToMatch,
        // Of clients only.
        ReasonCode::NoPatternMatches,
        ReasonCode::PinsOnly,
    ]);
    let refusing = ReasonCode::ALL.iter().filter(|reason| !reason.accepts());
    let missing: Vec<_> = refusing.filter(|reason| !shown.contains(reason)).collect();
    assert_eq!(missing, Vec::<&ReasonCode>::new());
}

#[test]
fn a_server_that_was_deleted_after_the_configuration_was_built_is_unknown() {
    // P6
    for setting in settings() {
        let ca = pki("Example");
        let mut store = setting.listing_server();
        authority(&mut store, &ca.root);
        let trust = LiveTrust::new(store.snapshot());
        let system = self_signed("array-7.example").identity(&[], &setting.provider);
        let config = setting
            .client(trust.clone(), system)
            .build_for(&keys_1())
            .unwrap();
        store.remove_server(&keys_1()).unwrap();
        store
            .add_server(server_id("keys-2"), [host("kms1.example")])
            .unwrap();
        trust.publish(store.snapshot()).unwrap();
        let presents = Credential::of(&ca.server("kms1.example"), &[&ca.intermediate]);
        let outcome = handshake(&config, &setting.server_of(&presents), "kms1.example");
        outcome.expect_client_refuses(&setting.name, ReasonCode::UnknownServer);
    }
}
