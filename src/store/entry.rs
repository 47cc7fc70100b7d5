//! Installed certificates: slot, scope and options.

use core::time::Duration;
use std::sync::Arc;

use pki_types::UnixTime;

use super::entry_key::{EntryKey, Scope, Slot};
use super::options::{EntryOptions, PinMatch};
use crate::certificate::{Certificate, Fingerprint, KeyPin};

/// One installed certificate, or just its fingerprint, with its slot, scope and options.
#[derive(Clone, Debug)]
pub struct Entry {
    scope: Scope,
    held: Held,
    more: Option<Arc<More>>,
    slot: Slot,
    installed: Stamp,
}

/// A certificate, or only a fingerprint. The second case is rare.
#[derive(Clone, Debug)]
enum Held {
    Certificate(Certificate),
    Fingerprint(Box<Fingerprint>),
}

/// Values that most entries do not have. They are behind a pointer, so they use memory only where they are set, and
/// entries with equal values share them.
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
    /// Shares the object with the `last` one, if both are equal.
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

/// Why an installed entry accepts nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Disabled {
    /// The reason that the administrator gave.
    pub(super) by_call: Option<Box<str>>,
    /// Why this version, its key policy or its provider does not accept it (rule I8). Judged at each load.
    pub(super) at_loading: Option<Box<str>>,
    /// The bytes of its certificate, if this version cannot read them.
    pub(super) unread: Option<Box<[u8]>>,
}

/// An optional time in the five padding bytes beside the slot: the seconds plus one, or 0 for none. A time after the
/// year 36,000 becomes the last time that fits.
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
    /// An entry. It shares equal values with the `last` one that was made.
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

    /// The same entry without the source that it came from.
    #[cfg(feature = "bundle")]
    pub(crate) fn without_source(&self) -> Self {
        let mut entry = self.clone();
        if self.source().is_some() {
            entry.change(|more| more.source = None);
        }
        entry
    }

    pub(super) fn holds(&self, der: &[u8]) -> bool {
        let certificate = self.certificate();
        certificate.is_some_and(|certificate| certificate.der() == der)
    }

    pub(super) fn holds_key(&self, key: KeyPin) -> bool {
        let certificate = self.certificate();
        certificate.is_some_and(|certificate| certificate.key_pin() == key)
    }

    pub(crate) fn matches_by_key(&self) -> bool {
        self.slot == Slot::Pin && self.options().matching() == PinMatch::PublicKey
    }

    /// Slot, scope and fingerprint, which identify it.
    pub fn key(&self) -> EntryKey {
        EntryKey::new(self.slot, self.scope.clone(), self.fingerprint())
    }

    /// The slot in which it is installed.
    pub const fn slot(&self) -> Slot {
        self.slot
    }

    /// The peers to which it applies.
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

    /// The actor that installed or completed it ([`set_actor`](super::TrustStore::set_actor)). `None` if no actor was
    /// set.
    pub fn installed_by(&self) -> Option<&str> {
        self.more().installed_by.as_deref()
    }

    /// The followed source of the entry. `None` if an administrator installed it. The entry is removed when the source
    /// no longer has it.
    pub fn source(&self) -> Option<&str> {
        self.more().source.as_deref()
    }

    /// Why the entry accepts nothing although it is installed. `None` if it is enabled. An administrator disabled it,
    /// or this version does not accept what an earlier version installed (rule I8).
    pub fn disabled(&self) -> Option<&str> {
        let disabled = self.more().disabled.as_deref()?;
        disabled
            .by_call
            .as_deref()
            .or(disabled.at_loading.as_deref())
    }

    /// The reason that the administrator gave.
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
