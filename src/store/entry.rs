//! What one installed certificate is, and for whom.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use pki_types::UnixTime;

use super::{EntryOptions, GroupId, PinMatch, ServerId};
use crate::certificate::{Certificate, Fingerprint, HostName, KeyPin, Role};

/// As what a certificate is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a further slot would change what every match on it means for trust"
)]
pub enum Slot {
    /// A certificate that the peer itself must present. It never vouches for another one (rule I3).
    Pin,
    /// A CA certificate in which a presented chain may end.
    Authority,
    /// A CA certificate that completes chains which peers send incomplete. It ends none.
    Intermediate,
}

/// For whom an entry counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a further scope would change what every match on it means for trust"
)]
pub enum Scope {
    /// One server: pins and authorities.
    Server(ServerId),
    /// The members of a group: pins.
    Group(GroupId),
    /// Servers that hold no authority of their own: authorities.
    AnyServer,
    /// Clients: pins and authorities.
    Clients,
    /// Every chain: intermediates.
    Everyone,
}

impl Scope {
    /// The role of the peers for whom the entry counts; `None` for intermediates.
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Server(_) | Self::Group(_) | Self::AnyServer => Some(Role::Server),
            Self::Clients => Some(Role::Client),
            Self::Everyone => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(id) => write!(f, "server {id}"),
            Self::Group(id) => write!(f, "group {id}"),
            Self::AnyServer => f.write_str("any server"),
            Self::Clients => f.write_str("clients"),
            Self::Everyone => f.write_str("all chains"),
        }
    }
}

/// For whom a pin is installed. There is no pin for any server: a pin says whose certificate it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PinScope {
    /// One server.
    Server(ServerId),
    /// The server that has this name; if none has, one is made whose id is the name's text.
    Name(HostName),
    /// All members of a group, present and future.
    Group(GroupId),
    /// Clients, seen from a key server.
    Clients,
}

/// For whom an authority is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthorityScope {
    /// One server.
    Server(ServerId),
    /// The server that has this name; if none has, one is made whose id is the name's text.
    Name(HostName),
    /// Servers that hold no authority of their own and are not claimed by a pin.
    AnyServer,
    /// Clients, seen from a key server.
    Clients,
}

/// What names one entry: slot, scope and fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct EntryKey {
    /// For whom.
    pub scope: Scope,
    /// As what.
    pub slot: Slot,
    /// Which certificate.
    pub fingerprint: Fingerprint,
}

impl EntryKey {
    /// The key of an entry.
    pub const fn new(slot: Slot, scope: Scope, fingerprint: Fingerprint) -> Self {
        Self {
            scope,
            slot,
            fingerprint,
        }
    }
}

/// With a short fingerprint; `{:#}` has the whole one.
impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = match self.slot {
            Slot::Pin => "pin",
            Slot::Authority => "authority",
            Slot::Intermediate => "intermediate",
        };
        write!(f, "{slot} ")?;
        self.fingerprint.identify(f)?;
        write!(f, " for {}", self.scope)
    }
}

/// One installed certificate, or just its fingerprint, with its slot, scope and options.
#[derive(Clone, Debug)]
pub struct Entry {
    scope: Scope,
    held: Held,
    more: Option<Arc<More>>,
    slot: Slot,
    installed: Stamp,
}

/// A certificate, which knows its fingerprint, or the fingerprint alone, which is rare.
#[derive(Clone, Debug)]
enum Held {
    Certificate(Certificate),
    Fingerprint(Box<Fingerprint>),
}

/// What most entries have nothing of. Behind a pointer, so that it takes memory only where there is something,
/// and once for entries that have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct More {
    pub(super) options: EntryOptions,
    pub(super) installed_by: Option<Arc<str>>,
    pub(super) source: Option<Arc<str>>,
    pub(super) disabled: Option<Box<Disabled>>,
}

static NOTHING_MORE: More = More {
    options: EntryOptions::new(),
    installed_by: None,
    source: None,
    disabled: None,
};

impl More {
    /// Makes it one object with the `last` that was made, if that is the same.
    fn share(self, last: &mut Option<Arc<Self>>) -> Option<Arc<Self>> {
        if self == NOTHING_MORE {
            return None;
        }
        if last.as_deref() != Some(&self) {
            *last = Some(Arc::new(self));
        }
        last.clone()
    }
}

/// Why an entry accepts nothing although it is held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Disabled {
    /// What the administrator said who disabled it.
    pub(super) by_call: Option<Box<str>>,
    /// Why this version, its key policy or its provider does not take it (rule I8). Judged at each loading.
    pub(super) at_loading: Option<Box<str>>,
    /// The bytes of its certificate, if this version cannot read them.
    pub(super) unread: Option<Box<[u8]>>,
}

/// A time or none, in the five bytes that lie free beside the slot: the seconds and one more, 0 for none. A time
/// after the year 36,000 is read as the last one that they hold.
#[derive(Clone, Copy, Debug)]
struct Stamp([u8; 5]);

impl Stamp {
    const LAST: u64 = (1 << 40) - 1;

    fn of(time: Option<UnixTime>) -> Self {
        let number = time.map_or(0, |time| time.as_secs().saturating_add(1).min(Self::LAST));
        let [bytes @ .., _, _, _] = number.to_le_bytes();
        Self(bytes)
    }

    fn time(self) -> Option<UnixTime> {
        let [a, b, c, d, e] = self.0;
        let since = u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]).checked_sub(1)?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(since)))
    }
}

impl Entry {
    /// An entry, which shares what it can with the `last` one that was made.
    pub(super) fn new(
        key: EntryKey,
        certificate: Option<Certificate>,
        installed: Option<UnixTime>,
        more: More,
        last: &mut Option<Arc<More>>,
    ) -> Self {
        Self {
            scope: key.scope,
            held: match certificate {
                Some(certificate) => Held::Certificate(certificate),
                None => Held::Fingerprint(Box::new(key.fingerprint)),
            },
            more: more.share(last),
            slot: key.slot,
            installed: Stamp::of(installed),
        }
    }

    pub(super) fn is(&self, key: &EntryKey) -> bool {
        self.is_for(key.slot, &key.scope) && self.fingerprint() == key.fingerprint
    }

    pub(super) fn is_for(&self, slot: Slot, scope: &Scope) -> bool {
        self.slot == slot && self.scope == *scope
    }

    pub(super) fn more(&self) -> &More {
        self.more.as_deref().unwrap_or(&NOTHING_MORE)
    }

    pub(super) fn change(&mut self, change: impl FnOnce(&mut More)) {
        let mut more = self.more().clone();
        change(&mut more);
        self.more = more.share(&mut None);
    }

    pub(super) fn holds(&self, der: &[u8]) -> bool {
        let certificate = self.certificate();
        certificate.is_some_and(|certificate| certificate.der().as_ref() == der)
    }

    pub(super) fn holds_key(&self, key: KeyPin) -> bool {
        let certificate = self.certificate();
        certificate.is_some_and(|certificate| certificate.key_pin() == key)
    }

    pub(super) fn matches_by_key(&self) -> bool {
        self.slot == Slot::Pin && self.options().matching() == PinMatch::PublicKey
    }

    /// Slot, scope and fingerprint, which name it.
    pub fn key(&self) -> EntryKey {
        EntryKey::new(self.slot, self.scope.clone(), self.fingerprint())
    }

    /// As what it is installed.
    pub const fn slot(&self) -> Slot {
        self.slot
    }

    /// For whom it is installed.
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// SHA-256 over the DER of its certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        match &self.held {
            Held::Certificate(certificate) => certificate.fingerprint(),
            Held::Fingerprint(fingerprint) => **fingerprint,
        }
    }

    /// The certificate; `None` while only the fingerprint of a pin is installed.
    pub const fn certificate(&self) -> Option<&Certificate> {
        match &self.held {
            Held::Certificate(certificate) => Some(certificate),
            Held::Fingerprint(_) => None,
        }
    }

    /// The options.
    pub fn options(&self) -> &EntryOptions {
        &self.more().options
    }

    /// When it was installed; `None` if the clock was unset then.
    pub fn installed(&self) -> Option<UnixTime> {
        self.installed.time()
    }

    /// On whose behalf it was installed or completed ([`set_actor`](super::TrustStore::set_actor)); `None` if nobody
    /// was named.
    pub fn installed_by(&self) -> Option<&str> {
        self.more().installed_by.as_deref()
    }

    /// The followed source that it came from; `None` if an administrator installed it. It goes when it vanishes
    /// from that source.
    pub fn source(&self) -> Option<&str> {
        self.more().source.as_deref()
    }

    /// Why the entry accepts nothing although it is held; `None` if it is enabled. An administrator
    /// disabled it, or this version does not take what an earlier one had installed (rule I8).
    pub fn disabled(&self) -> Option<&str> {
        let disabled = self.more().disabled.as_deref()?;
        disabled
            .by_call
            .as_deref()
            .or(disabled.at_loading.as_deref())
    }

    /// What the administrator said who disabled it.
    #[cfg(feature = "admin")]
    pub(crate) fn disabled_by_call(&self) -> Option<&str> {
        self.more().disabled.as_deref()?.by_call.as_deref()
    }

    /// The bytes of a certificate that this version cannot read.
    pub(crate) fn unread(&self) -> Option<&[u8]> {
        self.more().disabled.as_deref()?.unread.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(options: EntryOptions, last: &mut Option<Arc<More>>) -> Entry {
        let fingerprint = Fingerprint::from_bytes([7; 32]);
        let key = EntryKey::new(Slot::Pin, Scope::Clients, fingerprint);
        let more = More {
            options,
            ..NOTHING_MORE.clone()
        };
        Entry::new(key, None, None, more, last)
    }

    #[test]
    fn an_entry_for_which_nothing_is_chosen_has_nothing_more() {
        let mut last = None;
        let plain = entry(EntryOptions::new(), &mut last);
        assert!(plain.more.is_none() && last.is_none());
        assert_eq!(*plain.options(), EntryOptions::default());
        let mut chosen = entry(EntryOptions::new().with_any_role(), &mut last);
        assert!(chosen.options().is_any_role());
        chosen.change(|more| more.options = EntryOptions::new());
        assert!(chosen.more.is_none());
    }

    #[test]
    fn entries_with_the_same_share_it_until_one_is_changed() {
        let mut last = None;
        let mut of = |label: &str| entry(EntryOptions::new().with_label(label), &mut last);
        let (mut first, second, other) = (of("a"), of("a"), of("b"));
        let same = |one: &Entry, two: &Entry| {
            Arc::ptr_eq(one.more.as_ref().unwrap(), two.more.as_ref().unwrap())
        };
        assert!(same(&first, &second));
        assert!(!same(&first, &other));
        assert_eq!(other.options().label(), Some("b"));
        first.change(|more| more.source = Some("c".into()));
        assert_eq!((first.source(), second.source()), (Some("c"), None));
        assert_eq!(first.options(), second.options());
    }

    #[test]
    fn times_are_kept_to_the_second() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        for seconds in [0, 1, 1_900_000_000, Stamp::LAST - 1] {
            assert_eq!(Stamp::of(Some(at(seconds))).time(), Some(at(seconds)));
        }
        for later in [Stamp::LAST, u64::MAX] {
            assert_eq!(Stamp::of(Some(at(later))).time(), Some(at(Stamp::LAST - 1)));
        }
        assert_eq!(Stamp::of(None).time(), None);
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn an_entry_takes_56_bytes() {
        assert_eq!(size_of::<Entry>(), 56);
    }
}
