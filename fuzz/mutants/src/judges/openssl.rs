//! OpenSSL of the system, as a TLS client asks it.

use std::path::PathBuf;
use std::sync::LazyLock;

use openssl::ssl::SslFiletype;
use openssl::stack::Stack;
use openssl::x509::store::{X509Lookup, X509StoreBuilder};
use openssl::x509::verify::{X509CheckFlags, X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509StoreContext};

use super::Judged;
use crate::world::{ADDRESS, HOST, NOW, Part, Signed};

/// A file that lists go through: the crate has no other call that adds one to a store.
static LIST: LazyLock<PathBuf> = LazyLock::new(|| {
    let shared = PathBuf::from("/dev/shm");
    let folder = Some(shared).filter(|folder| folder.is_dir());
    let folder = folder.unwrap_or_else(std::env::temp_dir);
    folder.join(format!("mutual-trust-mutants-{}.crl", std::process::id()))
});

/// Removes that file.
pub(crate) fn clean() {
    // It is not there if no case had a list.
    let _ = std::fs::remove_file(&*LIST);
}

pub(super) fn judge(world: &Signed) -> Judged {
    let verified = verify(world);
    // What the thread keeps of earlier errors is no part of the next answer.
    let _ = openssl::error::ErrorStack::get();
    verified
}

fn read(world: &Signed, part: Part) -> Result<Option<X509>, String> {
    let Some(der) = world.der(part) else {
        return Ok(None);
    };
    let read = X509::from_der(&der);
    read.map(Some)
        .map_err(|_| format!("{}: not read", part.name()))
}

fn verify(world: &Signed) -> Judged {
    let plain = |error: openssl::error::ErrorStack| format!("{error}");
    let root = read(world, Part::Root)?.expect("there is one");
    let leaf = read(world, Part::Leaf)?.expect("there is one");
    let mut rest = Stack::new().map_err(plain)?;
    if let Some(middle) = read(world, Part::Middle)? {
        rest.push(middle).map_err(plain)?;
    }
    let mut store = X509StoreBuilder::new().map_err(plain)?;
    store.add_cert(root).map_err(plain)?;
    let lists = world.lists();
    for (_, list) in &lists {
        std::fs::write(&*LIST, list).expect("a file can be written");
        let lookup = store.add_lookup(X509Lookup::file()).map_err(plain)?;
        let done = lookup.load_crl_file(&*LIST, SslFiletype::ASN1);
        done.map_err(|_| "list: not read".to_owned())?;
    }
    let mut param = X509VerifyParam::new().map_err(plain)?;
    // An authority that is no root is trusted by itself here.
    let mut flags = X509VerifyFlags::PARTIAL_CHAIN;
    if !lists.is_empty() {
        flags |= X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL;
    }
    param.set_flags(flags).map_err(plain)?;
    param.set_time(NOW.try_into().expect("a time"));
    param
        .set_purpose(X509PurposeId::SSL_SERVER)
        .map_err(plain)?;
    // The common name is never read.
    param.set_hostflags(X509CheckFlags::NEVER_CHECK_SUBJECT | X509CheckFlags::NO_PARTIAL_WILDCARDS);
    if world.by_address {
        let address = ADDRESS.parse().expect("an address");
        param.set_ip(address).map_err(plain)?;
    } else {
        param.set_host(HOST).map_err(plain)?;
    }
    store.set_param(&param).map_err(plain)?;
    let store = store.build();
    let mut context = X509StoreContext::new().map_err(plain)?;
    let answer = context.init(&store, &leaf, &rest, |context| {
        let yes = context.verify_cert()?;
        Ok((yes, context.error(), context.error_depth()))
    });
    match answer {
        Ok((true, ..)) => Ok(()),
        Ok((false, error, depth)) => Err(format!("{} at {depth}", error.error_string())),
        Err(error) => Err(format!("{error}")),
    }
}
