//! The certificates of small worlds, made once, with their descriptions.

use std::net::IpAddr;

use mutual_trust::Certificate;
use mutual_trust::certificate::Crl;
use mutual_trust_test_support::crl::crl;
use mutual_trust_test_support::pki::{self, Made};
use mutual_trust_test_support::{DAY as DAY_OF_TESTS, NOW as NOW_OF_TESTS, variants};
use mutual_trust_worlds::spec::{List, Name, Spec, Spelling, Usage};
use mutual_trust_worlds::state::State;
use pki_types::CertificateDer;
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};
use sha2::{Digest, Sha256};

pub(crate) const NOW: i64 = NOW_OF_TESTS.cast_signed();
pub(crate) const DAY: i64 = DAY_OF_TESTS.cast_signed();
/// The grace of pins and lists, where they have one.
pub(crate) const GRACE: i64 = 10 * DAY;

/// The pin of a server, self-signed.
pub(crate) const PIN: usize = 0;
/// Its renewal, with the same key and subject.
pub(crate) const RENEWAL: usize = 1;
pub(crate) const CA: usize = 2;
/// What the CA issued to the same machine: with its subject, and another key.
pub(crate) const LEAF: usize = 3;
/// The pin with its other signature, which anyone can make.
pub(crate) const VARIANT: usize = 4;
/// Signed by the key of the pin, in its name.
pub(crate) const BELOW_PIN: usize = 5;
/// Another machine with the subject of the pin.
pub(crate) const SAME_SUBJECT: usize = 6;
/// The leaf with a wrong signature.
pub(crate) const FORGED: usize = 7;

/// What is odd about the certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    Plain,
    /// The pin is for servers, its renewal and the leaf are for clients.
    Roles,
    /// The pin has an unknown critical extension, the renewal has no digitalSignature, the leaf has anyExtendedKeyUsage
    /// alone, the CA may sign no lists.
    Odd,
    /// The pin is CA:TRUE, as `openssl req -x509` makes it, and wrongly self-signed; the CA has no keyCertSign.
    Broken,
}

pub(crate) struct Pool {
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) der: Vec<CertificateDer<'static>>,
    /// An empty store with the descriptions.
    pub(crate) state: State,
    ca: Made,
}

/// A description, without fields that no rule of a self-made certificate asks for.
fn describe(subject: &'static str, key: u8, serial: u8, from: i64, to: i64) -> Spec {
    let mut spec = Spec::new(subject, key, false);
    spec.serial = vec![serial];
    (spec.from, spec.to) = (NOW + from, NOW + to);
    spec.key_usage = Some(0x80);
    spec.key_id = true;
    spec.authority_key = Some(key);
    spec
}

fn with_broken_signature(certificate: &Certificate) -> Certificate {
    let mut der = certificate.der().to_vec();
    let last = der.len() - 1;
    der[last] ^= 1;
    Certificate::from_der(&der).unwrap()
}

impl Pool {
    pub(crate) fn new(kind: Kind) -> Self {
        let mut specs = vec![
            describe("peer", 1, 1, -100 * DAY, 5 * DAY),
            describe("peer", 1, 2, 300, 100 * DAY),
            describe("ca", 2, 3, -100 * DAY, 12 * DAY),
            describe("peer", 3, 4, -100 * DAY, 15 * DAY),
            describe("peer", 1, 1, -100 * DAY, 5 * DAY),
            describe("below", 4, 6, -100 * DAY, 100 * DAY),
            describe("peer", 5, 7, -100 * DAY, 100 * DAY),
            describe("peer", 3, 4, -100 * DAY, 15 * DAY),
        ];
        specs[CA].ca = Some((true, None));
        specs[CA].key_usage = Some(0x06);
        specs[VARIANT].second_signature = true;
        (specs[BELOW_PIN].issuer, specs[BELOW_PIN].signer) = ("peer", 1);
        specs[BELOW_PIN].authority_key = Some(1);
        specs[FORGED].broken = true;
        for at in [LEAF, FORGED] {
            (specs[at].issuer, specs[at].signer) = ("ca", 2);
            specs[at].authority_key = Some(2);
            specs[at].names = vec![
                Name::Dns("a.kms.example"),
                Name::Dns("c.kms.example"),
                Name::Ip(IpAddr::from([192, 0, 2, 1])),
            ];
        }
        for at in [PIN, VARIANT] {
            specs[at].names = vec![Name::Dns("a.kms.example")];
        }
        let usage = |server, client, any| {
            Some(Usage {
                server,
                client,
                any,
            })
        };
        match kind {
            Kind::Plain => {}
            Kind::Roles => {
                for at in [PIN, VARIANT] {
                    specs[at].usage = usage(true, false, false);
                }
                for at in [RENEWAL, LEAF, FORGED] {
                    specs[at].usage = usage(false, true, false);
                }
            }
            Kind::Odd => {
                for at in [PIN, VARIANT] {
                    specs[at].critical = true;
                }
                specs[RENEWAL].key_usage = Some(0x20);
                for at in [LEAF, FORGED] {
                    specs[at].usage = usage(false, false, true);
                }
                specs[CA].key_usage = Some(0x04);
            }
            Kind::Broken => {
                for at in [PIN, VARIANT] {
                    specs[at].ca = Some((true, None));
                    specs[at].broken = true;
                }
                specs[BELOW_PIN].issuer = "peer";
            }
        }
        let pin = made(&specs[PIN]).self_signed();
        let renewal = made(&specs[RENEWAL]).key_of(&pin).self_signed();
        let ca = made(&specs[CA]).self_signed();
        let leaf = made(&specs[LEAF]).signed_by(&ca);
        let below = made(&specs[BELOW_PIN]).signed_by(&pin);
        let same_subject = made(&specs[SAME_SUBJECT]).self_signed();
        let mut certificates = vec![
            pin.certificate(),
            renewal.certificate(),
            ca.certificate(),
            leaf.certificate(),
            variants::other(&pin.certificate),
            below.certificate(),
            same_subject.certificate(),
            with_broken_signature(&leaf.certificate),
        ];
        if kind == Kind::Broken {
            let pin = with_broken_signature(&pin.certificate);
            certificates[VARIANT] = variants::other(&pin);
            certificates[PIN] = pin;
        }
        let digest = |one: &Certificate| -> [u8; 32] { Sha256::digest(one.der()).into() };
        let state = State {
            certificates: specs,
            fingerprints: certificates.iter().map(digest).collect(),
            ..State::default()
        };
        Self {
            der: certificates
                .iter()
                .map(|one| one.der().to_vec().into())
                .collect(),
            certificates,
            state,
            ca,
        }
    }

    /// A list of the CA with its description.
    pub(crate) fn list(&self, revoked: &[usize], next_update: i64) -> (List, Crl) {
        let mut written = crl().valid(-20 * DAY, next_update);
        for at in revoked {
            written = written.revoke(&self.certificates[*at]);
        }
        let serials = revoked
            .iter()
            .map(|at| self.state.certificates[*at].serial.clone());
        let list = List {
            issuer: "ca",
            signer: 2,
            number: 1,
            this_update: NOW - 20 * DAY,
            next_update: NOW + next_update,
            serials: serials.collect(),
            broken: false,
            spelling: Spelling::Utf8,
        };
        (list, written.signed_by(&self.ca))
    }
}

/// What writes a certificate of this description; its signer comes later.
fn made(spec: &Spec) -> pki::Spec {
    let mut written = pki::spec(spec.subject)
        .serial(spec.serial[0].into())
        .valid(spec.from - NOW, spec.to - NOW);
    if spec.is_ca() {
        written = written.ca();
    }
    let usages = spec.key_usage.unwrap();
    let named = [
        (0x80, KeyUsagePurpose::DigitalSignature),
        (0x20, KeyUsagePurpose::KeyEncipherment),
        (0x04, KeyUsagePurpose::KeyCertSign),
        (0x02, KeyUsagePurpose::CrlSign),
    ];
    let named = named.into_iter().filter(|(bit, _)| usages & bit != 0);
    let named: Vec<KeyUsagePurpose> = named.map(|(_, purpose)| purpose).collect();
    written = written.key_usage(&named);
    for name in &spec.names {
        written = match name {
            Name::Dns(name) => written.dns(name),
            Name::Ip(address) => written.ip(&address.to_string()),
            Name::Uri(name) => written.uri(name),
        };
    }
    if let Some(usage) = spec.usage {
        let all = [
            (usage.server, ExtendedKeyUsagePurpose::ServerAuth),
            (usage.client, ExtendedKeyUsagePurpose::ClientAuth),
            (usage.any, ExtendedKeyUsagePurpose::Any),
        ];
        for (_, purpose) in all.into_iter().filter(|(is, _)| *is) {
            written = written.extended_key_usage(purpose);
        }
    }
    if spec.critical {
        written = written.critical_extension(&[1, 2, 3, 4, 5]);
    }
    written
}
