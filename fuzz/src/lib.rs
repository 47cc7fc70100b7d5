//! The bodies of the fuzz targets: plain functions of bytes.
//!
//! libFuzzer drives them through `fuzz_targets/` (see `run`), and `cargo test` replays the corpus. Each panics when
//! something does not hold. Each returns whether the library accepted the input, so that the replay can tell an
//! accepted seed from a refused one.

mod bundle;
mod c_calls;
mod certificate;
mod crl;
mod differential;
mod journal;
mod key;
mod make;
mod operations;
mod pem;
mod recovery;
mod report;
mod snapshot;
mod store;
mod store_file;
mod text;
mod tls;
mod verdict;
mod work;

pub use bundle::{fleet, publication};
pub use c_calls::c_calls;
pub use certificate::certificate;
pub use crl::crl;
pub use differential::differential;
pub use journal::journal;
pub use key::{encrypted_key, private_key};
pub use operations::operations;
pub use pem::pem;
pub use recovery::recovery;
pub use store::store;
pub use store_file::store_file;
pub use text::{fingerprint, host_name, san_pattern};
pub use tls::{tls_client, tls_enrolment, tls_server};
pub use verdict::verdict;

/// A target: its name, the longest input that it reads, its body.
pub type Target = (&'static str, usize, fn(&[u8]) -> bool);

/// All targets. `run` and the replay find them by the folders of `corpus/`; a test compares.
pub const TARGETS: &[Target] = &[
    ("c_calls", C_CALLS_BYTES, c_calls),
    ("certificate", CERTIFICATE_BYTES, certificate),
    ("crl", CRL_BYTES, crl),
    ("differential", DIFFERENTIAL_BYTES, differential),
    ("encrypted_key", ENCRYPTED_KEY_BYTES, encrypted_key),
    ("fingerprint", TEXT_BYTES, fingerprint),
    ("fleet", FLEET_BYTES, fleet),
    ("host_name", TEXT_BYTES, host_name),
    ("journal", STORE_FILE_BYTES, journal),
    ("operations", OPERATIONS_BYTES, operations),
    ("pem", PEM_BYTES, pem),
    ("private_key", PRIVATE_KEY_BYTES, private_key),
    ("publication", PUBLICATION_BYTES, publication),
    ("recovery", STORE_FILE_BYTES, recovery),
    ("san_pattern", TEXT_BYTES, san_pattern),
    ("store", STORE_BYTES, store),
    ("store_file", STORE_FILE_BYTES, store_file),
    ("tls_client", TLS_BYTES, tls_client),
    ("tls_enrolment", TLS_BYTES, tls_enrolment),
    ("tls_server", TLS_BYTES, tls_server),
    ("verdict", VERDICT_BYTES, verdict),
];

// Long enough for the largest seed, short enough that libFuzzer does not lose itself in long inputs.
const CERTIFICATE_BYTES: usize = 24 * 1024;
const DIFFERENTIAL_BYTES: usize = 8 * 1024;
const CRL_BYTES: usize = 8 * 1024;
const PEM_BYTES: usize = 16 * 1024;
const PRIVATE_KEY_BYTES: usize = 8 * 1024;
const ENCRYPTED_KEY_BYTES: usize = 4 * 1024;
const TEXT_BYTES: usize = 1024;
const STORE_FILE_BYTES: usize = 16 * 1024;
const PUBLICATION_BYTES: usize = 16 * 1024;
// Four key sets of three bytes, and five more.
const FLEET_BYTES: usize = 32;
// Two to eight bytes a call or a question.
const OPERATIONS_BYTES: usize = 1024;
// A dozen changes.
const TLS_BYTES: usize = 80;
// Nine certificates, 23 calls and a dozen questions take 300 bytes.
const VERDICT_BYTES: usize = 1024;
// Sixty calls of ten bytes.
const C_CALLS_BYTES: usize = 768;
// Four bytes an operation.
const STORE_BYTES: usize = 1024;

/// Keys that the provider ring verifies, with a count of what it verifies.
pub(crate) fn keys() -> mutual_trust::KeyPolicy {
    mutual_trust::KeyPolicy::new(work::algorithms())
}
