//! The server end while unknown clients may ask to be admitted.
//!
//! Such a client must first prove that it has the key of what it presents. Otherwise any machine could present a
//! copied certificate and wait under its owner's name. So here, and in a [`Probe`](super::Probe), the certificate step
//! lets a peer pass that is not accepted, and the signature step, which comes after it, refuses. rustls tells that step
//! neither the connection nor the intermediates, so the verifier must keep what the first step found. A shared verifier
//! could take it from another connection. Therefore each connection gets a configuration with a verifier of its own,
//! which costs less than a microsecond.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use pki_types::CertificateDer;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::{Error, ServerConfig};

use super::ServerConfigBuilder;
use super::judge::Common;
use super::server::configure;
use super::settings::Settings;
use super::signature::Proof;
use super::sink::JudgedPeer;
use super::verifier::{Judge, JudgeClient, PeerChain, Verifier};
use super::version::TlsVersion;
use crate::admin::{Enrolment, PresentedCertificate};
use crate::certificate::{Certificate, Role};
use crate::observe::meter;
use crate::policy::Refusal;
use crate::policy::{Verdict, VerifyRequest, unknown_peer};
use crate::tls::error::ConfigError;

/// Makes a server configuration for each connection. Known clients are judged as by
/// [`ServerConfigBuilder::build`]. Unknown clients are refused as well, and may wait in an [`Enrolment`] while it is
/// open. Cheap to clone.
///
/// ```
/// use std::{error::Error, net::TcpStream};
///
/// use mutual_trust::tls::EnrolmentAcceptor;
///
/// fn accept(acceptor: &EnrolmentAcceptor, tcp: &TcpStream) -> Result<rustls::ServerConnection, Box<dyn Error>> {
///     let config = acceptor.config_for(tcp.peer_addr()?.ip())?;
///     Ok(rustls::ServerConnection::new(config)?)
/// }
/// ```
///
/// With an asynchronous acceptor, make one of this configuration for each connection. After a
/// `rustls::server::Acceptor`, it is the argument of `into_connection`.
#[derive(Clone, Debug)]
pub struct EnrolmentAcceptor {
    settings: Settings,
    enrolment: Enrolment,
}

impl ServerConfigBuilder {
    /// Lets unknown clients wait in `enrolment` while it is open. They are refused all the same.
    ///
    /// # Errors
    /// The identity, the versions or the application protocols cannot be used.
    pub fn enrolment(&self, enrolment: &Enrolment) -> Result<EnrolmentAcceptor, ConfigError> {
        self.settings().check()?;
        EnrolmentAcceptor::new(self.settings().clone(), enrolment.clone())
    }
}

impl EnrolmentAcceptor {
    fn new(settings: Settings, enrolment: Enrolment) -> Result<Self, ConfigError> {
        let acceptor = Self {
            settings,
            enrolment,
        };
        // What rustls refuses, it refuses now.
        acceptor.config_for(IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED))?;
        Ok(acceptor)
    }

    /// The configuration for one connection, which comes from `address`.
    ///
    /// # Security
    /// Use it for one connection. If two connections share it, one or both may be refused although their clients
    /// are known. None can be accepted that way.
    ///
    /// # Errors
    /// None that did not show when this was made.
    pub fn config_for(&self, address: IpAddr) -> Result<Arc<ServerConfig>, ConfigError> {
        let judge = ConnectionJudge {
            common: Common::new(&self.settings),
            enrolment: self.enrolment.clone(),
            address,
            evidence: Mutex::default(),
        };
        configure(&self.settings, Verifier::new(judge)).map(Arc::new)
    }
}

/// What the certificate step of this connection found. It refuses before that step, and again once it was used.
#[derive(Debug, Default)]
enum Evidence {
    /// The signature step refuses.
    #[default]
    Refuse,
    /// The client is accepted if it has the key.
    Accepted(JudgedPeer),
    /// The client is refused, and waits if it has the key.
    Unknown(JudgedPeer, Certificate),
}

/// Judges the client of one connection.
#[derive(Debug)]
struct ConnectionJudge {
    common: Common,
    enrolment: Enrolment,
    address: IpAddr,
    evidence: Mutex<Evidence>,
}

impl ConnectionJudge {
    /// Keeps new evidence, and returns the old.
    fn replace_evidence(&self, found: Evidence) -> Evidence {
        let place = self.evidence.lock();
        let mut place = place.unwrap_or_else(PoisonError::into_inner);
        core::mem::replace(&mut *place, found)
    }

    /// A refusal as it may be shown now: while enrolment is open, without the fingerprint of what was presented. A
    /// client that is refused for one reason may wait in its next connection, and its fingerprint would be copied from
    /// here.
    fn hide_fingerprint_if_open(&self, verdict: Verdict) -> Verdict {
        if self.enrolment.is_open() {
            verdict.without_fingerprint()
        } else {
            verdict
        }
    }
}

impl Judge for ConnectionJudge {
    type Evidence = Evidence;

    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.common.algorithms
    }

    fn take_evidence(&self, _end_entity: &CertificateDer<'_>) -> Evidence {
        self.replace_evidence(Evidence::Refuse)
    }

    fn judge_signature(
        &self,
        evidence: Evidence,
        _version: TlsVersion,
        end_entity: &CertificateDer<'_>,
        proof: Proof,
    ) -> Result<HandshakeSignatureValid, Error> {
        let role = Role::Client;
        let valid = match proof {
            Ok(valid) => valid,
            Err(verdict) => {
                // The client that has the key may be waiting.
                let verdict = self.hide_fingerprint_if_open(*verdict);
                let (judged, verdict) = match evidence {
                    Evidence::Refuse => (None, verdict),
                    Evidence::Accepted(judged) => (Some(judged), verdict),
                    Evidence::Unknown(judged, _) => (Some(judged), verdict.without_fingerprint()),
                };
                let verdict = Box::new(verdict);
                let judged = judged.filter(|judged| judged.is_of(end_entity));
                return Err(self.common.refuse_unproved(verdict, judged, end_entity));
            }
        };
        match evidence {
            Evidence::Accepted(judged) if judged.is_of(end_entity) => {
                self.common.sink.send(Some(judged), true);
                meter::decided(role, true);
                Ok(valid)
            }
            Evidence::Unknown(judged, leaf) if judged.is_of(end_entity) => {
                let verdict = judged.verdict.clone();
                let presented = PresentedCertificate::new(leaf, role, verdict.reason(), true);
                self.enrolment.arrive(self.address, presented);
                self.common.sink.send(Some(judged), true);
                meter::decided(role, false);
                Err(Refusal::new(verdict).into())
            }
            Evidence::Accepted(_) | Evidence::Unknown(..) | Evidence::Refuse => {
                let why = String::from("no certificate of this connection was judged before");
                let verdict = Verdict::without_possession(role, end_entity, why);
                let verdict = Box::new(self.hide_fingerprint_if_open(verdict));
                Err(self.common.refuse_unproved(verdict, None, end_entity))
            }
        }
    }
}

impl JudgeClient for ConnectionJudge {
    fn judge_client(&self, peer: PeerChain<'_>) -> Result<(), Error> {
        self.replace_evidence(Evidence::Refuse);
        let view = self.common.trust.current();
        let clock = self.common.clock.now();
        let question = VerifyRequest::client(peer.end_entity, peer.intermediates, clock);
        let verdict = self.common.memory.verdict(&view, &question);
        meter::judged(&verdict);
        let judged = |verdict| JudgedPeer::new(Arc::new(verdict), peer, clock);
        if verdict.is_accepted() {
            self.replace_evidence(Evidence::Accepted(judged(verdict)));
            return Ok(());
        }
        if self.enrolment.is_open()
            && let Some(leaf) =
                unknown_peer(&view, self.common.memory.policy(), &question, &verdict)
        {
            // The administrator must not read the fingerprint in a log before comparing it.
            let judged = judged(verdict.without_fingerprint());
            self.replace_evidence(Evidence::Unknown(judged, leaf));
            return Ok(());
        }
        let judged = judged(self.hide_fingerprint_if_open(verdict));
        let refusal = Refusal::new(judged.verdict.clone());
        self.common.sink.send(Some(judged), false);
        meter::decided(Role::Client, false);
        Err(refusal.into())
    }
}

#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use std::fs::read;
    use std::time::Duration;

    use pki_types::{ServerName, UnixTime};
    use rustls::crypto::CryptoProvider;
    use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
    use rustls::{
        ClientConfig, ClientConnection, DigitallySignedStruct, DistinguishedName, ServerConnection,
        SignatureScheme,
    };

    use super::*;
    use crate::policy::{Policy, ReasonCode};
    use crate::store::{EntryOptions, PinScope, TrustStore};
    use crate::tls::{ClientConfigBuilder, Identity, ServerConfigBuilder, key_policy, provider};
    use crate::{CurrentTime, LiveTrust};

    fn now() -> CurrentTime {
        // 2027-01-01, when the fixtures are valid.
        CurrentTime::Known(UnixTime::since_unix_epoch(Duration::from_secs(
            1_798_761_600,
        )))
    }

    fn fixture(name: &str) -> Vec<u8> {
        read(format!(
            "{}/tests/fixtures/{name}",
            env!("CARGO_MANIFEST_DIR")
        ))
        .unwrap()
    }

    fn identity(name: &str, key: &str, provider: &CryptoProvider) -> Identity {
        let chain = fixture(&format!("{name}.pem"));
        Identity::from_pem(&chain, &fixture(&format!("keys/{key}.key.pem")), provider).unwrap()
    }

    /// What an attacker does to the evidence between or before the two steps.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Meddling {
        None,
        /// The certificate step is passed over.
        Skip,
        /// It is asked about the certificate of another client, which is accepted.
        Other,
        /// It is asked, and another one is asked about then.
        Twice,
        /// What it found is gone.
        Lost,
        /// The signature step was asked before.
        Used,
    }

    #[derive(Debug)]
    struct Meddler(Arc<Verifier<ConnectionJudge>>, Meddling);

    impl ClientCertVerifier for Meddler {
        fn root_hint_subjects(&self) -> &[DistinguishedName] {
            &[]
        }

        fn verify_client_cert(
            &self,
            end_entity: &CertificateDer<'_>,
            intermediates: &[CertificateDer<'_>],
            at: UnixTime,
        ) -> Result<ClientCertVerified, Error> {
            let other = other();
            let other = CertificateDer::from(other.der());
            let ask = |der: &CertificateDer<'_>| self.0.verify_client_cert(der, &[], at);
            match self.1 {
                Meddling::None | Meddling::Used => {
                    self.0.verify_client_cert(end_entity, intermediates, at)
                }
                Meddling::Skip => Ok(ClientCertVerified::assertion()),
                Meddling::Other => ask(&other),
                Meddling::Twice => ask(end_entity).and_then(|_| ask(&other)),
                Meddling::Lost => {
                    let answer = ask(end_entity);
                    self.0.0.replace_evidence(Evidence::default());
                    answer
                }
            }
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let ask = || self.0.verify_tls12_signature(message, certificate, signed);
            if self.1 == Meddling::Used {
                let _ = ask();
            }
            ask()
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let ask = || self.0.verify_tls13_signature(message, certificate, signed);
            if self.1 == Meddling::Used {
                let _ = ask();
            }
            ask()
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.supported_verify_schemes()
        }
    }

    /// The certificate that is judged instead of the client's.
    fn other() -> Certificate {
        Certificate::from_pem(&fixture("ee-p384.pem")).unwrap()
    }

    /// Records back and forth until both ends are done or one has failed.
    fn handshake(client: Arc<ClientConfig>, server: Arc<ServerConfig>) -> Result<(), Error> {
        let name = ServerName::try_from("kms1.example").unwrap();
        let mut client = ClientConnection::new(client, name).unwrap();
        let mut server = ServerConnection::new(server).unwrap();
        while server.is_handshaking() {
            let mut bytes = Vec::new();
            while client.write_tls(&mut bytes).unwrap() > 0 {}
            let mut rest = &*bytes;
            while !rest.is_empty() {
                server.read_tls(&mut rest).unwrap();
                server.process_new_packets()?;
            }
            let mut bytes = Vec::new();
            while server.write_tls(&mut bytes).unwrap() > 0 {}
            let mut rest = &*bytes;
            while !rest.is_empty() {
                client.read_tls(&mut rest).unwrap();
                client.process_new_packets().unwrap();
            }
        }
        Ok(())
    }

    #[test]
    fn the_signature_step_accepts_only_on_what_this_connections_certificate_step_found() {
        let provider = provider::default_provider();
        let keys = key_policy(&provider);
        let policy = Policy::new(keys);
        let (client_id, server_id) = (
            identity("ee-p256", "p256", &provider),
            identity("ee-rsa2048", "rsa2048", &provider),
        );
        // Both clients are known or neither, and the server is to the client.
        for known in [true, false] {
            let mut store = TrustStore::new(keys).with_clock(Arc::new(now()));
            store.add_server("keys-1".parse().unwrap(), []).unwrap();
            let scope = PinScope::Server("keys-1".parse().unwrap());
            let mut install = |scope, certificate: &Certificate| {
                let options = EntryOptions::new();
                store
                    .install_pin(scope, certificate.clone(), options)
                    .unwrap();
            };
            if known {
                install(PinScope::Clients, client_id.certificate());
                install(PinScope::Clients, &other());
            }
            install(scope.clone(), server_id.certificate());
            let trust = LiveTrust::new(store.snapshot());
            for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
                for meddling in [
                    Meddling::None,
                    Meddling::Skip,
                    Meddling::Other,
                    Meddling::Twice,
                    Meddling::Lost,
                    Meddling::Used,
                ] {
                    let (provider, trust) = (provider.clone(), trust.clone());
                    let client = ClientConfigBuilder::new(
                        provider.clone(),
                        trust.clone(),
                        policy,
                        client_id.clone(),
                    );
                    let client = client
                        .with_protocol_versions(&[version])
                        .with_clock(Arc::new(now()));
                    let client = client.build_for(&"keys-1".parse().unwrap()).unwrap();
                    let builder =
                        ServerConfigBuilder::new(provider, trust, policy, server_id.clone());
                    let enrolment = Enrolment::new(Arc::new(now()));
                    enrolment
                        .open_enrolment(Duration::from_secs(60), 4)
                        .unwrap();
                    let builder = builder.with_clock(Arc::new(now()));
                    let acceptor = builder.enrolment(&enrolment).unwrap();
                    let verifier = Verifier::new(ConnectionJudge {
                        common: Common::new(&acceptor.settings),
                        enrolment: enrolment.clone(),
                        address: core::net::Ipv4Addr::LOCALHOST.into(),
                        evidence: Mutex::default(),
                    });
                    let meddler = Arc::new(Meddler(verifier, meddling));
                    let server = Arc::new(configure(&acceptor.settings, meddler).unwrap());
                    let done = handshake(Arc::new(client), server);
                    let what = format!("{version:?} {meddling:?} {known}");
                    // A client may wait if it is unknown, proves possession and was judged.
                    let waits = !known && matches!(meddling, Meddling::None | Meddling::Used);
                    assert_eq!(enrolment.pending().len(), usize::from(waits), "{what}");
                    if meddling == Meddling::None {
                        assert_eq!(done.is_ok(), known, "{what}");
                    } else {
                        let error = done.expect_err(&what);
                        let verdict = crate::tls::refusal(&error).expect(&what);
                        let reason = ReasonCode::HandshakeSignatureInvalid;
                        assert_eq!(verdict.reason(), reason, "{what}");
                    }
                }
            }
        }
    }
}
