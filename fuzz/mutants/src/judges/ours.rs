//! The library: the authority and the intermediate are installed, the lists are required where there are some.

use core::time::Duration;
use std::sync::Arc;

use mutual_trust::certificate::Crl;
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::{
    AuthorityScope, Certificate, ChainProfile, CurrentTime, EntryOptions, HostName, KeyPolicy,
    Policy, ReasonCode, ServerId, TrustStore, Verdict, VerdictWarning, decide,
};
use pki_types::{CertificateDer, UnixTime};

use super::Judged;
use crate::world::{ADDRESS, HOST, NOW, Part, Signed};

/// What the library says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ours {
    pub(crate) strict: Judged,
    pub(crate) compatible: Judged,
    /// The rules of RFC 5280 that an accepted case breaks, as the profile Compatible warns of them, and what is said of
    /// the lists when they are read.
    pub(crate) warned: Vec<String>,
}

fn keys() -> KeyPolicy {
    let provider = rustls::crypto::ring::default_provider();
    KeyPolicy::new(provider.signature_verification_algorithms.all)
}

fn judged(verdict: &Verdict, imports: &[String]) -> Judged {
    if verdict.is_accepted() {
        assert_eq!(verdict.reason(), ReasonCode::ChainVerified);
        return Ok(());
    }
    if imports.is_empty() {
        Err(format!("{}: {}", verdict.reason().code(), verdict.detail()))
    } else {
        Err(format!("import: {}", imports.join("; ")))
    }
}

pub(super) fn judge(world: &Signed) -> Ours {
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let clock = CurrentTime::Known(now);
    let keys = keys();
    let mut store = TrustStore::new(keys).with_clock(Arc::new(clock));
    let id: ServerId = "server".parse().expect("an id");
    let text = if world.by_address { ADDRESS } else { HOST };
    let name: HostName = text.parse().expect("a name");
    store
        .add_server(id.clone(), [name.clone()])
        .expect("the store is empty");
    let mut imports = Vec::new();
    let mut warned = Vec::new();
    let root = world.der(Part::Root).expect("there is one");
    match Certificate::from_der(&root) {
        Ok(root) => {
            let scope = AuthorityScope::AnyServer;
            let done = store.install_authority(scope, root, EntryOptions::new());
            imports.extend(done.err().map(|error| format!("authority: {error}")));
        }
        Err(error) => imports.push(format!("authority: {error}")),
    }
    let lists = world.lists();
    let middle = world.der(Part::Middle);
    // A list is verified under an installed CA.
    if let Some(middle) = middle.as_ref().filter(|_| !lists.is_empty())
        && let Ok(middle) = Certificate::from_der(middle)
    {
        let done = store.install_intermediate(middle, EntryOptions::new());
        imports.extend(done.err().map(|error| format!("intermediate: {error}")));
    }
    for (_, list) in &lists {
        match Crl::from_der(list) {
            Ok(list) => {
                warned.extend(list.deviations().iter().map(ToString::to_string));
                let done = store.install_crl(list);
                imports.extend(done.err().map(|error| format!("list: {error}")));
            }
            Err(error) => imports.push(format!("list: {error}")),
        }
    }
    let leaf = CertificateDer::from(world.der(Part::Leaf).expect("there is one"));
    let sent: Vec<CertificateDer<'_>> = middle.into_iter().map(CertificateDer::from).collect();
    let view = store.snapshot();
    let ask = |profile| {
        let mut policy = Policy::new(keys).with_chain_profile(profile);
        if !lists.is_empty() {
            policy = policy.with_crl_required();
        }
        let question =
            VerifyRequest::server(ExpectedServer::id(&id, Some(&name)), &leaf, &sent, clock);
        decide(&view, &policy, &question)
    };
    let strict = ask(ChainProfile::Strict);
    let compatible = ask(ChainProfile::Compatible);
    for warning in compatible.warnings() {
        match warning {
            VerdictWarning::Profile { rule, .. } => warned.push((*rule).to_owned()),
            VerdictWarning::NoDigitalSignature => warned.push("digital-signature".to_owned()),
            other => warned.push(other.to_string()),
        }
    }
    Ours {
        strict: judged(&strict, &imports),
        compatible: judged(&compatible, &imports),
        warned,
    }
}
