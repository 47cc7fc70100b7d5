//! What is installed, and for which peers.

use mutual_trust::store::{EntryKey, Scope, Slot};
use mutual_trust::{AuthorityScope, Fingerprint, PinScope};

use crate::argument::{Data, Maybe, MaybeOut, Ref, Text, U32};
use crate::certificates::{certificate, crl};
use crate::entry::status;
use crate::options::{Options, or_default};
use crate::report::{Problem, Report, finish};
use crate::status::{
    ARGUMENT, Failed, SCOPE_ANY_SERVER, SCOPE_CLIENTS, SCOPE_EVERYONE, SCOPE_GROUP, SCOPE_NAME,
    SCOPE_SERVER, SLOT_AUTHORITY, SLOT_INTERMEDIATE, SLOT_PIN, TEXT,
};
use crate::store::Store;

/// A text of a certain form.
pub(crate) fn parse<T: core::str::FromStr>(text: &str) -> Result<T, Failed> {
    text.parse().map_err(|_| TEXT)
}

/// A scope without peers to name takes no name.
fn nameless<T>(whose: &str, scope: T) -> Result<T, Failed> {
    if whose.is_empty() {
        Ok(scope)
    } else {
        Err(ARGUMENT)
    }
}

fn pin_scope(scope: u32, whose: &str) -> Result<PinScope, Failed> {
    Ok(match scope {
        SCOPE_SERVER => PinScope::Server(parse(whose)?),
        SCOPE_NAME => PinScope::Name(parse(whose)?),
        SCOPE_GROUP => PinScope::Group(parse(whose)?),
        SCOPE_CLIENTS => nameless(whose, PinScope::Clients)?,
        _ => return Err(ARGUMENT),
    })
}

fn authority_scope(scope: u32, whose: &str) -> Result<AuthorityScope, Failed> {
    Ok(match scope {
        SCOPE_SERVER => AuthorityScope::Server(parse(whose)?),
        SCOPE_NAME => AuthorityScope::Name(parse(whose)?),
        SCOPE_ANY_SERVER => nameless(whose, AuthorityScope::AnyServer)?,
        SCOPE_CLIENTS => nameless(whose, AuthorityScope::Clients)?,
        _ => return Err(ARGUMENT),
    })
}

fn entry_key(slot: u32, scope: u32, whose: &str, fingerprint: &str) -> Result<EntryKey, Failed> {
    let slot = match slot {
        SLOT_PIN => Slot::Pin,
        SLOT_AUTHORITY => Slot::Authority,
        SLOT_INTERMEDIATE => Slot::Intermediate,
        _ => return Err(ARGUMENT),
    };
    let scope = match scope {
        SCOPE_SERVER => Scope::Server(parse(whose)?),
        SCOPE_GROUP => Scope::Group(parse(whose)?),
        SCOPE_ANY_SERVER => nameless(whose, Scope::AnyServer)?,
        SCOPE_CLIENTS => nameless(whose, Scope::Clients)?,
        SCOPE_EVERYONE => nameless(whose, Scope::Everyone)?,
        _ => return Err(ARGUMENT),
    };
    Ok(EntryKey::new(slot, scope, parse(fingerprint)?))
}

entries! { "Installing and removing";
    /// Installs a certificate, PEM or DER, as a pin: one that the peer itself must present.
    /// scope is MT_SCOPE_SERVER, MT_SCOPE_NAME, MT_SCOPE_GROUP or MT_SCOPE_CLIENTS, and whose the id or name; empty for
    /// clients. A server that has a pin must present one from then on: authorities are not asked.
    /// options and report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_install_pin(
        store: Ref<Store>,
        scope: U32,
        whose: Text,
        pem_or_der: Data,
        options: Maybe<Options>,
        report: MaybeOut<Report>,
    ) -> u32, else status {
        let (scope, options) = (pin_scope(scope, whose)?, or_default(options)?);
        finish(&report, certificate(pem_or_der).and_then(|certificate| {
            store.change(|store| Ok(store.install_pin(scope, certificate, options)?))
        }))
    }

    /// Installs a pin of which only the fingerprint is known, as a person at the peer read it aloud: SHA-256, 64 hexadecimal
    /// digits, with or without colons. The arguments are as for mt_store_install_pin; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_install_pin_fingerprint(
        store: Ref<Store>,
        scope: U32,
        whose: Text,
        fingerprint: Text,
        options: Maybe<Options>,
        report: MaybeOut<Report>,
    ) -> u32, else status {
        let (scope, options) = (pin_scope(scope, whose)?, or_default(options)?);
        let fingerprint = fingerprint.parse::<Fingerprint>();
        let fingerprint = fingerprint.map_err(|error| Problem::of(TEXT, &error));
        finish(&report, fingerprint.and_then(|fingerprint| {
            store.change(|store| Ok(store.install_pin_fingerprint(scope, fingerprint, options)?))
        }))
    }

    /// Installs a CA certificate, PEM or DER, at which presented chains may end.
    /// scope is MT_SCOPE_SERVER, MT_SCOPE_NAME, MT_SCOPE_ANY_SERVER or MT_SCOPE_CLIENTS, and whose the id or name; empty
    /// for the last two. options and report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_install_authority(
        store: Ref<Store>,
        scope: U32,
        whose: Text,
        pem_or_der: Data,
        options: Maybe<Options>,
        report: MaybeOut<Report>,
    ) -> u32, else status {
        let (scope, options) = (authority_scope(scope, whose)?, or_default(options)?);
        finish(&report, certificate(pem_or_der).and_then(|certificate| {
            store.change(|store| Ok(store.install_authority(scope, certificate, options)?))
        }))
    }

    /// Installs a CA certificate, PEM or DER, that completes the chains of peers that do not send it. No chain ends at it.
    /// options and report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_install_intermediate(
        store: Ref<Store>,
        pem_or_der: Data,
        options: Maybe<Options>,
        report: MaybeOut<Report>,
    ) -> u32, else status {
        let options = or_default(options)?;
        finish(&report, certificate(pem_or_der).and_then(|certificate| {
            store.change(|store| Ok(store.install_intermediate(certificate, options)?))
        }))
    }

    /// Installs a revocation list, PEM or DER. Its issuer must be installed. From the first list of an issuer on, revocation
    /// is checked for its certificates. report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_install_crl(store: Ref<Store>, pem_or_der: Data, report: MaybeOut<Report>) -> u32, else status {
        finish(&report, crl(pem_or_der).and_then(|crl| {
            store.change(|store| Ok(store.install_crl(crl)?))
        }))
    }

    /// Removes an entry. slot is MT_SLOT_..., scope is MT_SCOPE_... but MT_SCOPE_NAME, whose the id, and fingerprint that of
    /// the certificate: 64 hexadecimal digits. A server stays claimed without its pin. report may be NULL; free *report with
    /// mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_remove(
        store: Ref<Store>,
        slot: U32,
        scope: U32,
        whose: Text,
        fingerprint: Text,
        report: MaybeOut<Report>,
    ) -> u32, else status {
        let key = entry_key(slot, scope, whose, fingerprint)?;
        finish(&report, store.change(|store| Ok(store.remove(&key)?)))
    }
}
