//! A crypto provider without secrets: records are not encrypted, key exchange is a sum, and random numbers are counted.
//!
//! So a fuzzer's changes get past the record layer into the messages of a handshake, and the same input makes the same
//! handshake each time. Signatures and digests are real: they are what must stop a changed handshake.

use std::cell::Cell;
use std::sync::{Arc, LazyLock};

use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, KeyBlockShape, MessageDecrypter,
    MessageEncrypter, OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload,
    Tls12AeadAlgorithm, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::crypto::ring::cipher_suite::{
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS13_AES_128_GCM_SHA256,
};
use rustls::crypto::{
    ActiveKeyExchange, CipherSuiteCommon, CryptoProvider, GetRandomFailed, SecureRandom,
    SharedSecret, SupportedKxGroup,
};
use rustls::{
    ConnectionTrafficSecrets, ContentType, Error, NamedGroup, ProtocolVersion,
    SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite,
};

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    Arc::new(CryptoProvider {
        cipher_suites: vec![
            SupportedCipherSuite::Tls13(&SUITE_13),
            SupportedCipherSuite::Tls12(&SUITE_12),
        ],
        kx_groups: vec![&Sum],
        secure_random: &Counted,
        ..rustls::crypto::ring::default_provider()
    })
});

pub(super) fn provider() -> Arc<CryptoProvider> {
    PROVIDER.clone()
}

static SUITE_13: LazyLock<Tls13CipherSuite> = LazyLock::new(|| match TLS13_AES_128_GCM_SHA256 {
    SupportedCipherSuite::Tls13(suite) => Tls13CipherSuite {
        common: common(&suite.common),
        hkdf_provider: suite.hkdf_provider,
        aead_alg: &Clear,
        quic: None,
    },
    SupportedCipherSuite::Tls12(_) => panic!("it is of TLS 1.3"),
});

static SUITE_12: LazyLock<Tls12CipherSuite> =
    LazyLock::new(|| match TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 {
        SupportedCipherSuite::Tls12(suite) => Tls12CipherSuite {
            common: common(&suite.common),
            prf_provider: suite.prf_provider,
            kx: suite.kx,
            sign: suite.sign,
            aead_alg: &Clear,
        },
        SupportedCipherSuite::Tls13(_) => panic!("it is of TLS 1.2"),
    });

fn common(suite: &CipherSuiteCommon) -> CipherSuiteCommon {
    CipherSuiteCommon {
        suite: suite.suite,
        hash_provider: suite.hash_provider,
        confidentiality_limit: suite.confidentiality_limit,
    }
}

/// Encrypts nothing.
struct Clear;

impl Tls13AeadAlgorithm for Clear {
    fn encrypter(&self, _: AeadKey, _: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Clear13)
    }

    fn decrypter(&self, _: AeadKey, _: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(Clear13)
    }

    fn key_len(&self) -> usize {
        16
    }

    fn extract_keys(
        &self,
        _: AeadKey,
        _: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

struct Clear13;

impl MessageEncrypter for Clear13 {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        _: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let length = self.encrypted_payload_len(message.payload.len());
        let mut payload = PrefixedPayload::with_capacity(length);
        payload.extend_from_chunks(&message.payload);
        payload.extend_from_slice(&[message.typ.into()]);
        let (typ, version) = (ContentType::ApplicationData, ProtocolVersion::TLSv1_2);
        Ok(OutboundOpaqueMessage::new(typ, version, payload))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        length + 1
    }
}

impl MessageDecrypter for Clear13 {
    fn decrypt<'a>(
        &mut self,
        message: InboundOpaqueMessage<'a>,
        _: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        message.into_tls13_unpadded_message()
    }
}

impl Tls12AeadAlgorithm for Clear {
    fn encrypter(&self, _: AeadKey, _: &[u8], _: &[u8]) -> Box<dyn MessageEncrypter> {
        Box::new(Clear12)
    }

    fn decrypter(&self, _: AeadKey, _: &[u8]) -> Box<dyn MessageDecrypter> {
        Box::new(Clear12)
    }

    fn key_block_shape(&self) -> KeyBlockShape {
        KeyBlockShape {
            enc_key_len: 16,
            fixed_iv_len: 4,
            explicit_nonce_len: 8,
        }
    }

    fn extract_keys(
        &self,
        _: AeadKey,
        _: &[u8],
        _: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

struct Clear12;

impl MessageEncrypter for Clear12 {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        _: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let mut payload = PrefixedPayload::with_capacity(message.payload.len());
        payload.extend_from_chunks(&message.payload);
        Ok(OutboundOpaqueMessage::new(
            message.typ,
            message.version,
            payload,
        ))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        length
    }
}

impl MessageDecrypter for Clear12 {
    fn decrypt<'a>(
        &mut self,
        message: InboundOpaqueMessage<'a>,
        _: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        Ok(message.into_plain_message())
    }
}

/// "Agrees" on the sum of what both ends send.
#[derive(Debug)]
struct Sum;

impl SupportedKxGroup for Sum {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let mut own = [0; 32];
        Counted.fill(&mut own)?;
        Ok(Box::new(Started(own)))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

struct Started([u8; 32]);

impl ActiveKeyExchange for Started {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let peer =
            <[u8; 32]>::try_from(peer).map_err(|_| rustls::PeerMisbehaved::InvalidKeyShare)?;
        let sums = self
            .0
            .iter()
            .zip(peer)
            .map(|(own, peer)| own.wrapping_add(peer));
        Ok(SharedSecret::from(sums.collect::<Vec<u8>>().as_slice()))
    }

    fn pub_key(&self) -> &[u8] {
        &self.0
    }

    fn group(&self) -> NamedGroup {
        Sum.name()
    }
}

thread_local! {
    static COUNT: Cell<u8> = const { Cell::new(0) };
}

/// Begins to count anew.
pub(super) fn reset() {
    COUNT.set(0);
}

#[derive(Debug)]
struct Counted;

impl SecureRandom for Counted {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
        COUNT.set(COUNT.get().wrapping_add(1));
        buffer.fill(COUNT.get());
        Ok(())
    }
}
