//! Signatures that are made elsewhere, all kinds of keys, and both providers.

use mutual_trust::admin::bundle::{BundleKey, Held, KeySet, Part, Publication, Signature, Signer};
use mutual_trust::error::BundleError;
use mutual_trust::identity::PrivateKey;
use mutual_trust::{Fingerprint, tls};

use super::common::*;
use crate::support::openssl::openssl;
use crate::support::*;

/// Two administrators sign the same file with openssl, each with a key of their own, and send back the bytes.
#[test]
fn openssl_signs_what_nodes_verify() {
    let Some(tool) = openssl("bundle-openssl") else {
        return;
    };
    tool.run("genpkey -algorithm ed25519 -out ed.key");
    tool.run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key");
    let key = |name: &str| {
        tool.run(&format!("pkey -in {name}.key -pubout -out {name}.pub"));
        BundleKey::from_pem(&tool.read(&format!("{name}.pub"))).unwrap()
    };
    let [ed, ec] = ["ed", "ec"].map(key);
    assert_eq!(ec.algorithm(), "ECDSA P-256 with SHA-256");
    let signed = |message: &[u8], name: &str| {
        tool.write("to_sign", message);
        tool.run(&format!(
            "pkeyutl -sign -rawin -inkey {name}.key -in to_sign -out {name}.sig"
        ));
        tool.read(&format!("{name}.sig"))
    };
    let one = KeySet::new(fleet(), 2, [ed.clone(), ec.clone()]).unwrap();
    let two = one.next(2, [ec.clone(), ed.clone()]).unwrap();
    let first = Publication::new([one.clone()], bundle(&one, 1)).unwrap();
    let mut draft = first.next(Some(two.clone()), bundle(&two, 1)).unwrap();
    for (name, key) in [("ed", &ed), ("ec", &ec)] {
        let bytes = signed(two.to_sign(), name);
        let signature = Signature::new(two.digest(), key.id(), &bytes).unwrap();
        draft.add_signature(signature, keys()).unwrap();
        let bundle = draft.bundle();
        let bytes = signed(bundle.to_sign(), name);
        let signature = Signature::new(bundle.digest(), key.id(), &bytes).unwrap();
        // What is sent back is a small file.
        let sent = Signature::read(&signature.to_bytes()).unwrap();
        draft.add_signature(sent, keys()).unwrap();
    }
    assert!(draft.missing(keys()).is_empty());
    let node = Held::new(one, Part::All);
    for (name, provider) in providers() {
        let verified = node.verify(&draft, now(), None, tls::key_policy(&provider));
        assert_eq!(verified.unwrap().signers().len(), 2, "{name}");
    }
    // The digest that administrators compare is the one that other tools print.
    tool.write("keys", two.to_bytes());
    let printed = tool.run("dgst -sha256 keys");
    let printed: Fingerprint = printed.trim().parse().unwrap();
    assert_eq!(printed, two.digest());
}

#[test]
fn another_form_or_value_of_an_ecdsa_signature_is_no_second_signature() {
    let all = [
        signer_of(&rcgen::PKCS_ECDSA_P256_SHA256),
        signer_of(&rcgen::PKCS_ED25519),
    ];
    let set = key_set(2, &all);
    let bundle = bundle(&set, 1);
    let bytes = all[0].sign(bundle.to_sign()).unwrap();
    let of = |bytes: &[u8]| Signature::new(bundle.digest(), all[0].key().id(), bytes).unwrap();
    let mut publication = Publication::new([set.clone()], bundle.clone()).unwrap();
    publication.add_signature(of(&bytes), keys()).unwrap();
    // (r, n - s) verifies as well, and takes the place of the other.
    let other = malleated(&bytes);
    assert_ne!(other, bytes);
    publication.add_signature(of(&other), keys()).unwrap();
    let error = verify(&Held::new(set.clone(), Part::All), &publication).unwrap_err();
    assert!(
        matches!(&error, BundleError::TooFewSignatures { tally, .. } if tally.valid.len() == 1),
        "{error}"
    );
    let both = [of(&bytes).to_bytes(), of(&other).to_bytes()];
    assert!(Publication::read(&items_with(&publication, both)).is_err());
    // A form that is no DER.
    let mut padded = bytes.clone();
    padded.push(0);
    let error = publication.add_signature(of(&padded), keys());
    assert!(matches!(error, Err(BundleError::WrongSignature { .. })));
}

/// The other value of an ECDSA signature on P-256.
fn malleated(signature: &[u8]) -> Vec<u8> {
    use num_bigint::BigUint;
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order = BigUint::parse_bytes(order.as_bytes(), 16).unwrap();
    let r_length = usize::from(signature[3]);
    let (r, s) = signature[2..].split_at(2 + r_length);
    let mut s = (order - BigUint::from_bytes_be(&s[2..])).to_bytes_be();
    if s[0] >= 0x80 {
        s.insert(0, 0);
    }
    let s = [&[2, u8::try_from(s.len()).unwrap()][..], &s].concat();
    let pair = [r, &s].concat();
    [&[0x30, u8::try_from(pair.len()).unwrap()][..], &pair].concat()
}

/// Keys of the kinds that both providers have.
#[test]
fn a_key_of_one_provider_is_verified_by_the_other() {
    for (name, signing) in providers() {
        let files = [fixture_key("ed25519"), fixture_key("p256")];
        let signer = |file: Vec<u8>| -> Box<dyn Signer> {
            let key = PrivateKey::from_pem(&file).unwrap();
            Box::new(tls::bundle_signer(key, &signing).unwrap())
        };
        let all: Vec<_> = files.into_iter().map(signer).collect();
        let set = key_set(2, &all);
        let publication = published(&set, 1, &all);
        for (other, verifying) in providers() {
            let node = Held::new(set.clone(), Part::All);
            let verified = node.verify(&publication, now(), None, tls::key_policy(&verifying));
            assert!(verified.is_ok(), "{name}, {other}");
        }
    }
}

#[test]
fn a_key_of_another_kind_is_no_signer() {
    for name in ["rsa2048", "p384", "p521"] {
        for (_, provider) in providers() {
            let key = PrivateKey::from_pem(&fixture_key(name)).unwrap();
            assert!(tls::bundle_signer(key, &provider).is_err(), "{name}");
        }
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn keys_of_ml_dsa_sign_where_the_provider_has_them_and_are_named_where_not() {
    let all = [
        signer_of(&rcgen::PKCS_ML_DSA_44),
        signer_of(&rcgen::PKCS_ML_DSA_65),
        signer_of(&rcgen::PKCS_ML_DSA_87),
    ];
    let set = key_set(3, &all);
    assert_eq!(KeySet::read(set.to_bytes()).unwrap(), set);
    let aws = tls::key_policy(&tls::provider::aws_lc_rs());
    let mut publication = Publication::new([set.clone()], bundle(&set, 1)).unwrap();
    for signer in &all {
        let signature = publication.bundle().sign(&**signer).unwrap();
        #[cfg(feature = "ring")]
        {
            let ring = tls::key_policy(&tls::provider::ring());
            let error = publication
                .add_signature(signature.clone(), ring)
                .unwrap_err();
            assert!(
                matches!(error, BundleError::Unsupported { key, kind, .. }
                    if key == signer.key().id() && kind == signer.key().algorithm()),
                "{error}"
            );
        }
        publication.add_signature(signature, aws).unwrap();
    }
    let node = Held::new(set.clone(), Part::All);
    let travelled = Publication::read(&publication.to_bytes()).unwrap();
    let verified = node.verify(&travelled, now(), None, aws).unwrap();
    assert_eq!(verified.signers().len(), 3);
    #[cfg(feature = "ring")]
    {
        let ring = tls::key_policy(&tls::provider::ring());
        let error = node.verify(&travelled, now(), None, ring).unwrap_err();
        let BundleError::TooFewSignatures { tally, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(tally.unsupported.len(), 3);
        assert!(error.to_string().contains("does not verify"), "{error}");
        let missing = travelled.missing(ring);
        assert_eq!(missing[0].tally.unsupported.len(), 3);
    }
}
