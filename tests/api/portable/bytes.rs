//! The text of a store, with checks, sums, digest and seal.

use mutual_trust::admin::SealKey;
use mutual_trust::admin::file::{SealState, UnknownRecords, read, write};
use mutual_trust::error::StoreFileError;

use super::{filled, is_known, seal};
use crate::support::facts::facts;
use crate::support::{fixture_bytes, keys};

const FILE: &str = "portable/store";

#[test]
fn a_store_is_written_as_on_every_machine() {
    let (text, digest) = write(&filled(), &UnknownRecords::default(), Some(&seal())).unwrap();
    is_known("store", text.as_bytes());
    is_known("store.digest", format!("{digest}\n").as_bytes());
}

#[test]
fn a_store_of_another_machine_is_read() {
    let known = fixture_bytes(FILE);
    let found = read(&known, keys(), Some(&seal())).unwrap();
    assert_eq!(found.report.seal, SealState::Verified);
    assert_eq!(facts(found.store.contents()), facts(&filled()));
    let again = write(found.store.contents(), &found.kept, Some(&seal()));
    assert!(again.unwrap().0.as_bytes() == known);
    let other = SealKey::new((1..49).collect()).unwrap();
    let error = read(&known, keys(), Some(&other)).unwrap_err();
    assert!(matches!(error, StoreFileError::SealWrong), "{error}");
}

// The sums of lines are numbers of 64 bits, from which the number of the damaged line is computed.
#[test]
fn the_damaged_line_of_a_journal_is_named() {
    const LINE: &str = "+  ends 2106-02-07T06:28:21Z";
    let known = String::from_utf8(fixture_bytes("portable/journal")).unwrap();
    let place = known.lines().position(|line| line == LINE).unwrap() + 1;
    let damaged = known.replace(LINE, "+  ends 2106-02-07T06:28:22Z");
    let error = read(damaged.as_bytes(), keys(), None).unwrap_err();
    assert!(
        error.to_string().contains(&format!("line {place}")),
        "{error}"
    );
}
