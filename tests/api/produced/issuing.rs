//! What we make and write ourselves.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use mutual_trust::error::{IssueError, WriteError};
use mutual_trust::identity::{
    CertificateChain, CertificateRequest, CertificateSpec, GeneratedKey, IfExists, KeyType,
    PrivateKey, SubjectPart, write_private,
};
use mutual_trust::tls::{KeyMatch, SigningKeyPair};
use mutual_trust::{CurrentTime, Identity};
use pki_types::PrivateKeyDer;
use rustls::crypto::{CryptoProvider, GetRandomFailed, SecureRandom};
use rustls::sign::{Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};

use crate::produced::Produced;
use crate::support::folder::Folder;
use crate::support::pki::{self_signed, spec};
use crate::support::{at, fixture, fixture_bytes, now, provider};

pub(crate) fn produce(produced: &mut Produced) {
    made(produced);
    subjects(produced);
    signed_outside(produced);
    renewed(produced);
    requested(produced);
    written(produced);
}

fn own(provider: &Arc<CryptoProvider>) -> SigningKeyPair {
    let key = GeneratedKey::generate(KeyType::P256)
        .unwrap()
        .into_key()
        .unwrap();
    SigningKeyPair::new(key, provider).unwrap()
}

fn words() -> CertificateSpec {
    CertificateSpec::new("array-7").unwrap()
}

#[derive(Debug)]
struct NoRandom;

impl SecureRandom for NoRandom {
    fn fill(&self, _: &mut [u8]) -> Result<(), GetRandomFailed> {
        Err(GetRandomFailed)
    }
}

fn made(produced: &mut Produced) {
    let provider = provider();
    produced.error(own(&provider).self_signed(&words(), 0, now()));
    produced.error(own(&provider).self_signed(&words(), 1, CurrentTime::Unset));
    produced.error(own(&provider).self_signed(&words(), 1, CurrentTime::Known(at(0))));
    let broken = Arc::new(CryptoProvider {
        secure_random: &NoRandom,
        ..CryptoProvider::clone(&provider)
    });
    produced.error(own(&broken).self_signed(&words(), 1, now()));
}

fn subjects(produced: &mut Produced) {
    let mut problem = |result: Result<CertificateSpec, IssueError>| match produced.error(result) {
        IssueError::Subject { problem, .. } => produced.value(&problem),
        other => panic!("{other}"),
    };
    problem(CertificateSpec::new(""));
    problem(CertificateSpec::new(&"x".repeat(65)));
    problem(CertificateSpec::new("a\nb"));
    problem(words().with_subject(SubjectPart::Country, "DEU"));
    let once = words()
        .with_subject(SubjectPart::Organization, "One")
        .unwrap();
    problem(once.with_subject(SubjectPart::Organization, "Two"));
}

/// A signer outside that tells its public key, and then signs nothing or offers nothing.
#[derive(Debug)]
struct Outside(Arc<dyn SigningKey>, bool);

#[derive(Debug)]
struct Fails(SignatureScheme);

impl Signer for Fails {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Err(rustls::Error::General("no".into()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.0
    }
}

impl SigningKey for Outside {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = self.0.choose_scheme(offered)?.scheme();
        self.1
            .then(|| -> Box<dyn Signer> { Box::new(Fails(scheme)) })
    }

    fn public_key(&self) -> Option<pki_types::SubjectPublicKeyInfoDer<'_>> {
        self.0.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm()
    }
}

fn signed_outside(produced: &mut Produced) {
    for offers in [true, false] {
        let made = self_signed("array-7");
        let key = PrivateKeyDer::Pkcs8(made.key.serialize_der().into());
        let key = provider().key_provider.load_private_key(key).unwrap();
        let chain = CertificateChain::new(vec![made.certificate()]).unwrap();
        let outside = Arc::new(Outside(key, offers));
        let identity = Identity::from_signer(chain, outside, KeyMatch::Required).unwrap();
        produced.error(identity.renew(30, now(), &provider()));
    }
}

fn renewed(produced: &mut Produced) {
    let root = spec("root").ca().self_signed();
    let issued = spec("array-7").client_auth().signed_by(&root);
    let issued = issued.identity(&[], &provider());
    produced.error(issued.renew(30, now(), &provider()));
    let key = own(&provider());
    let old = key.self_signed(&words(), 30, now()).unwrap();
    produced.error(old.rekey(&key, 30, now()));
    let other = spec("array-7").params(|params| {
        let value = rcgen::OtherNameValue::Utf8String("x".to_owned());
        let name = rcgen::SanType::OtherName((vec![1, 3, 6, 1], value));
        params.subject_alt_names.push(name);
    });
    produced.error(CertificateSpec::from_template(
        &other.self_signed().certificate,
    ));
}

fn requested(produced: &mut Produced) {
    let read = |text: &str| CertificateRequest::from_pem(text.as_bytes());
    let key = own(&provider());
    let request = key.request(&words()).unwrap();
    produced.error(read(""));
    produced.error(read(&request.to_pem().repeat(2)));
    let certificate = String::from_utf8(fixture_bytes("ee-p256.pem")).unwrap();
    produced.error(read(
        &certificate.replace("CERTIFICATE", "CERTIFICATE REQUEST"),
    ));
    let chain = |one| CertificateChain::new(vec![one]).unwrap();
    produced.error(key.install(&request, chain(fixture("chain-client"))));
    let own_signed = key.self_signed(&words(), 30, now()).unwrap();
    produced.error(key.install(&request, chain(own_signed.certificate().clone())));
    let root = spec("root").ca().self_signed();
    let ca = spec("array-7")
        .ca()
        .for_key_of(own_signed.certificate(), &root);
    produced.error(key.install(&request, chain(ca)));
    // Another key is at hand than that of the request.
    let theirs = PrivateKey::from_pem(&fixture_bytes("keys/chain-client.key.pem")).unwrap();
    let theirs = SigningKeyPair::new(theirs, &provider()).unwrap();
    let request = theirs.request(&words()).unwrap();
    produced.error(key.install(&request, chain(fixture("chain-client"))));
}

fn written(produced: &mut Produced) {
    let folder = Folder::new("produced-written");
    let path = folder.file("key.pem");
    write_private(&path, b"old", IfExists::Refuse).unwrap();
    produced.error(write_private(&path, b"new", IfExists::Refuse));
    produced.error(write_private(Path::new("/"), b"new", IfExists::Refuse));
    symlink(&path, folder.file("link")).unwrap();
    produced.error(write_private(
        folder.file("link"),
        b"new",
        IfExists::Replace,
    ));
    let mut step = |result: Result<(), WriteError>| match produced.error(result) {
        WriteError::Io { step, .. } => produced.value(&step),
        other => panic!("{other}"),
    };
    step(write_private(
        folder.file("missing/key.pem"),
        b"x",
        IfExists::Refuse,
    ));
    fs::write(folder.file("file"), "").unwrap();
    step(write_private(
        folder.file("file/key.pem"),
        b"x",
        IfExists::Refuse,
    ));
}
