//! The handshake signature (rule M2): did the peer prove that it has the private key of what it presented?
//!
//! One function serves TLS 1.2 and 1.3. Our own reader takes the public key out of the certificate, because webpki
//! does not parse certificates of version 1, and some others.

use pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::{DigitallySignedStruct, SignatureScheme};

use super::version::TlsVersion;
use crate::certificate::{Role, public_key_of};
use crate::policy::Verdict;

/// Proof that the peer has the private key, or the verdict that says why there is none.
pub(super) type Proof = Result<HandshakeSignatureValid, Box<Verdict>>;

pub(super) fn verify(
    algorithms: &WebPkiSupportedAlgorithms,
    version: TlsVersion,
    role: Role,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Proof {
    let refuse = |why: String| {
        let verdict = Verdict::without_possession(role, certificate, why);
        Err(Box::new(verdict))
    };
    if version == TlsVersion::Tls13 && !allowed_in_tls13(signed.scheme) {
        return refuse(format!("{:?} is not allowed in TLS 1.3", signed.scheme));
    }
    let mapped = algorithms
        .mapping
        .iter()
        .find(|(scheme, _)| *scheme == signed.scheme);
    let Some((_, candidates)) = mapped else {
        return refuse(format!("{:?} was not offered", signed.scheme));
    };
    // In TLS 1.3 a scheme names the curve, and the first algorithm is the one it names; in TLS 1.2 it names
    // the hash only (RFC 8446 section 4.2.3, RFC 8422 section 5.1.1).
    let candidates = match version {
        TlsVersion::Tls13 => candidates.get(..1).unwrap_or(&[]),
        TlsVersion::Tls12 => candidates,
    };
    let Some(spki) = public_key_of(certificate).map(SubjectPublicKeyInfoDer::from) else {
        return refuse(String::from("the certificate is malformed"));
    };
    let Ok(key) = webpki::RawPublicKeyEntity::try_from(&spki) else {
        return refuse(String::from("the public key is malformed"));
    };
    for algorithm in candidates {
        if key
            .verify_signature(*algorithm, message, signed.signature())
            .is_ok()
        {
            return Ok(HandshakeSignatureValid::assertion());
        }
    }
    refuse(format!("the {:?} signature does not verify", signed.scheme))
}

/// RFC 8446 section 4.2.3: PKCS#1 v1.5 and SHA-1 may sign certificates, but no handshakes.
fn allowed_in_tls13(scheme: SignatureScheme) -> bool {
    !matches!(
        scheme,
        SignatureScheme::RSA_PKCS1_SHA1
            | SignatureScheme::RSA_PKCS1_SHA256
            | SignatureScheme::RSA_PKCS1_SHA384
            | SignatureScheme::RSA_PKCS1_SHA512
            | SignatureScheme::ECDSA_SHA1_Legacy
    )
}
