//! The role and the place of a server, and the minor version of a file that has them.

use super::format::ORDERED;
use crate::limits::MAX_SERVERS_IN_ORDER;
use crate::store::{ServerRole, TrustSnapshot};

/// A role as a field has it.
pub(super) fn text(role: &ServerRole) -> String {
    match role {
        ServerRole::Primary { place } => place.to_string(),
        ServerRole::Secondary { of, place } => format!("{place} of {of}"),
    }
}

/// Reads what [`text`] writes, and nothing else.
pub(super) fn read(value: &str) -> Option<ServerRole> {
    let (place, of) = match value.split_once(" of ") {
        Some((place, of)) => (place, Some(of.parse().ok()?)),
        None => (value, None),
    };
    let place: usize = place.parse().ok()?;
    let role = match of {
        Some(of) => ServerRole::secondary(of, place),
        None => ServerRole::primary(place),
    };
    let fits = (1..=MAX_SERVERS_IN_ORDER).contains(&place);
    (fits && text(&role) == value).then_some(role)
}

/// The minor version of a file: the earliest that has all of its fields, and none before that of the file that was read.
pub(super) fn minor(view: &TrustSnapshot, read: u32) -> u32 {
    match read < ORDERED && view.has_roles() {
        true => ORDERED,
        false => read,
    }
}
