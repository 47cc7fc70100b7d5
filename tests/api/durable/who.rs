//! On whose behalf an entry was installed.

use mutual_trust::error::StoreError;

use crate::durable::common::*;
use crate::support::*;

#[test]
fn an_entry_says_who_installed_it_and_who_completed_it() {
    let mut store = store();
    store.add_server(server_id("a"), []).unwrap();
    let certificate = pin("a");
    let by = |store: &mutual_trust::TrustStore| {
        let entry = store.contents().entries()[0].clone();
        (
            entry.installed_by().map(String::from),
            entry.source().map(String::from),
        )
    };
    store.set_actor(Some("alice")).unwrap();
    let fingerprint = certificate.fingerprint();
    store
        .install_pin_fingerprint(server("a"), fingerprint, options())
        .unwrap();
    assert_eq!(by(&store), (Some("alice".into()), None));
    store.set_actor(Some("bob")).unwrap();
    store
        .install_pin(server("a"), certificate.clone(), options())
        .unwrap();
    assert_eq!(by(&store).0.as_deref(), Some("bob"));
    // Nothing changes, so there is no actor.
    store.set_actor(Some("carol")).unwrap();
    store
        .install_pin(server("a"), certificate, options())
        .unwrap();
    assert_eq!(by(&store).0.as_deref(), Some("bob"));
    store.set_actor(None).unwrap();
    store
        .remove(&store.contents().entries()[0].key().clone())
        .unwrap();
    store.install_pin(server("a"), pin("b"), options()).unwrap();
    assert_eq!(by(&store).0, None);
}

#[test]
fn who_is_one_line_of_text_within_the_bound() {
    let mut store = store();
    for bad in ["", "two\nlines", "turned\u{202e}", &"x".repeat(129)] {
        let error = store.set_actor(Some(bad)).unwrap_err();
        assert!(matches!(error, StoreError::Label { .. }), "{error}");
    }
    store.set_actor(Some(&"x".repeat(128))).unwrap();
}
