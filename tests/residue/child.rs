//! The process that is looked at: it loads a key, uses it and lets it go, and waits at each moment.
//!
//! It never has the needles, nor anything else of the key than what it gives to the crate under test.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
#[cfg(feature = "issue")]
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mutual_trust::error::IdentityError;
use mutual_trust::identity::{CertificateChain, KeyReader, PrivateKey};
use mutual_trust::tls::{ClientConfigBuilder, Identity, ServerConfigBuilder, TlsVersion};
use mutual_trust::{Certificate, EntryOptions, PinScope, Policy, TrustStore};
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{ClientConfig, ServerConfig, SignatureAlgorithm, SignatureScheme};
use zeroize::{Zeroize, Zeroizing};

use crate::handshake;

/// The ends of two pipes. Nothing in between keeps a copy of what goes through.
#[derive(Debug)]
struct Parent {
    from: File,
    to: File,
}

impl Parent {
    fn new() -> Self {
        let from = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
        let to = std::io::stdout().as_fd().try_clone_to_owned().unwrap();
        Self {
            from: from.into(),
            to: to.into(),
        }
    }

    fn send(&self, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        (&self.to).write_all(&length).unwrap();
        (&self.to).write_all(bytes).unwrap();
    }

    fn receive_length(&self) -> usize {
        let mut length = [0; 4];
        (&self.from).read_exact(&mut length).unwrap();
        usize::try_from(u32::from_be_bytes(length)).unwrap()
    }

    /// Takes bytes straight into the buffer that is returned.
    fn receive(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(vec![0; self.receive_length()]);
        (&self.from).read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Waits until the parent has looked.
    fn moment(&self, name: &str) {
        self.send(name.as_bytes());
        (&self.from).read_exact(&mut [0]).unwrap();
    }

    fn signed(&self, scheme: SignatureScheme, message: &[u8], signature: &[u8]) {
        self.send(b"signed");
        self.send(&u16::from(scheme).to_be_bytes());
        self.send(message);
        self.send(signature);
        (&self.from).read_exact(&mut [0]).unwrap();
    }
}

/// Presents what another resolver presents, and reports each signature. It stands outside of the crate, so
/// that what it does comes after all that the crate does.
#[derive(Debug)]
struct Reporting<R: ?Sized>(Arc<Parent>, Arc<R>);

impl<R: ?Sized> Reporting<R> {
    fn wrap(&self, presented: &CertifiedKey) -> Arc<CertifiedKey> {
        let key = ReportingKey(self.0.clone(), presented.key.clone());
        Arc::new(CertifiedKey::new(presented.cert.clone(), Arc::new(key)))
    }
}

impl ResolvesClientCert for Reporting<dyn ResolvesClientCert> {
    fn resolve(&self, hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let presented = self.1.resolve(hints, schemes)?;
        Some(self.wrap(&presented))
    }

    fn has_certs(&self) -> bool {
        self.1.has_certs()
    }
}

impl ResolvesServerCert for Reporting<dyn ResolvesServerCert> {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let presented = self.1.resolve(hello)?;
        Some(self.wrap(&presented))
    }
}

#[derive(Debug)]
struct ReportingKey(Arc<Parent>, Arc<dyn SigningKey>);

impl SigningKey for ReportingKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let signer = self.1.choose_scheme(offered)?;
        Some(Box::new(ReportingSigner(self.0.clone(), signer)))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.1.algorithm()
    }
}

#[derive(Debug)]
struct ReportingSigner(Arc<Parent>, Box<dyn Signer>);

impl Signer for ReportingSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signature = self.1.sign(message)?;
        self.0.signed(self.1.scheme(), message, &signature);
        Ok(signature)
    }

    fn scheme(&self) -> SignatureScheme {
        self.1.scheme()
    }
}

fn provider(name: &str) -> Arc<CryptoProvider> {
    match name {
        #[cfg(feature = "aws-lc-rs")]
        "aws-lc-rs" => mutual_trust::tls::provider::aws_lc_rs(),
        #[cfg(feature = "ring")]
        "ring" => mutual_trust::tls::provider::ring(),
        name => panic!("no provider {name}"),
    }
}

/// Runs the case that the arguments name: what to do, provider, certificate, form of the key, its file or `-`
/// for memory or `reader`, and whether a passphrase comes with it.
pub fn run(arguments: &[String]) {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [plan, name, certificate, form, file, secret] = words[..] else {
        panic!("six arguments are wanted");
    };
    let parent = Arc::new(Parent::new());
    let load = || {
        let provider = provider(name);
        let chain = std::fs::read(certificate).unwrap();
        parent.moment("start");
        let how = How {
            form,
            file,
            has_passphrase: secret == "passphrase",
        };
        match plan {
            "drop" => drop_unused(&parent, &how),
            "together" => {
                let text = parent.receive();
                let loaded = Identity::from_pem(&chain, &text, &provider);
                drop(text);
                use_it(&parent, &provider, loaded, plan)
            }
            "compare" => {
                compare(&parent, &provider);
                Ok(())
            }
            _ => {
                let loaded = load(&parent, &provider, &chain, &how);
                use_it(&parent, &provider, loaded, plan)
            }
        }
    };
    let result = match plan {
        "plant" => {
            plant(&parent);
            Ok(())
        }
        #[cfg(feature = "issue")]
        "make" => made(&parent, &provider(name), form, Path::new(file)),
        "thread" => std::thread::scope(|scope| scope.spawn(load).join().unwrap()),
        "signals" | "old signals" => signals(&parent, &provider(name), certificate),
        // As a process does that loads its next key, or tries a passphrase again.
        "twice" => load().and(load()),
        "thread twice" => std::thread::scope(|scope| {
            let load = || load().and(load());
            scope.spawn(load).join().unwrap()
        }),
        _ => load(),
    };
    if plan != "plant" {
        parent.moment("dropped");
    }
    parent.send(b"end");
    parent.send(result.err().as_deref().unwrap_or("ok").as_bytes());
}

/// How a key comes.
struct How<'a> {
    form: &'a str,
    file: &'a str,
    has_passphrase: bool,
}

/// What an error looks like, after it was looked at.
fn refused<E: std::fmt::Debug>(parent: &Parent, error: E) -> Result<(), String> {
    parent.moment("refused");
    Err(format!("{error:?}"))
}

fn drop_unused(parent: &Parent, how: &How<'_>) -> Result<(), String> {
    match read(parent, how) {
        Ok(read) => {
            parent.moment("held");
            drop(read);
            Ok(())
        }
        Err(error) => refused(parent, error),
    }
}

fn use_it(
    parent: &Arc<Parent>,
    provider: &Arc<CryptoProvider>,
    loaded: Result<Identity, IdentityError>,
    plan: &str,
) -> Result<(), String> {
    match loaded {
        Ok(identity) => {
            parent.moment("loaded");
            // P-521 has no place in TLS 1.2, nor has ML-DSA (RFC 9881).
            let algorithm = identity.certificate().signature_algorithm();
            let versions: &[TlsVersion] = match plan {
                "tls 1.3" => &[TlsVersion::Tls13],
                _ if algorithm.starts_with("2.16.840.1.101.3.4.3.") => &[TlsVersion::Tls13],
                _ => &[TlsVersion::Tls13, TlsVersion::Tls12],
            };
            for version in versions {
                talk(parent, provider, &identity, *version);
            }
            parent.moment("used");
            Ok(())
        }
        Err(error) => refused(parent, error),
    }
}

fn load(
    parent: &Parent,
    provider: &CryptoProvider,
    chain: &[u8],
    how: &How<'_>,
) -> Result<Identity, IdentityError> {
    let (beside, key) = read(parent, how)?;
    parent.moment("held");
    let chain = match beside {
        Some(chain) => chain,
        None => CertificateChain::from_pem(chain)?,
    };
    Identity::new(chain, key, provider)
}

/// Reads a key, and the chain if it is in the same text.
fn read(
    parent: &Parent,
    how: &How<'_>,
) -> Result<(Option<CertificateChain>, PrivateKey), IdentityError> {
    let reader = KeyReader::new();
    #[cfg(feature = "encrypted-keys")]
    let passphrase;
    #[cfg(feature = "encrypted-keys")]
    let reader = if how.has_passphrase {
        let bytes = std::mem::take(&mut *parent.receive());
        passphrase = mutual_trust::identity::Passphrase::from(bytes);
        reader.with_passphrase(&passphrase)
    } else {
        reader
    };
    #[cfg(not(feature = "encrypted-keys"))]
    assert!(!how.has_passphrase);
    match (how.file, how.form) {
        ("-", "combined") => {
            let text = parent.receive();
            let (chain, key) = reader.combined_pem(&text)?;
            Ok((Some(chain), key))
        }
        (file, "combined") => {
            let (chain, key) = reader.combined_file(file)?;
            Ok((Some(chain), key))
        }
        ("-", "pem") => {
            let text = parent.receive();
            Ok((None, reader.pem(&text)?))
        }
        ("-", _) => {
            let der = std::mem::take(&mut *parent.receive());
            Ok((None, reader.der(der)?))
        }
        ("reader", _) => {
            let size = parent.receive_length();
            let limit = u64::try_from(size).unwrap();
            Ok((None, reader.reader((&parent.from).take(limit), size)?))
        }
        (file, _) => Ok((None, reader.file(file)?)),
    }
}

/// Makes a key, writes it, and makes a certificate with it.
#[cfg(feature = "issue")]
fn made(
    parent: &Arc<Parent>,
    provider: &Arc<CryptoProvider>,
    kind: &str,
    file: &Path,
) -> Result<(), String> {
    use mutual_trust::identity::{CertificateSpec, GeneratedKey, IfExists, KeyType};
    use mutual_trust::tls::SigningKeyPair;

    let kind = match kind {
        "p256" => KeyType::P256,
        "p384" => KeyType::P384,
        "ed25519" => KeyType::Ed25519,
        "mldsa65" => KeyType::MlDsa65,
        "mldsa87" => KeyType::MlDsa87,
        _ => KeyType::Rsa2048,
    };
    parent.moment("start");
    let new = match GeneratedKey::generate(kind) {
        Ok(new) => new,
        Err(error) => return refused(parent, error),
    };
    new.write(file, IfExists::Refuse).unwrap();
    parent.moment("written");
    let key = new.into_key().unwrap();
    parent.moment("held");
    let key = SigningKeyPair::new(key, provider).unwrap();
    let spec = CertificateSpec::new("array-7").unwrap();
    let identity = key.self_signed(&spec, 730, crate::drive::now()).unwrap();
    let scheme = SignatureScheme::Unknown(0);
    let (message, signature) = crate::keys::signed_parts(identity.certificate().der());
    parent.signed(scheme, message, signature);
    let request = key.request(&spec).unwrap();
    let (message, signature) = crate::keys::signed_parts(request.der());
    parent.signed(scheme, message, signature);
    drop(key);
    use_it(parent, provider, Ok(identity), "use")
}

/// How often the parent looks while signatures are interrupted.
///
/// What a signal leaves is often overwritten by the next one that arrives at the same place: few signals between two
/// looks show more than many. Not optimised, a look takes long, and the run holds nothing about signatures.
const ROUNDS: usize = if cfg!(debug_assertions) { 1 } else { 250 };

/// How many signals arrive between two looks.
const SIGNALS: usize = 5000 / ROUNDS;

/// Signs while signals interrupt it, as those of a profiler do: the kernel saves all registers on the stack, below
/// what is in use there.
fn signals(
    parent: &Arc<Parent>,
    provider: &Arc<CryptoProvider>,
    certificate: &str,
) -> Result<(), String> {
    let arrived = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGUSR1, arrived.clone()).unwrap();
    let chain = std::fs::read(certificate).unwrap();
    parent.moment("start");
    let text = parent.receive();
    let identity = Identity::from_pem(&chain, &text, provider).unwrap();
    drop(text);
    parent.moment("loaded");
    let keys = mutual_trust::tls::key_policy(provider);
    let view = TrustStore::new(keys).snapshot();
    let client = ClientConfigBuilder::new(provider.clone(), view, Policy::new(keys), identity);
    let config = client.build_by_name().unwrap();
    drop(client);
    let schemes = provider
        .signature_verification_algorithms
        .supported_schemes();
    let presented = config.client_auth_cert_resolver.resolve(&[], &schemes);
    let signer = presented.unwrap().key.choose_scheme(&schemes).unwrap();
    for _ in 0..ROUNDS {
        parent.moment("signals");
        let mut signals = 0;
        while signals < SIGNALS {
            signer.sign(b"a message").unwrap();
            if arrived.swap(false, Ordering::Relaxed) {
                signals += 1;
            }
        }
    }
    parent.moment("interrupted");
    drop(signer);
    drop(config);
    Ok(())
}

/// What remains without this crate: a key as most programs load it, and one signature.
fn compare(parent: &Arc<Parent>, provider: &Arc<CryptoProvider>) {
    use pki_types::pem::PemObject;
    let text = parent.receive();
    let key = pki_types::PrivateKeyDer::from_pem_slice(&text).unwrap();
    drop(text);
    let key = provider.key_provider.load_private_key(key).unwrap();
    parent.moment("loaded");
    let key = ReportingKey(parent.clone(), key);
    let schemes = provider
        .signature_verification_algorithms
        .supported_schemes();
    let signer = key.choose_scheme(&schemes).unwrap();
    signer.sign(b"a message").unwrap();
    parent.moment("used");
}

/// A handshake of the identity with itself: both ends sign with the key.
fn talk(
    parent: &Arc<Parent>,
    provider: &Arc<CryptoProvider>,
    identity: &Identity,
    version: TlsVersion,
) {
    let keys = mutual_trust::tls::key_policy(provider);
    let clock = Arc::new(crate::drive::now());
    let mut store = TrustStore::new(keys).with_clock(clock.clone());
    let certificate: Certificate = identity.certificate().clone();
    let id = "keys-1".parse().unwrap();
    let name = "kms1.example".parse().unwrap();
    store
        .add_server(mutual_trust::ServerId::clone(&id), [name])
        .unwrap();
    for scope in [PinScope::Server(id.clone()), PinScope::Clients] {
        store
            .install_pin(scope, certificate.clone(), EntryOptions::new())
            .unwrap();
    }
    let policy = Policy::new(keys);
    let client =
        ClientConfigBuilder::new(provider.clone(), store.snapshot(), policy, identity.clone())
            .with_protocol_versions(&[version])
            .with_clock(clock.clone());
    let server =
        ServerConfigBuilder::new(provider.clone(), store.snapshot(), policy, identity.clone())
            .with_protocol_versions(&[version])
            .with_clock(clock);
    let mut client = ClientConfig::clone(&client.build_for(&id).unwrap());
    let mut server = ServerConfig::clone(&server.build().unwrap());
    let (for_client, for_server) = (client.client_auth_cert_resolver, server.cert_resolver);
    client.client_auth_cert_resolver = Arc::new(Reporting(parent.clone(), for_client));
    server.cert_resolver = Arc::new(Reporting(parent.clone(), for_server));
    let outcome = handshake::handshake(&Arc::new(client), &Arc::new(server), "kms1.example");
    outcome.expect_link("a handshake with itself");
}

const PLANTED: usize = 1 << 16;

/// Leaves needles where they must be found.
fn plant(parent: &Parent) {
    parent.moment("start");
    let mut live = parent.receive();
    parent.moment("live");
    let copy = live.to_vec();
    live.zeroize();
    drop(live);
    drop(copy);
    parent.moment("freed");
    on_stack(parent);
    parent.moment("dead stack");
}

#[inline(never)]
fn on_stack(parent: &Parent) {
    let mut area = [0_u8; PLANTED];
    let length = parent.receive_length();
    (&parent.from).read_exact(&mut area[..length]).unwrap();
    std::hint::black_box(&mut area);
}
