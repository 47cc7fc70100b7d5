//! The same certificates over each stack, in each role, by each version of TLS.

use mutual_trust::certificate::Certificate;
use mutual_trust::store::TrustStore;
use mutual_trust::tls::TlsVersion;
use mutual_trust::{AuthorityScope, EntryOptions, PinScope, ReasonCode};
use mutual_trust_test_support::fixture;
use mutual_trust_test_support::link::keys_1;
use mutual_trust_test_support::pki::{self, Made, Pki, spec};
use mutual_trust_test_support::plain::Credential;

use super::kit::{Stack, kit};
use super::peers::{Link, Role, Side, pin_client, pin_server, reason, works};

/// What is installed for the peer.
enum Installed {
    Pin(Certificate),
    /// A pin that may be of the other role.
    AnyRole(Certificate),
    Authority(Certificate),
    /// A pin and an authority.
    Both(Certificate, Certificate),
    /// A pin that is blocked.
    Blocked(Certificate),
    Nothing,
}

impl Installed {
    fn install(&self, role: Role, store: &mut TrustStore) {
        match (self, role) {
            (Self::Pin(pin), Role::Client) => pin_server(store, pin),
            (Self::Pin(pin), Role::Server) => pin_client(store, pin),
            (Self::AnyRole(pin), role) => {
                let scope = match role {
                    Role::Client => PinScope::Server(keys_1()),
                    Role::Server => PinScope::Clients,
                };
                let options = EntryOptions::new().with_any_role();
                store.install_pin(scope, pin.clone(), options).unwrap();
            }
            (Self::Authority(ca), role) => {
                let scope = match role {
                    Role::Client => AuthorityScope::Server(keys_1()),
                    Role::Server => AuthorityScope::Clients,
                };
                store
                    .install_authority(scope, ca.clone(), EntryOptions::new())
                    .unwrap();
            }
            (Self::Both(pin, ca), role) => {
                Self::Pin(pin.clone()).install(role, store);
                Self::Authority(ca.clone()).install(role, store);
            }
            (Self::Blocked(pin), role) => {
                Self::Pin(pin.clone()).install(role, store);
                store.block(pin);
            }
            (Self::Nothing, _) => {}
        }
    }
}

/// What a stack does with a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The link works, by this reason.
    Works(ReasonCode),
    /// We refuse, for this reason.
    Refused(ReasonCode),
    /// We would accept, and the stack refuses afterwards.
    StackAfter(ReasonCode),
    /// The stack refuses before it asks us.
    StackBefore,
}

struct Case {
    name: &'static str,
    installed: Installed,
    presents: Credential,
    expected: Outcome,
    /// Where a stack judges by itself: these stacks, this version if it is of one alone, and this role, give another result.
    but: Vec<(Stack, Option<TlsVersion>, Option<Role>, Outcome)>,
}

impl Case {
    fn new(
        name: &'static str,
        installed: Installed,
        presents: Credential,
        expected: Outcome,
    ) -> Self {
        Self {
            name,
            installed,
            presents,
            expected,
            but: Vec::new(),
        }
    }

    fn but(
        mut self,
        stack: Stack,
        version: Option<TlsVersion>,
        role: Option<Role>,
        result: Outcome,
    ) -> Self {
        self.but.push((stack, version, role, result));
        self
    }

    fn expected(&self, link: &Link) -> Outcome {
        let found = self.but.iter().find(|(stack, version, role, _)| {
            *stack == link.stack
                && version.is_none_or(|version| version == link.version)
                && role.is_none_or(|role| role == link.role)
        });
        found.map_or(self.expected, |(.., result)| *result)
    }
}

/// A certificate as `openssl req -x509` makes it, with a key of P-256.
fn self_signed_ca(name: &str) -> Made {
    spec(name).dns(name).ca().key_usage(&[]).self_signed()
}

fn leaf(pki: &Pki, role: Role) -> Made {
    match role {
        Role::Client => pki.server("kms1.example"),
        Role::Server => pki.client("array-7.example"),
    }
}

fn cases(role: Role) -> Vec<Case> {
    use Outcome::{Refused, StackAfter, StackBefore, Works};
    use ReasonCode::{
        AuthoritiesNotAsked, Blocked, ChainVerified, NothingInstalled, PinDoesNotMatch, PinMatched,
        UnknownIssuer,
    };

    let (ours, others) = (pki::pki("ours"), pki::pki("others"));
    let own = leaf(&ours, role);
    let chain = Credential::of(&own, &[&ours.intermediate]);
    let shuffled = Credential::of(&own, &[&ours.root, &own, &others.root, &ours.intermediate]);
    let ca = self_signed_ca("kms1.example");
    let self_signed = |name| {
        let spec = spec(name).dns("kms1.example");
        spec.server_auth().client_auth().self_signed()
    };
    let (pinned, other) = (self_signed("the pinned one"), self_signed("another one"));
    let root = ours.root.certificate();
    let v1 = fixture("v1");
    // A server with a pin is claimed, a client may come by a chain as well.
    let beside_a_pin = match role {
        Role::Client => Refused(AuthoritiesNotAsked),
        Role::Server => Works(ChainVerified),
    };
    let other_usage = match role {
        Role::Client => fixture("eku-client-only"),
        Role::Server => fixture("eku-server-only"),
    };
    let other_usage_name = match role {
        Role::Client => "eku-client-only",
        Role::Server => "eku-server-only",
    };
    let many = (0..70).fold(chain.clone(), |chain, _| chain.and(&root));
    let pin = |made: &Made| Installed::Pin(made.certificate());
    vec![
        Case::new(
            "a pin that is CA:TRUE",
            pin(&ca),
            Credential::of(&ca, &[]),
            Works(PinMatched),
        ),
        Case::new(
            "a pin of version 1",
            Installed::Pin(v1),
            Credential::fixture("v1", "v1"),
            Works(PinMatched),
        ),
        Case::new(
            "a chain",
            Installed::Authority(root.clone()),
            chain.clone(),
            Works(ChainVerified),
        ),
        Case::new(
            "a shuffled chain",
            Installed::Authority(root.clone()),
            shuffled,
            Works(ChainVerified),
        ),
        Case::new(
            "another self-signed certificate",
            pin(&pinned),
            Credential::of(&other, &[]),
            Refused(PinDoesNotMatch),
        ),
        Case::new(
            "a chain beside a pin",
            Installed::Both(pinned.certificate(), root.clone()),
            chain.clone(),
            beside_a_pin,
        ),
        Case::new(
            "a chain of another CA",
            Installed::Authority(others.root.certificate()),
            chain.clone(),
            Refused(UnknownIssuer),
        ),
        Case::new(
            "a pin that is blocked",
            Installed::Blocked(pinned.certificate()),
            Credential::of(&pinned, &[]),
            Refused(Blocked),
        ),
        Case::new(
            "nothing installed",
            Installed::Nothing,
            chain,
            Refused(NothingInstalled),
        ),
        Case::new(
            "a copied certificate, signed with another key",
            pin(&pinned),
            Credential::of(&pinned, &[]).signing_as(&Credential::of(&other, &[])),
            StackAfter(PinMatched),
        )
        // It verifies the signature first.
        .but(Stack::GnuTls, Some(TlsVersion::Tls13), None, StackBefore),
        Case::new(
            "a pin with Ed25519",
            Installed::Pin(fixture("ee-ed25519")),
            Credential::fixture("ee-ed25519", "ed25519"),
            Works(PinMatched),
        )
        // 2.28 has none.
        .but(Stack::MbedTls, None, None, StackBefore),
        Case::new(
            "a pin of which keyUsage lacks digitalSignature",
            Installed::Pin(fixture("ku-key-encipherment-only")),
            Credential::fixture("ku-key-encipherment-only", "ku-key-encipherment-only"),
            Works(PinMatched),
        )
        .but(
            Stack::GnuTls,
            Some(TlsVersion::Tls12),
            None,
            StackAfter(PinMatched),
        )
        .but(Stack::GnuTls, Some(TlsVersion::Tls13), None, StackBefore)
        .but(
            Stack::MbedTls,
            None,
            Some(Role::Server),
            StackAfter(PinMatched),
        ),
        Case::new(
            "an unknown critical extension",
            Installed::Nothing,
            Credential::fixture("unknown-critical-extension", "unknown-critical-extension"),
            Refused(NothingInstalled),
        )
        // It does not parse the certificate.
        .but(Stack::MbedTls, None, None, StackBefore),
        Case::new(
            "more certificates than are accepted",
            Installed::Authority(root.clone()),
            many,
            Refused(ReasonCode::TooManyCertificates),
        )
        // Its path has at most 8 of them, or its message at most 16 kB.
        .but(Stack::MbedTls, None, None, StackBefore),
        Case::new(
            "a pin for the other role, allowed",
            Installed::AnyRole(other_usage),
            Credential::fixture(other_usage_name, other_usage_name),
            Works(PinMatched),
        )
        // Its server demands a certificate, and then also the extended key usage.
        .but(
            Stack::MbedTls,
            None,
            Some(Role::Server),
            StackAfter(PinMatched),
        ),
    ]
}

fn matrix(stack: Stack, role: Role) {
    let Some(kit) = kit() else { return };
    if kit.peer(stack).is_none() {
        return;
    }
    let mut faults = Vec::new();
    for case in cases(role) {
        let side = Side::new("links", |store| case.installed.install(role, store));
        for version in versions(stack) {
            let link = Link {
                stack,
                role,
                version,
                watched: false,
            };
            let rounds = match role {
                Role::Client => link.client(kit, &side, &case.presents, &[], 1),
                Role::Server => {
                    let config = link.setting().client_of(&case.presents);
                    link.server(kit, &side, &config, &[], 1)
                }
            };
            let round = &rounds[0];
            let found = match (works(round), reason(round)) {
                (true, Some(reason)) if reason.accepts() => Outcome::Works(reason),
                (false, Some(reason)) if reason.accepts() => Outcome::StackAfter(reason),
                (false, Some(reason)) => Outcome::Refused(reason),
                (false, None) => Outcome::StackBefore,
                (true, _) => panic!("{link:?}: {}: {round:?}", case.name),
            };
            let expected = case.expected(&link);
            if found != expected {
                faults.push(format!(
                    "{link:?}, {}: {found:?}, not {expected:?}",
                    case.name
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The versions that a stack speaks.
pub fn versions(stack: Stack) -> Vec<TlsVersion> {
    match stack {
        // mbedTLS 2.28 has no TLS 1.3.
        Stack::MbedTls if stack.other().is_none() => vec![TlsVersion::Tls12],
        Stack::OpenSsl | Stack::MbedTls | Stack::GnuTls => {
            vec![TlsVersion::Tls12, TlsVersion::Tls13]
        }
    }
}

#[test]
fn a_client_over_openssl_judges_servers() {
    matrix(Stack::OpenSsl, Role::Client);
}

#[test]
fn a_server_over_openssl_judges_clients() {
    matrix(Stack::OpenSsl, Role::Server);
}

#[test]
fn a_client_over_mbedtls_judges_servers() {
    matrix(Stack::MbedTls, Role::Client);
}

#[test]
fn a_server_over_mbedtls_judges_clients() {
    matrix(Stack::MbedTls, Role::Server);
}

#[test]
fn a_client_over_gnutls_judges_servers() {
    matrix(Stack::GnuTls, Role::Client);
}

#[test]
fn a_server_over_gnutls_judges_clients() {
    matrix(Stack::GnuTls, Role::Server);
}
