//! What is never accepted.

use mutual_trust::admin::Blocked;
use mutual_trust::store::BlockSelector;
use mutual_trust::{DurableStore, Fingerprint};

use crate::argument::{Data, MaybeOut, Ref, Text};
use crate::certificates::certificate;
use crate::entry::status;
use crate::report::{Problem, Report, Said, finish};
use crate::status::TEXT;
use crate::store::Store;

fn fingerprint(text: &str) -> Result<Fingerprint, Problem> {
    text.parse::<Fingerprint>()
        .map_err(|error| Problem::of(TEXT, &error))
}

/// A block is in force even if the disk did not take it.
fn block(store: &Store, block: impl FnOnce(&mut DurableStore) -> Blocked) -> Result<Said, Problem> {
    let mut store = store.lock()?;
    let Blocked {
        report, unsaved, ..
    } = block(&mut store);
    match unsaved {
        None => Ok(Said::changed(&report, store.contents().generation())),
        Some(error) => Err(error.into()),
    }
}

entries! { "Blocks";
    /// Blocks a certificate, PEM or DER, and its key, for servers and clients, whatever else is installed. It is in force
    /// when the call returns, also with MT_NOT_SAVED: then until the process ends. That is so for the judges of this handle.
    /// Those of another handle of the same folder, in this process or another, have it after its mt_store_refresh. Open
    /// connections go on until they are asked about again (mt_openssl_recheck, ...).
    /// report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_block(store: Ref<Store>, pem_or_der: Data, report: MaybeOut<Report>) -> u32, else status {
        finish(&report, certificate(pem_or_der).and_then(|certificate| {
            block(store, |store| store.block(&certificate))
        }))
    }

    /// Blocks the certificate with this fingerprint: SHA-256, 64 hexadecimal digits. Its key is not blocked. As
    /// mt_store_block otherwise: report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_block_fingerprint(store: Ref<Store>, hexadecimal: Text, report: MaybeOut<Report>) -> u32, else status {
        finish(&report, fingerprint(hexadecimal).and_then(|fingerprint| {
            block(store, |store| store.block_selector(BlockSelector::Fingerprint(fingerprint)))
        }))
    }

    /// Lifts the block of a certificate, PEM or DER, and its key, as mt_store_block made it.
    /// report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_unblock(store: Ref<Store>, pem_or_der: Data, report: MaybeOut<Report>) -> u32, else status {
        finish(&report, certificate(pem_or_der).and_then(|certificate| {
            let selector = BlockSelector::certificate(&certificate);
            store.change(|store| Ok(store.unblock(&selector)?))
        }))
    }

    /// Lifts the block of a fingerprint, as mt_store_block_fingerprint made it.
    /// report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_unblock_fingerprint(store: Ref<Store>, hexadecimal: Text, report: MaybeOut<Report>) -> u32, else status {
        finish(&report, fingerprint(hexadecimal).and_then(|fingerprint| {
            let selector = BlockSelector::Fingerprint(fingerprint);
            store.change(|store| Ok(store.unblock(&selector)?))
        }))
    }
}
