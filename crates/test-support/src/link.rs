//! A link under test: provider, protocol version, our client and server, and what each of them must report.

use std::sync::Arc;

use mutual_trust::certificate::Certificate;
use mutual_trust::tls::{TlsVersion, key_policy, refusal};
use mutual_trust::{
    ClientConfigBuilder, CurrentTime, EntryOptions, Identity, LiveTrust, PinScope, Policy,
    ReasonCode, Role, ServerConfigBuilder, ServerId, TrustStore, Verdict,
};
use rustls::crypto::CryptoProvider;
use rustls::{AlertDescription, Error, ProtocolVersion, SupportedProtocolVersion};

use super::handshake::Outcome;
use super::{host, now, providers, server_id};

/// One provider and one protocol version: every handshake is made in all of them.
#[derive(Clone)]
pub struct Setting {
    pub name: String,
    pub provider: Arc<CryptoProvider>,
    pub version: TlsVersion,
}

/// The server of most tests: `kms1.example`, `127.0.0.1`.
pub fn keys_1() -> ServerId {
    server_id("keys-1")
}

pub fn pin(store: &mut TrustStore, scope: PinScope, certificate: &Certificate) {
    store
        .install_pin(scope, certificate.clone(), EntryOptions::new())
        .unwrap();
}

pub fn settings() -> Vec<Setting> {
    let mut settings = Vec::new();
    for (name, provider) in providers() {
        for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
            settings.push(Setting {
                name: format!("{name} {version:?}"),
                provider: provider.clone(),
                version,
            });
        }
    }
    settings
}

impl Setting {
    pub fn policy(&self) -> Policy {
        Policy::new(key_policy(&self.provider))
    }

    /// An empty store.
    pub fn store(&self) -> TrustStore {
        TrustStore::new(key_policy(&self.provider)).with_clock(Arc::new(now()))
    }

    /// A store with the server [`keys_1`] and nothing installed for it.
    pub fn listing_server(&self) -> TrustStore {
        let mut store = self.store();
        let names = [host("kms1.example"), host("127.0.0.1")];
        store.add_server(keys_1(), names).unwrap();
        store
    }

    /// A store with the server [`keys_1`] and a pin for it.
    pub fn pinning_server(&self, certificate: &Certificate) -> TrustStore {
        let mut store = self.listing_server();
        pin(&mut store, PinScope::Server(keys_1()), certificate);
        store
    }

    /// A store with a pin for a client.
    pub fn pinning_client(&self, certificate: &Certificate) -> TrustStore {
        let mut store = self.store();
        pin(&mut store, PinScope::Clients, certificate);
        store
    }

    pub fn client(&self, trust: impl Into<LiveTrust>, identity: Identity) -> ClientConfigBuilder {
        self.client_with(trust, identity, self.policy(), now())
    }

    pub fn client_with(
        &self,
        trust: impl Into<LiveTrust>,
        identity: Identity,
        policy: Policy,
        clock: CurrentTime,
    ) -> ClientConfigBuilder {
        ClientConfigBuilder::new(self.provider.clone(), trust, policy, identity)
            .with_protocol_versions(&[self.version])
            .with_clock(Arc::new(clock))
    }

    pub fn server(&self, trust: impl Into<LiveTrust>, identity: Identity) -> ServerConfigBuilder {
        self.server_with(trust, identity, self.policy(), now())
    }

    pub fn server_with(
        &self,
        trust: impl Into<LiveTrust>,
        identity: Identity,
        policy: Policy,
        clock: CurrentTime,
    ) -> ServerConfigBuilder {
        ServerConfigBuilder::new(self.provider.clone(), trust, policy, identity)
            .with_protocol_versions(&[self.version])
            .with_clock(Arc::new(clock))
    }

    pub fn rustls_version(&self) -> &'static SupportedProtocolVersion {
        match self.version {
            TlsVersion::Tls12 => &rustls::version::TLS12,
            TlsVersion::Tls13 => &rustls::version::TLS13,
        }
    }

    pub fn protocol(&self) -> ProtocolVersion {
        match self.version {
            TlsVersion::Tls12 => ProtocolVersion::TLSv1_2,
            TlsVersion::Tls13 => ProtocolVersion::TLSv1_3,
        }
    }

    pub fn is_tls13(&self) -> bool {
        self.version == TlsVersion::Tls13
    }
}

impl Outcome {
    /// The client is ours and must have refused with `reason`. The server must have received the one alert that all
    /// our refusals send. Neither may have accepted the other.
    pub fn client_refuses(&self, reason: ReasonCode) -> Result<Verdict, String> {
        if self.client_connection.peer_certificates().is_some() {
            return Err(String::from("the client knows the server"));
        }
        alerted(&self.server)?;
        refused(&self.client, Role::Server, reason)
    }

    /// The same for our server.
    pub fn server_refuses(&self, reason: ReasonCode) -> Result<Verdict, String> {
        if self.server_connection.peer_certificates().is_some() {
            return Err(String::from("the server knows the client"));
        }
        alerted(&self.client)?;
        refused(&self.server, Role::Client, reason)
    }

    /// The same, which must be so. Shared, so that a caller that asks for nothing more may drop the verdict.
    pub fn expect_client_refuses(&self, what: &str, reason: ReasonCode) -> Arc<Verdict> {
        let verdict = self.client_refuses(reason).map(Arc::new);
        verdict.unwrap_or_else(|error| panic!("{what}: expected {reason}: {error}"))
    }

    pub fn expect_server_refuses(&self, what: &str, reason: ReasonCode) -> Arc<Verdict> {
        let verdict = self.server_refuses(reason).map(Arc::new);
        verdict.unwrap_or_else(|error| panic!("{what}: expected {reason}: {error}"))
    }
}

fn refused(result: &Result<(), Error>, role: Role, reason: ReasonCode) -> Result<Verdict, String> {
    let Err(error) = result else {
        return Err(String::from("accepted"));
    };
    let Some(verdict) = refusal(error) else {
        return Err(format!("{error:?} is no refusal of ours"));
    };
    if verdict.is_accepted() || verdict.reason() != reason {
        return Err(verdict.to_string());
    }
    if verdict.role() != role {
        return Err(format!("a {} is spoken of", verdict.role()));
    }
    Ok(verdict.clone())
}

/// The other end learns only that it was refused.
fn alerted(result: &Result<(), Error>) -> Result<(), String> {
    if *result == Err(Error::AlertReceived(AlertDescription::CertificateUnknown)) {
        return Ok(());
    }
    Err(format!("the other end: {result:?}"))
}

/// What tells one refusal from another outside of our end: the bytes that the other end receives, and the texts of the
/// error, which QUIC libraries send to it. An encrypted record counts by its type and length; its content is the alert
/// that [`Outcome::client_refuses`] and [`Outcome::server_refuses`] compare.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outside {
    records: Vec<Vec<u8>>,
    texts: [String; 2],
}

impl Outside {
    /// Of a refusal with `error`, after which our end sent `last`.
    pub fn of(error: &Error, last: &[u8]) -> Self {
        const ENCRYPTED: u8 = 23;
        let shape = |record: &[u8]| match record {
            [ENCRYPTED, ..] => record[..5].to_vec(),
            record => record.to_vec(),
        };
        Self {
            records: records(last).into_iter().map(shape).collect(),
            texts: [error.to_string(), format!("{error:?}")],
        }
    }
}

/// The TLS records in `bytes`, whole ones, each with its header.
pub fn records(bytes: &[u8]) -> Vec<&[u8]> {
    let mut rest = bytes;
    let mut records = Vec::new();
    while rest.len() >= 5 {
        let length = 5 + usize::from(u16::from_be_bytes([rest[3], rest[4]]));
        let (record, next) = rest.split_at(length);
        records.push(record);
        rest = next;
    }
    assert!(rest.is_empty(), "half a record");
    records
}
