//! Presents our identity in handshakes, and records when it cannot be presented (rule K3).

use core::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{Identities, Identity};
use crate::certificate::{CurrentTime, Fingerprint, KeyKind, TimeSource};
use crate::limits::MAX_RECORDED_SCHEMES;
use crate::store::ServerId;

/// Presents us to servers.
pub(super) struct ClientResolver {
    pub(super) identities: Identities,
    /// The server that the configuration is for. `None`: for many.
    pub(super) server: Option<ServerId>,
    pub(super) unsent: ClientAuthFailures,
    pub(super) clock: Arc<dyn TimeSource>,
}

/// As for the verifier: each program contains this code.
impl fmt::Debug for ClientResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientResolver").finish_non_exhaustive()
    }
}

impl ResolvesClientCert for ClientResolver {
    /// Ignores the CA names that a server sends. They never include a self-signed certificate that the server installed,
    /// and many servers send some all the same.
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        offered: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.unsent.0.requests.fetch_add(1, Ordering::Relaxed);
        let identity = match &self.server {
            Some(server) => self.identities.presented_to(server),
            None => self.identities.presented_to_many(),
        };
        if !identity.signs_with(offered) {
            // rustls sends an empty certificate then, and the server refuses us without this reason.
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

/// Presents us to clients. Without a common signature scheme, rustls ends the handshake with an error that says so.
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

/// A handshake in which the server offered no signature scheme that our key supports. So we presented no certificate
/// (rule K3), and the server refuses us as if we had none.
///
/// It is shown by `Display`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NoCommonSignatureScheme {
    /// The server, if the configuration was for one.
    #[doc(hidden)]
    pub server: Option<ServerId>,
    /// Fingerprint of the certificate that was not presented.
    #[doc(hidden)]
    pub certificate: Fingerprint,
    /// The kind of its key.
    #[doc(hidden)]
    pub key: KeyKind,
    /// The schemes that the server offered and the provider knows, at most the first 128.
    #[doc(hidden)]
    pub offered: Vec<SignatureScheme>,
    /// The time, by the clock of the configuration.
    #[doc(hidden)]
    pub at: CurrentTime,
}

impl fmt::Display for NoCommonSignatureScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.server {
            Some(server) => write!(f, "server {server}")?,
            None => f.write_str("a server")?,
        }
        write!(
            f,
            " accepts no signature scheme of our key ({}), so the certificate {} was not presented; it accepts {:?}: \
             present an identity with a key of such a kind",
            self.key,
            self.certificate.short(),
            self.offered
        )
    }
}

/// Counts the handshakes in which a server asked for our certificate, and those in which none could be presented, and has
/// the last one of these. Cheap to clone: all clones, and the configurations of its builder, share one record.
#[derive(Clone, Debug, Default)]
pub struct ClientAuthFailures(Arc<Record>);

#[derive(Debug, Default)]
struct Record {
    requests: AtomicU64,
    count: AtomicU64,
    last: Mutex<Option<NoCommonSignatureScheme>>,
}

impl ClientAuthFailures {
    /// The number of handshakes in which a server asked for our certificate. A server that never asks does not know who we
    /// are, however well the link works.
    ///
    /// A server in TLS 1.3 asks before it is judged, and gets our certificate only after it was accepted.
    ///
    /// ```
    /// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    /// fn check(builder: &mutual_trust::ClientConfigBuilder) {
    ///     if builder.client_auth_failures().requests() == 0 {
    ///         eprintln!("the server did not ask for our certificate: its side of the link is not authenticated");
    ///     }
    /// }
    /// ```
    pub fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// The number of handshakes in which no certificate could be presented.
    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }

    /// The last one. Of several at the same moment, any one.
    pub fn last(&self) -> Option<NoCommonSignatureScheme> {
        let last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }

    /// Never waits: while the record is read or written, this handshake is only counted.
    fn record(
        &self,
        server: Option<&ServerId>,
        identity: &Identity,
        offered: &[SignatureScheme],
        at: CurrentTime,
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
