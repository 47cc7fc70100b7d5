//! Texts of [`StoreError`](super::error::StoreError) that take more than a format: with short fingerprints, and in full with `{:#}`.

use core::fmt::{self, Display as _};

use crate::certificate::{Fingerprint, Timestamp};
use crate::store::EntryKey;

#[expect(clippy::borrowed_box, reason = "thiserror passes the field as it is")]
pub(super) fn no_such_entry(key: &Box<EntryKey>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("there is no entry ")?;
    key.fmt(f)
}

#[expect(clippy::borrowed_box, reason = "thiserror passes the field as it is")]
pub(super) fn options_differ(key: &Box<EntryKey>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("the entry ")?;
    key.fmt(f)?;
    f.write_str(" is installed with other options: update it, or remove it and install it again")
}

pub(super) fn crl_older(held: &Fingerprint, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("a newer revocation list of this issuer and scope is installed: ")?;
    held.identify(f)
}

pub(super) fn no_such_crl(list: &Fingerprint, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("there is no revocation list ")?;
    list.identify(f)
}

pub(super) fn migration_too_long(latest: Option<Timestamp>, limit: u64) -> String {
    match latest {
        Some(latest) => format!(
            "a migration lasts at most {limit} days, now until {latest}: give an earlier end, and extend it later"
        ),
        None => format!(
            "a migration lasts at most {limit} days, and the current time is not known: set the clock first"
        ),
    }
}
