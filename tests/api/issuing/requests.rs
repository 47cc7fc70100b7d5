//! Requests: OpenSSL verifies them, a CA of OpenSSL signs them, and the answer is installed and used.

use mutual_trust::certificate::{Certificate, SanName};
use mutual_trust::error::{IdentityError, IssueError, PemError};
use mutual_trust::identity::{
    CertificateChain, CertificateRequest, CertificateSpec, GeneratedKey, IfExists, KeyType,
    PrivateKey,
};
use mutual_trust::limits::MAX_REQUEST_BYTES;
use mutual_trust::tls::SigningKeyPair;
use mutual_trust::{AuthorityScope, CurrentTime, EntryOptions, Identity, ReasonCode};

use crate::issuing::made::{kinds, own_key, spec};
use crate::support::der::{Der, OCTETS, OID};
use crate::support::folder::Folder;
use crate::support::handshake::handshake;
use crate::support::link::{Setting, keys_1, settings};
use crate::support::openssl::{OpenSsl, below, openssl};
use crate::support::pki::{pki, self_signed, spec as certificate};
use crate::support::{NOW, at, fixture, fixture_bytes, now, provider};

/// A root and an intermediate, made by OpenSSL.
fn make_ca(openssl: &OpenSsl) {
    openssl.write("ca.ext", "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n");
    openssl.run(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -out root.pem \
         -subj /CN=Root -days 9000 -addext keyUsage=critical,keyCertSign,cRLSign",
    );
    openssl.run(
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout sub.key -out sub.csr \
         -subj /CN=Issuing",
    );
    openssl.run(
        "x509 -req -in sub.csr -CA root.pem -CAkey root.key -out sub.pem -days 9000 -extfile ca.ext -extensions ca",
    );
}

/// Signs `own.csr` with all requested extensions.
fn sign(openssl: &OpenSsl) {
    openssl.run(
        "x509 -req -in own.csr -CA sub.pem -CAkey sub.key -out own.pem -days 3000 -copy_extensions copyall",
    );
}

/// Makes a connection to a server that trusts the CA for its clients.
fn serves(setting: &Setting, identity: Identity, root: &Certificate) {
    let server = self_signed("kms1.example").identity(&[], &setting.provider);
    let trusted = setting.pinning_server(server.certificate()).snapshot();
    let mut known = setting.store();
    known
        .install_authority(AuthorityScope::Clients, root.clone(), EntryOptions::new())
        .unwrap();
    // openssl used the clock of the machine, but the store's clock is ours.
    let since = identity.certificate().validity().not_before().seconds();
    let clock = NOW.max(u64::try_from(since).unwrap() + 60);
    let clock = CurrentTime::Known(at(clock));
    let policy = setting.policy();
    let server = setting.server_with(known.snapshot(), server, policy, clock);
    let check = server.peer_check();
    let client = setting
        .client(trusted, identity)
        .build_for(&keys_1())
        .unwrap();
    let outcome = handshake(&client, &server.build().unwrap(), "kms1.example");
    outcome.expect_link(&setting.name);
    let verdict = mutual_trust::Verdict::from(check.client(&outcome.server_connection));
    assert_eq!(
        verdict.reason(),
        ReasonCode::ChainVerified,
        "{}",
        setting.name
    );
}

#[test]
fn openssl_verifies_requests_of_all_kinds_of_keys_and_its_answers_serve() {
    let Some(openssl) = openssl("requests") else {
        return;
    };
    make_ca(&openssl);
    let root = Certificate::from_pem(&openssl.read("root.pem")).unwrap();
    for kind in kinds() {
        for setting in settings() {
            let key = own_key(kind, &setting.provider);
            let request = key.request(&spec()).unwrap();
            openssl.write("own.csr", request.to_pem());
            let said = openssl.run("req -in own.csr -verify -noout");
            assert!(said.contains("verify OK"), "{kind}: {said}");
            let text = openssl.run("req -in own.csr -noout -text");
            assert!(text.contains("Version: 1 (0x0)"), "{text}");
            assert_eq!(
                below(&text, "X509v3 Basic Constraints: critical"),
                "CA:FALSE"
            );
            assert!(below(&text, "X509v3 Key Usage: critical").starts_with("Digital Signature"));
            assert_eq!(
                below(&text, "X509v3 Extended Key Usage:"),
                "TLS Web Server Authentication, TLS Web Client Authentication"
            );
            assert!(
                below(&text, "X509v3 Subject Alternative Name:").contains("DNS:array-7.example")
            );

            sign(&openssl);
            let said =
                openssl.run("verify -x509_strict -CAfile root.pem -untrusted sub.pem own.pem");
            assert!(said.contains("own.pem: OK"), "{kind}: {said}");
            let answer = [openssl.read("own.pem"), openssl.read("sub.pem")].concat();
            let chain = CertificateChain::from_pem(&answer).unwrap();
            let identity = key.install(&request, chain).unwrap();
            assert!(!identity.certificate().is_self_issued());
            let names: Vec<_> = identity.certificate().names().collect();
            assert_eq!(names[0], SanName::Dns("array-7.example"), "{kind}");
            serves(&setting, identity, &root);
        }
    }
}

#[test]
fn a_request_is_outstanding_over_a_restart_as_two_files() {
    let Some(openssl) = openssl("restart") else {
        return;
    };
    make_ca(&openssl);
    let folder = Folder::new("restart-own");
    let (key_file, request_file) = (folder.file("own.key"), folder.file("own.csr"));
    {
        let new = GeneratedKey::generate(KeyType::P256).unwrap();
        new.write(&key_file, IfExists::Refuse).unwrap();
        let key = SigningKeyPair::new(new.into_key().unwrap(), &provider()).unwrap();
        let request = key.request(&spec()).unwrap();
        request.write(&request_file, IfExists::Refuse).unwrap();
        openssl.write("own.csr", request.to_pem());
    }
    sign(&openssl);
    let request = CertificateRequest::from_pem(&std::fs::read(&request_file).unwrap()).unwrap();
    let key = PrivateKey::from_file(&key_file).unwrap();
    let key = SigningKeyPair::new(key, &provider()).unwrap();
    // The CA put its own certificate first: the order is repaired.
    let answer = [openssl.read("sub.pem"), openssl.read("own.pem")].concat();
    let identity = key
        .install(&request, CertificateChain::from_pem(&answer).unwrap())
        .unwrap();
    assert_eq!(identity.certificate().key_pin(), request.key_pin());
}

#[test]
fn an_answer_to_another_request_is_refused() {
    let ca = pki("Example");
    let (ours, other) = (
        own_key(KeyType::P256, &provider()),
        own_key(KeyType::P256, &provider()),
    );
    let request = ours.request(&spec()).unwrap();
    let answer = ca.client("array-7.example");
    let refused = ours.install(
        &request,
        CertificateChain::new(vec![answer.certificate()]).unwrap(),
    );
    let Err(IssueError::AnswerToAnother {
        requested, found, ..
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(requested, request.key_pin());
    assert_eq!(found, answer.certificate.key_pin());
    // Nor does it answer a request for another key of ours.
    let theirs = other.request(&spec()).unwrap();
    assert_ne!(theirs.key_pin(), request.key_pin());
}

#[test]
fn an_answer_with_an_issuer_that_did_not_sign_it_is_refused() {
    // K1: the CA changed its key, and the answer contains its old certificate.
    let [root, old, new] = ["Root", "Issuing", "Issuing"]
        .map(|name| certificate(name).ca().no_authority_key_id().self_signed());
    let own = self_signed("array-7.example");
    let key = PrivateKey::from_pem(own.key.serialize_pem().as_bytes()).unwrap();
    let key = SigningKeyPair::new(key, &provider()).unwrap();
    let request = key.request(&spec()).unwrap();
    let issuing = |key| {
        let spec = certificate("Issuing").ca().no_authority_key_id();
        spec.key_of(key).signed_by(&root).certificate
    };
    let answer = certificate("array-7.example").no_authority_key_id();
    let answer = answer.key_of(&own).signed_by(&new).certificate;
    let chain = |issuer| CertificateChain::new(vec![answer.clone(), issuing(issuer)]).unwrap();
    let refused = key.install(&request, chain(&old));
    assert!(
        matches!(
            refused,
            Err(IssueError::Identity(IdentityError::ChainNotSigned {
                index: 0,
                ..
            }))
        ),
        "{refused:?}"
    );
    key.install(&request, chain(&new)).unwrap();
}

#[test]
fn an_answer_to_the_request_of_another_key_is_refused_by_the_key() {
    // There are two requests, and the wrong key is used (K1).
    let request = CertificateRequest::from_pem(request_of_fixture().as_bytes()).unwrap();
    let key = own_key(KeyType::P256, &provider());
    let answer = fixture("chain-client");
    assert_eq!(answer.key_pin(), request.key_pin());
    let refused = key.install(
        &request,
        CertificateChain::new(vec![answer.clone()]).unwrap(),
    );
    let Err(IssueError::Identity(IdentityError::KeyMismatch { certificate, .. })) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(certificate, answer.fingerprint());
    // With its own key it is the answer.
    let own = PrivateKey::from_pem(&fixture_bytes("keys/chain-client.key.pem")).unwrap();
    let own = SigningKeyPair::new(own, &provider()).unwrap();
    own.install(&request, CertificateChain::new(vec![answer]).unwrap())
        .unwrap();
}

fn request_of_fixture() -> String {
    let key = PrivateKey::from_pem(&fixture_bytes("keys/chain-client.key.pem")).unwrap();
    let key = SigningKeyPair::new(key, &provider()).unwrap();
    key.request(&spec()).unwrap().to_pem()
}

#[test]
fn a_certificate_that_nobody_has_signed_for_us_is_no_answer() {
    let key = own_key(KeyType::P256, &provider());
    let request = key.request(&spec()).unwrap();
    let own = key.self_signed(&spec(), 30, now()).unwrap();
    let chain = CertificateChain::new(vec![own.certificate().clone()]).unwrap();
    let refused = key.install(&request, chain);
    assert!(
        matches!(refused, Err(IssueError::AnswerSelfSigned)),
        "{refused:?}"
    );
}

#[test]
fn a_ca_certificate_is_no_answer() {
    let Some(openssl) = openssl("ca-answer") else {
        return;
    };
    make_ca(&openssl);
    let key = own_key(KeyType::P256, &provider());
    let request = key.request(&spec()).unwrap();
    openssl.write("own.csr", request.to_pem());
    openssl.run("x509 -req -in own.csr -CA sub.pem -CAkey sub.key -out own.pem -extfile ca.ext -extensions ca");
    let chain = CertificateChain::from_pem(&openssl.read("own.pem")).unwrap();
    let refused = key.install(&request, chain);
    assert!(
        matches!(refused, Err(IssueError::AnswerIsCa)),
        "{refused:?}"
    );
}

#[test]
fn what_is_written_is_read_again_and_of_others_only_a_request_is_read() {
    let key = own_key(KeyType::Ed25519, &provider());
    let request = key.request(&spec()).unwrap();
    let pem = request.to_pem();
    assert_eq!(
        CertificateRequest::from_pem(pem.as_bytes()).unwrap(),
        request
    );
    // The label that keytool and old versions of OpenSSL write.
    let old = pem.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST");
    assert_eq!(
        CertificateRequest::from_pem(old.as_bytes()).unwrap(),
        request
    );

    let read = |text: &str| CertificateRequest::from_pem(text.as_bytes());
    assert!(matches!(
        read(""),
        Err(IssueError::RequestPem(PemError::NoSection))
    ));
    let cut = &pem[..pem.len() - 40];
    assert!(matches!(read(cut), Err(IssueError::RequestPem(_))));
    let two = pem.repeat(2);
    assert!(matches!(
        read(&two),
        Err(IssueError::NotOneRequest { found: 2, .. })
    ));
    let certificate = String::from_utf8(fixture_bytes("ee-p256.pem")).unwrap();
    assert!(matches!(
        read(&certificate),
        Err(IssueError::RequestPem(PemError::Label { .. }))
    ));
    // A certificate with the label of a request, and requests with a byte too many or too few.
    let mislabelled = certificate.replace("CERTIFICATE", "CERTIFICATE REQUEST");
    assert!(matches!(
        read(&mislabelled),
        Err(IssueError::RequestMalformed)
    ));
}

#[test]
fn a_damaged_request_is_refused_and_never_panics() {
    let key = own_key(KeyType::P256, &provider());
    let request = key.request(&spec()).unwrap();
    let der = request.der();
    let read = |der: &[u8]| {
        let body = base64(der);
        let text = format!(
            "-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n"
        );
        CertificateRequest::from_pem(text.as_bytes())
    };
    assert_eq!(read(der).unwrap(), request);
    for length in 0..der.len() {
        assert!(read(&der[..length]).is_err(), "{length}");
    }
    assert!(read(&[der, &[0]].concat()).is_err());
    for at in 0..der.len() {
        let mut damaged = der.to_vec();
        damaged[at] ^= 0x80;
        let _ = read(&damaged);
    }
    // Each checked field has another type.
    for (place, tag) in [
        (&[][..], 0x31),
        (&[0], 0x31),
        (&[1], 0x31),
        (&[0, 0], OCTETS),
        (&[0, 1], 0x31),
        (&[0, 2], 0x31),
    ] {
        let mut damaged = Der::read(der);
        damaged.at(place).tag = tag;
        let refused = read(&damaged.write());
        assert!(
            matches!(refused, Err(IssueError::RequestMalformed)),
            "{place:?}"
        );
    }
    // I4: an identifier that is padded, unfinished or empty, in the name, the key and the algorithm.
    let whole = Der::read(der);
    let identifiers = whole.paths().into_iter();
    let identifiers = identifiers.filter(|path| whole.clone().at(path).tag == OID);
    let mut places = 0;
    for path in identifiers {
        places += 1;
        for bad in [&[0x80, 0x2a][..], &[0x2a, 0x80, 1], &[0xaa], &[]] {
            let mut damaged = whole.clone();
            *damaged.at(&path).content() = bad.to_vec();
            let refused = read(&damaged.write());
            assert!(
                matches!(refused, Err(IssueError::RequestMalformed)),
                "{path:?} {bad:02x?}"
            );
        }
    }
    assert!(places > 3, "{places}");
    let mut signed = Der::read(der);
    for (length, good) in [(MAX_REQUEST_BYTES, true), (MAX_REQUEST_BYTES + 1, false)] {
        // The signature length determines the outer lengths, which need longer forms here.
        signed.at(&[2]).content().resize(length / 2, 0);
        let around = signed.write().len() - length / 2;
        signed.at(&[2]).content().resize(length - around, 0);
        let written = signed.write();
        assert_eq!(written.len(), length);
        assert_eq!(read(&written).is_ok(), good, "{length}");
    }
    let huge = vec![0x30; 70_000];
    assert!(matches!(read(&huge), Err(IssueError::RequestMalformed)));
}

#[test]
fn a_request_without_names_asks_for_none() {
    let key = own_key(KeyType::P256, &provider());
    let request = key
        .request(&CertificateSpec::new("array-7").unwrap())
        .unwrap();
    let Some(openssl) = openssl("nameless") else {
        return;
    };
    openssl.write("own.csr", request.to_pem());
    let text = openssl.run("req -in own.csr -verify -noout -text");
    assert!(!text.contains("Subject Alternative Name"), "{text}");
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (digit, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let digits = usize::try_from(bits >> shift & 63).unwrap();
            let padding = digit > three.len();
            text.push(if padding { '=' } else { DIGITS[digits].into() });
        }
    }
    text
}
