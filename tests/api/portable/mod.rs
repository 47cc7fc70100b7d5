//! What the library writes, to the last byte, and the times and lengths that it takes, on every machine.
//!
//! The files of `tests/fixtures/portable` were written on a 64-bit machine with little-endian numbers. A machine with another
//! byte order or other word size must read them and write the same: stores move between machines, and the machines of a fleet
//! compare digests. With `MUTUAL_TRUST_WRITE_PORTABLE=1` the files are written anew, which a change of a format needs.

mod bytes;
#[cfg(unix)]
mod folders;
mod numbers;
#[cfg(feature = "bundle")]
mod published;

use std::time::Duration;

use mutual_trust::admin::{Seal, SealKey};
use mutual_trust::certificate::Crl;
use mutual_trust::error::StoreError;
use mutual_trust::store::{BlockSelector, ValidityRule};
use mutual_trust::{
    AuthorityScope, EntryOptions, Fingerprint, PinMatch, PinScope, TrustSnapshot, TrustStore,
};

use crate::support::{NOW, at, fixture, fixture_bytes, fixture_path, host, server_id, store};

/// Beyond what 32 bits count, with and without a sign.
const AFTER_32_BITS: u64 = (1 << 32) + 5;

/// Compares with a file of `tests/fixtures/portable`.
fn is_known(name: &str, made: &[u8]) {
    let name = format!("portable/{name}");
    if std::env::var_os("MUTUAL_TRUST_WRITE_PORTABLE").is_some() {
        std::fs::write(fixture_path(&name), made).unwrap();
    }
    let known = fixture_bytes(&name);
    let text = String::from_utf8_lossy;
    assert!(
        made == known,
        "{name} is\n{}\nand not\n{}",
        text(made),
        text(&known)
    );
}

fn seal() -> impl Seal {
    SealKey::new((0..48).collect()).unwrap()
}

fn server_pin(id: &str) -> PinScope {
    PinScope::Server(server_id(id))
}

/// A store of fixtures, which is the same in each run.
fn fill(store: &mut TrustStore) -> Result<(), StoreError> {
    let options = EntryOptions::new;
    let group = "site-a".parse().unwrap();
    store.set_actor(Some("alice@example, ticket 7"))?;
    let names = ["kms1.example", "192.0.2.7", "[2001:db8::7]"].map(host);
    store.add_server(server_id("keys-1"), names)?;
    store.add_server(server_id("keys-2"), [host("kms2.example")])?;
    store.add_group("site-a".parse().unwrap())?;
    store.join_group(&group, &server_id("keys-2"))?;
    let pin = fixture("ee-p256");
    store.install_pin(server_pin("keys-1"), pin, options().with_label("rack 4"))?;
    let by_key = options()
        .with_matching(PinMatch::PublicKey)
        .with_validity(ValidityRule::Grace(Duration::from_millis(86_400_500)))
        .with_any_role()
        .with_end(at(AFTER_32_BITS));
    store.install_pin(PinScope::Group(group), fixture("ca-false"), by_key)?;
    store.set_actor(None)?;
    let bare = Fingerprint::from_bytes(core::array::from_fn(|place| u8::try_from(place).unwrap()));
    store.install_pin_fingerprint(PinScope::Clients, bare, options())?;
    let patterns = ["dns:*.arrays.example", "ip:192.0.2.9", "ip:2001:db8::9"];
    let patterns = options().with_san_patterns(patterns.map(|text| text.parse().unwrap()));
    store.install_authority(AuthorityScope::Clients, fixture("ca-root"), patterns)?;
    let issuer = fixture("crls/ca");
    store.install_authority(AuthorityScope::AnyServer, issuer, options())?;
    store.install_intermediate(fixture("ca-intermediate"), options())?;
    for list in ["v2", "part-1"] {
        store.install_crl(Crl::from_pem(&fixture_bytes(&format!("crls/{list}.pem"))).unwrap())?;
    }
    store.migrate(&server_id("keys-2"), at(NOW + 30 * 86_400))?;
    let gone = fixture("ee-p384");
    store.block_selector(BlockSelector::certificate(&gone));
    store.block_selector(BlockSelector::Fingerprint(gone.fingerprint()));
    store.block_selector(BlockSelector::Key(gone.key_pin()));
    store.block_selector(BlockSelector::issuer_serial(&gone));
    Ok(())
}

fn filled() -> TrustSnapshot {
    let mut store = store();
    fill(&mut store).unwrap();
    store.snapshot()
}
