//! OpenSSL of the system: certificates in an `X509_STORE`, and `X509_verify_cert` as its TLS calls it.

use openssl::stack::Stack;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509StoreContext};

/// A store of certificates that are trusted by themselves, be they CAs or not.
pub fn store<'a>(trusted: impl Iterator<Item = &'a [u8]>) -> X509Store {
    let mut builder = X509StoreBuilder::new().unwrap();
    for der in trusted {
        builder.add_cert(X509::from_der(der).unwrap()).unwrap();
    }
    let mut param = X509VerifyParam::new().unwrap();
    // As one that trusts a certificate which is no root must ask for; at the time of the other benchmarks.
    param.set_flags(X509VerifyFlags::PARTIAL_CHAIN).unwrap();
    let now = crate::synthetic::now().as_secs();
    param.set_time(now.try_into().unwrap());
    builder.set_param(&param).unwrap();
    builder.build()
}

/// Certificates as OpenSSL has read them.
pub fn parse(ders: &[Vec<u8>]) -> (X509, Stack<X509>) {
    let mut all = ders.iter().map(|der| X509::from_der(der).unwrap());
    let leaf = all.next().unwrap();
    let mut rest = Stack::new().unwrap();
    all.for_each(|one| rest.push(one).unwrap());
    (leaf, rest)
}

/// Whether the store vouches for a chain.
pub fn verify(store: &X509Store, (leaf, rest): &(X509, Stack<X509>)) -> bool {
    let mut context = X509StoreContext::new().unwrap();
    context
        .init(store, leaf, rest, |context| context.verify_cert())
        .unwrap()
}
