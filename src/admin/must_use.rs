//! Results that show a change of trust must be used. The compiler refuses each second example, which differs from the
//! first only in that it drops the value.
//!
//! `LoadReport`:
//!
//! ```
//! #![deny(unused_must_use)]
//! use mutual_trust::admin::{DurableSettings, DurableStore};
//! use mutual_trust::error::DurableError;
//! fn f(folder: &std::path::Path, settings: DurableSettings) -> Result<(), DurableError> {
//!     let _kept = DurableStore::open(folder, settings)?;
//!     Ok(())
//! }
//! ```
//!
//! ```compile_fail
//! #![deny(unused_must_use)]
//! use mutual_trust::admin::{DurableSettings, DurableStore};
//! use mutual_trust::error::DurableError;
//! fn f(folder: &std::path::Path, settings: DurableSettings) -> Result<(), DurableError> {
//!     DurableStore::open(folder, settings)?;
//!     Ok(())
//! }
//! ```
//!
//! `RecoveryReport`:
//!
//! ```
//! #![deny(unused_must_use)]
//! use mutual_trust::admin::{DurableSettings, DurableStore};
//! use mutual_trust::error::DurableError;
//! fn f(folder: &std::path::Path, settings: DurableSettings) -> Result<(), DurableError> {
//!     let _kept = DurableStore::recover(folder, settings)?;
//!     Ok(())
//! }
//! ```
//!
//! ```compile_fail
//! #![deny(unused_must_use)]
//! use mutual_trust::admin::{DurableSettings, DurableStore};
//! use mutual_trust::error::DurableError;
//! fn f(folder: &std::path::Path, settings: DurableSettings) -> Result<(), DurableError> {
//!     DurableStore::recover(folder, settings)?;
//!     Ok(())
//! }
//! ```
//!
//! `Blocked`:
//!
//! ```
//! #![deny(unused_must_use)]
//! use mutual_trust::{Certificate, DurableStore};
//! fn f(store: &mut DurableStore, certificate: &Certificate) {
//!     let _kept = store.block(certificate);
//! }
//! ```
//!
//! ```compile_fail
//! #![deny(unused_must_use)]
//! use mutual_trust::{Certificate, DurableStore};
//! fn f(store: &mut DurableStore, certificate: &Certificate) {
//!     store.block(certificate);
//! }
//! ```
//!
//! `Plan`:
//!
//! ```
//! #![deny(unused_must_use)]
//! use mutual_trust::{CurrentTime, Policy, TrustStore, admin};
//! use mutual_trust::error::StoreError;
//! fn f(store: &TrustStore, policy: &Policy, seen: &admin::PeerHistory, clock: CurrentTime) -> Result<(), StoreError> {
//!     let _kept = admin::plan(store, policy, seen, clock, |store| store.add_server("a".parse()?, []))?;
//!     Ok(())
//! }
//! ```
//!
//! ```compile_fail
//! #![deny(unused_must_use)]
//! use mutual_trust::{CurrentTime, Policy, TrustStore, admin};
//! use mutual_trust::error::StoreError;
//! fn f(store: &TrustStore, policy: &Policy, seen: &admin::PeerHistory, clock: CurrentTime) -> Result<(), StoreError> {
//!     admin::plan(store, policy, seen, clock, |store| store.add_server("a".parse()?, []))?;
//!     Ok(())
//! }
//! ```
//!
//! `Removal`:
//!
//! ```
//! #![deny(unused_must_use)]
//! use mutual_trust::{CurrentTime, Policy, TrustSnapshot, admin, store::EntryKey};
//! use mutual_trust::error::StoreError;
//! fn f(view: &TrustSnapshot, policy: &Policy, seen: &admin::PeerHistory, clock: CurrentTime, key: &EntryKey) -> Result<(), StoreError> {
//!     let _kept = admin::safe_to_remove(view, policy, seen, clock, key)?;
//!     Ok(())
//! }
//! ```
//!
//! ```compile_fail
//! #![deny(unused_must_use)]
//! use mutual_trust::{CurrentTime, Policy, TrustSnapshot, admin, store::EntryKey};
//! use mutual_trust::error::StoreError;
//! fn f(view: &TrustSnapshot, policy: &Policy, seen: &admin::PeerHistory, clock: CurrentTime, key: &EntryKey) -> Result<(), StoreError> {
//!     admin::safe_to_remove(view, policy, seen, clock, key)?;
//!     Ok(())
//! }
//! ```
