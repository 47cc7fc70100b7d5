//! Clients: pins first, then authorities with their patterns (rule P7).

use mutual_trust::ReasonCode::{self, *};
use mutual_trust::store::SanPattern;
use rcgen::{DnType, ExtendedKeyUsagePurpose};

use super::matrix::{Cast, cast};
use super::row::{Row, accepted, hold, refused, row};
use super::support::pki::{pki, spec};
use super::world::{For, KMS, World, plain};

/// Columns, in the order of [`presents`].
type Reasons = [ReasonCode; 10];

const SAYS: [&str; 10] = [
    "it presents its certificate",
    "it presents its certificate renewed with the same key",
    "it presents its subject with another key",
    "it presents a leaf signed with its key",
    "it presents a self-signed end entity that nobody installed",
    "it presents a chain",
    "it presents a chain for a server",
    "it presents the installed CA",
    "it presents a server's certificate",
    "it presents something malformed",
];

fn presents(column: usize, world: &mut World, cast: &Cast) {
    let client = || spec("x").uri("spiffe://example/array/7");
    match column {
        0 => world.presents(&cast.own),
        1 => world.presents(&cast.renewed),
        2 => world.presents(&cast.same_subject),
        3 => world.presents(&cast.signed_by_own),
        4 => world.presents(&cast.unknown),
        5 => world.presents(&client().client_auth().signed_by(&cast.pki.root)),
        6 => world.presents(&client().server_auth().signed_by(&cast.pki.root)),
        7 => world.presents(&cast.pki.root),
        8 => world.presents(&cast.of_keys_2),
        _ => world.presents_bytes(cast.malformed.clone()),
    };
}

type State = (
    &'static str,
    &'static [&'static str],
    Reasons,
    fn(&mut World, &Cast),
);

fn pin(world: &mut World, cast: &Cast) {
    world.pin_with(
        For::Clients,
        "own",
        &cast.own,
        plain().with_label("array-7"),
    );
}

fn authority(world: &mut World, cast: &Cast) {
    world.authority(For::Clients, "root", &cast.pki.root);
}

#[rustfmt::skip]
fn table() -> Vec<State> {
    const OWN: &[&str] = &["pin own for clients"];
    vec![
        ("nothing is held", &[], [
            NothingInstalled, NothingInstalled, NothingInstalled, NothingInstalled, NothingInstalled,
            NothingInstalled, NothingInstalled, NothingInstalled, InstalledForOtherRole, MalformedCertificate,
        ], |_, _| {}),
        ("everything is held for servers", &[], [
            NothingInstalled, NothingInstalled, NothingInstalled, NothingInstalled, NothingInstalled,
            NothingInstalled, NothingInstalled, AuthorityPresentedAsPeer, InstalledForOtherRole, MalformedCertificate,
        ], |w, c| { w.authority(For::AnyServer, "root", &c.pki.root); }),
        ("a pin is held", OWN, [
            PinMatched, RenewedWithSameKey, SameSubjectOtherKey, IssuedByPin, PinDoesNotMatch,
            PinDoesNotMatch, PinDoesNotMatch, PinDoesNotMatch, InstalledForOtherRole, MalformedCertificate,
        ], pin),
        ("a pin and an authority are held", &[], [
            PinMatched, RenewedWithSameKey, SameSubjectOtherKey, IssuedByPin, SelfSignedNotInstalled,
            ChainVerified, WrongExtendedKeyUsage, AuthorityPresentedAsPeer, InstalledForOtherRole, MalformedCertificate,
        ], |w, c| { pin(w, c); authority(w, c); }),
        ("an authority is held", &[], [
            SelfSignedNotInstalled, SelfSignedNotInstalled, SelfSignedNotInstalled, UnknownIssuer, SelfSignedNotInstalled,
            ChainVerified, WrongExtendedKeyUsage, AuthorityPresentedAsPeer, InstalledForOtherRole, MalformedCertificate,
        ], authority),
        ("a pin and an authority are held and only pins count", OWN, [
            PinMatched, RenewedWithSameKey, SameSubjectOtherKey, IssuedByPin, PinsOnly,
            PinsOnly, PinsOnly, AuthorityPresentedAsPeer, InstalledForOtherRole, MalformedCertificate,
        ], |w, c| { pin(w, c); authority(w, c); w.policy = w.policy.clients_by_pin_only(); }),
        ("a pin is held and only pins count", OWN, [
            PinMatched, RenewedWithSameKey, SameSubjectOtherKey, IssuedByPin, PinDoesNotMatch,
            PinDoesNotMatch, PinDoesNotMatch, PinDoesNotMatch, InstalledForOtherRole, MalformedCertificate,
        ], |w, c| { pin(w, c); w.policy = w.policy.clients_by_pin_only(); }),
        ("an authority is held and only pins count", &[], [
            PinsOnly, PinsOnly, PinsOnly, PinsOnly, PinsOnly,
            PinsOnly, PinsOnly, AuthorityPresentedAsPeer, InstalledForOtherRole, MalformedCertificate,
        ], |w, c| { authority(w, c); w.policy = w.policy.clients_by_pin_only(); }),
        ("a pin that is disabled and an authority are held", &[], [
            EntryDisabled, RenewedWithSameKey, SameSubjectOtherKey, IssuedByPin, SelfSignedNotInstalled,
            ChainVerified, WrongExtendedKeyUsage, AuthorityPresentedAsPeer, InstalledForOtherRole, MalformedCertificate,
        ], |w, c| {
            authority(w, c);
            let key = w.pin(For::Clients, "own", &c.own);
            w.disable(&key);
        }),
    ]
}

fn crossed() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, falls, reasons, build) in table() {
        for (column, reason) in reasons.into_iter().enumerate() {
            let expect = match reason {
                PinMatched => accepted(reason, "pin own for clients").peer("pin array-7"),
                ChainVerified => accepted(reason, "authority root for clients")
                    .peer("chain uri:spiffe://example/array/7"),
                EntryDisabled => refused(reason)
                    .by("pin own for clients")
                    .considered(&["pin own for clients: EntryDisabled"]),
                MalformedCertificate => refused(reason),
                _ => refused(reason).falls(falls),
            };
            let name = format!("of a client, {name}: {}", SAYS[column]);
            rows.push(row("P7", name, expect, move |world| {
                let cast = cast();
                world.pin(For::Server("keys-2"), "of keys-2", &cast.of_keys_2);
                build(world, cast);
                presents(column, world, cast);
                world.ask_client();
            }));
        }
    }
    rows
}

fn patterns(texts: &[&str]) -> Vec<SanPattern> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

const ROOT: &str = "authority root for clients";

/// A client with three names, under an authority with these patterns.
fn with_patterns(world: &mut World, texts: &[&str]) {
    let cast = cast();
    let options = plain()
        .with_label("site")
        .with_san_patterns(patterns(texts));
    world.authority_with(For::Clients, "root", &cast.pki.root, options);
    let leaf = spec("the common name")
        .dns("array-7.example")
        .uri("spiffe://example/array/7")
        .ip("192.0.2.7")
        .client_auth()
        .signed_by(&cast.pki.root);
    world.presents(&leaf);
    world.ask_client();
}

fn with_pattern_rows() -> Vec<Row> {
    vec![
        row(
            "P7",
            "without patterns a chain offers all names, never the common name or the label",
            accepted(ChainVerified, ROOT)
                .peer("chain dns:array-7.example, uri:spiffe://example/array/7, ip:192.0.2.7"),
            |w| with_patterns(w, &[]),
        ),
        row(
            "P7",
            "a chain offers only the names that match a pattern",
            accepted(ChainVerified, ROOT).peer("chain uri:spiffe://example/array/7"),
            |w| with_patterns(w, &["uri:spiffe://example/array/*", "dns:other.example"]),
        ),
        row(
            "P7",
            "a chain offers every name that matches one of the patterns",
            accepted(ChainVerified, ROOT).peer("chain dns:array-7.example, ip:192.0.2.7"),
            |w| with_patterns(w, &["ip:192.0.2.7", "dns:*.example"]),
        ),
        row(
            "P7",
            "no name that matches a pattern",
            refused(NoPatternMatches)
                .considered(&["authority root for clients: NoPatternMatches"])
                .detail(
                    "wanted dns:other.example; the certificate has dns:array-7.example, uri:spiffe://example/array/7, ip:192.0.2.7",
                ),
            |w| with_patterns(w, &["dns:other.example"]),
        ),
        row(
            "P7",
            "the common name matches no pattern",
            refused(NoPatternMatches).considered(&["authority root for clients: NoPatternMatches"]),
            |w| {
                let cast = cast();
                let options = plain().with_san_patterns(patterns(&["dns:array-7.example"]));
                w.authority_with(For::Clients, "root", &cast.pki.root, options);
                w.presents(&spec("array-7.example").signed_by(&cast.pki.root));
                w.ask_client();
            },
        ),
        row(
            "P7",
            "of two authorities of one name and key, the one whose pattern matches decides",
            accepted(ChainVerified, "authority reissued for clients")
                .peer("chain dns:array-7.example")
                .considered(&["authority root for clients: NoPatternMatches"]),
            |w| {
                let day = 24 * 60 * 60;
                // The one that does not match lasts longer, so that it is tried first.
                let root = spec("site").ca().valid(-day, 200 * day).self_signed();
                let reissued = spec("site")
                    .ca()
                    .key_of(&root)
                    .valid(-day, 100 * day)
                    .self_signed();
                let only = |text| plain().with_san_patterns(patterns(&[text]));
                w.authority_with(For::Clients, "root", &root, only("dns:*.other.example"));
                w.authority_with(For::Clients, "reissued", &reissued, only("dns:*.example"));
                w.presents(&spec("x").dns("array-7.example").signed_by(&root));
                w.ask_client();
            },
        ),
        row(
            "P7",
            "a client without names is accepted by an authority without patterns and offers none",
            accepted(ChainVerified, ROOT).peer("chain "),
            |w| {
                let cast = cast();
                w.authority(For::Clients, "root", &cast.pki.root);
                w.presents(&spec("array-7.example").signed_by(&cast.pki.root));
                w.ask_client();
            },
        ),
        row(
            "P7",
            "a pin without a label offers its fingerprint alone",
            accepted(PinMatched, "pin own for clients").peer("pin without label"),
            |w| {
                w.pin(For::Clients, "own", &cast().own);
                w.presents(&cast().own);
                w.ask_client();
            },
        ),
        row(
            "P7",
            "a pin decides before an authority that would accept the same certificate",
            accepted(PinMatched, "pin leaf for clients").peer("pin array-7"),
            |w| {
                let pki = pki("site");
                let leaf = pki.client("array-7.example");
                w.authority(For::Clients, "root", &pki.root);
                w.pin_with(For::Clients, "leaf", &leaf, plain().with_label("array-7"));
                w.presents(&leaf).with("intermediate", &pki.intermediate);
                w.ask_client();
            },
        ),
        row(
            "P5",
            "a pin that matches and cannot be used is final, whatever an authority would say",
            refused(EntryDisabled)
                .by("pin leaf for clients")
                .considered(&["pin leaf for clients: EntryDisabled"]),
            |w| {
                let pki = pki("site");
                let leaf = pki.client("array-7.example");
                w.authority(For::Clients, "root", &pki.root);
                let key = w.pin(For::Clients, "leaf", &leaf);
                w.disable(&key);
                w.presents(&leaf).with("intermediate", &pki.intermediate);
                w.ask_client();
            },
        ),
        row(
            "I7",
            "an authority for servers does not vouch for clients",
            refused(UnknownIssuer),
            |w| {
                let (site, servers) = (pki("site"), pki("servers"));
                w.authority(For::Clients, "root", &site.root);
                w.authority(For::AnyServer, "servers", &servers.root);
                w.presents(&servers.client("array-7.example"));
                w.with("intermediate", &servers.intermediate);
                w.ask_client();
            },
        ),
        row(
            "I7",
            "an authority for clients does not vouch for servers",
            refused(UnknownIssuer),
            |w| {
                let (site, servers) = (pki("site"), pki("servers"));
                w.authority(For::Clients, "root", &site.root);
                w.authority(For::AnyServer, "servers", &servers.root);
                w.presents(&site.server(KMS));
                w.with("intermediate", &site.intermediate);
            },
        ),
        row(
            "M4",
            "a certificate of both roles in a chain is a client's too",
            accepted(ChainVerified, ROOT),
            |w| {
                let root = &cast().pki.root;
                w.authority(For::Clients, "root", root);
                let leaf = spec("x").server_auth().client_auth().signed_by(root);
                w.presents(&leaf);
                w.ask_client();
            },
        ),
        row(
            "C1",
            "anyExtendedKeyUsage does not do for a client in a chain",
            refused(AnyExtendedKeyUsageAlone),
            |w| {
                let root = &cast().pki.root;
                w.authority(For::Clients, "root", root);
                let leaf = spec("x").extended_key_usage(ExtendedKeyUsagePurpose::Any);
                w.presents(&leaf.signed_by(root));
                w.ask_client();
            },
        ),
        row(
            "P7",
            "a client without any subject, in a chain",
            accepted(ChainVerified, ROOT).peer("chain dns:array-7.example"),
            |w| {
                let root = &cast().pki.root;
                w.authority(For::Clients, "root", root);
                let leaf = spec("").dns("array-7.example").params(|params| {
                    params.distinguished_name.remove(DnType::CommonName);
                });
                w.presents(&leaf.signed_by(root));
                w.ask_client();
            },
        ),
    ]
}

pub fn rows() -> Vec<Row> {
    let mut rows = crossed();
    rows.extend(with_pattern_rows());
    rows
}

// P5, P7, I7, M4, C1
#[test]
fn clients_are_decided_by_pins_and_then_by_authorities() {
    hold(rows());
}
