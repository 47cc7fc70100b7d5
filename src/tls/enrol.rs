//! The server end while unknown clients may ask to be let in.
//!
//! Such a client must first prove that it has the key of what it presents, or else anybody could have a copied
//! certificate wait in somebody's name. So here, and in a [`Probe`](super::Probe), the certificate step lets a peer
//! pass that is not accepted, and the signature step, which comes after it, refuses. rustls tells that step neither
//! the connection nor the intermediates; what the first step found must be remembered, and if a verifier were
//! shared, it would be remembered of some connection. Therefore each connection gets a configuration with a
//! verifier of its own, which costs less than a microsecond.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use pki_types::{CertificateDer, UnixTime};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};

use super::refusal::Refusal;
use super::server::configure;
use super::settings::{Settings, TlsVersion};
use super::signature;
use super::verifier::Common;
use super::watch::Sight;
use crate::admin::{Enrolment, Presented};
use crate::certificate::{Certificate, Role};
use crate::policy::{Question, Verdict, stranger};
use crate::tls::error::ConfigError;

/// Makes a server configuration for each connection: known clients are judged as by
/// [`ServerConfigBuilder::build`](super::ServerConfigBuilder::build); unknown ones are refused as well, and may wait
/// in an [`Enrolment`] while that is open. Cheap to clone.
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

impl EnrolmentAcceptor {
    pub(super) fn new(settings: Settings, enrolment: Enrolment) -> Result<Self, ConfigError> {
        let acceptor = Self {
            settings,
            enrolment,
        };
        // What rustls would refuse, it refuses now.
        acceptor.config_for(IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED))?;
        Ok(acceptor)
    }

    /// A configuration for one connection, which comes from `address`.
    ///
    /// # Security
    /// For one: of two connections with the same configuration, one or both may be refused although their
    /// clients are known. None can be accepted that way.
    ///
    /// # Errors
    /// None that did not show when this was made.
    pub fn config_for(&self, address: IpAddr) -> Result<Arc<ServerConfig>, ConfigError> {
        let verifier = ConnectionVerifier {
            common: Common::new(&self.settings),
            enrolment: self.enrolment.clone(),
            address,
            evidence: Mutex::default(),
        };
        configure(&self.settings, Arc::new(verifier))
    }
}

/// What the certificate step of this connection found. Nothing yet, and nothing again once it was used: that
/// refuses.
#[derive(Debug, Default)]
enum Evidence {
    /// The signature step refuses.
    #[default]
    Refuse,
    /// The client is accepted if it has the key.
    Accepted(Sight),
    /// The client is refused, and waits if it has the key.
    Unknown(Sight, Certificate),
}

/// Judges the client of one connection.
#[derive(Debug)]
struct ConnectionVerifier {
    common: Common,
    enrolment: Enrolment,
    address: IpAddr,
    evidence: Mutex<Evidence>,
}

impl ConnectionVerifier {
    fn remember(&self, found: Evidence) -> Evidence {
        let place = self.evidence.lock();
        let mut place = place.unwrap_or_else(PoisonError::into_inner);
        core::mem::replace(&mut *place, found)
    }

    /// A refusal as it may be shown now: while enrolment is open, without the fingerprint of what was presented. Who
    /// is refused for one reason may wait in the next connection, and its fingerprint would be copied from here.
    fn quiet(&self, verdict: Verdict) -> Verdict {
        if self.enrolment.is_open() {
            verdict.without_fingerprint()
        } else {
            verdict
        }
    }

    fn prove(
        &self,
        version: TlsVersion,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let evidence = self.remember(Evidence::Refuse);
        let algorithms = &self.common.algorithms;
        let role = Role::Client;
        let valid = match signature::verify(algorithms, version, role, message, certificate, signed)
        {
            Ok(valid) => valid,
            Err(verdict) => {
                // Whose it really is may be waiting.
                let verdict = self.quiet(*verdict);
                let (sight, verdict) = match evidence {
                    Evidence::Refuse => (None, verdict),
                    Evidence::Accepted(sight) => (Some(sight), verdict),
                    Evidence::Unknown(sight, _) => (Some(sight), verdict.without_fingerprint()),
                };
                let verdict = Box::new(verdict);
                let sight = sight.filter(|sight| sight.is_of(certificate));
                return Err(self.common.not_proved(verdict, sight, certificate));
            }
        };
        match evidence {
            Evidence::Accepted(sight) if sight.is_of(certificate) => {
                self.common.watch.tell(Some(sight), true);
                Ok(valid)
            }
            Evidence::Unknown(sight, leaf) if sight.is_of(certificate) => {
                let verdict = sight.verdict.clone();
                let presented = Presented::new(leaf, role, verdict.reason(), true);
                self.enrolment.knock(self.address, presented);
                self.common.watch.tell(Some(sight), true);
                Err(Refusal::new(verdict).into())
            }
            Evidence::Accepted(_) | Evidence::Unknown(..) | Evidence::Refuse => {
                let why = String::from("no certificate of this connection was judged before");
                let verdict = self.quiet(Verdict::without_possession(role, certificate, why));
                Err(self.common.not_proved(Box::new(verdict), None, certificate))
            }
        }
    }
}

impl ClientCertVerifier for ConnectionVerifier {
    /// None, as for known clients.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        true
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.remember(Evidence::Refuse);
        let view = self.common.trust.current();
        let clock = self.common.clock.now();
        let question = Question::client(end_entity, intermediates, clock);
        let verdict = self.common.judge_client(&view, &question);
        let sight = |verdict| Sight::new(Arc::new(verdict), end_entity, intermediates, clock);
        if verdict.is_accepted() {
            self.remember(Evidence::Accepted(sight(verdict)));
            return Ok(ClientCertVerified::assertion());
        }
        if self.enrolment.is_open()
            && let Some(leaf) = stranger(&view, self.common.memory.policy(), &question, &verdict)
        {
            // Whoever decides about it must not read the fingerprint in a log first.
            let sight = sight(verdict.without_fingerprint());
            self.remember(Evidence::Unknown(sight, leaf));
            return Ok(ClientCertVerified::assertion());
        }
        let sight = sight(self.quiet(verdict));
        let refusal = Refusal::new(sight.verdict.clone());
        self.common.watch.tell(Some(sight), false);
        Err(refusal.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.prove(TlsVersion::Tls12, message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.prove(TlsVersion::Tls13, message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.common.algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use std::fs::read;
    use std::time::Duration;

    use pki_types::ServerName;
    use rustls::crypto::CryptoProvider;
    use rustls::{ClientConfig, ClientConnection, ServerConnection};

    use super::*;
    use crate::policy::{Policy, ReasonCode};
    use crate::store::{EntryOptions, PinScope, TrustStore};
    use crate::tls::{ClientConfigBuilder, Identity, ServerConfigBuilder, key_policy, provider};
    use crate::{Clock, LiveTrust};

    fn now() -> Clock {
        // 2027-01-01, when the fixtures are valid.
        Clock::Known(UnixTime::since_unix_epoch(Duration::from_secs(
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

    /// What somebody does to the evidence between or before the two steps.
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
    struct Meddler(ConnectionVerifier, Meddling);

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
            let ask = |der: &CertificateDer<'_>| self.0.verify_client_cert(der, &[], at);
            match self.1 {
                Meddling::None | Meddling::Used => {
                    self.0.verify_client_cert(end_entity, intermediates, at)
                }
                Meddling::Skip => Ok(ClientCertVerified::assertion()),
                Meddling::Other => ask(other.der()),
                Meddling::Twice => ask(end_entity).and_then(|_| ask(other.der())),
                Meddling::Lost => {
                    let answer = ask(end_entity);
                    self.0.remember(Evidence::default());
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
                    let client = client.versions(&[version]).clock(Arc::new(now()));
                    let client = client.build_for(&"keys-1".parse().unwrap()).unwrap();
                    let builder =
                        ServerConfigBuilder::new(provider, trust, policy, server_id.clone());
                    let enrolment = Enrolment::new(Arc::new(now()));
                    enrolment
                        .open_enrolment(Duration::from_secs(60), 4)
                        .unwrap();
                    let builder = builder.clock(Arc::new(now()));
                    let acceptor = builder.enrolment(&enrolment).unwrap();
                    let verifier = ConnectionVerifier {
                        common: Common::new(&acceptor.settings),
                        enrolment: enrolment.clone(),
                        address: core::net::Ipv4Addr::LOCALHOST.into(),
                        evidence: Mutex::default(),
                    };
                    let meddler = Arc::new(Meddler(verifier, meddling));
                    let server = configure(&acceptor.settings, meddler).unwrap();
                    let done = handshake(client, server);
                    let what = format!("{version:?} {meddling:?} {known}");
                    // Whoever is unknown, proves possession and was judged may wait.
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
