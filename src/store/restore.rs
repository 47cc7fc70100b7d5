//! Restores what was stored, without the checks of import (rule I8), and gives durable stores the calls that are not
//! public.

use std::collections::BTreeSet;
use std::sync::Arc;

use pki_types::UnixTime;

use super::entry::{Disabled, More};
use super::revocation::Room;
use super::{
    BlockSelector, Claim, ClockState, CrlIssuer, CrlOrigin, Entry, EntryKey, EntryOptions, Group,
    GroupId, HeldCrl, InstalledCrl, Outcome, Report, Scope, Server, ServerId, ServerRole, Slot,
    TrustSnapshot, TrustStore,
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
    pub(crate) role: Option<ServerRole>,
}

/// An entry as it was stored.
pub(crate) struct HeldEntry<'a> {
    pub(crate) key: EntryKey,
    /// Its certificate. The key has its fingerprint. `None` for a pin that has only a fingerprint.
    pub(crate) der: Option<&'a [u8]>,
    /// The same certificate, if it was read before.
    pub(crate) read: Option<Certificate>,
    pub(crate) options: EntryOptions,
    pub(crate) installed: Option<UnixTime>,
    pub(crate) installed_by: Option<Arc<str>>,
    pub(crate) source: Option<Arc<str>>,
    pub(crate) disabled: Option<Box<str>>,
}

impl TrustStore {
    /// Restores a group without members. The servers name their group.
    pub(crate) fn restore_group(&mut self, id: GroupId) -> Result<(), StoreError> {
        if self.data.group(&id).is_some() {
            return Err(StoreError::GroupExists(id));
        }
        let members = BTreeSet::new();
        self.edit().add_group(Group { id, members });
        Ok(())
    }

    /// Restores a server as a member of its group. The group must exist.
    pub(crate) fn restore_server(&mut self, held: HeldServer) -> Result<Arc<Server>, StoreError> {
        if self.data.server(&held.id).is_some() {
            return Err(StoreError::ServerExists(held.id));
        }
        for name in &held.names {
            self.free_name(name)?;
        }
        let server = self.as_member(held)?;
        Ok(self.edit().add_server(server))
    }

    /// A server, which its group has as a member from now on. The group must exist.
    pub(super) fn as_member(&mut self, held: HeldServer) -> Result<Server, StoreError> {
        if let Some(group) = &held.group {
            self.data.known_group(group)?;
            if let Some(group) = self.edit().group_mut(group) {
                group.members.insert(held.id.clone());
            }
        }
        Ok(Server {
            expected: held.expected.into_iter().collect(),
            group: held.group,
            claim: held.claim,
            role: held.role.map(Arc::new),
            ..Server::new(held.id, held.names)
        })
    }

    /// Whether an entry can stand here: its server or group exists, and a server with a pin is claimed.
    pub(super) fn check_place(&self, slot: Slot, scope: &Scope) -> Result<(), StoreError> {
        let is_pin = slot == Slot::Pin;
        let unclaimed = match scope {
            Scope::Server(id) => {
                let server = self.data.known_server(id)?;
                (is_pin && server.claim == Claim::Unclaimed).then(|| id.clone())
            }
            Scope::Group(id) => {
                let members = self.data.known_group(id)?.members();
                let is_unclaimed = |id: &&ServerId| {
                    let server = self.data.server(id);
                    is_pin && server.is_some_and(|server| server.claim == Claim::Unclaimed)
                };
                members.into_iter().find(is_unclaimed).cloned()
            }
            Scope::AnyServer | Scope::Clients | Scope::Everyone => None,
        };
        match unclaimed {
            Some(server) => Err(StoreError::NotClaimed { server }),
            None => Ok(()),
        }
    }

    /// Whether all entries of the servers and groups that differ from an earlier snapshot can stand where they are: a
    /// change that takes out a server, or its claim, must not leave a pin behind.
    pub(crate) fn check_places(&self, before: &TrustSnapshot) -> Result<(), StoreError> {
        let (ours, theirs) = (self.data.data(), before.data());
        let (gone, came) = ours.servers.changed(&theirs.servers);
        let servers = gone.into_iter().chain(came);
        let of_servers = servers.flat_map(|server| {
            let group = server.group.clone().map(Scope::Group);
            group.into_iter().chain([Scope::Server(server.id.clone())])
        });
        let (gone, came) = ours.groups.changed(&theirs.groups);
        let of_groups = gone.into_iter().chain(came);
        let of_groups = of_groups.map(|group| Scope::Group(group.id.clone()));
        // Members name the same group, whose check looks at all of them.
        let scopes: BTreeSet<Scope> = of_servers.chain(of_groups).collect();
        for scope in scopes {
            for slot in [Slot::Pin, Slot::Authority] {
                if ours.index(slot, &scope).is_some() {
                    self.check_place(slot, &scope)?;
                }
            }
        }
        Ok(())
    }

    /// Restores an entry. Its server or group must exist, and a server with a pin must be claimed.
    ///
    /// Returns it, and why this version does not accept it. The entry is then kept and disabled.
    pub(crate) fn restore_entry(
        &mut self,
        held: HeldEntry<'_>,
    ) -> Result<(Arc<Entry>, Option<String>), StoreError> {
        self.check_place(held.key.slot, &held.key.scope)?;
        if self.data.entry(&held.key).is_some() {
            return Err(StoreError::OptionsDiffer(Box::new(held.key)));
        }
        let known = held.der.and_then(|der| self.data.data().known(der));
        let known = known.cloned();
        let is_known = known.is_some();
        let (entry, refused) = self.judge_held(held, known);
        Ok((self.edit().put_new(entry, is_known), refused))
    }

    /// An entry, and why this version does not accept it. `known`: its certificate, if another entry has it.
    pub(super) fn judge_held(
        &mut self,
        held: HeldEntry<'_>,
        known: Option<Certificate>,
    ) -> (Entry, Option<String>) {
        let key = held.key;
        let mut unread = None;
        let mut certificate = None;
        let mut refused = None;
        if let Some(der) = held.der {
            // The caller has compared the fingerprint.
            match known
                .or(held.read)
                .map_or_else(|| Certificate::read(der, Some(key.fingerprint)), Ok)
            {
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
        } else if let Err(error) = held.options.check_loaded(key.slot, &key.scope, true) {
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
        (entry, refused)
    }

    /// Restores a block. `false` if it exists already.
    pub(crate) fn restore_block(&mut self, selector: &BlockSelector) -> bool {
        self.edit().blocks_mut().insert(selector)
    }

    /// Restores a server's claim, if it is stricter than the present one. `false` if nothing changes.
    fn restore_claim(&mut self, id: &ServerId, claim: Claim) -> bool {
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

    /// Keeps a claim, also of a server that is gone: without a pin, it refuses every peer (rule P2). The server then has no
    /// names, which another server may have, and no group, whose pins may be others. `false` if nothing changes.
    pub(crate) fn keep_claim(
        &mut self,
        id: &ServerId,
        claim: Claim,
        expected: BTreeSet<HostName>,
    ) -> bool {
        if self.data.server(id).is_some() {
            return self.restore_claim(id, claim);
        }
        let held = HeldServer {
            id: id.clone(),
            names: BTreeSet::new(),
            expected,
            group: None,
            claim,
            role: None,
        };
        self.restore_server(held).is_ok()
    }

    /// Gives a claimed server a name that no server or an unclaimed server has. So no authority can vouch for a server
    /// that is dialled by this name. `false` if nothing changes.
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

    /// Restores a list that was judged when it was stored. Its issuer is checked from now on. It makes no new
    /// generation.
    ///
    /// Returns why this version does not accept it. The list is then kept and proves for no certificate that it is not
    /// revoked. The certificates that it names stay revoked, as far as it can be read.
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

    /// Takes over a list that is whole in a damaged file. If an installed certificate verifies it, or a newer list is
    /// installed, it is treated as in a normal installation. Otherwise only its revocations are used. Returns whether
    /// the list was added.
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

    /// Whether a list is installed, readable or not.
    pub(crate) fn holds_crl(&self, fingerprint: Fingerprint) -> bool {
        let view = self.contents();
        let mut read = view.crls().map(|list| list.crl().fingerprint());
        let mut unread = view.unread_crls().map(|list| list.fingerprint());
        read.any(|held| held == fingerprint) || unread.any(|held| held == fingerprint)
    }

    /// Starts to check an issuer, with or without lists. `false` if it was checked already. It makes no new generation.
    pub(crate) fn restore_check(&mut self, issuer: &CrlIssuer) -> bool {
        self.edit().crls_mut().check(issuer)
    }

    /// Restores the generation and the floor, after everything else, and verifies the signatures of the installed CAs
    /// on the installed intermediates.
    pub(crate) fn restore_numbers(&mut self, generation: u64, floor: Option<UnixTime>) {
        self.learn_all_signatures();
        let data = self.edit();
        data.generation = generation;
        data.floor = floor;
    }

    /// Takes over a higher floor of a damaged file, if one publication could have raised it so far. `Some(false)` if
    /// not; `None` if it is not higher. It makes no new generation.
    ///
    /// A store without a floor takes it, unless the clock would then be too far below it to count.
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

    /// Raises the generation to at least `generation`, so that no number is used twice.
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
