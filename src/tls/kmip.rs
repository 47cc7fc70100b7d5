//! The versions and cipher suites that the KMIP profiles require of TLS.
//!
//! KMIP Profiles Version 2.1, sections 3.1.1 and 3.1.2 (Basic Authentication Suite); the HTTPS Authentication Suite
//! of section 3.2 requires the same. Servers speak TLS 1.3 with both suites that are mandatory, clients with one of
//! them at least. TLS 1.2 is allowed with the suites of a list and no others: CBC modes, and GCM for ECDSA keys.

use std::sync::Arc;

use rustls::CipherSuite;
use rustls::crypto::CryptoProvider;

use super::TlsVersion;
use crate::certificate::Role;
use crate::tls::error::ConfigError;

/// Mandatory in TLS 1.3.
const MANDATORY: [(CipherSuite, &str); 2] = [
    (
        CipherSuite::TLS13_AES_256_GCM_SHA384,
        "the cipher suite TLS13_AES_256_GCM_SHA384",
    ),
    (
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
        "the cipher suite TLS13_CHACHA20_POLY1305_SHA256",
    ),
];

/// The suites of the list for TLS 1.2 that rustls has. rustls has no CBC modes and no key exchange without forward
/// secrecy.
const ALLOWED_IN_TLS12: [CipherSuite; 2] = [
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
];

/// The provider with only the suites of the profile, in its own order of preference.
pub(super) fn narrowed(provider: &CryptoProvider) -> Arc<CryptoProvider> {
    let mut narrowed = provider.clone();
    narrowed.cipher_suites.retain(|suite| {
        let suite = suite.suite();
        MANDATORY.iter().any(|(known, _)| *known == suite) || ALLOWED_IN_TLS12.contains(&suite)
    });
    Arc::new(narrowed)
}

/// Checks that the end of `role` can follow the profile with these versions of a narrowed provider.
pub(super) fn check(
    role: Role,
    provider: &CryptoProvider,
    versions: &[TlsVersion],
) -> Result<(), ConfigError> {
    let has = |wanted| {
        let mut suites = provider.cipher_suites.iter();
        suites.any(|suite| suite.suite() == wanted)
    };
    let missing = |what| Err(ConfigError::KmipProfile { missing: what });
    let absent = MANDATORY.iter().find(|(suite, _)| !has(*suite));
    let tls13 = versions.contains(&TlsVersion::Tls13);
    match role {
        Role::Server if !tls13 => missing("TLS 1.3 of servers"),
        Role::Server => absent.map_or(Ok(()), |(_, name)| missing(name)),
        Role::Client if tls13 && !MANDATORY.iter().any(|(suite, _)| has(*suite)) => {
            missing("one of its cipher suites for TLS 1.3")
        }
        Role::Client if !tls13 && !ALLOWED_IN_TLS12.iter().any(|suite| has(*suite)) => {
            missing("one of its cipher suites for TLS 1.2")
        }
        Role::Client => Ok(()),
    }
}
