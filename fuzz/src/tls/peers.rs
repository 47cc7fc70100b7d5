//! The ends of a link: ours by the builders, the other one plain rustls that accepts every peer.

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

use mutual_trust::identity::{CertificateChain, KeyReader};
use mutual_trust::tls::{TlsVersion, key_policy};
use mutual_trust::{
    AuthorityScope, Certificate, ClientConfigBuilder, CurrentTime, Enrolment, EntryOptions,
    Identity, PeerCheck, PinScope, Policy, ServerConfigBuilder, ServerId, TrustSnapshot,
    TrustStore, Verdict,
};
use pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::client::Resumption;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, Connection, ServerConfig, SignatureScheme, SupportedProtocolVersion};

use super::accept_all::AcceptAll;
use super::provider::provider;
use crate::make::{self, Der, Name, Spec};

pub(super) const HOST: &str = "a.kms.example";
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

const NOW: i64 = 1_798_761_600;
const YEAR: i64 = 365 * 24 * 60 * 60;

/// Keys, by their number.
const PEER: u8 = 20;
const IMPOSTOR: u8 = 21;
const ROOT: u8 = 22;
const CHAINED: u8 = 23;
const OURS: u8 = 24;
const UNRELATED: u8 = 25;

fn end_entity(key: u8, issuer: &'static str, signer: u8) -> Spec {
    let subject = if key == OURS { "ours" } else { "peer" };
    Spec {
        issuer: if key == signer { subject } else { issuer },
        signer,
        from: NOW - YEAR,
        to: NOW + YEAR,
        key_usage: Some(0x80),
        names: vec![Name::Dns(HOST)],
        authority_key: (key != signer).then_some(signer),
        ..Spec::new(subject, key, false)
    }
}

fn root() -> Spec {
    Spec {
        from: NOW - YEAR,
        to: NOW + YEAR,
        key_usage: Some(0x06),
        ..Spec::new("root", ROOT, true)
    }
}

/// What the peer presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presents {
    Pinned,
    Chain,
    Impostor,
    /// The certificate that is pinned, with another key.
    Stolen,
    StolenChain,
    Nothing,
}

impl Presents {
    pub(super) fn of(byte: u8, end: End) -> Self {
        match byte % 8 {
            0 | 6 => Self::Pinned,
            1 | 7 => Self::Chain,
            2 => Self::Impostor,
            3 => Self::Stolen,
            4 => Self::StolenChain,
            // A server always presents something.
            _ if end == End::Client => Self::Impostor,
            _ => Self::Nothing,
        }
    }

    fn spec(self) -> (Spec, u8) {
        let pinned = || end_entity(PEER, "peer", PEER);
        let chained = || end_entity(CHAINED, "root", ROOT);
        match self {
            Self::Pinned => (pinned(), PEER),
            Self::Stolen => (pinned(), IMPOSTOR),
            Self::Chain => (chained(), CHAINED),
            Self::StolenChain => (chained(), IMPOSTOR),
            Self::Impostor | Self::Nothing => (end_entity(IMPOSTOR, "peer", IMPOSTOR), IMPOSTOR),
        }
    }

    pub(super) fn leaf(self) -> Vec<u8> {
        self.spec().0.der()
    }

    fn key(self, behind: Behind) -> Arc<SingleCertAndKey> {
        let (spec, key) = self.spec();
        let mut chain = vec![CertificateDer::from(spec.der())];
        match behind {
            Behind::Nothing => {}
            Behind::Itself => chain.push(CertificateDer::from(spec.der())),
            Behind::ExpiredCa => {
                let ca = Spec {
                    from: NOW - 2 * YEAR,
                    to: NOW - YEAR,
                    key_usage: Some(0x06),
                    ..Spec::new(spec.issuer, UNRELATED, true)
                };
                chain.push(CertificateDer::from(ca.der()));
            }
        }
        let key = provider()
            .key_provider
            .load_private_key(PrivateKeyDer::from(PrivatePkcs8KeyDer::from(make::pkcs8(
                key,
            ))));
        Arc::new(CertifiedKey::new(chain, key.expect("it is a key")).into())
    }
}

/// What the peer sends after its certificate. None of it changes the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    Nothing,
    /// The certificate again, as a peer sends it that uses one file as certificate and as chain.
    Itself,
    /// A CA with the name of its issuer and another key.
    ExpiredCa,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    Pin,
    Authority,
}

#[derive(Clone, Copy, Debug)]
enum Versions {
    Tls12,
    Tls13,
    Both,
}

/// Which end of a link is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Client,
    Server,
    /// A server with which unknown clients may wait.
    Acceptor,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) trust: Trust,
    versions: Versions,
    pub(super) end: End,
    /// Whether unknown clients may wait now.
    pub(super) open: bool,
    behind: Behind,
}

/// The configurations of a client and of a server, of which an end has one.
pub(super) enum Config {
    Client(Arc<ClientConfig>),
    Server(Arc<ServerConfig>),
}

impl Config {
    pub(super) fn client(self) -> Arc<ClientConfig> {
        match self {
            Self::Client(config) => config,
            Self::Server(_) => panic!("a server"),
        }
    }

    pub(super) fn server(self) -> Arc<ServerConfig> {
        match self {
            Self::Server(config) => config,
            Self::Client(_) => panic!("a client"),
        }
    }
}

fn id() -> ServerId {
    "one".parse().unwrap()
}

fn now() -> CurrentTime {
    let now = u64::try_from(NOW).unwrap();
    CurrentTime::Known(UnixTime::since_unix_epoch(Duration::from_secs(now)))
}

/// A view with this trust in a server and in clients.
fn view(trust: Trust) -> TrustSnapshot {
    static VIEWS: LazyLock<[TrustSnapshot; 2]> =
        LazyLock::new(|| [made(Trust::Pin), made(Trust::Authority)]);
    VIEWS[usize::from(trust == Trust::Authority)].clone()
}

fn made(trust: Trust) -> TrustSnapshot {
    let mut store = TrustStore::new(key_policy(&provider())).with_clock(Arc::new(now()));
    let mut all = vec![store.add_server(id(), [HOST.parse().unwrap()])];
    let read = |spec: Spec| Certificate::from_der(&spec.der()).expect("it is good");
    for client in [false, true] {
        all.push(match trust {
            Trust::Pin => {
                let pins = [PinScope::Server(id()), PinScope::Clients];
                let [server, clients] = pins;
                let scope = if client { clients } else { server };
                store.install_pin(scope, read(Presents::Pinned.spec().0), EntryOptions::new())
            }
            Trust::Authority => {
                let scope = if client {
                    AuthorityScope::Clients
                } else {
                    AuthorityScope::AnyServer
                };
                store.install_authority(scope, read(root()), EntryOptions::new())
            }
        });
    }
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    store.snapshot()
}

fn identity() -> Identity {
    static OWN: LazyLock<Identity> = LazyLock::new(|| {
        let own = end_entity(OURS, "ours", OURS).der();
        let chain = CertificateChain::new(vec![Certificate::from_der(&own).expect("it is good")]);
        let key = KeyReader::new()
            .der(make::pkcs8(OURS))
            .expect("it is a key");
        Identity::new(chain.expect("one is a chain"), key, &provider())
            .expect("they belong together")
    });
    OWN.clone()
}

impl Setting {
    pub(super) fn of(byte: u8, end: End) -> Self {
        Self {
            open: end == End::Acceptor && byte & 8 == 0,
            behind: match byte >> 4 & 3 {
                1 => Behind::Itself,
                2 => Behind::ExpiredCa,
                _ => Behind::Nothing,
            },
            trust: if byte & 1 == 0 {
                Trust::Pin
            } else {
                Trust::Authority
            },
            versions: match byte >> 1 & 3 {
                0 => Versions::Tls12,
                1 => Versions::Tls13,
                _ => Versions::Both,
            },
            end,
        }
    }

    /// Whether there may be records that TLS 1.3 would encrypt.
    pub(super) fn is_13(&self) -> bool {
        !matches!(self.versions, Versions::Tls12)
    }

    fn ours(&self) -> &'static [TlsVersion] {
        match self.versions {
            Versions::Tls12 => &[TlsVersion::Tls12],
            Versions::Tls13 => &[TlsVersion::Tls13],
            Versions::Both => &[TlsVersion::Tls12, TlsVersion::Tls13],
        }
    }

    fn theirs(&self) -> Vec<&'static SupportedProtocolVersion> {
        match self.versions {
            Versions::Tls12 => vec![&rustls::version::TLS12],
            Versions::Tls13 => vec![&rustls::version::TLS13],
            Versions::Both => rustls::ALL_VERSIONS.to_vec(),
        }
    }

    fn client_builder(&self) -> ClientConfigBuilder {
        let policy = Policy::new(key_policy(&provider()));
        ClientConfigBuilder::new(provider(), view(self.trust), policy, identity())
            .with_protocol_versions(self.ours())
            .with_clock(Arc::new(now()))
    }

    fn server_builder(&self) -> ServerConfigBuilder {
        let policy = Policy::new(key_policy(&provider()));
        ServerConfigBuilder::new(provider(), view(self.trust), policy, identity())
            .with_protocol_versions(self.ours())
            .with_clock(Arc::new(now()))
    }

    /// An empty one, open if `open` says so.
    pub(super) fn enrolment(&self) -> Enrolment {
        let enrolment = Enrolment::new(Arc::new(now()));
        if self.open {
            let opened = enrolment.open_enrolment(Duration::from_secs(60), 4);
            opened.expect("it is within the limits");
        }
        enrolment
    }

    /// Ours, and the peer's.
    pub(super) fn configs(&self, presents: Presents, enrolment: &Enrolment) -> (Config, Config) {
        let server = match self.end {
            End::Client => {
                let ours = self.client_builder().build_for(&id()).expect("it is good");
                return (
                    Config::Client(ours.into()),
                    Config::Server(self.plain_server(presents)),
                );
            }
            End::Server => self.server_builder().build().map(Arc::new),
            End::Acceptor => {
                let acceptor = self.server_builder().enrolment(enrolment);
                acceptor.and_then(|it| it.config_for(ADDRESS))
            }
        };
        (
            Config::Server(server.expect("it is good")),
            Config::Client(self.plain_client(presents)),
        )
    }

    fn plain_server(&self, presents: Presents) -> Arc<ServerConfig> {
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&self.theirs())
            .expect("the provider has them")
            .with_client_cert_verifier(accept_all())
            .with_cert_resolver(presents.key(self.behind));
        Arc::new(config)
    }

    fn plain_client(&self, presents: Presents) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&self.theirs())
            .expect("the provider has them")
            .dangerous()
            .with_custom_certificate_verifier(accept_all());
        let mut config = match presents {
            Presents::Nothing => builder.with_no_client_auth(),
            _ => builder.with_client_cert_resolver(presents.key(self.behind)),
        };
        config.resumption = Resumption::disabled();
        Arc::new(config)
    }

    pub(super) fn check(&self, connection: &Connection) -> Verdict {
        let check: PeerCheck = match self.end {
            End::Client => self.client_builder().peer_check(),
            End::Server | End::Acceptor => self.server_builder().peer_check(),
        };
        match connection {
            Connection::Client(us) => check
                .server(mutual_trust::ExpectedServer::id(&id(), None), us)
                .into(),
            Connection::Server(us) => check.client(us).into(),
        }
    }
}

/// Accepts every peer.
fn accept_all() -> Arc<AcceptAll> {
    AcceptAll::offering(vec![SignatureScheme::ED25519])
}
