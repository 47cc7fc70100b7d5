//! Installing and removing revocation lists (rule C4).

use std::collections::BTreeSet;
use std::sync::Arc;

use pki_types::UnixTime;

use super::consequence::Consequence;
use super::{
    CrlIssuer, CrlOrigin, EntryKey, InstalledCrl, Outcome, Report, StoreWarning, TrustStore,
};
use crate::certificate::{
    Certificate, Crl, CurrentTime, Fingerprint, SignatureCheck, Succession, Timestamp, seconds,
};
use crate::limits::{CLOCK_TOLERANCE, MAX_CRL_BYTES_HELD, MAX_CRLS, MAX_CRLS_PER_ISSUER};
use crate::store::error::StoreError;

impl TrustStore {
    /// Installs a revocation list that an installed authority or intermediate signed. From then on the certificates of
    /// the issuer are checked: a certificate that no valid list covers is refused, until
    /// [`disable_revocation_checks`](Self::disable_revocation_checks).
    ///
    /// If the list is valid already, it replaces an older list of the same issuer and scope. An expired list is
    /// installed with a warning: what it revokes stays revoked. The report lists the entries that the list revokes.
    ///
    /// # Errors
    /// The list is of an unsupported kind. No installed authority or intermediate of its issuer's name signed it or may
    /// sign lists. A newer list of its scope is installed. There are too many lists. After a CA changed its key, it has
    /// two certificates of one name: a list that is signed with the other key needs the other certificate.
    pub fn install_crl(&mut self, crl: Crl) -> Result<Report, StoreError> {
        if let Some(why) = crl.refusal() {
            return Err(StoreError::CrlKind(why.clone()));
        }
        let is_same = |held: &Arc<InstalledCrl>| held.crl().fingerprint() == crl.fingerprint();
        let is_there = |held: &Arc<InstalledCrl>| is_same(held) && held.disabled().is_none();
        if self
            .data
            .data()
            .crls()
            .named(crl.issuer_der())
            .any(is_there)
        {
            return Ok(Report::new(Outcome::Unchanged, self.data.generation()));
        }
        let issuer = self.signer_of(&crl)?;
        let crls = self.data.data().crls();
        let held = crls.of(&issuer).unwrap_or(&[]);
        let mut replaced = Vec::new();
        let mut beside = false;
        for list in held {
            // A disabled list was not verified: it does not make this one an older list, and this one replaces it if it
            // is the same.
            if is_same(list) {
                replaced.push(list.clone());
                continue;
            }
            match crl.succession(list.crl()) {
                Succession::Newer if self.has_begun(&crl) => replaced.push(list.clone()),
                Succession::Beside => beside = true,
                Succession::Older if list.disabled().is_some() => beside = true,
                Succession::Older if self.has_begun(list.crl()) => {
                    return Err(StoreError::CrlOlder {
                        held: list.crl().fingerprint(),
                    });
                }
                // A list that is not valid yet proves nothing, so it does not replace another one yet.
                Succession::Apart | Succession::Newer | Succession::Older => {}
            }
        }
        let freed = replaced.iter().map(|list| list.crl().der().len());
        let bytes = freed.fold(crls.bytes(), usize::saturating_sub);
        Room {
            of_issuer: held.len().saturating_sub(replaced.len()),
            lists: crls.count().saturating_sub(replaced.len()),
            bytes,
        }
        .check(crl.der().len())?;
        Ok(self.put_crl(crl, issuer, &replaced, beside))
    }

    /// Installs several revocation lists independently: a refused list does not affect the others. The results are in
    /// the order of the lists.
    ///
    /// The order does not matter: the newest list of an issuer and scope is in force. An older list among `crls` is
    /// left out with a warning ([`StoreWarning::CrlSuperseded`]). A list that is older than one that was installed
    /// before is an error.
    #[must_use = "a list that is refused revokes nothing"]
    pub fn install_crls(
        &mut self,
        crls: impl IntoIterator<Item = Crl>,
    ) -> Vec<Result<Report, StoreError>> {
        let crls: Vec<Crl> = crls.into_iter().collect();
        let each = crls.iter();
        let mut done: Vec<_> = each.map(|crl| self.install_crl(crl.clone())).collect();
        let came: BTreeSet<Fingerprint> = crls
            .iter()
            .zip(&done)
            .filter(|(_, done)| done.is_ok())
            .map(|(crl, _)| crl.fingerprint())
            .collect();
        // Checked after all are installed: which list superseded an older one depends on the order.
        for (crl, done) in crls.iter().zip(&mut done) {
            if matches!(done, Err(StoreError::CrlOlder { .. }))
                && let Some(by) = self.newer_of(crl, &came)
            {
                let mut report = Report::new(Outcome::Unchanged, self.data.generation());
                report.warn(StoreWarning::CrlSuperseded { by });
                *done = Ok(report);
            }
        }
        done
    }

    /// Finds, among the lists `came` that were just installed, a newer one of the issuer and scope of a refused list.
    fn newer_of(&self, crl: &Crl, came: &BTreeSet<Fingerprint>) -> Option<Fingerprint> {
        let issuer = self.signer_of(crl).ok()?;
        let held = self.data.data().crls();
        let held = held.of(&issuer).unwrap_or(&[]);
        let newer = held.iter().map(|list| list.crl()).find(|list| {
            came.contains(&list.fingerprint()) && crl.succession(list) == Succession::Older
        });
        newer.map(Crl::fingerprint)
    }

    /// Removes a revocation list. Its issuer stays checked: without another list, the issuer's certificates are
    /// refused.
    ///
    /// # Errors
    /// There is no such list.
    pub fn remove_crl(&mut self, fingerprint: Fingerprint) -> Result<Report, StoreError> {
        let crls = self.edit().crls_mut();
        let taken = crls.take(fingerprint).map(|list| list.issuer().clone());
        let taken = taken.or_else(|| crls.take_unread(fingerprint));
        let issuer = taken.ok_or(StoreError::NoSuchCrl(fingerprint))?;
        self.ask(format_args!("crl remove {fingerprint}"));
        let left = self.data.data().crls();
        let left = left.of(&issuer);
        let none_left = left.is_none_or(<[_]>::is_empty);
        let mut report = self.finish(Outcome::Removed, Vec::new());
        if none_left {
            report.warn(StoreWarning::NoCrlLeft { issuer });
        }
        Ok(report)
    }

    /// Stops checking the certificates of an issuer, and removes its revocation lists (rule C4).
    ///
    /// # Security
    /// Certificates that the lists revoke are accepted again, pins and authorities included.
    ///
    /// # Errors
    /// The issuer is not checked.
    pub fn disable_revocation_checks(&mut self, issuer: &CrlIssuer) -> Result<Report, StoreError> {
        let lists = self.edit().crls_mut().stop(issuer);
        let lists = lists.ok_or_else(|| StoreError::NotChecked(Box::new(issuer.clone())))?;
        self.ask(format_args!("stop-checking key {}", issuer.key_pin()));
        let mut report = self.finish(Outcome::Removed, Vec::new());
        let counts = lists.iter().map(|list| list.crl().revoked_count());
        report.warn(StoreWarning::ChecksStopped {
            issuer: issuer.clone(),
            revoked: counts.fold(0, usize::saturating_add),
        });
        for list in lists.iter() {
            for key in self.revoked_by(list) {
                report.push(Consequence::Entry(key));
            }
        }
        Ok(report)
    }

    fn put_crl(
        &mut self,
        crl: Crl,
        issuer: CrlIssuer,
        replaced: &[Arc<InstalledCrl>],
        beside: bool,
    ) -> Report {
        let installed = self.now().known();
        let origin = CrlOrigin {
            installed,
            installed_by: self.acting.clone(),
        };
        self.ask(format_args!("crl install {}", crl.fingerprint()));
        let crls = self.edit().crls_mut();
        for list in replaced {
            crls.take(list.crl().fingerprint());
        }
        crls.take(crl.fingerprint());
        crls.take_unread(crl.fingerprint());
        let checks = crls.check(&issuer);
        let list = InstalledCrl::new(crl.clone(), issuer.clone(), origin);
        crls.put(list.clone());
        let done = if replaced.is_empty() {
            Outcome::Added
        } else {
            Outcome::Changed
        };
        let mut report = self.finish(done, Vec::new());
        if checks {
            report.push(Consequence::RevocationChecked(issuer));
        }
        for key in self.revoked_by(&list) {
            report.push(Consequence::Entry(key));
        }
        self.warn_of_updates(&crl, &mut report);
        if beside {
            report.warn(StoreWarning::CrlBeside);
        }
        for deviation in crl.deviations() {
            report.warn(StoreWarning::CrlDeviates(*deviation));
        }
        report
    }

    /// Whether a list is valid already, so that it may replace an older one permanently. A clock that jumped is not
    /// used until it is confirmed (rule M7).
    pub(super) fn has_begun(&self, crl: &Crl) -> bool {
        match self.now() {
            CurrentTime::Known(now) => {
                let now = self
                    .data
                    .floor_after(CurrentTime::Known(now))
                    .unwrap_or(now);
                begins_by(crl, now)
            }
            CurrentTime::Unset => true,
        }
    }

    fn warn_of_updates(&self, crl: &Crl, report: &mut Report) {
        let Some(now) = self.data.now_or_floor(self.clock.now()).map(seconds) else {
            return;
        };
        let this_update = crl.this_update().seconds();
        if let Some(next_update) = crl
            .next_update()
            .map(Timestamp::seconds)
            .filter(|next| *next <= now)
        {
            report.warn(StoreWarning::CrlExpired {
                next_update: Timestamp(next_update),
            });
        } else if matches!(self.now(), CurrentTime::Known(now) if !begins_by(crl, now)) {
            report.warn(StoreWarning::CrlNotYetValid {
                this_update: Timestamp(this_update),
            });
        }
    }

    /// The entries whose certificate a list revokes, in order.
    fn revoked_by(&self, list: &InstalledCrl) -> Vec<EntryKey> {
        let entries = self.data.data().all();
        let revoked = entries.filter(|entry| {
            let certificate = entry.certificate();
            let slot = entry.slot();
            certificate.is_some_and(|certificate| list.revokes(certificate, slot).is_some())
        });
        let mut keys: Vec<EntryKey> = revoked.map(|entry| entry.key()).collect();
        keys.sort();
        keys
    }

    /// The installed authority or intermediate that signed a list. It may be expired, and its entry may be disabled: a
    /// list gives no trust.
    fn signer_of(&self, crl: &Crl) -> Result<CrlIssuer, StoreError> {
        let name = crl.issuer_der();
        let mut why = StoreError::CrlIssuerNotInstalled {
            issuer: crl.issuer(),
        };
        let mut asked: Vec<Fingerprint> = Vec::new();
        for certificate in self.data.data().issuers(name) {
            if asked.contains(&certificate.fingerprint()) {
                continue;
            }
            asked.push(certificate.fingerprint());
            match self.check_signer(certificate, crl) {
                Ok(()) => return Ok(CrlIssuer::of(certificate)),
                Err(closer) if closeness(&closer) > closeness(&why) => why = closer,
                Err(_) => {}
            }
        }
        Err(why)
    }

    fn check_signer(&self, certificate: &Certificate, crl: &Crl) -> Result<(), StoreError> {
        let issuer = || crl.issuer();
        let ids = (crl.authority_key_id(), certificate.subject_key_id());
        let names_key = matches!(ids, (Some(wanted), Some(own)) if wanted == own);
        let names_another = matches!(ids, (Some(wanted), Some(own)) if wanted != own);
        if names_another {
            let issuer = issuer();
            return Err(StoreError::CrlSignedByOtherKey { issuer });
        }
        // P1
        if let Some(selector) = self.data.data().blocks().find(certificate) {
            return Err(StoreError::Blocked(Box::new(selector.clone())));
        }
        // RFC 5280 section 6.3.3 (f)
        if certificate
            .key_usage()
            .is_some_and(|usage| !usage.crl_sign())
        {
            let issuer = issuer();
            return Err(StoreError::NoCrlSign { issuer });
        }
        let keys = self.key_policy();
        keys.check(certificate).map_err(StoreError::Key)?;
        match keys.check_crl_signature(certificate.subject_public_key_info(), crl) {
            SignatureCheck::Verified => Ok(()),
            SignatureCheck::Wrong if names_key => {
                Err(StoreError::WrongCrlSignature { issuer: issuer() })
            }
            // Without identifiers, a damaged list and a list of a CA with a changed key look the same.
            SignatureCheck::Wrong => Err(StoreError::CrlSignedByOtherKey { issuer: issuer() }),
            SignatureCheck::Unsupported => Err(StoreError::CrlSignatureUnsupported {
                algorithm: crl.signature_algorithm_name(),
            }),
        }
    }
}

/// The number and size of the installed lists, without those that a new list replaces.
pub(super) struct Room {
    pub(super) of_issuer: usize,
    pub(super) lists: usize,
    pub(super) bytes: usize,
}

impl Room {
    /// Whether a list of `bytes` bytes fits within the limits.
    pub(super) fn check(&self, bytes: usize) -> Result<(), StoreError> {
        for (count, limit) in [
            (self.of_issuer, MAX_CRLS_PER_ISSUER),
            (self.lists, MAX_CRLS),
        ] {
            if count >= limit {
                return Err(StoreError::TooManyCrls { limit });
            }
        }
        if self.bytes.saturating_add(bytes) > MAX_CRL_BYTES_HELD {
            let limit = MAX_CRL_BYTES_HELD;
            return Err(StoreError::CrlsTooLarge { limit });
        }
        Ok(())
    }
}

/// How many checks a certificate passed as the signer of a list. The error of the best candidate is reported.
fn closeness(error: &StoreError) -> u8 {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only orders refusals among each other"
    )]
    match error {
        StoreError::CrlIssuerNotInstalled { .. } => 0,
        StoreError::CrlSignedByOtherKey { .. } => 1,
        StoreError::WrongCrlSignature { .. } => 2,
        StoreError::CrlSignatureUnsupported { .. } => 3,
        StoreError::Key(_) => 4,
        StoreError::NoCrlSign { .. } => 5,
        _ => 6,
    }
}

/// Whether the validity of a list has begun at a time. Its end is not checked.
fn begins_by(crl: &Crl, now: UnixTime) -> bool {
    let tolerance = i64::try_from(CLOCK_TOLERANCE.as_secs()).unwrap_or(0);
    crl.this_update().seconds() <= seconds(now).saturating_add(tolerance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{KeyKind, KeyRefusal};
    use crate::store::BlockSelector;

    // Installed authorities have passed the key policy; restored ones may not.
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    #[test]
    fn the_key_policy_is_asked_again_of_the_issuer_and_bytes_are_counted() {
        use crate::certificate::KeyPolicy;
        use crate::store::{AuthorityScope, EntryOptions};
        use crate::tls;

        let file = |name: &str| {
            let folder = env!("CARGO_MANIFEST_DIR");
            std::fs::read(format!("{folder}/tests/fixtures/crls/{name}")).unwrap()
        };
        let provider = tls::provider::default_provider();
        let mut store = TrustStore::new(tls::key_policy(&provider));
        let certificate = Certificate::from_pem(&file("ca.pem")).unwrap();
        let options = EntryOptions::new();
        store
            .install_authority(AuthorityScope::AnyServer, certificate, options)
            .unwrap();
        store.keys = KeyPolicy::new(&[]);
        let list = Crl::from_pem(&file("v2.pem")).unwrap();
        let refused = store.install_crl(list.clone());
        assert!(matches!(refused, Err(StoreError::Key(_))));
        store.keys = tls::key_policy(&provider);
        let (fingerprint, bytes) = (list.fingerprint(), list.der().len());
        store.install_crl(list).unwrap();
        let held = |store: &TrustStore| store.data.data().crls().bytes();
        assert_eq!(held(&store), bytes);
        store.remove_crl(fingerprint).unwrap();
        assert_eq!(held(&store), 0);
    }

    #[test]
    fn a_signer_that_passed_more_checks_came_closer() {
        let issuer = || String::from("CN=CA");
        let algorithm = String::from("1.2.840.10045.4.1");
        let key = KeyRefusal::Unsupported {
            key: KeyKind::Other,
            oid: None,
            allowed: None,
        };
        let blocked = BlockSelector::Fingerprint(Fingerprint::from_bytes([0; 32]));
        let in_order = [
            StoreError::CrlIssuerNotInstalled { issuer: issuer() },
            StoreError::CrlSignedByOtherKey { issuer: issuer() },
            StoreError::WrongCrlSignature { issuer: issuer() },
            StoreError::CrlSignatureUnsupported { algorithm },
            StoreError::Key(key),
            StoreError::NoCrlSign { issuer: issuer() },
            StoreError::Blocked(Box::new(blocked)),
        ];
        let far = in_order.iter().map(closeness);
        assert!(far.is_sorted_by(|near, far| near < far));
    }

    #[test]
    fn there_is_room_up_to_each_limit() {
        let most = |of_issuer, lists, bytes| Room {
            of_issuer,
            lists,
            bytes,
        };
        let (of_issuer, lists) = (MAX_CRLS_PER_ISSUER - 1, MAX_CRLS - 1);
        let bytes = MAX_CRL_BYTES_HELD - 100;
        assert!(most(of_issuer, lists, bytes).check(100).is_ok());
        assert!(matches!(
            most(of_issuer, lists, bytes).check(101),
            Err(StoreError::CrlsTooLarge { limit }) if limit == MAX_CRL_BYTES_HELD
        ));
        assert!(matches!(
            most(of_issuer, lists + 1, bytes).check(100),
            Err(StoreError::TooManyCrls { limit }) if limit == MAX_CRLS
        ));
        assert!(matches!(
            most(of_issuer + 1, lists, bytes).check(100),
            Err(StoreError::TooManyCrls { limit }) if limit == MAX_CRLS_PER_ISSUER
        ));
    }
}
