//! Configurations, probes, publications and enrolment.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use mutual_trust::admin::Enrolment;
use mutual_trust::identity::CertificateChain;
use mutual_trust::limits::{MAX_EXPECTED, MAX_PENDING_PEERS};
use mutual_trust::tls::{KeyMatch, TlsVersion};
use mutual_trust::{
    CurrentTime, EntryOptions, Fingerprint, Identity, LiveTrust, PinScope, TrustStore,
};
use rustls::CipherSuite;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};

use crate::produced::Produced;
use crate::support::handshake::handshake;
use crate::support::link::{Setting, keys_1, settings};
use crate::support::pki::{self_signed, spec};
use crate::support::plain::{Credential, load};
use crate::support::{now, server_id, store};

pub(crate) fn produce(produced: &mut Produced) {
    let setting = settings().remove(0);
    configs(produced, &setting);
    external(produced, &setting);
    newer(produced, &setting);
    probes(produced, &setting);
    enrolment(produced, &setting);
    let mut one = store();
    let first = one.snapshot();
    let trust = LiveTrust::new(first.clone());
    produced.error(trust.publish(first));
}

fn configs(produced: &mut Produced, setting: &Setting) {
    let own = self_signed("array-7.example");
    let client = |setting: &Setting| {
        let mut trust = setting.listing_server();
        setting.client(trust.snapshot(), own.identity(&[], &setting.provider))
    };
    produced.error(client(setting).build_for(&server_id("keys-9")));
    produced.error(client(setting).with_protocol_versions(&[]).build_by_name());
    produced.error(
        client(setting)
            .with_alpn_protocols([vec![]])
            .build_by_name(),
    );
    let with = |change: &dyn Fn(&mut CryptoProvider)| {
        let mut provider = CryptoProvider::clone(&setting.provider);
        change(&mut provider);
        Setting {
            provider: Arc::new(provider),
            ..setting.clone()
        }
    };
    let unable = with(&|provider| {
        let version = setting.rustls_version();
        provider
            .cipher_suites
            .retain(|suite| suite.version() != version);
    });
    produced.error(
        client(&unable)
            .with_protocol_versions(&[setting.version])
            .build_by_name(),
    );
    let outside = with(&|provider| {
        let small = CipherSuite::TLS13_AES_128_GCM_SHA256;
        provider
            .cipher_suites
            .retain(|suite| suite.suite() == small);
    });
    let outside = client(&outside).with_protocol_versions(&[TlsVersion::Tls13]);
    produced.error(outside.with_kmip_profile().build_by_name());
    let narrow = with(&|provider| {
        provider.signature_verification_algorithms = WebPkiSupportedAlgorithms {
            mapping: &[],
            ..provider.signature_verification_algorithms
        };
    });
    let mut trust = setting.listing_server();
    let identity = own.identity(&[], &setting.provider);
    produced.error(narrow.client(trust.snapshot(), identity).build_by_name());
}

/// An external signer, with a CA of the issuer's name that signed nothing.
fn external(produced: &mut Produced, setting: &Setting) {
    let ca = || spec("issuing").ca().no_authority_key_id().self_signed();
    let (issuing, other) = (ca(), ca());
    let leaf = spec("array-7").no_authority_key_id().signed_by(&issuing);
    let chain = CertificateChain::new(vec![leaf.certificate, other.certificate]).unwrap();
    let signer = load(leaf.key.serialized_der(), &setting.provider);
    let identity = Identity::from_signer(chain, signer, KeyMatch::Required).unwrap();
    let mut trust = setting.listing_server();
    produced.error(setting.client(trust.snapshot(), identity).build_by_name());
}

/// A key that only TLS 1.3 has signatures of.
fn newer(produced: &mut Produced, setting: &Setting) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ML_DSA_44).unwrap();
    let identity = spec("a")
        .key(key)
        .self_signed()
        .identity(&[], &setting.provider);
    let mut trust = setting.listing_server();
    let builder = setting.client(trust.snapshot(), identity);
    produced.error(
        builder
            .with_protocol_versions(&[TlsVersion::Tls12])
            .build_by_name(),
    );
}

/// A probe of what is no TLS server.
fn probes(produced: &mut Produced, setting: &Setting) {
    let own = self_signed("array-7.example");
    let mut trust = setting.listing_server();
    let builder = setting.client(trust.snapshot(), own.identity(&[], &setting.provider));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    drop(listener.accept().unwrap());
    let name = pki_types::ServerName::try_from("kms1.example").unwrap();
    produced.error(builder.probe(&keys_1()).unwrap().run(name, tcp));
    assert!(matches!(
        setting.version,
        TlsVersion::Tls12 | TlsVersion::Tls13
    ));
}

fn enrolment(produced: &mut Produced, setting: &Setting) {
    let hour = Duration::from_secs(3600);
    let enrolment = Enrolment::new(Arc::new(now()));
    produced.error(enrolment.open_enrolment(Duration::ZERO, 8));
    produced.error(enrolment.open_enrolment(hour, MAX_PENDING_PEERS + 1));
    produced.error(Enrolment::new(Arc::new(CurrentTime::Unset)).open_enrolment(hour, 8));
    let number = |number: usize| Fingerprint::from_bytes([u8::try_from(number).unwrap(); 32]);
    for count in 0..MAX_EXPECTED {
        enrolment.expect(number(count)).unwrap();
    }
    produced.error(enrolment.expect(number(MAX_EXPECTED)));

    // A client that waits.
    let enrolment = Enrolment::new(Arc::new(now()));
    enrolment.open_enrolment(hour, 8).unwrap();
    let mut store: TrustStore = setting.store();
    let own = self_signed("kms1.example");
    let acceptor = setting
        .server(store.snapshot(), own.identity(&[], &setting.provider))
        .enrolment(&enrolment)
        .unwrap();
    let system = self_signed("array-7.example");
    let config = acceptor.config_for("192.0.2.7".parse().unwrap()).unwrap();
    handshake(
        &setting.client_of(&Credential::of(&system, &[])),
        &config,
        "kms1.example",
    );
    let peer = enrolment.pending().remove(0);
    let print = system.certificate.fingerprint();
    let mut accept = |store: &mut TrustStore, given, by| {
        produced.error(enrolment.accept_client(peer.id, given, store, EntryOptions::new(), by));
    };
    accept(&mut store, number(7), "alice");
    accept(&mut store, print, "");
    let _ = store.block(&system.certificate);
    accept(&mut store, print, "alice");
    enrolment.reject(peer.id, "bob").unwrap();
    accept(&mut store, print, "alice");
    servers(produced, setting);
}

/// A server that was probed, and one that has not the key of what it presents.
fn servers(produced: &mut Produced, setting: &Setting) {
    let own = self_signed("kms1.example");
    let honest = Credential::of(&own, &[]);
    let thief = Credential::of(&self_signed("thief.example"), &[]);
    let stolen = Credential::of(&own, &[]).signing_as(&thief);
    let system = self_signed("array-7.example");
    for (credential, scope) in [
        (stolen, PinScope::Server(keys_1())),
        (honest, PinScope::Clients),
    ] {
        let mut store = setting.listing_server();
        let builder = setting.client(store.snapshot(), system.identity(&[], &setting.provider));
        let config = builder.probe(&keys_1()).unwrap().into_config();
        let outcome = handshake(&config, &setting.server_of(&credential), "kms1.example");
        let probed = outcome.client.as_ref().unwrap_err();
        let probed = mutual_trust::tls::probe_result_from(probed).unwrap();
        let enrolment = Enrolment::new(Arc::new(now()));
        produced.error(enrolment.accept_server(
            probed.presented(),
            own.certificate.fingerprint(),
            &mut store,
            scope,
            EntryOptions::new(),
            "alice",
        ));
    }
}
