//! Refusals that could be dear for what is installed: many pins, many revocation lists, many CAs of one name, many names
//! and patterns.

#![allow(
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    reason = "a module of a benchmark"
)]

use std::sync::Arc;

use mutual_trust::certificate::{Certificate, Crl};
use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, HostName, KeyPolicy, PinMatch, PinScope, ServerId,
    TrustSnapshot, TrustStore,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
    CrlIssuingDistributionPoint, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
};

/// What is installed and presented. The peer is a client, or the server `keys-1`.
pub struct Dear {
    pub what: &'static str,
    pub view: TrustSnapshot,
    pub presented: Vec<Vec<u8>>,
    pub client: bool,
    /// Installed CAs of the issuer's name, for each of which a signature may be verified.
    pub signatures: u32,
}

struct Made {
    der: Vec<u8>,
    params: CertificateParams,
    key: KeyPair,
}

fn params(name: &str, number: usize) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(number as u64 + 1_000_000));
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2036, 1, 1);
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params
}

fn ca(name: &str, number: usize) -> CertificateParams {
    let mut params = params(name, number);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = Vec::new();
    params
}

fn named(name: &str, number: usize, count: usize) -> CertificateParams {
    let mut params = params(name, number);
    let names = (0..count).map(|number| format!("n{number}.example"));
    let names = names.map(|name| SanType::DnsName(name.try_into().unwrap()));
    params.subject_alt_names = names.collect();
    params
}

fn own(params: CertificateParams) -> Made {
    let key = KeyPair::generate().unwrap();
    let der = params.self_signed(&key).unwrap().der().to_vec();
    Made { der, params, key }
}

impl Made {
    fn issues(&self, params: CertificateParams) -> Made {
        self.issues_for(params, KeyPair::generate().unwrap())
    }

    fn issues_for(&self, params: CertificateParams, key: KeyPair) -> Made {
        let issuer = Issuer::from_params(&self.params, &self.key);
        let der = params.signed_by(&key, &issuer).unwrap().der().to_vec();
        Made { der, params, key }
    }

    fn again(&self) -> KeyPair {
        KeyPair::try_from(self.key.serialized_der()).unwrap()
    }

    fn certificate(&self) -> Certificate {
        Certificate::from_der(&self.der).unwrap()
    }

    /// The list of one of many distribution points.
    fn list(&self, number: usize, serials: &[u64]) -> Crl {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: rcgen::date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2026, 12, 30),
            next_update: rcgen::date_time_ymd(2036, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: Some(CrlIssuingDistributionPoint {
                distribution_point: CrlDistributionPoint {
                    uris: vec![format!("http://x.example/{number}")],
                },
                scope: None,
            }),
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let issuer = Issuer::from_params(&self.params, &self.key);
        Crl::from_der(params.signed_by(&issuer).unwrap().der()).unwrap()
    }

    fn lists(&self, count: usize, entries: u64) -> Vec<Crl> {
        let serials: Vec<u64> = (0..entries)
            .map(|serial| (1 << 40) | (serial * 7919))
            .collect();
        (0..count)
            .map(|number| self.list(number, &serials))
            .collect()
    }
}

pub struct Maker {
    pub keys: KeyPolicy,
    pub clock: CurrentTime,
    pub id: ServerId,
    pub name: HostName,
    /// How many there are of everything, as the limits have it, or a few.
    pub whole: bool,
}

impl Maker {
    fn store(&self) -> TrustStore {
        let mut store = TrustStore::new(self.keys).with_clock(Arc::new(self.clock));
        store
            .add_server(self.id.clone(), [self.name.clone()])
            .unwrap();
        store
    }

    fn count(&self, whole: usize) -> usize {
        if self.whole { whole } else { whole.min(8) }
    }

    fn with_lists(&self, store: &mut TrustStore, ca: &Made) {
        for list in ca.lists(self.count(255), 2_000) {
            store.install_crl(list).unwrap();
        }
    }

    fn authority(&self, store: &mut TrustStore, scope: AuthorityScope, made: &Made) {
        store
            .install_authority(scope, made.certificate(), EntryOptions::new())
            .unwrap();
    }

    pub fn all(&self) -> Vec<Dear> {
        let mut all = self.pins();
        all.extend(self.lists());
        all.extend(self.names());
        all.extend(self.generations());
        all
    }

    fn pins(&self) -> Vec<Dear> {
        let mut all = Vec::new();
        let ca_of_pins = own(ca("CA of pins", 0));
        let one = own(params("base", 0));
        let peer = own(params("unknown", 0));
        // A peer whose issuer has the subject of the pins.
        let mut copied = params("unknown", 0);
        copied.use_authority_key_identifier_extension = false;
        let like = own(ca("client 1", 0)).issues(copied);
        for server in [false, true] {
            for pins in [1024, 1025] {
                let mut store = self.store();
                let scope = || match server {
                    true => PinScope::Server(self.id.clone()),
                    false => PinScope::Clients,
                };
                let authorities = match server {
                    true => AuthorityScope::AnyServer,
                    false => AuthorityScope::Clients,
                };
                self.authority(&mut store, authorities, &ca_of_pins);
                for number in 0..self.count(pins) {
                    let name = format!("client {}", number % 2);
                    let pin = ca_of_pins.issues_for(params(&name, number), one.again());
                    store
                        .install_pin(scope(), pin.certificate(), EntryOptions::new())
                        .unwrap();
                }
                self.with_lists(&mut store, &ca_of_pins);
                let view = store.snapshot();
                let whats = match (server, pins) {
                    (false, 1024) => [
                        "1,024 pins of clients, of a CA with 256 lists",
                        "1,024 pins of clients, and an issuer with their name",
                    ],
                    (false, _) => [
                        "1,025 pins of clients, of a CA with 256 lists",
                        "1,025 pins of clients, and an issuer with their name",
                    ],
                    (true, 1024) => [
                        "1,024 pins of the server, of a CA with 256 lists",
                        "1,024 pins of the server, and an issuer with their name",
                    ],
                    (true, _) => [
                        "1,025 pins of the server, of a CA with 256 lists",
                        "1,025 pins of the server, and an issuer with their name",
                    ],
                };
                for (what, presented) in whats.into_iter().zip([&peer, &like]) {
                    all.push(Dear {
                        what,
                        view: view.clone(),
                        presented: vec![presented.der.clone()],
                        client: !server,
                        signatures: 0,
                    });
                }
            }
        }
        // Pins of one key, by public key, and a certificate with that key that has expired.
        let mut store = self.store();
        self.authority(&mut store, AuthorityScope::Clients, &ca_of_pins);
        for number in 0..self.count(1000) {
            let pin = ca_of_pins.issues_for(params("same key", number), one.again());
            let options = EntryOptions::new().with_matching(PinMatch::PublicKey);
            store
                .install_pin(PinScope::Clients, pin.certificate(), options)
                .unwrap();
        }
        self.with_lists(&mut store, &ca_of_pins);
        let mut late = params("same key", 0);
        late.not_after = rcgen::date_time_ymd(2026, 2, 1);
        let long = own(ca(&"\u{130}".repeat(480), 0));
        for (what, issuer) in [
            (
                "1,000 pins by one public key, presented in an expired certificate",
                &ca_of_pins,
            ),
            (
                "1,000 pins by one public key, presented below a name of 960 bytes",
                &long,
            ),
        ] {
            all.push(Dear {
                what,
                view: store.snapshot(),
                presented: vec![issuer.issues_for(late.clone(), one.again()).der],
                client: true,
                signatures: 0,
            });
        }
        // One certificate for very many servers, presented by another one.
        let mut store = self.store();
        for number in 0..self.count(20_000) {
            let id: ServerId = format!("other-{number}").parse().unwrap();
            store.add_server(id.clone(), []).unwrap();
            store
                .install_pin(
                    PinScope::Server(id),
                    peer.certificate(),
                    EntryOptions::new(),
                )
                .unwrap();
        }
        all.push(Dear {
            what: "the pin of 20,000 other servers",
            view: store.snapshot(),
            presented: vec![peer.der],
            client: false,
            signatures: 0,
        });
        all
    }

    /// Authorities that were issued again with their key, so that there are many paths, and lists of it.
    fn lists(&self) -> Vec<Dear> {
        let root = own(ca("root", 0));
        let good = root.issues(named("x", 77, 10));
        let revoked = root.issues(named("x", 78, 10));
        let mut all = Vec::new();
        for (what, serials, leaf) in [
            (
                "20 authorities of one key with 256 lists that do not tell of a leaf",
                vec![],
                good,
            ),
            (
                "20 authorities of one key with 256 lists, and a revoked leaf",
                vec![1_000_078],
                revoked,
            ),
        ] {
            let mut store = self.store();
            for number in 0..20 {
                let again = ca("root", number);
                let der = again.self_signed(&root.key).unwrap().der().to_vec();
                let certificate = Certificate::from_der(&der).unwrap();
                store
                    .install_authority(AuthorityScope::Clients, certificate, EntryOptions::new())
                    .unwrap();
            }
            self.with_lists(&mut store, &root);
            store.install_crl(root.list(1000, &serials)).unwrap();
            all.push(Dear {
                what,
                view: store.snapshot(),
                presented: vec![leaf.der],
                client: true,
                signatures: 0,
            });
        }
        all
    }

    fn names(&self) -> Vec<Dear> {
        let root = own(ca("root", 0));
        let mut all = Vec::new();
        for (what, names) in [
            ("4,000 names for 64 patterns of 20 authorities", 4000),
            ("150 names for 64 patterns of 20 authorities", 150),
        ] {
            let mut store = self.store();
            for number in 0..20 {
                let again = ca("root", number);
                let der = again.self_signed(&root.key).unwrap().der().to_vec();
                let patterns = (0..64).map(|one| format!("dns:z{number}-{one}.example"));
                let patterns = patterns.map(|pattern| pattern.parse().unwrap());
                let options = EntryOptions::new().with_san_patterns(patterns.collect::<Vec<_>>());
                let certificate = Certificate::from_der(&der).unwrap();
                store
                    .install_authority(AuthorityScope::Clients, certificate, options)
                    .unwrap();
            }
            all.push(Dear {
                what,
                view: store.snapshot(),
                presented: vec![root.issues(named("x", 1, names)).der],
                client: true,
                signatures: 0,
            });
        }
        let mut store = self.store();
        self.authority(&mut store, AuthorityScope::AnyServer, &root);
        for number in 0..self.count(500) {
            let name: HostName = format!("own-{number}.example").parse().unwrap();
            store.add_name(&self.id, name).unwrap();
        }
        all.push(Dear {
            what: "3,000 names for a server of 500 names",
            view: store.snapshot(),
            presented: vec![root.issues(named("x", 1, 3000)).der],
            client: false,
            signatures: 0,
        });
        all
    }

    /// Generations of an issuing CA that no key identifier tells apart.
    fn generations(&self) -> Vec<Dear> {
        let root = own(ca("root", 0));
        let upper = root.issues(ca("upper", 0));
        let mine = own(ca("issuing", 0));
        let count = 64_u32;
        let mut store = self.store();
        self.authority(&mut store, AuthorityScope::AnyServer, &root);
        let options = EntryOptions::new;
        store
            .install_intermediate(upper.certificate(), options())
            .unwrap();
        for number in 0..count {
            let one = upper.issues(ca("issuing", number as usize));
            store
                .install_intermediate(one.certificate(), options())
                .unwrap();
        }
        let view = store.snapshot();
        let mut anonymous = named("x", 1, 1);
        anonymous.use_authority_key_identifier_extension = false;
        let mut forged = mine.issues(anonymous);
        let garbage: Vec<Vec<u8>> = (0..60)
            .map(|number| {
                let mut one = ca("issuing", number);
                one.use_authority_key_identifier_extension = false;
                own(ca("upper", number)).issues(one).der
            })
            .collect();
        let alone = vec![core::mem::take(&mut forged.der)];
        let with = alone.iter().cloned().chain(garbage).collect();
        let told = vec![mine.issues(named("x", 1, 1)).der];
        [
            ("64 generations, a leaf that names no key", alone, count),
            (
                "64 generations, a leaf that names no key, and 60 forged CAs",
                with,
                count,
            ),
            ("64 generations, a leaf that names another key", told, 0),
        ]
        .into_iter()
        .map(|(what, presented, signatures)| Dear {
            what,
            view: view.clone(),
            presented,
            client: false,
            signatures,
        })
        .collect()
    }
}
