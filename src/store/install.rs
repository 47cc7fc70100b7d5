//! Installing entries (rules I1 to I6), and the claims that follow.

use core::hash::BuildHasher;

use super::asked::Named;
use super::consequence::{Consequence, ConsequenceKind};
use super::entry::More;
use super::import::OwnSignature;
use super::{
    AuthorityScope, Bundle, Decision, Entry, EntryKey, EntryOptions, Outcome, PinScope, Report,
    Scope, Server, ServerId, Slot, StoreWarning, TrustStore, threads,
};
use crate::certificate::{Certificate, Fingerprint, HostName, canonical_name};
use crate::limits::MAX_SAME_SUBJECT_SIGNATURES;
use crate::store::error::StoreError;

/// The scope of an entry, and the server that must be added for it first.
struct Place {
    scope: Scope,
    new_server: Option<(ServerId, HostName)>,
}

impl From<Scope> for Place {
    fn from(scope: Scope) -> Self {
        Self {
            scope,
            new_server: None,
        }
    }
}

impl TrustStore {
    /// Installs a pin: a certificate that the peer itself must present.
    ///
    /// A pin for a server or its group claims the server: from now on the server must present a pin, and authorities do
    /// not decide about it until it is released (rule P2).
    ///
    /// # Errors
    /// The certificate is blocked, could never match, or has a weak or unknown key or a wrong self-signature. It is
    /// installed with other options. The options do not apply. There is no such server or group.
    pub fn install_pin(
        &mut self,
        scope: PinScope,
        certificate: Certificate,
        options: EntryOptions,
    ) -> Result<Report, StoreError> {
        let place = self.pin_place(scope)?;
        self.install(Slot::Pin, place, certificate, options, None)
    }

    /// Installs only the fingerprint of a certificate that the peer itself must present. The checks of import are made
    /// on the certificate that is presented (rule M1). Installing the certificate later completes the entry.
    ///
    /// # Errors
    /// The fingerprint is blocked. It is installed with other options. The options do not apply (a fingerprint cannot
    /// match by public key). There is no such server or group.
    pub fn install_pin_fingerprint(
        &mut self,
        scope: PinScope,
        fingerprint: Fingerprint,
        options: EntryOptions,
    ) -> Result<Report, StoreError> {
        let place = self.pin_place(scope)?;
        options.check(Slot::Pin, &place.scope, true)?;
        let blocks = &self.data.data().blocks;
        if let Some(selector) = blocks.find_fingerprint(fingerprint) {
            return Err(StoreError::Blocked(Box::new(selector.clone())));
        }
        let key = EntryKey::new(Slot::Pin, place.scope.clone(), fingerprint);
        if let Some(found) = self.data.entry(&key) {
            return self.there_already(key, found.options() == &options);
        }
        self.check_entry_end(&options)?;
        Ok(self.add(place, key, None, options, Outcome::Added, Vec::new()))
    }

    /// Installs a CA certificate at which chains may end.
    ///
    /// # Errors
    /// As for [`install_pin`](Self::install_pin). The certificate cannot issue others (version, basicConstraints,
    /// keyUsage).
    pub fn install_authority(
        &mut self,
        scope: AuthorityScope,
        certificate: Certificate,
        options: EntryOptions,
    ) -> Result<Report, StoreError> {
        let place = self.authority_place(scope)?;
        self.install(Slot::Authority, place, certificate, options, None)
    }

    /// Installs a CA certificate that completes chains when peers do not send it. A chain cannot end at it.
    ///
    /// # Errors
    /// As for [`install_authority`](Self::install_authority).
    pub fn install_intermediate(
        &mut self,
        certificate: Certificate,
        options: EntryOptions,
    ) -> Result<Report, StoreError> {
        let place = Scope::Everyone.into();
        self.install(Slot::Intermediate, place, certificate, options, None)
    }

    /// Installs what an administrator decided for a [classified bundle](Self::classify_bundle): all of it or nothing.
    ///
    /// # Errors
    /// A certificate is undecided, or its installation is refused. The error has its index, and nothing of the bundle
    /// is installed.
    pub fn install_bundle(
        &mut self,
        bundle: &Bundle,
        pins: &PinScope,
        authorities: &AuthorityScope,
        options: &EntryOptions,
    ) -> Result<Report, StoreError> {
        let untouched = self.data.clone();
        let servers: Vec<ServerId> = untouched
            .servers()
            .map(|found| found.id().clone())
            .collect();
        let before = untouched.before(&servers);
        let mut sum = Report::new(Outcome::Unchanged, untouched.generation());
        let own = self.own_signatures(bundle);
        for ((index, item), own) in bundle.items().iter().enumerate().zip(own) {
            let placed = match item.decision() {
                Decision::Pin => {
                    let place = self.pin_place(pins.clone());
                    place.map(|place| (Slot::Pin, place))
                }
                Decision::Authority => {
                    let place = self.authority_place(authorities.clone());
                    place.map(|place| (Slot::Authority, place))
                }
                Decision::Intermediate => Ok((Slot::Intermediate, Scope::Everyone.into())),
                Decision::Skip => {
                    sum.warn(StoreWarning::LeftOut { index });
                    continue;
                }
                Decision::Undecided => Err(StoreError::Undecided { index }),
            };
            let certificate = item.certificate().clone();
            let done = placed.and_then(|(slot, place)| {
                self.install(slot, place, certificate, options.clone(), own)
            });
            match done {
                Ok(report) => {
                    if report.done != Outcome::Unchanged {
                        sum.done = Outcome::Added;
                    }
                    let mut consequences = report.consequences;
                    // The source that decides about each server is compared once, after all are installed.
                    consequences.retain(|kind| kind != ConsequenceKind::TrustSource);
                    sum.consequences.append(consequences);
                }
                Err(error) => {
                    self.data = untouched;
                    if item.decision() == Decision::Undecided {
                        return Err(error);
                    }
                    return Err(StoreError::BundleItem {
                        index,
                        source: Box::new(error),
                    });
                }
            }
        }
        if sum.done != Outcome::Unchanged {
            let finished = self.finish(sum.done, before);
            sum.generation = finished.generation;
            sum.consequences.append(finished.consequences);
        }
        Ok(sum)
    }

    /// What the signature of each certificate of a bundle under its own key is. A key that is refused verifies nothing.
    fn own_signatures(&self, bundle: &Bundle) -> Vec<Option<OwnSignature>> {
        let keys = self.keys;
        threads::each(bundle.items(), |item| {
            let certificate = item.certificate();
            let wanted = match item.decision() {
                Decision::Pin | Decision::Authority | Decision::Intermediate => true,
                Decision::Skip | Decision::Undecided => false,
            };
            let judged = wanted && keys.check(certificate).is_ok();
            judged.then(|| OwnSignature::of(&keys, certificate))
        })
    }

    /// `own`: what the signature of the certificate under its own key is, if that has been found already.
    fn install(
        &mut self,
        slot: Slot,
        place: Place,
        certificate: Certificate,
        options: EntryOptions,
        own: Option<OwnSignature>,
    ) -> Result<Report, StoreError> {
        let warnings = self.check_import(slot, &place.scope, &certificate, &options, own)?;
        let key = EntryKey::new(slot, place.scope.clone(), certificate.fingerprint());
        let mut done = Outcome::Added;
        if let Some(found) = self.data.entry(&key) {
            let same = found.options() == &options;
            if found.certificate().is_some() || !same {
                return self.there_already(key, same);
            }
            done = Outcome::Completed;
        } else {
            self.check_entry_end(&options)?;
        }
        let subject = canonical_name(certificate.subject_der());
        let subject = self.data.data().hasher.hash_one(subject);
        let mut report = self.add(
            place,
            key.clone(),
            Some(certificate),
            options,
            done,
            warnings,
        );
        let index = self.data.data().index(slot, &key.scope);
        let count = index.map_or(0, |index| index.count_by_subject(subject));
        if slot != Slot::Pin && count > MAX_SAME_SUBJECT_SIGNATURES {
            report.warn(StoreWarning::ManyOfOneName { count });
        }
        self.warn_of_unlikely(&key, &mut report);
        Ok(report)
    }

    fn there_already(&self, key: EntryKey, same_options: bool) -> Result<Report, StoreError> {
        if !same_options {
            return Err(StoreError::OptionsDiffer(Box::new(key)));
        }
        let mut report = Report::new(Outcome::Unchanged, self.data.generation());
        if let Some(source) = self.data.entry(&key).and_then(Entry::source)
            && self.source.as_deref() != Some(source)
        {
            let source = source.into();
            report.warn(StoreWarning::Followed { source });
        }
        report.push(Consequence::Entry(key));
        Ok(report)
    }

    fn add(
        &mut self,
        place: Place,
        key: EntryKey,
        certificate: Option<Certificate>,
        options: EntryOptions,
        done: Outcome,
        warnings: Vec<StoreWarning>,
    ) -> Report {
        if let Some((id, name)) = place.new_server {
            self.edit().add_server(Server::new(id, [name]));
        }
        self.ask(format_args!("install {}", Named(&key)));
        let affected = self.affected(&key);
        let before = self.data.before(&affected);
        let installed = self.now().known();
        let certificate = certificate.map(|certificate| self.data.data().intern(certificate));
        // Completing an entry with its certificate does not enable it and does not change its source.
        let found = self.data.entry(&key);
        let more = More {
            options,
            installed_by: self.acting.clone(),
            source: found
                .map_or(&self.source, |found| &found.more().source)
                .clone(),
            disabled: found.and_then(|found| found.more().disabled.clone()),
        };
        let entry = Entry::new(key.clone(), certificate, installed, more, &mut self.last);
        self.edit().put(entry);
        self.learn_signatures(&key);
        let claimed = if key.slot == Slot::Pin {
            self.claim(&affected)
        } else {
            Vec::new()
        };
        let mut report = self.finish(done, before);
        report.push(Consequence::Entry(key));
        claimed
            .into_iter()
            .for_each(|id| report.push(Consequence::Claimed(id)));
        warnings
            .into_iter()
            .for_each(|warning| report.warn(warning));
        report
    }

    /// The servers whose trust source may change with this entry.
    pub(super) fn affected(&self, key: &EntryKey) -> Vec<ServerId> {
        match &key.scope {
            Scope::Server(id) => vec![id.clone()],
            Scope::Group(id) => self
                .data
                .group(id)
                .map(|group| group.members().cloned().collect())
                .unwrap_or_default(),
            Scope::AnyServer => {
                // Only the first and the last authority of this level change the source of a server.
                let index = self.data.data().index(key.slot, &Scope::AnyServer);
                let several = index.is_some_and(|index| index.len() > 1);
                if several {
                    return Vec::new();
                }
                self.data
                    .servers()
                    .map(|server| server.id().clone())
                    .collect()
            }
            Scope::Clients | Scope::Everyone => Vec::new(),
        }
    }

    fn pin_place(&self, scope: PinScope) -> Result<Place, StoreError> {
        match scope {
            PinScope::Server(id) => self.server_place(id),
            PinScope::Name(name) => self.name_place(name),
            PinScope::Group(id) => {
                self.data.known_group(&id)?;
                Ok(Scope::Group(id).into())
            }
            PinScope::Clients => Ok(Scope::Clients.into()),
        }
    }

    fn authority_place(&self, scope: AuthorityScope) -> Result<Place, StoreError> {
        match scope {
            AuthorityScope::Server(id) => self.server_place(id),
            AuthorityScope::Name(name) => self.name_place(name),
            AuthorityScope::AnyServer => Ok(Scope::AnyServer.into()),
            AuthorityScope::Clients => Ok(Scope::Clients.into()),
        }
    }

    fn server_place(&self, id: ServerId) -> Result<Place, StoreError> {
        self.data.known_server(&id)?;
        Ok(Scope::Server(id).into())
    }

    fn name_place(&self, name: HostName) -> Result<Place, StoreError> {
        if let Some(server) = self.data.server_of(&name) {
            return Ok(Scope::Server(server.id().clone()).into());
        }
        let id: ServerId = name.to_string().parse()?;
        if self.data.server(&id).is_some() {
            // An id is never read as a name: the server with that id may be another one.
            return Err(StoreError::ServerExists(id));
        }
        Ok(Place {
            scope: Scope::Server(id.clone()),
            new_server: Some((id, name)),
        })
    }

    pub(super) fn check_entry_end(&self, options: &EntryOptions) -> Result<(), StoreError> {
        options.end().map_or(Ok(()), |end| self.check_end(end))
    }
}
