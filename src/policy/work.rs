//! What one verdict may spend on what a peer presents (rule C5).

use core::cell::Cell;

use super::detail::Rejection;
use super::{Detail, ReasonCode};
use crate::limits::{MAX_WORK, WORK_OF_SIGNATURE};

/// Work done so far, in one verdict: for the search of a path and for what explains a refusal.
#[derive(Default)]
pub(super) struct Work {
    /// What did not fit is among it: after that, nothing fits.
    spent: Cell<usize>,
    /// What was done of it.
    done: Cell<usize>,
    /// How many revocation lists were asked.
    lists: Cell<usize>,
    /// How many pins were judged beyond whether they match.
    pins: Cell<usize>,
    /// Whether the end entity signed itself, once that was asked.
    signed_itself: Cell<Option<Option<bool>>>,
}

impl Work {
    /// Spends units of work, of which there are [`MAX_WORK`].
    pub(super) fn spend(&self, units: usize) -> Result<(), Rejection> {
        let spent = self.spent.get().saturating_add(units);
        self.spent.set(spent);
        within(spent, MAX_WORK)?;
        self.done.set(spent);
        Ok(())
    }

    /// Spends units if that leaves enough for `rest`: what only explains a refusal goes without rather than use up what
    /// a search still needs.
    pub(super) fn spend_beside(&self, units: usize, rest: usize) -> bool {
        let needed = self.spent.get().saturating_add(units).saturating_add(rest);
        needed <= MAX_WORK && self.spend(units).is_ok()
    }

    /// Whether the end entity signed itself, which `verify` finds out. It is asked for explanations alone, several times in
    /// some, and the key is one that the peer chose. So it is verified once, and not at all if no work is left for it.
    pub(super) fn signed_itself(&self, verify: impl FnOnce() -> bool) -> Option<bool> {
        let known = self.signed_itself.get();
        let tells = known.unwrap_or_else(|| {
            let is_paid = self.spend_beside(WORK_OF_SIGNATURE, 0);
            is_paid.then(verify)
        });
        self.signed_itself.set(Some(tells));
        tells
    }

    /// Counts a revocation list that is asked.
    pub(super) fn list(&self) {
        self.lists.set(self.lists.get().saturating_add(1));
    }

    /// Counts a pin that is judged.
    pub(super) fn pin(&self) {
        self.pins.set(self.pins.get().saturating_add(1));
    }

    /// The units of what was done.
    pub(super) fn units(&self) -> usize {
        self.done.get()
    }

    /// Whether a signature could still be paid for.
    pub(super) fn is_used_up(&self) -> bool {
        self.spent.get().saturating_add(WORK_OF_SIGNATURE) > MAX_WORK
    }
}

pub(super) fn within(found: usize, limit: usize) -> Result<(), Rejection> {
    if found > limit {
        return Err((ReasonCode::TooManyPaths, Detail::Limit { found, limit }));
    }
    Ok(())
}

// What the benchmark of refusals presents, and what it is written with.
#[cfg(all(test, any(feature = "aws-lc-rs", feature = "ring")))]
#[path = "../../benches/noise/mod.rs"]
mod noise;
#[cfg(all(test, any(feature = "aws-lc-rs", feature = "ring")))]
#[path = "../../benches/presented/mod.rs"]
mod presented;

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "ring")))]
impl Work {
    /// Units, revocation lists and pins.
    pub(super) fn done(&self) -> (usize, usize, usize) {
        (self.spent.get(), self.lists.get(), self.pins.get())
    }
}

// What refusals cost beside much that is installed, counted in look-ups and units of work.
#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use core::time::Duration;
    use std::sync::Arc;

    use pki_types::{CertificateDer, UnixTime};
    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
        CrlIssuingDistributionPoint, DnType, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
        RevokedCertParams, SerialNumber,
    };

    use super::Work;
    use super::presented::{self, Beside, Presented};
    use crate::certificate::{Certificate, Crl, CurrentTime, KeyKind, KeyPolicy, folded, verified};
    use crate::limits::{
        MAX_CONSIDERED, MAX_CRLS_PER_ISSUER, MAX_LISTS_ASKED, MAX_RSA_BITS_TO_EXPLAIN,
        MAX_SHOWN_NAME, MAX_WORK, WORK_OF_SIGNATURE,
    };
    use crate::policy::decide::decide_at_cost;
    use crate::policy::{ChainProfile, ExpectedServer, Policy, ReasonCode, VerifyRequest};
    use crate::store::{
        AuthorityScope, BlockSelector, EntryOptions, PinMatch, PinScope, ServerId, TrustStore,
    };

    struct Ca {
        params: CertificateParams,
        key: KeyPair,
    }

    fn params(name: &str, serial: u64) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(SerialNumber::from(serial));
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2036, 1, 1);
        params
    }

    fn read(der: &[u8]) -> Certificate {
        Certificate::from_der(der).unwrap()
    }

    impl Ca {
        fn new() -> Self {
            Self::named("CA")
        }

        fn named(name: &str) -> Self {
            let mut params = params(name, 1);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            let key = KeyPair::generate().unwrap();
            Self { params, key }
        }

        /// Its certificate, made again under another serial number.
        fn again(&self, serial: u64) -> Certificate {
            let mut params = self.params.clone();
            params.serial_number = Some(SerialNumber::from(serial));
            read(params.self_signed(&self.key).unwrap().der())
        }

        fn issues(&self, params: &CertificateParams, key: &KeyPair) -> Certificate {
            let issuer = Issuer::from_params(&self.params, &self.key);
            read(params.signed_by(key, &issuer).unwrap().der())
        }

        fn list(&self, number: usize, serial: u64) -> Crl {
            let params = CertificateRevocationListParams {
                this_update: rcgen::date_time_ymd(2026, 12, 30),
                next_update: rcgen::date_time_ymd(2036, 1, 1),
                crl_number: SerialNumber::from(1_u64),
                issuing_distribution_point: Some(CrlIssuingDistributionPoint {
                    distribution_point: CrlDistributionPoint {
                        uris: vec![format!("http://ca.example/{number}")],
                    },
                    scope: None,
                }),
                revoked_certs: vec![RevokedCertParams {
                    serial_number: SerialNumber::from(serial),
                    revocation_time: rcgen::date_time_ymd(2026, 1, 1),
                    reason_code: None,
                    invalidity_date: None,
                }],
                key_identifier_method: KeyIdMethod::Sha256,
            };
            let issuer = Issuer::from_params(&self.params, &self.key);
            Crl::from_der(params.signed_by(&issuer).unwrap().der()).unwrap()
        }
    }

    fn clock() -> CurrentTime {
        CurrentTime::Known(UnixTime::since_unix_epoch(Duration::from_secs(
            1_798_761_600,
        )))
    }

    fn keys() -> KeyPolicy {
        crate::tls::key_policy(&crate::tls::provider::default_provider())
    }

    /// A store for clients below a CA with as many lists as it can have, of which the last revokes `revoked`.
    fn store(ca: &Ca, authorities: u64, revoked: u64) -> TrustStore {
        let mut store = TrustStore::new(keys()).with_clock(Arc::new(clock()));
        for number in 0..authorities {
            let again = ca.again(1_000 + number);
            store
                .install_authority(AuthorityScope::Clients, again, EntryOptions::new())
                .unwrap();
        }
        for number in 0..MAX_CRLS_PER_ISSUER {
            let last = number + 1 == MAX_CRLS_PER_ISSUER;
            let serial = if last { revoked } else { 1 << 40 };
            store.install_crl(ca.list(number, serial)).unwrap();
        }
        store
    }

    /// Reason, units of work, lists that were asked and pins that were judged.
    fn ask(store: &mut TrustStore, leaf: &Certificate) -> (ReasonCode, (usize, usize, usize)) {
        let leaf = CertificateDer::from(leaf.der().to_vec());
        let question = VerifyRequest::client(&leaf, &[], clock());
        let work = Work::default();
        let (verdict, _) =
            decide_at_cost(&store.snapshot(), &Policy::new(keys()), &question, &work);
        (verdict.reason(), work.done())
    }

    fn unknown_peer() -> Certificate {
        let key = KeyPair::generate().unwrap();
        read(params("unknown", 1).self_signed(&key).unwrap().der())
    }

    #[test]
    fn a_thousand_pins_beside_256_lists_are_hardly_looked_at() {
        let ca = Ca::new();
        let key = KeyPair::generate().unwrap();
        for revoked in [1 << 41, 500] {
            let mut store = store(&ca, 1, revoked);
            for serial in 0..1024 {
                let pin = ca.issues(&params(&format!("client {serial}"), serial), &key);
                store
                    .install_pin(PinScope::Clients, pin, EntryOptions::new())
                    .unwrap();
            }
            let (reason, (units, lists, pins)) = ask(&mut store, &unknown_peer());
            assert_eq!(reason, ReasonCode::SelfSignedNotInstalled);
            assert_eq!(pins, MAX_CONSIDERED);
            assert!(lists <= MAX_LISTS_ASKED, "{lists}");
            assert!(units <= MAX_WORK, "{units}");
        }
    }

    #[test]
    fn pins_of_one_key_ask_no_list_that_does_not_name_them() {
        let ca = Ca::new();
        let key = KeyPair::generate().unwrap();
        let mut store = store(&ca, 1, 1 << 41);
        for serial in 0..100 {
            let pin = ca.issues(&params("client", serial), &key);
            let options = EntryOptions::new().with_matching(PinMatch::PublicKey);
            store.install_pin(PinScope::Clients, pin, options).unwrap();
        }
        let mut late = params("client", 200);
        late.not_after = rcgen::date_time_ymd(2026, 2, 1);
        let (reason, (_, lists, pins)) = ask(&mut store, &ca.issues(&late, &key));
        assert_eq!(reason, ReasonCode::Expired);
        assert_eq!(pins, 100);
        // The filter may be wrong about one of them, whose lists are then all asked.
        assert!(lists <= 2 * MAX_CRLS_PER_ISSUER, "{lists}");
    }

    #[test]
    fn pins_of_one_key_fold_the_names_of_what_is_presented_once() {
        let ca = Ca::new();
        let key = KeyPair::generate().unwrap();
        let mut store = store(&ca, 1, 1 << 41);
        for serial in 0..100 {
            let pin = ca.issues(&params("client", serial), &key);
            let options = EntryOptions::new().with_matching(PinMatch::PublicKey);
            store.install_pin(PinScope::Clients, pin, options).unwrap();
        }
        let mut late = params("client", 200);
        late.not_after = rcgen::date_time_ymd(2026, 2, 1);
        let long = Ca::named(&"\u{130}".repeat(480));
        let leaf = long.issues(&late, &key);
        let _: usize = folded::take();
        let (reason, (_, _, pins)) = ask(&mut store, &leaf);
        let folded = folded::take();
        assert_eq!((reason, pins), (ReasonCode::Expired, 100));
        // The short name of each pin's issuer, and a few times the long one.
        let most = 100 * 2 * 32 + 4 * 1024;
        assert!(folded <= most, "{folded} of {most}");
    }

    #[test]
    fn many_paths_ask_the_lists_of_few() {
        let ca = Ca::new();
        let key = KeyPair::generate().unwrap();
        let mut store = store(&ca, 20, 77);
        let (reason, (_, lists, _)) = ask(&mut store, &ca.issues(&params("client", 77), &key));
        assert_eq!(reason, ReasonCode::Revoked);
        assert!(lists <= MAX_CRLS_PER_ISSUER, "{lists}");
        let (reason, (_, lists, _)) = ask(&mut store, &ca.issues(&params("client", 78), &key));
        assert_eq!(reason, ReasonCode::RevocationUnknown);
        // As many for what is not known to be revoked, and a filter that is wrong.
        assert!(lists <= 2 * MAX_LISTS_ASKED, "{lists}");
    }

    #[test]
    fn a_list_that_is_taken_out_and_a_new_one_are_seen_at_once() {
        let ca = Ca::new();
        let key = KeyPair::generate().unwrap();
        let mut store = store(&ca, 1, 77);
        let revoked = |store: &mut TrustStore, serial: u64| {
            let leaf = ca.issues(&params("client", serial), &key);
            ask(store, &leaf).0 == ReasonCode::Revoked
        };
        assert!(revoked(&mut store, 77) && !revoked(&mut store, 78));
        let last = store.snapshot();
        let last = last.crls().find(|list| list.crl().revoked(&[77]).is_some());
        let last = last.unwrap().crl().fingerprint();
        store.remove_crl(last).unwrap();
        assert!(!revoked(&mut store, 77));
        // More than a filter had room for at first.
        for serial in 1_000..1_040 {
            let list = ca.list(10_000, serial);
            let old = store.snapshot();
            let old = old.crls().next().unwrap().crl().fingerprint();
            store.remove_crl(old).unwrap();
            store.install_crl(list).unwrap();
            assert!(revoked(&mut store, serial), "{serial}");
        }
    }

    /// A verdict on what a peer presents beside an authority; its text, and the signatures that were verified.
    fn refused(store: &mut TrustStore, one: &Presented) -> (String, usize, usize) {
        let sent = one.all.iter().map(|der| CertificateDer::from(der.clone()));
        let sent: Vec<_> = sent.collect();
        let (leaf, rest) = sent.split_first().unwrap();
        let id = "keys-1".parse().unwrap();
        let question = if one.beside == Beside::PinOfClients {
            VerifyRequest::client(leaf, rest, clock())
        } else {
            VerifyRequest::server(ExpectedServer::id(&id, None), leaf, rest, clock())
        };
        let profile = if one.beside == Beside::Strict {
            ChainProfile::Strict
        } else {
            ChainProfile::Compatible
        };
        let policy = Policy::new(keys()).with_chain_profile(profile);
        let view = store.snapshot();
        let work = Work::default();
        let _: usize = verified::take();
        let (verdict, _) = decide_at_cost(&view, &policy, &question, &work);
        assert!(!verdict.is_accepted(), "{}: {verdict}", one.what);
        let text = format!("{verdict} {}", verdict.remedy());
        (text, verified::take(), work.units())
    }

    // No signature on any of it is one of an authority. What each costs in time beside a good chain is measured by
    // `cargo bench --bench chains -- refusals`.
    #[test]
    fn whatever_an_unknown_peer_presents_each_signature_is_counted_and_each_text_is_short() {
        let ca = Ca::named(presented::AUTHORITY);
        let key = KeyPair::generate().unwrap();
        let pin = read(params(presented::PEER, 9).self_signed(&key).unwrap().der());
        let options = EntryOptions::new;
        for one in presented::all() {
            let mut store = TrustStore::new(keys()).with_clock(Arc::new(clock()));
            let id: ServerId = "keys-1".parse().unwrap();
            let name = "keys-1.example".parse().unwrap();
            store.add_server(id.clone(), [name]).unwrap();
            for scope in [AuthorityScope::AnyServer, AuthorityScope::Clients] {
                let authority = ca.again(1);
                store
                    .install_authority(scope, authority, options())
                    .unwrap();
            }
            let scope = match one.beside {
                Beside::Pin => Some(PinScope::Server(id)),
                Beside::PinOfClients => Some(PinScope::Clients),
                Beside::Nothing | Beside::Strict | Beside::Block => None,
            };
            if let Some(scope) = scope {
                store.install_pin(scope, pin.clone(), options()).unwrap();
            }
            if one.beside == Beside::Block {
                let selector = BlockSelector::Fingerprint(pin.fingerprint());
                drop(store.block_selector(selector));
            }
            let (text, signatures, units) = refused(&mut store, &one);
            let what = one.what;
            assert!(units <= MAX_WORK, "{what}: {units}");
            let counted = signatures * WORK_OF_SIGNATURE;
            assert!(counted <= units, "{what}: {counted} of {units}");
            // A character that is not seen is shown by its number.
            let most = (MAX_CONSIDERED + 1) * MAX_SHOWN_NAME * r"\u{ad}".len();
            assert!(text.len() <= most, "{what}: {} bytes of text", text.len());
            let leaf = one.all.first().unwrap();
            let key = Certificate::from_der(leaf).map(|leaf| leaf.key_kind());
            if matches!(key, Ok(KeyKind::Rsa { bits }) if bits > MAX_RSA_BITS_TO_EXPLAIN) {
                assert_eq!(signatures, 0, "{what}");
            }
        }
    }

    fn named(name: &str, serial: u64) -> CertificateParams {
        let mut params = params(name, serial);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params
    }

    // A peer writes the name of an installed CA in as many bytes as are compared, and signs with an algorithm that does
    // not fit its key, so that no signature is paid for.
    #[test]
    fn a_name_that_is_written_long_is_folded_once_for_each_certificate() {
        let (long, count) = (format!("{}CA", "\u{ad}".repeat(480)), 25);
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let upper = named(&long, 1);
        let issuer = Issuer::from_params(&upper, &key);
        let makes = |params: CertificateParams| {
            let own = KeyPair::generate().unwrap();
            let made = params.signed_by(&own, &issuer).unwrap();
            CertificateDer::from(made.der().to_vec())
        };
        let leaf = makes(params("unknown", 1));
        let others: Vec<_> = (2..count + 2)
            .map(|serial| makes(named(&long, serial)))
            .collect();
        for authorities in [1, 15, 40] {
            let mut store = TrustStore::new(keys()).with_clock(Arc::new(clock()));
            for _ in 0..authorities {
                let authority = Ca::new().again(1);
                store
                    .install_authority(AuthorityScope::Clients, authority, EntryOptions::new())
                    .unwrap();
            }
            let view = store.snapshot();
            let question = VerifyRequest::client(&leaf, &others, clock());
            let _: usize = folded::take();
            let work = Work::default();
            let (verdict, _) = decide_at_cost(&view, &Policy::new(keys()), &question, &work);
            assert!(!verdict.is_accepted());
            let folded = folded::take();
            // Once for what is presented and shown, and the short names of what is installed.
            let most = 2 * 1024 * (others.len() + 1) + 512 * 32;
            assert!(folded <= most, "{authorities}: {folded} of {most}");
            // Each certificate is held against each authority once, by however many paths it is reached.
            let considered = verdict.considered();
            let tried = considered.items().len() + considered.omitted();
            let most = authorities * (others.len() + 1);
            assert!(tried <= most, "{authorities}: {tried} of {most}");
        }
    }
}
