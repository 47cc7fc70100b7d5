//! Putting back exactly what was stored, without the checks of import (rule I8); and what durable stores need of
//! a store beside its public calls.

use std::collections::BTreeSet;
use std::sync::Arc;

use pki_types::UnixTime;

use super::entry::{Disabled, More};
use super::revocation::Room;
use super::{
    BlockSelector, Claim, ClockState, CrlIssuer, CrlOrigin, Entry, EntryKey, EntryOptions, Group,
    GroupId, HeldCrl, InstalledCrl, Outcome, Report, Scope, Server, ServerId, Slot, TrustStore,
};
use crate::certificate::error::with_causes;
use crate::certificate::{Certificate, Crl, CurrentTime, Fingerprint, HostName, shown};
use crate::store::error::StoreError;

/// A server as it was stored.
pub(crate) struct HeldServer {
    pub(crate) id: ServerId,
    pub(crate) names: BTreeSet<HostName>,
    pub(crate) expected: BTreeSet<HostName>,
    pub(crate) group: Option<GroupId>,
    pub(crate) claim: Claim,
}

/// An entry as it was stored.
pub(crate) struct HeldEntry<'a> {
    pub(crate) key: EntryKey,
    /// Its certificate; its fingerprint is that of the key. `None` for a pin of which only that is known.
    pub(crate) der: Option<&'a [u8]>,
    pub(crate) options: EntryOptions,
    pub(crate) installed: Option<UnixTime>,
    pub(crate) installed_by: Option<Arc<str>>,
    pub(crate) source: Option<Arc<str>>,
    pub(crate) disabled: Option<Box<str>>,
}

impl TrustStore {
    /// Puts a group back, without members: those name it.
    pub(crate) fn restore_group(&mut self, id: GroupId) -> Result<(), StoreError> {
        if self.data.group(&id).is_some() {
            return Err(StoreError::GroupExists(id));
        }
        let members = BTreeSet::new();
        self.edit().add_group(Group { id, members });
        Ok(())
    }

    /// Puts a server back, as a member of its group, which must be there.
    pub(crate) fn restore_server(&mut self, held: HeldServer) -> Result<(), StoreError> {
        if self.data.server(&held.id).is_some() {
            return Err(StoreError::ServerExists(held.id));
        }
        for name in &held.names {
            self.free_name(name)?;
        }
        if let Some(group) = &held.group {
            self.data.known_group(group)?;
        }
        let data = self.edit();
        if let Some(group) = held.group.as_ref().and_then(|id| data.group_mut(id)) {
            group.members.insert(held.id.clone());
        }
        data.add_server(Server {
            expected: held.expected.into_iter().collect(),
            group: held.group,
            claim: held.claim,
            ..Server::new(held.id, held.names)
        });
        Ok(())
    }

    /// Puts an entry back, on a shelf of a server or group that is there. Whoever holds a pin must be claimed.
    ///
    /// Returns why this version does not take it: it is then held and disabled.
    pub(crate) fn restore_entry(
        &mut self,
        held: HeldEntry<'_>,
    ) -> Result<Option<String>, StoreError> {
        let key = held.key;
        match &key.scope {
            Scope::Server(id) => {
                self.data.known_server(id)?;
            }
            Scope::Group(id) => {
                self.data.known_group(id)?;
            }
            Scope::AnyServer | Scope::Clients | Scope::Everyone => {}
        }
        if key.slot == Slot::Pin && matches!(key.scope, Scope::Server(_) | Scope::Group(_)) {
            let holders = self.affected(&key);
            let mut servers = holders.iter().filter_map(|id| self.data.server(id));
            if let Some(server) = servers.find(|server| server.claim == Claim::Unclaimed) {
                let server = server.id.clone();
                return Err(StoreError::NotClaimed { server });
            }
        }
        if self.data.entry(&key).is_some() {
            return Err(StoreError::OptionsDiffer(Box::new(key)));
        }
        let mut unread = None;
        let mut certificate = None;
        let mut refused = None;
        if let Some(der) = held.der {
            let known = self.data.data().known(der).cloned();
            match known.map_or_else(|| Certificate::from_der(der), Ok) {
                Ok(read) => {
                    let judged = self.check_loaded(key.slot, &key.scope, &read, &held.options);
                    refused = judged.err().map(|error| with_causes(&error));
                    certificate = Some(read);
                }
                Err(error) => {
                    unread = Some(der.into());
                    refused = Some(with_causes(&error));
                }
            }
        } else if let Err(error) = held.options.check(key.slot, &key.scope, true) {
            refused = Some(with_causes(&error));
        }
        let refused = refused.map(|why| shown(&why));
        let disabled = (held.disabled.is_some() || refused.is_some()).then(|| {
            Box::new(Disabled {
                by_call: held.disabled,
                at_loading: refused.as_deref().map(Box::from),
                unread,
            })
        });
        let more = More {
            options: held.options,
            installed_by: held.installed_by,
            source: held.source,
            disabled,
        };
        let entry = Entry::new(key, certificate, held.installed, more, &mut self.last);
        self.edit().put(entry);
        Ok(refused)
    }

    /// Puts a block back; `false` if it is there.
    pub(crate) fn restore_block(&mut self, selector: &BlockSelector) -> bool {
        self.edit().blocks_mut().insert(selector)
    }

    /// Puts back a server's claim where that is stricter than what is there; `false` if it changes nothing.
    pub(crate) fn restore_claim(&mut self, id: &ServerId, claim: Claim) -> bool {
        let Some(server) = self.data.server(id) else {
            return false;
        };
        let stricter = match (server.claim, claim) {
            (_, Claim::Unclaimed) | (Claim::Claimed, _) => false,
            (Claim::Unclaimed, _) | (Claim::Migrating { .. }, Claim::Claimed) => true,
            (Claim::Migrating { until: now }, Claim::Migrating { until }) => until < now,
        };
        if stricter && let Some(server) = self.edit().server_mut(id) {
            server.claim = claim;
        }
        stricter
    }

    /// Gives a claimed server a name that nobody has, or that an unclaimed server has: no authority comes to
    /// vouch for what is dialled by it. `false` if it changes nothing.
    pub(crate) fn restore_name(&mut self, id: &ServerId, name: &HostName) -> bool {
        let owner = self.data.server_of(name).map(|owner| owner.id.clone());
        let free = match owner.as_ref().and_then(|owner| self.data.server(owner)) {
            Some(owner) => owner.claim == Claim::Unclaimed && owner.id != *id,
            None => true,
        };
        if !free || self.data.server(id).is_none() {
            return false;
        }
        let data = self.edit();
        if let Some(owner) = owner {
            data.drop_name(&owner, name);
        }
        data.add_name(id, name.clone());
        true
    }

    /// Puts a list back that was judged when it was stored: its issuer is checked from now on. It makes no new
    /// generation.
    ///
    /// Returns why this version does not take it as it did: it is held, and no certificate counts as not revoked by
    /// it. What it names is revoked all the same, as far as it can be read.
    pub(crate) fn restore_crl(&mut self, held: HeldCrl<'_>) -> Option<String> {
        let crls = self.edit().crls_mut();
        match Crl::from_der(held.der) {
            Ok(crl) if held.issuer.is_named(crl.issuer_der()) => {
                let refused = crl.refusal().map(ToString::to_string);
                let list = InstalledCrl::new(crl, held.issuer, held.origin);
                crls.put(list.disable(held.disabled));
                refused
            }
            Ok(crl) => {
                let why = format!("it is a list of {}", crl.issuer());
                crls.put_unread(held.unread());
                Some(why)
            }
            Err(error) => {
                crls.put_unread(held.unread());
                Some(with_causes(&error))
            }
        }
    }

    /// Takes over a list that stands whole in a damaged file. One that an installed certificate verifies, or that
    /// needs no verifying since a newer one is there, is treated as when it is installed. Of any other, only what it
    /// names is taken. Returns whether it is there now, and was not before.
    pub(crate) fn salvage_crl(
        &mut self,
        issuer: &CrlIssuer,
        crl: &Crl,
    ) -> Result<bool, StoreError> {
        let generation = self.data.generation();
        match self.install_crl(crl.clone()) {
            Ok(_) => Ok(self.data.generation() != generation),
            Err(StoreError::CrlOlder { .. }) => Ok(false),
            Err(error @ (StoreError::TooManyCrls { .. } | StoreError::CrlsTooLarge { .. })) => {
                Err(error)
            }
            Err(_) => {
                let crls = self.data.data().crls();
                if crls
                    .named(crl.issuer_der())
                    .any(|list| list.crl().fingerprint() == crl.fingerprint())
                {
                    return Ok(false);
                }
                let of_issuer = crls.of(issuer).unwrap_or(&[]);
                Room {
                    of_issuer: of_issuer.len(),
                    lists: crls.count(),
                    bytes: crls.bytes(),
                }
                .check(crl.der().len())?;
                let list = InstalledCrl::new(crl.clone(), issuer.clone(), CrlOrigin::default());
                let why =
                    "taken from a damaged file, and its issuer's certificate is not installed";
                self.edit().crls_mut().put(list.disable(Some(why.into())));
                Ok(true)
            }
        }
    }

    /// Whether a list is there, read or not.
    pub(crate) fn holds_crl(&self, fingerprint: Fingerprint) -> bool {
        let view = self.contents();
        let mut read = view.crls().map(|list| list.crl().fingerprint());
        let mut unread = view.unread_crls().map(|list| list.fingerprint());
        read.any(|held| held == fingerprint) || unread.any(|held| held == fingerprint)
    }

    /// Lets an issuer be checked, with lists or without; `false` if it was already. It makes no new generation.
    pub(crate) fn restore_check(&mut self, issuer: &CrlIssuer) -> bool {
        self.edit().crls_mut().check(issuer)
    }

    /// Puts the generation and the floor back, after everything else, and verifies the signatures of the installed CAs
    /// on the installed intermediates.
    pub(crate) fn restore_numbers(&mut self, generation: u64, floor: Option<UnixTime>) {
        self.learn_all_signatures();
        let data = self.edit();
        data.generation = generation;
        data.floor = floor;
    }

    /// Takes over a higher floor of a damaged file, if the publication of another clock could have raised it so far:
    /// `Some(false)` if not, `None` if it is not higher. It makes no new generation.
    ///
    /// A store that has no floor takes one unless the clock would not count by it.
    pub(crate) fn salvage_floor(&mut self, floor: UnixTime) -> Option<bool> {
        let has = self.contents().floor();
        if Some(floor) <= has {
            return None;
        }
        let taken = match (has, self.clock.now()) {
            (Some(_), _) => {
                self.contents().clock_state(CurrentTime::Known(floor)) == ClockState::Known
            }
            (None, clock) => {
                let view = self.contents().with_floor(Some(floor));
                clock == CurrentTime::Unset || view.clock_state(clock).counts()
            }
        };
        if taken {
            self.edit().floor = Some(floor);
        }
        Some(taken)
    }

    /// Counts at least up to `generation`, so that a number that was given away is not given again.
    pub(crate) fn count_up_to(&mut self, generation: u64) {
        if self.data.generation() < generation {
            self.edit().generation = generation;
        }
    }

    /// Marks what is installed from now on as coming from a followed source.
    pub(crate) fn follow(&mut self, source: Option<&str>) -> Result<(), StoreError> {
        source.map_or(Ok(()), super::changes::check_line)?;
        self.source = source.map(Arc::from);
        Ok(())
    }

    /// Hands an entry over to the followed source that is being installed.
    pub(crate) fn hand_over(&mut self, key: &EntryKey) -> Option<Report> {
        let mut entry = self.data.entry(key)?.clone();
        if entry.more().source == self.source {
            return Some(Report::new(Outcome::Unchanged, self.data.generation()));
        }
        entry.change(|more| more.source = self.source.clone());
        Some(self.replace(entry, Vec::new()))
    }
}
