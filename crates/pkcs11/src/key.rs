//! A private key in a token, which signs for TLS.

use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::object::{ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use mutual_trust::Identity;
use mutual_trust::certificate::Certificate;
use mutual_trust::identity::CertificateChain;
use mutual_trust::tls::{KeyMatch, SigningKeyPair};
use pki_types::SubjectPublicKeyInfoDer;
use rustls::crypto::CryptoProvider;
use rustls::sign::{Signer, SigningKey};
use rustls::{OtherError, SignatureAlgorithm, SignatureScheme};

use crate::error::Error;
use crate::fault::Fault;
use crate::find::{found, template, unusable};
use crate::kind::{Kind, Plan};
use crate::public::public_of;
use crate::token::Token;
use crate::uri::Uri;

/// A private key in a token. It never leaves the token: this is the right to have it sign. Cheap to clone.
#[derive(Clone)]
pub struct TokenKey(Arc<Inner>);

struct Inner {
    token: Token,
    uri: Uri,
    kind: Kind,
    spki: Vec<u8>,
    plans: Vec<Plan>,
    /// Its number, and until which loss of a session it is that.
    handle: Mutex<Option<(u64, ObjectHandle)>>,
}

impl Token {
    /// Finds the one private key that fits the label (`object`) and the identifier (`id`) of the URI. The token must give
    /// its public part. A signature of each padding is made and verified.
    ///
    /// # Errors
    /// No key or several keys fit, or TLS has no use for it; or it cannot sign; or a signature does not verify.
    pub fn key(&self, uri: &Uri, provider: &CryptoProvider) -> Result<TokenKey, Error> {
        self.found_key(uri, None, provider)
    }

    /// Makes an identity of a chain and the key of its first certificate. Where the token does not give the public part of
    /// the key, the certificate does, and the signature is the proof.
    ///
    /// # Errors
    /// As [`key`](Self::key); or the key belongs to another certificate.
    pub fn identity(
        &self,
        uri: &Uri,
        chain: CertificateChain,
        provider: &CryptoProvider,
    ) -> Result<Identity, Error> {
        let key = self.found_key(uri, Some(chain.leaf()), provider)?;
        key.identity(chain)
    }

    fn found_key(
        &self,
        uri: &Uri,
        certificate: Option<&Certificate>,
        provider: &CryptoProvider,
    ) -> Result<TokenKey, Error> {
        let is_private = uri
            .object_type
            .as_deref()
            .is_none_or(|kind| kind == "private");
        if !is_private || (uri.object.is_none() && uri.id.is_none()) {
            return Err(Error::NoKey);
        }
        let (key_type, public) = self.with_session(|session, _| {
            let handle = self.find(session, uri)?;
            let key_type = self.usable(session, handle)?;
            Ok((key_type, self.public(session, uri, handle)?))
        })?;
        let (kind, spki) = match (public, certificate) {
            (Some((_, spki)), Some(certificate))
                if spki != certificate.subject_public_key_info() =>
            {
                return Err(Error::OtherKey);
            }
            (Some(public), _) => public,
            (None, Some(certificate)) => {
                let kind = Kind::of_certificate(certificate.key_kind());
                let kind = kind.ok_or_else(|| unusable("TLS has no use for keys of this kind"))?;
                (kind, certificate.subject_public_key_info().to_vec())
            }
            (None, None) => return Err(Error::NoPublicKey),
        };
        if kind.key_type() != key_type {
            return Err(Error::OtherKey);
        }
        let (context, slot) = self.place()?;
        let plans = kind.plans(&context.get_mechanism_list(slot)?);
        let key = TokenKey(Arc::new(Inner {
            token: self.clone(),
            uri: uri.clone(),
            kind,
            spki,
            plans: Vec::new(),
            handle: Mutex::new(None),
        }));
        key.proven(plans, provider)
    }
}

impl TokenKey {
    /// Makes an identity of a chain whose first certificate has this key. It serves both configuration builders, and is
    /// staged and activated as one with a key in a file is ([`mutual_trust::tls::Identities`]).
    ///
    /// # Errors
    /// The key belongs to another certificate.
    pub fn identity(&self, chain: CertificateChain) -> Result<Identity, Error> {
        let signer = Arc::new(self.clone());
        Ok(Identity::from_signer(chain, signer, KeyMatch::Required)?)
    }

    /// What makes certificates and requests with this key.
    ///
    /// # Errors
    /// The key does not report its public part. This one does.
    pub fn signing_key_pair(&self, provider: &CryptoProvider) -> Result<SigningKeyPair, Error> {
        let kind = self.0.kind.of_key();
        Ok(SigningKeyPair::of_signer(
            Arc::new(self.clone()),
            kind,
            provider,
        )?)
    }

    /// Its public part: a `SubjectPublicKeyInfo` in DER.
    pub fn subject_public_key_info(&self) -> &[u8] {
        &self.0.spki
    }

    /// The token.
    pub fn token(&self) -> &Token {
        &self.0.token
    }

    /// The URI by which it was found.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }

    /// Deletes the key in the token, with its public part. It cannot be undone. Another key that has its name now is not
    /// deleted, as far as the token gives public parts.
    ///
    /// # Errors
    /// The token does not allow it, or has another key of the same name.
    pub fn delete(self) -> Result<(), Error> {
        let Inner {
            token, uri, spki, ..
        } = &*self.0;
        token.with_writing_session(|session| {
            let private = self.0.found(session)?;
            let mut objects = vec![private];
            for object in found(session, &template(uri, ObjectClass::PUBLIC_KEY))? {
                let public = public_of(session, object, false)?;
                if public.is_none_or(|(_, of_object)| of_object == *spki) {
                    objects.push(object);
                }
            }
            for object in objects {
                session.destroy_object(object)?;
            }
            Ok(())
        })
    }

    /// Has the token sign once in each way, and keeps the ways that it can.
    fn proven(self, plans: Vec<Plan>, provider: &CryptoProvider) -> Result<Self, Error> {
        let mut proven: Vec<Plan> = Vec::new();
        let mut unable: Vec<Plan> = Vec::new();
        for plan in plans {
            if proven.iter().any(|other| other.is_like(&plan)) {
                proven.push(plan);
                continue;
            }
            if unable.iter().any(|other| other.is_like(&plan)) {
                continue;
            }
            // A message that is no handshake's: a signature of it is of no use to anyone else.
            const MESSAGE: &[u8] = b"mutual-trust: does this key belong to this certificate?";
            match self.0.signed(&plan, MESSAGE) {
                Ok(signature) => {
                    verified(provider, &self.0.spki, plan.scheme, MESSAGE, &signature)?;
                    proven.push(plan);
                }
                Err((_, true)) => unable.push(plan),
                Err((error, false)) => return Err(error),
            }
        }
        if proven.is_empty() {
            return Err(unusable("the token has no mechanism of TLS for it"));
        }
        let Inner {
            token,
            uri,
            kind,
            spki,
            ..
        } = &*self.0;
        Ok(Self(Arc::new(Inner {
            token: token.clone(),
            uri: uri.clone(),
            kind: *kind,
            spki: spki.clone(),
            plans: proven,
            handle: Mutex::new(None),
        })))
    }
}

impl Inner {
    /// Signs. The error says too whether the token is unable to.
    fn signed(&self, plan: &Plan, message: &[u8]) -> Result<Vec<u8>, (Error, bool)> {
        let unable = std::cell::Cell::new(false);
        let signed = self.token.with_session(|session, finding| {
            let handle = self.handle(session, finding)?;
            plan.sign(session, handle, message).map_err(|error| {
                let fault = Fault::from(error);
                unable.set(fault.is_unable());
                fault
            })
        });
        signed.map_err(|error| (error, unable.get()))
    }

    /// The number of the key. After a session was lost, the key is found again.
    fn handle(&self, session: &Session, finding: u64) -> Result<ObjectHandle, Fault> {
        let mut cached = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, handle)) = *cached
            && of == finding
        {
            return Ok(handle);
        }
        let handle = self.found(session)?;
        *cached = Some((finding, handle));
        Ok(handle)
    }

    /// Finds the key, which must be the same as before.
    fn found(&self, session: &Session) -> Result<ObjectHandle, Fault> {
        let handle = self.token.find(session, &self.uri)?;
        let public = self.token.public(session, &self.uri, handle)?;
        if public.is_some_and(|(_, spki)| spki != self.spki) {
            return Err(Error::KeyChanged.into());
        }
        Ok(handle)
    }
}

/// Verifies a signature with the algorithms of the provider.
fn verified(
    provider: &CryptoProvider,
    spki: &[u8],
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    let algorithms = &provider.signature_verification_algorithms;
    let mapped = algorithms.mapping.iter().find(|(of, _)| *of == scheme);
    let (_, candidates) = mapped.ok_or(Error::CannotVerify)?;
    let spki = SubjectPublicKeyInfoDer::from(spki);
    let key = webpki::RawPublicKeyEntity::try_from(&spki).map_err(|_| Error::WrongSignature)?;
    let is_good = candidates
        .iter()
        .any(|algorithm| key.verify_signature(*algorithm, message, signature).is_ok());
    if is_good {
        Ok(())
    } else {
        Err(Error::WrongSignature)
    }
}

impl SigningKey for TokenKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let mut plans = self.0.plans.iter();
        let plan = plans.find(|plan| offered.contains(&plan.scheme))?;
        Some(Box::new(TokenSigner {
            key: self.0.clone(),
            plan: *plan,
        }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(&*self.0.spki))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.0.kind.algorithm()
    }
}

struct TokenSigner {
    key: Arc<Inner>,
    plan: Plan,
}

impl Signer for TokenSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signed = self.key.signed(&self.plan, message);
        signed.map_err(|(error, _)| rustls::Error::Other(OtherError(Arc::new(error))))
    }

    fn scheme(&self) -> SignatureScheme {
        self.plan.scheme
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenSigner({:?})", self.plan.scheme)
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({})", self.0.uri)
    }
}
