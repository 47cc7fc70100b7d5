//! What we present in a handshake, read when it is asked for; and a record of when it could not be (rule K3).

use core::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{Identities, Identity};
use crate::certificate::{Clock, Fingerprint, KeyKind, TimeSource};
use crate::limits::MAX_RECORDED_SCHEMES;
use crate::store::ServerId;

/// Presents us to servers.
#[derive(Debug)]
pub(super) struct ClientResolver {
    pub(super) identities: Identities,
    /// The server for which the configuration is; `None`: for many.
    pub(super) server: Option<ServerId>,
    pub(super) unsent: UnsentCertificates,
    pub(super) clock: Arc<dyn TimeSource>,
}

impl ResolvesClientCert for ClientResolver {
    /// The CA names that a server sends are not heeded: a self-signed certificate that the server installed is
    /// in no such list, and many servers send one all the same.
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        offered: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let identity = match &self.server {
            Some(server) => self.identities.presented_to(server),
            None => self.identities.presented_to_many(),
        };
        if !identity.signs_with(offered) {
            // rustls goes on with an empty certificate, and the server refuses us without a word about it.
            let server = self.server.as_ref();
            self.unsent
                .record(server, &identity, offered, self.clock.now());
            return None;
        }
        certified_key(&identity)
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Presents us to clients. Without a common signature scheme rustls ends the handshake with an error that
/// says so.
#[derive(Debug)]
pub(super) struct ServerResolver(pub(super) Identities);

impl ResolvesServerCert for ServerResolver {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        certified_key(&self.0.presented_to_many())
    }
}

fn certified_key(identity: &Identity) -> Option<Arc<CertifiedKey>> {
    ResolvesClientCert::resolve(&*identity.resolver(), &[], &[])
}

/// A handshake in which the server offered no signature scheme that our key can make, so that we presented no
/// certificate at all (rule K3). Such a server then refuses us as if we had none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NoCommonSignatureScheme {
    /// The server, if the configuration was for one.
    pub server: Option<ServerId>,
    /// Fingerprint of the certificate that was not presented.
    pub certificate: Fingerprint,
    /// The kind of its key.
    pub key: KeyKind,
    /// What the server offered and the provider knows of, the first [`MAX_RECORDED_SCHEMES`] at most.
    pub offered: Vec<SignatureScheme>,
    /// When, by the clock of the configuration.
    pub at: Clock,
}

impl fmt::Display for NoCommonSignatureScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.server {
            Some(server) => write!(f, "server {server}")?,
            None => f.write_str("a server")?,
        }
        write!(
            f,
            " takes no signature that our key ({}) can make, so the certificate {} was not presented; it takes \
             {:?}: present an identity with a key of such a kind",
            self.key, self.certificate, self.offered
        )
    }
}

/// How often no certificate could be presented, and the last time it was so. Cheap to clone: all clones, and
/// the configurations of the builder that it is from, share one record.
#[derive(Clone, Debug, Default)]
pub struct UnsentCertificates(Arc<Record>);

#[derive(Debug, Default)]
struct Record {
    count: AtomicU64,
    last: Mutex<Option<NoCommonSignatureScheme>>,
}

impl UnsentCertificates {
    /// How often.
    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }

    /// The last time. Of several at the same moment, one.
    pub fn last(&self) -> Option<NoCommonSignatureScheme> {
        let last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }

    /// Never waits: if the record is being read or written, this occurrence is counted only.
    fn record(
        &self,
        server: Option<&ServerId>,
        identity: &Identity,
        offered: &[SignatureScheme],
        at: Clock,
    ) {
        self.0.count.fetch_add(1, Ordering::Relaxed);
        let occurrence = NoCommonSignatureScheme {
            server: server.cloned(),
            certificate: identity.certificate().fingerprint(),
            key: identity.certificate().key_kind(),
            offered: offered.iter().take(MAX_RECORDED_SCHEMES).copied().collect(),
            at,
        };
        match self.0.last.try_lock() {
            Ok(mut last) => *last = Some(occurrence),
            Err(TryLockError::Poisoned(last)) => *last.into_inner() = Some(occurrence),
            Err(TryLockError::WouldBlock) => {}
        }
    }
}
