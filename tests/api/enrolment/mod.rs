//! Unknown peers: how they wait, and how an administrator accepts them, as clients and as servers.

use crate::support;

mod accepting;
mod floods;
mod places;
mod probing;
mod unknown;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mutual_trust::admin::{Enrolment, PendingId, PendingPeer};
use mutual_trust::certificate::{Certificate, TimeSource};
use mutual_trust::tls::EnrolmentAcceptor;
use mutual_trust::{CurrentTime, Fingerprint, LiveTrust, TrustStore};
use support::handshake::{Outcome, handshake};
use support::link::Setting;
use support::pki::{Made, self_signed};
use support::plain::Credential;
use support::{NOW, at};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A clock that the test sets.
#[derive(Debug)]
struct Hand(AtomicU64);

impl Hand {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(NOW)))
    }

    fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

/// Reads 0 as unset.
impl TimeSource for Hand {
    fn now(&self) -> CurrentTime {
        match self.0.load(Ordering::SeqCst) {
            0 => CurrentTime::Unset,
            seconds => CurrentTime::Known(at(seconds)),
        }
    }
}

/// A key server with an enrolment, and its store.
struct KeyServer {
    setting: Setting,
    store: Mutex<TrustStore>,
    trust: LiveTrust,
    enrolment: Enrolment,
    acceptor: EnrolmentAcceptor,
    clock: Arc<Hand>,
    own: Made,
}

impl KeyServer {
    fn new(setting: &Setting) -> Self {
        Self::with(setting, setting.store())
    }

    fn with(setting: &Setting, mut store: TrustStore) -> Self {
        let clock = Hand::new();
        let trust = LiveTrust::new(store.snapshot());
        let own = self_signed("kms1.example");
        let identity = own.identity(&[], &setting.provider);
        let enrolment = Enrolment::new(clock.clone());
        let acceptor = setting
            .server(trust.clone(), identity)
            .with_clock(clock.clone())
            .enrolment(&enrolment)
            .unwrap();
        Self {
            setting: setting.clone(),
            store: Mutex::new(store),
            trust,
            enrolment,
            acceptor,
            clock,
            own,
        }
    }

    fn open(self) -> Self {
        self.enrolment.open_enrolment(HOUR, 16).unwrap();
        self
    }

    /// A visit of a client that presents `credential`, from `address`.
    fn visit(&self, credential: &Credential, address: &str) -> Outcome {
        let address: IpAddr = address.parse().unwrap();
        let config = self.acceptor.config_for(address).unwrap();
        let client = self.setting.client_of(credential);
        handshake(&client, &config, "kms1.example")
    }

    /// The same by a machine with its own certificate.
    fn knock(&self, made: &Made, address: &str) -> Outcome {
        self.visit(&Credential::of(made, &[]), address)
    }

    fn publish(&self) {
        let view = self.store.lock().unwrap().snapshot();
        self.trust.publish(view).unwrap();
    }

    fn only_pending(&self) -> PendingPeer {
        let pending = self.enrolment.pending();
        assert_eq!(pending.len(), 1, "{pending:?}");
        pending[0].clone()
    }

    fn subjects(&self) -> Vec<String> {
        let pending = self.enrolment.pending();
        let subjects = pending.iter().map(|peer| peer.presented.subject());
        subjects.collect()
    }
}

/// Another fingerprint that differs in its last bit only.
fn nearly(certificate: &Certificate) -> Fingerprint {
    let mut bytes = *certificate.fingerprint().as_bytes();
    bytes[31] ^= 1;
    Fingerprint::from_bytes(bytes)
}

fn number(text: &str) -> PendingId {
    text.parse().unwrap()
}

/// The hexadecimal digits of a fingerprint must not stand in a text, in any of the usual forms, not even half of
/// them.
fn assert_silent(text: &str, certificate: &Certificate) {
    let canonical = certificate.fingerprint().to_string();
    let text = text.to_uppercase().replace([':', ' ', '\n'], "");
    let plain = canonical.replace(':', "");
    for part in [&plain[..16], &plain[24..40], &plain[48..]] {
        assert!(!text.contains(part), "{part} of {canonical} in {text}");
    }
    let bytes = format!("{:?}", certificate.fingerprint().as_bytes()).replace([':', ' '], "");
    assert!(!text.contains(&bytes[1..30]), "{bytes} in {text}");
}
