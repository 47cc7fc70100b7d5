//! What calls answer, as numbers.

use core::ffi::CStr;

/// A call did not do what it was asked; its number. Never 0.
pub(crate) type Failed = u32;

macro_rules! numbers {
    ($(#[$gate:meta])? $table:ident: $( $(#[doc = $doc:literal])+ $name:ident = $value:literal as $c:literal; )*) => {
        $( $(#[doc = $doc])+ pub(crate) const $name: u32 = $value; )*

        /// All of them with their names in C, and with their texts, which end with a NUL.
        $(#[$gate])?
        pub(crate) const $table: &[(&str, u32, &str)] = &[$( ($c, $value, concat!($($doc),+, "\0")), )*];
    };
}

numbers! { STATUSES:
    /// Done.
    OK = 0 as "MT_OK";
    /// A pointer is NULL that must not be.
    NULL = 1 as "MT_NULL";
    /// A number is out of its range, or a length cannot be.
    ARGUMENT = 2 as "MT_ARGUMENT";
    /// A text is not UTF-8, or not of the form that is asked for: an id, a name, a fingerprint, a pattern.
    TEXT = 3 as "MT_TEXT";
    /// The bytes are no certificate and no revocation list, or they are malformed.
    MALFORMED = 4 as "MT_MALFORMED";
    /// There is no store in the folder.
    NO_STORE = 5 as "MT_NO_STORE";
    /// There is a store in the folder already.
    EXISTS = 6 as "MT_EXISTS";
    /// The store file is damaged, of a later version, or its seal is wrong. What was in force stays in force.
    DAMAGED = 7 as "MT_DAMAGED";
    /// The store file is older than what this system had. What was in force stays in force.
    ROLLED_BACK = 8 as "MT_ROLLED_BACK";
    /// Another process is changing the store, and has not finished in time.
    BUSY = 9 as "MT_BUSY";
    /// The rules of the store do not allow it. Nothing changed.
    REFUSED = 10 as "MT_REFUSED";
    /// The disk did not take the change. It is not in force; a block is, until the process ends.
    NOT_SAVED = 11 as "MT_NOT_SAVED";
    /// A file or the folder cannot be used.
    DISK = 12 as "MT_DISK";
    /// The enrolment does not allow it. The peer keeps waiting.
    ENROLMENT = 13 as "MT_ENROLMENT";
    /// There is nothing with this number.
    NOT_FOUND = 14 as "MT_NOT_FOUND";
    /// A fault of the library, or an earlier one in the same store. Nothing is accepted. Please report it.
    FAULT = 255 as "MT_FAULT";
}

numbers! { #[cfg(test)] CHOICES:
    /// A scope: one server, by its id.
    SCOPE_SERVER = 1 as "MT_SCOPE_SERVER";
    /// A scope: the server that has a name. If there is none, it is added with that name as its id.
    SCOPE_NAME = 2 as "MT_SCOPE_NAME";
    /// A scope: the members of a group, by its id. For pins.
    SCOPE_GROUP = 3 as "MT_SCOPE_GROUP";
    /// A scope: servers that hold no authority of their own and are not claimed by a pin. For authorities.
    SCOPE_ANY_SERVER = 4 as "MT_SCOPE_ANY_SERVER";
    /// A scope: clients.
    SCOPE_CLIENTS = 5 as "MT_SCOPE_CLIENTS";
    /// A scope: every chain. For intermediates.
    SCOPE_EVERYONE = 6 as "MT_SCOPE_EVERYONE";
    /// A slot: a certificate that the peer itself must present.
    SLOT_PIN = 1 as "MT_SLOT_PIN";
    /// A slot: a CA certificate at which a presented chain may end.
    SLOT_AUTHORITY = 2 as "MT_SLOT_AUTHORITY";
    /// A slot: a CA certificate that completes chains.
    SLOT_INTERMEDIATE = 3 as "MT_SLOT_INTERMEDIATE";
    /// A pin matches the whole certificate.
    MATCH_CERTIFICATE = 1 as "MT_MATCH_CERTIFICATE";
    /// A pin matches every certificate with its public key.
    MATCH_KEY = 2 as "MT_MATCH_KEY";
    /// Chains may break RFC 5280 where private CAs do so harmlessly. They are accepted with warnings.
    PROFILE_COMPATIBLE = 1 as "MT_PROFILE_COMPATIBLE";
    /// Chains must be as RFC 5280 says.
    PROFILE_STRICT = 2 as "MT_PROFILE_STRICT";
}

/// What a status means, on one line.
pub(crate) fn meaning(status: u32) -> &'static CStr {
    let found = STATUSES.iter().find(|(_, number, _)| *number == status);
    let text = found.map(|(_, _, text)| text.trim_start().as_bytes());
    text.and_then(|text| CStr::from_bytes_until_nul(text).ok())
        .unwrap_or(c"There is no such status.")
}

/// The version of the interface. It counts up when a function changes what it takes or does.
pub(crate) const ABI_VERSION: u32 = 1;

/// A time: read the clock of the operating system each time.
pub(crate) const TIME_SYSTEM: i64 = -1;

/// A time: there is no clock, or it was not set since power-on.
pub(crate) const TIME_UNSET: i64 = -2;
