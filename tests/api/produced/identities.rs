//! Identities, private keys and their files, and what is advised of an identity.

use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use std::{fs, sync::Arc};

use mutual_trust::error::IdentityError;
use mutual_trust::identity::{
    CertificateChain, KeyReader, Passphrase, PrivateKey, RenewalSchedule,
};
use mutual_trust::limits::{
    MAX_KEY_FILE_BYTES, MAX_PRESENTED_CERTIFICATES, MAX_PRIVATE_KEY_BYTES, MAX_SEEN_SERVERS,
};
use mutual_trust::tls::{Identities, IdentityFolder, KeyMatch, Renewal};
use mutual_trust::{Certificate, CurrentTime, Identity};
use pki_types::PrivateKeyDer;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::sign::{Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};

use crate::produced::Produced;
use crate::support::der::{Der, INTEGER, OCTETS, OID, SEQUENCE, bytes, parts, tree};
use crate::support::folder::Folder;
use crate::support::pki::{self_signed, spec};
use crate::support::{
    DAY, NOW, at, fixture, fixture_bytes, fixture_identity, fixture_key, provider, server_id,
};

pub(crate) fn produce(produced: &mut Produced) {
    chains(produced);
    keys(produced);
    encrypted(produced);
    files(produced);
    belonging(produced);
    advice(produced);
    rotation(produced);
    folders(produced);
}

fn chain(all: &[&Certificate]) -> Result<CertificateChain, IdentityError> {
    CertificateChain::new(all.iter().copied().cloned().collect())
}

fn chains(produced: &mut Produced) {
    let root = spec("root").ca().self_signed();
    let leaf = spec("leaf").dns("leaf").signed_by(&root).certificate;
    produced.error(chain(&[]));
    produced.error(chain(&vec![&leaf; MAX_PRESENTED_CERTIFICATES + 1]));
    produced.error(chain(&[&leaf, &fixture("ca-root")]));
    let key = spec("cross").ca().self_signed();
    let by_root = spec("cross").ca().key_of(&key).signed_by(&root).certificate;
    let again = spec("cross").ca().key_of(&key).signed_by(&key).certificate;
    let below = spec("below").signed_by(&key).certificate;
    produced.error(chain(&[&by_root, &below, &root.certificate, &again]));
    // Two pairs, in which each issued the other.
    let mut all = Vec::new();
    for [one, other] in [["a", "b"], ["c", "d"]] {
        let (first, second) = (spec(one).ca().self_signed(), spec(other).ca().self_signed());
        all.push(spec(one).ca().key_of(&first).signed_by(&second).certificate);
        all.push(
            spec(other)
                .ca()
                .key_of(&second)
                .signed_by(&first)
                .certificate,
        );
    }
    produced.error(CertificateChain::new(all));
    produced.error(CertificateChain::from_pem(b""));
    produced.error(CertificateChain::from_file("/nowhere/chain.pem"));
}

fn format(name: &str) -> Vec<u8> {
    fixture_bytes(&format!("keys-formats/{name}"))
}

fn keys(produced: &mut Produced) {
    let key = fixture_key("p256");
    produced.error(PrivateKey::from_pem(b""));
    produced.error(PrivateKey::from_pem(&key.repeat(2)));
    produced.error(PrivateKey::from_pem(&format("refused-legacy-rsa.pem")));
    produced.error(PrivateKey::from_der(vec![0x30, 0]));
    produced.error(PrivateKey::from_pem(&format("refused-explicit-curve.pem")));
    let whole = format("p256-pkcs8.der");
    produced.error(PrivateKey::from_der(whole[..whole.len() - 1].to_vec()));
    produced.error(PrivateKey::from_der([&whole[..], &[0]].concat()));
    let large = parts(
        SEQUENCE,
        vec![
            bytes(INTEGER, &[0]),
            parts(SEQUENCE, Vec::new()),
            bytes(OCTETS, &vec![0; MAX_PRIVATE_KEY_BYTES + 1]),
        ],
    );
    produced.error(PrivateKey::from_der(large.write()));
    produced.error(PrivateKey::from_der(format("refused-rsa1024.der")));
    for name in [
        "certificate.der",
        "public-key.der",
        "request.der",
        "crl.der",
        "keystore.p12",
    ] {
        match produced.error(PrivateKey::from_der(format(name))) {
            IdentityError::NotAKey { found, .. } => produced.value(&found),
            other => panic!("{name}: {other}"),
        }
    }
    match produced.error(PrivateKey::from_pem(&format("parameters.pem"))) {
        IdentityError::NotAKey { found, .. } => produced.value(&found),
        other => panic!("{other}"),
    }
}

fn encrypted(produced: &mut Produced) {
    let name = "p256-pbkdf2-aes256.der";
    produced.error(PrivateKey::from_der(format(name)));
    let mut read = |content: Vec<u8>| {
        let passphrase = Passphrase::from("wrong".to_owned());
        match produced.error(KeyReader::new().with_passphrase(&passphrase).der(content)) {
            IdentityError::Decrypt(error) => produced.value(&error),
            other => panic!("{other}"),
        }
    };
    read(format(name));
    read(format("refused-pbkdf2-3des.der"));
    let edited = |name: &str, change: &dyn Fn(&mut Der)| {
        let mut der = Der::read(&format(name));
        change(&mut der);
        der.write()
    };
    let costly = vec![0x7f, 0xff, 0xff, 0xff];
    read(edited(name, &|der| {
        costly.clone_into(der.at(&[0, 1, 0, 1, 1]).content())
    }));
    read(edited("p256-scrypt-parameters.der", &|der| {
        costly.clone_into(der.at(&[0, 1, 0, 1, 1]).content());
    }));
    read(edited(name, &|der| {
        der.at(&[0, 1, 0, 1]).list().truncate(1)
    }));
}

fn files(produced: &mut Produced) {
    let folder = Folder::new("produced-keys");
    let path = folder.file("key");
    let read = |content: &[u8], mode: u32| {
        let _ = fs::remove_file(&path);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        PrivateKey::from_file(&path)
    };
    let mut file = |result: Result<PrivateKey, IdentityError>| match produced.error(result) {
        IdentityError::KeyFile { source, .. } | IdentityError::KeyReader(source) => {
            produced.value(&source);
        }
        other => panic!("{other}"),
    };
    let key = fixture_key("p256");
    file(PrivateKey::from_file("/nowhere/key"));
    file(PrivateKey::from_file(folder.path()));
    file(read(b"", 0o600));
    file(read(&key, 0o644));
    file(read(&vec![b'x'; MAX_KEY_FILE_BYTES + 1], 0o600));
    file(PrivateKey::from_reader(&key[..], key.len() + 1));
    file(PrivateKey::from_reader(&key[..], key.len() - 1));
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::TimedOut.into())
        }
    }
    file(PrivateKey::from_reader(Failing, 10));
}

/// A signer that does not tell its public key.
#[derive(Debug)]
struct Silent(Arc<dyn SigningKey>);

impl SigningKey for Silent {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        self.0.choose_scheme(offered)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm()
    }
}

fn belonging(produced: &mut Produced) {
    let provider = provider();
    let chain = || CertificateChain::new(vec![fixture("ee-p256")]).unwrap();
    let key = |name: &str| PrivateKey::from_pem(&fixture_key(name)).unwrap();
    produced.error(Identity::new(chain(), key("p256-b"), &provider));
    // Of an algorithm that no provider has.
    let odd = parts(
        SEQUENCE,
        vec![
            bytes(INTEGER, &[0]),
            parts(SEQUENCE, vec![bytes(OID, &[0x2a, 3, 4])]),
            bytes(OCTETS, &[0; 32]),
        ],
    );
    let odd = PrivateKey::from_der(odd.write()).unwrap();
    produced.error(Identity::new(chain(), odd, &provider));
    let made = self_signed("silent");
    let own = PrivateKeyDer::Pkcs8(made.key.serialize_der().into());
    let signer = Arc::new(Silent(provider.key_provider.load_private_key(own).unwrap()));
    let own = CertificateChain::new(vec![made.certificate()]).unwrap();
    produced.error(Identity::from_signer(own, signer, KeyMatch::Required));
    // Two CAs of one name, one of which signed.
    let ca = || spec("issuing").ca().no_authority_key_id().self_signed();
    let (issuing, other) = (ca(), ca());
    let leaf = spec("leaf").no_authority_key_id().signed_by(&issuing);
    let wrong = super::identities::chain(&[&leaf.certificate, &other.certificate]).unwrap();
    let own = PrivateKey::from_pem(leaf.key.serialize_pem().as_bytes()).unwrap();
    produced.error(Identity::new(wrong, own, &provider));
    // Java's elliptic curve keys lack the public part, which ring wants.
    let ring = mutual_trust::tls::provider::ring();
    let key = PrivateKey::from_pem(&format("keytool-p256-key.pem")).unwrap();
    produced.error(Identity::new(chain(), key, &ring));
}

/// The provider without the algorithm with which the certificates of these tests are signed.
fn without_sha256() -> CryptoProvider {
    let provider = CryptoProvider::clone(&provider());
    let all = provider.signature_verification_algorithms;
    let kept: Vec<_> = all
        .all
        .iter()
        .copied()
        .filter(|one| one.signature_alg_id() != pki_types::alg_id::ECDSA_SHA256)
        .collect();
    CryptoProvider {
        signature_verification_algorithms: WebPkiSupportedAlgorithms {
            all: kept.leak(),
            mapping: all.mapping,
        },
        ..provider
    }
}

fn advice(produced: &mut Produced) {
    let mut ask = |identity: &Identity, clock: CurrentTime| {
        for advice in identity.advice(clock) {
            produced.value(&advice);
        }
    };
    let now = CurrentTime::Known(at(NOW));
    for (spec, clock) in [
        (spec("a").dns("a").server_auth(), now),
        (spec("a").ca(), now),
        (spec("a").valid(-10, 10), CurrentTime::Known(at(NOW + DAY))),
        (spec("a").valid(-10, 86_400), now),
        (spec("a").valid(86_400, 90_000), now),
        (spec("a"), CurrentTime::Unset),
    ] {
        ask(&spec.self_signed().identity(&[], &provider()), clock);
    }
    ask(&fixture_identity("v1", "v1", &provider()), now);
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ML_DSA_44).unwrap();
    let post_quantum = spec("a").key(key).self_signed();
    ask(&post_quantum.identity(&[], &provider()), now);
    let issuing = spec("issuing").ca().self_signed();
    let provider_without = without_sha256();
    ask(
        &spec("a")
            .signed_by(&issuing)
            .identity(&[&issuing], &provider_without),
        now,
    );
    // Keys that only a signer of one's own can have.
    let of = |certificate: Certificate| {
        let own = self_signed("any").key.serialize_der();
        let own = provider()
            .key_provider
            .load_private_key(PrivateKeyDer::Pkcs8(own.into()));
        let signer = Arc::new(Silent(own.unwrap()));
        let chain = CertificateChain::new(vec![certificate]).unwrap();
        Identity::from_signer(chain, signer, KeyMatch::AcceptUnknown).unwrap()
    };
    ask(&of(fixture("rsa1024")), now);
    ask(&of(fixture("ee-p521")), now);
    let mut signed = tree(&fixture("sha1-self-signed"));
    signed.field(3).at(&[0, 0, 1]).content()[0] ^= 1;
    ask(&of(Certificate::from_der(&signed.write()).unwrap()), now);
}

fn rotation(produced: &mut Produced) {
    let identity = |name: &str| self_signed(name).identity(&[], &provider());
    let first = identity("first");
    let identities = Identities::new(first.clone());
    produced.error(identities.commit());
    produced.error(identities.stage(first));
    identities.stage(identity("second")).unwrap();
    produced.error(identities.commit());
    identities.activate(&server_id("keys-1")).unwrap();
    produced.error(identities.stage(identity("third")));
}

fn folders(produced: &mut Produced) {
    let all = Folder::new("produced-identity-folders");
    let made = self_signed("array-7");
    fs::write(all.file("own.pem"), made.certificate.to_pem()).unwrap();
    fs::write(all.file("own.key"), made.key.serialize_pem()).unwrap();
    fs::set_permissions(all.file("own.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let next = self_signed("array-7");
    fs::write(all.file("next.pem"), next.certificate.to_pem()).unwrap();
    fs::write(all.file("next.key"), next.key.serialize_pem()).unwrap();
    fs::set_permissions(all.file("next.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let of = |name: &str| {
        IdentityFolder::new(all.file(name), KeyReader::new(), provider())
            .with_clock(Arc::new(CurrentTime::Known(at(NOW))))
            .with_lock_wait(Duration::ZERO)
    };
    let create = |name: &str| of(name).create(all.file("own.pem"), all.file("own.key"));
    let folder = of("identity");
    produced.error(folder.state());
    // A file is in the place of the folder, and a folder in the place of a file.
    produced.error(create("own.pem/identity"));
    let print = made.certificate.fingerprint();
    let start: String = print.to_string().replace(':', "").to_lowercase();
    let name = format!("other/identity-{}.key", &start[..16]);
    fs::create_dir_all(all.file(&name)).unwrap();
    produced.error(create("other"));
    fs::create_dir(all.file("open")).unwrap();
    fs::set_permissions(all.file("open"), fs::Permissions::from_mode(0o777)).unwrap();
    produced.error(create("open"));
    let later = of("late").with_clock(Arc::new(CurrentTime::Known(at(NOW + 9_000 * DAY))));
    produced.error(later.create(all.file("own.pem"), all.file("own.key")));
    create("identity").unwrap();
    produced.error(create("identity"));
    produced.error(folder.stage(all.file("own.pem"), all.file("next.key")));
    produced.error(folder.stage_answer(all.file("own.pem")));
    produced.error(folder.finish(&[]));
    folder
        .stage(all.file("next.pem"), all.file("next.key"))
        .unwrap();
    produced.error(folder.finish(&[server_id("keys-1")]));
    let many: Vec<_> = (0..=MAX_SEEN_SERVERS)
        .map(|at| server_id(&format!("keys-{at}")))
        .collect();
    produced.error(folder.activate(&many));
    let unset = of("identity").with_clock(Arc::new(CurrentTime::Unset));
    produced.error(unset.renew_when_due(&Renewal::new(RenewalSchedule::new())));
    let lock = fs::File::open(all.file("identity/identity-state.lock")).unwrap();
    lock.lock().unwrap();
    produced.error(folder.activate_all());
    lock.unlock().unwrap();
    let file = folder.certificate_file(print);
    fs::write(file, next.certificate.to_pem()).unwrap();
    produced.error(folder.identities());
    let state = all.file("identity/identity-state");
    let text = fs::read_to_string(&state).unwrap();
    for changed in [
        text.replace("identity 1", "identity 9"),
        text.replace("next", "text"),
    ] {
        fs::write(&state, changed).unwrap();
        produced.error(folder.state());
    }
}
