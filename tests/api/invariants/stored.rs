//! What is stored and loaded again is the same store, to the last fact and the last verdict (rule I8).

use mutual_trust::TrustStore;
use mutual_trust::admin::file::{UnknownRecords, read, write};
use proptest::prelude::*;

use crate::invariants::admin::Admin;
use crate::invariants::operations::history;
use crate::invariants::questions::asks;
use crate::support::facts::facts;
use crate::support::keys;
use crate::support::random::config;

fn text(store: &TrustStore, kept: &UnknownRecords) -> String {
    write(store.contents(), kept, None).unwrap().0
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn a_store_that_is_written_and_read_is_the_same_store(
        history in history(40),
        asks in asks(10),
    ) {
        let admin = Admin::after(&history);
        let written = text(&admin.store, &UnknownRecords::default());
        let loaded = read(written.as_bytes(), keys(), None).unwrap();
        prop_assert_eq!(facts(loaded.store.contents()), facts(admin.view()));
        prop_assert_eq!(text(&loaded.store, &loaded.kept), written);
        prop_assert!(loaded.report.disabled.is_empty());
        for ask in asks {
            let ask = ask.settle(admin.view());
            prop_assert_eq!(ask.answer(loaded.store.contents()), ask.answer(admin.view()));
        }
    }

    #[test]
    fn a_file_of_which_a_byte_was_changed_is_refused(
        history in history(20),
        place in any::<prop::sample::Index>(),
        change in 1..=u8::MAX,
    ) {
        let admin = Admin::after(&history);
        let mut bytes = text(&admin.store, &UnknownRecords::default()).into_bytes();
        let at = place.index(bytes.len());
        bytes[at] ^= change;
        let error = read(&bytes, keys(), None).err();
        prop_assert!(error.is_some(), "byte {} was changed by {}", at, change);
    }
}
