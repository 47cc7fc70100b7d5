//! A store with CAs, and requests for verdicts on certificates that they issued.

use mutual_trust::certificate::{Certificate, Crl};
use mutual_trust::error::StoreError;
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::store::{CrlIssuer, Report};
use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, PinScope, Policy, ReasonCode, TrustStore, Verdict,
    decide,
};
use pki_types::CertificateDer;

use crate::support::pki::{Made, Spec, spec};
use crate::support::{NOW, at, host, now, policy, server_id, store};

pub const KMS: &str = "kms1.example";

/// A store and a clock.
pub struct Scene {
    pub store: TrustStore,
    pub policy: Policy,
    pub clock: CurrentTime,
}

/// An unsigned server certificate for [`KMS`].
pub fn leaf() -> Spec {
    spec("kms1").dns(KMS).server_auth().client_auth()
}

pub fn ca(name: &str) -> Made {
    spec(name).ca().self_signed()
}

/// A store with the server `keys-1` that trusts these CAs for any server.
pub fn trusting(authorities: &[&Made]) -> Scene {
    let mut store = store();
    store.add_server(server_id("keys-1"), [host(KMS)]).unwrap();
    let mut scene = Scene {
        store,
        policy: policy(),
        clock: now(),
    };
    for authority in authorities {
        scene.authority(authority);
    }
    scene
}

impl Scene {
    pub fn authority(&mut self, made: &Made) {
        let scope = AuthorityScope::AnyServer;
        let options = EntryOptions::new();
        self.store
            .install_authority(scope, made.certificate(), options)
            .unwrap();
    }

    pub fn intermediate(&mut self, made: &Made) {
        let options = EntryOptions::new();
        self.store
            .install_intermediate(made.certificate(), options)
            .unwrap();
    }

    pub fn pin(&mut self, certificate: &Certificate, options: EntryOptions) {
        let scope = PinScope::Server(server_id("keys-1"));
        self.store
            .install_pin(scope, certificate.clone(), options)
            .unwrap();
    }

    pub fn install(&mut self, crl: Crl) -> Report {
        self.store.install_crl(crl).unwrap()
    }

    pub fn refuse(&mut self, crl: Crl) -> StoreError {
        let before = self.store.contents().generation();
        let error = self.store.install_crl(crl).unwrap_err();
        assert_eq!(self.store.contents().generation(), before, "{error}");
        error
    }

    /// Sets the clock to `NOW` plus `seconds`.
    pub fn at(&mut self, seconds: i64) {
        self.clock = CurrentTime::Known(at(NOW.checked_add_signed(seconds).unwrap()));
    }

    /// The verdict on a server that presents these certificates.
    pub fn verdict(&mut self, presented: &[&Certificate]) -> Verdict {
        let view = self.store.snapshot();
        let der: Vec<CertificateDer<'static>> = presented
            .iter()
            .map(|certificate| certificate.der().to_vec().into())
            .collect();
        let (leaf, rest) = der.split_first().unwrap();
        let name = host(KMS);
        let question = VerifyRequest::server(ExpectedServer::Name(&name), leaf, rest, self.clock);
        decide(&view, &self.policy, &question)
    }

    pub fn reason(&mut self, presented: &[&Made]) -> ReasonCode {
        let presented: Vec<&Certificate> = presented.iter().map(|made| &made.certificate).collect();
        self.verdict(&presented).reason()
    }

    /// The number of lists of a CA that the store holds. `None` if it does not check revocation for that CA.
    pub fn held(&self, made: &Made) -> Option<usize> {
        let issuer = CrlIssuer::of(&made.certificate);
        let view = self.store.contents();
        let lists = view.crls().filter(|list| *list.issuer() == issuer).count();
        let checked = view
            .revocation_checked_issuers()
            .any(|checked| checked == issuer);
        assert!(
            checked || lists == 0,
            "lists of an issuer that is not checked"
        );
        checked.then_some(lists)
    }
}
