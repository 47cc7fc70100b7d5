//! Every refusal of a client that a handshake can show, at both ends.

use std::collections::BTreeSet;

use mutual_trust::store::{EntryKey, SanPattern, Scope, Slot};
use mutual_trust::tls::refusal;
use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, PinScope, Policy, ReasonCode, TrustStore,
};
use rustls::{AlertDescription, ClientConfig, Error};

use crate::support::der::with_sha1;
use crate::support::handshake::handshake;
use crate::support::link::{Outside, Setting, keys_1, pin, settings};
use crate::support::pki::{Made, pki, self_signed, spec};
use crate::support::plain::{AcceptAll, Credential};
use crate::support::{DAY, NOW, at, fixture, fixture_bytes, now};

/// A client that our server refuses.
struct Row {
    what: &'static str,
    reason: ReasonCode,
    store: TrustStore,
    presents: Credential,
    policy: fn(Policy) -> Policy,
    clock: CurrentTime,
}

fn row(what: &'static str, reason: ReasonCode, store: TrustStore, presents: Credential) -> Row {
    Row {
        what,
        reason,
        store,
        presents,
        policy: |policy| policy,
        clock: now(),
    }
}

fn trusting(setting: &Setting, root: &Made) -> TrustStore {
    let mut store = setting.store();
    authority(&mut store, root, EntryOptions::new());
    store
}

fn authority(store: &mut TrustStore, root: &Made, options: EntryOptions) {
    let certificate = root.certificate();
    store
        .install_authority(AuthorityScope::Clients, certificate, options)
        .unwrap();
}

fn by_fingerprint(setting: &Setting, name: &str) -> TrustStore {
    let mut store = setting.store();
    let fingerprint = fixture(name).fingerprint();
    store
        .install_pin_fingerprint(PinScope::Clients, fingerprint, EntryOptions::new())
        .unwrap();
    store
}

fn itself(name: &str) -> Credential {
    Credential::fixture(name, name)
}

/// Rows about pins (P1, P5 to P7, M1 to M6).
fn pin_rows(setting: &Setting) -> Vec<Row> {
    use ReasonCode as R;
    let system = self_signed("array-7.example");
    let stranger = self_signed("array-8.example");
    let key = EntryKey::new(Slot::Pin, Scope::Clients, system.certificate.fingerprint());
    let pinning = || setting.pinning_client(&system.certificate);
    let pinned = |name: &str| setting.pinning_client(&fixture(name));
    let presented = || Credential::of(&system, &[]);
    let unknown = || Credential::of(&stranger, &[]);

    let mut blocked = pinning();
    blocked.block(&system.certificate);
    let mut disabled = pinning();
    disabled.disable(&key, "retired").unwrap();
    let mut ending = setting.store();
    let options = EntryOptions::new().with_end(at(NOW + DAY));
    ending
        .install_pin(PinScope::Clients, system.certificate(), options)
        .unwrap();
    let mut for_servers = pinning();
    for_servers.add_server(keys_1(), []).unwrap();
    pin(
        &mut for_servers,
        PinScope::Server(keys_1()),
        &stranger.certificate,
    );
    let ca = pki("Example");
    let mut pins_only = pinning();
    authority(&mut pins_only, &ca.root, EntryOptions::new());
    let signed_by_pin = spec("array-7.example").signed_by(&system);

    vec![
        row(
            "an empty store",
            R::NothingInstalled,
            setting.store(),
            presented(),
        ),
        row(
            "another certificate",
            R::PinDoesNotMatch,
            pinning(),
            unknown(),
        ),
        row(
            "renewed with the same key",
            R::RenewedWithSameKey,
            pinned("reissued-old"),
            Credential::fixture("reissued-new", "reissued"),
        ),
        row(
            "same subject, other key",
            R::SameSubjectOtherKey,
            pinned("reissued-old"),
            itself("same-subject-other-key"),
        ),
        row(
            "signed by the pin",
            R::IssuedByPin,
            pinning(),
            Credential::of(&signed_by_pin, &[]),
        ),
        row(
            "a server's certificate",
            R::InstalledForOtherRole,
            for_servers,
            unknown(),
        ),
        row("a disabled entry", R::EntryDisabled, disabled, presented()),
        Row {
            clock: CurrentTime::Known(at(NOW + DAY)),
            ..row("an entry past its end", R::EntryEnded, ending, presented())
        },
        row("a blocked pin", R::Blocked, blocked, presented()),
        row(
            "an expired pin",
            R::Expired,
            pinned("expired"),
            itself("expired"),
        ),
        row(
            "a pin not yet valid",
            R::NotYetValid,
            pinned("not-yet-valid"),
            itself("not-yet-valid"),
        ),
        row(
            "a fingerprint of a certificate for servers",
            R::WrongExtendedKeyUsage,
            by_fingerprint(setting, "eku-server-only"),
            itself("eku-server-only"),
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
            policy: Policy::with_clients_by_pin_only,
            ..row("a chain where pins only count", R::PinsOnly, pins_only, {
                Credential::of(&ca.client("array-9.example"), &[&ca.intermediate])
            })
        },
        row(
            "no certificate in it",
            R::MalformedCertificate,
            pinning(),
            presented().presenting(fixture_bytes("malformed/empty-sequence.der")),
        ),
        row(
            "sixty-five certificates",
            R::TooManyCertificates,
            pinning(),
            (0..64).fold(presented(), |many, _| many.and(&stranger.certificate)),
        ),
    ]
}

/// Rows about chains (P7, C1, C3).
fn chain_rows(setting: &Setting) -> Vec<Row> {
    use ReasonCode as R;
    let ca = pki("Example");
    let sent = || Credential::of(&ca.client("array-7.example"), &[&ca.intermediate]);
    let root = spec("root").ca().self_signed();
    let leaf = || spec("array-7.example").dns("array-7.example").client_auth();
    let no_ca = spec("no ca").signed_by(&root);
    let for_servers = leaf().params(|params| params.extended_key_usages.clear());
    let for_servers = for_servers.server_auth().signed_by(&root);
    let patterns = ["uri:spiffe://example/array/*", "dns:*.arrays.example"];
    let patterns = patterns.map(|text| text.parse::<SanPattern>().unwrap());
    let mut narrow = setting.store();
    authority(
        &mut narrow,
        &ca.root,
        EntryOptions::new().with_san_patterns(patterns),
    );
    let mut blocked = trusting(setting, &ca.root);
    blocked.block(&ca.root.certificate);
    let day = i64::try_from(DAY).unwrap();
    let sha1 = leaf().signed_by(&root);
    let old = leaf().valid(-9 * day, -day).signed_by(&root);
    // The same certificate is a CA for servers, which says nothing about clients (I7).
    let mut for_any_server = setting.pinning_client(&fixture("ee-p256"));
    let scope = AuthorityScope::AnyServer;
    for_any_server
        .install_authority(scope, ca.root.certificate(), EntryOptions::new())
        .unwrap();

    vec![
        row(
            "an unknown issuer",
            R::UnknownIssuer,
            trusting(setting, &pki("Other").root),
            sent(),
        ),
        row(
            "an authority for servers",
            R::PinDoesNotMatch,
            for_any_server,
            sent(),
        ),
        row(
            "a stranger's own certificate",
            R::SelfSignedNotInstalled,
            trusting(setting, &root),
            Credential::of(&self_signed("array-7.example"), &[]),
        ),
        row(
            "a CA as leaf",
            R::CaUsedAsEndEntity,
            trusting(setting, &root),
            itself("openssl-req-default"),
        ),
        row(
            "the authority as leaf",
            R::AuthorityPresentedAsPeer,
            trusting(setting, &root),
            Credential::of(&root, &[]),
        ),
        row(
            "an authority of the same name",
            R::ChainSignatureInvalid,
            trusting(setting, &pki("Example").root),
            sent(),
        ),
        row(
            "a leaf signed with SHA-1",
            R::SignatureAlgorithmUnsupported,
            trusting(setting, &root),
            Credential::of(&sha1, &[]).presenting(with_sha1(&sha1.certificate).der().to_vec()),
        ),
        row(
            "an issuer that is no CA",
            R::IssuerCannotSign,
            trusting(setting, &root),
            Credential::of(&leaf().signed_by(&no_ca), &[&no_ca]),
        ),
        row(
            "a leaf for servers",
            R::WrongExtendedKeyUsage,
            trusting(setting, &root),
            Credential::of(&for_servers, &[]),
        ),
        row(
            "an expired leaf",
            R::Expired,
            trusting(setting, &root),
            Credential::of(&old, &[]),
        ),
        row(
            "no name that a pattern allows",
            R::NoPatternMatches,
            narrow,
            sent(),
        ),
        row("a blocked authority", R::Blocked, blocked, sent()),
        Row {
            clock: CurrentTime::Known(at(NOW - 2 * DAY)),
            ..row(
                "a chain by a clock that is below the floor",
                R::ClockBelowFloor,
                trusting(setting, &ca.root),
                sent(),
            )
        },
        Row {
            clock: CurrentTime::Unset,
            ..row(
                "a chain without a clock",
                R::ClockUnset,
                trusting(setting, &ca.root),
                sent(),
            )
        },
    ]
}

#[test]
fn every_refusal_of_a_client_has_its_reason_here_and_looks_the_same_there() {
    let mut failures = Vec::new();
    for setting in settings() {
        let mut rows = pin_rows(&setting);
        rows.extend(chain_rows(&setting));
        let mut shown = BTreeSet::new();
        let mut outside = BTreeSet::new();
        for mut row in rows {
            shown.insert(row.reason);
            let what = format!("{}, {}", row.what, setting.name);
            let identity = self_signed("kms1.example").identity(&[], &setting.provider);
            let policy = (row.policy)(setting.policy());
            let server = setting.server_with(row.store.snapshot(), identity, policy, row.clock);
            let client = setting.client_of(&row.presents);
            let outcome = handshake(&client, &server.build().unwrap(), "kms1.example");
            if let Err(error) = outcome.server_refuses(row.reason) {
                failures.push(format!("{what}: expected {}: {error}", row.reason));
                continue;
            }
            let error = outcome.server.unwrap_err();
            outside.insert(Outside::of(&error, &outcome.sent_last.by_server));
        }
        assert_eq!(outside.len(), 1, "{}: {outside:#?}", setting.name);
        assert!(shown.contains(&ReasonCode::PinsOnly));
        assert!(shown.contains(&ReasonCode::NoPatternMatches));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_client_without_a_certificate_is_refused() {
    // A client certificate is always demanded
    for setting in settings() {
        let ca = pki("Example");
        let mut store = trusting(&setting, &ca.root);
        pin(&mut store, PinScope::Clients, &fixture("ee-p256"));
        let identity = self_signed("kms1.example").identity(&[], &setting.provider);
        let server = setting.server(store.snapshot(), identity).build().unwrap();
        let client = ClientConfig::builder_with_provider(setting.provider.clone())
            .with_protocol_versions(&[setting.rustls_version()])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(AcceptAll::new(&setting.provider))
            .with_no_client_auth();
        let outcome = handshake(&client, &server, "kms1.example");
        // rustls refuses before a verifier is asked, with an alert of its own.
        let error = outcome.server.as_ref().unwrap_err();
        assert_eq!(error, &Error::NoCertificatesPresented, "{}", setting.name);
        assert!(refusal(error).is_none());
        assert_eq!(
            outcome.client,
            Err(Error::AlertReceived(AlertDescription::CertificateRequired)),
            "{}",
            setting.name
        );
    }
}
