//! Files of folders: the journal of a durable store, what peers were seen with, and the state of an identity.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use mutual_trust::admin::{DurableSettings, DurableStore, PeerHistory};
use mutual_trust::identity::KeyReader;
use mutual_trust::observe::Observation;
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::tls::IdentityFolder;
use mutual_trust::{EntryOptions, decide};
use pki_types::CertificateDer;

use super::{AFTER_32_BITS, fill, filled, is_known, seal, server_pin};
use crate::support::facts::facts;
use crate::support::folder::Folder;
use crate::support::{
    at, fixture, fixture_bytes, fixture_path, host, keys, now, policy, provider, server_id,
};

fn settings() -> DurableSettings {
    DurableSettings::new(keys())
        .with_clock(Arc::new(now()))
        .with_seal(Arc::new(seal()))
}

/// A store with three changes behind its snapshot.
fn made(folder: &Path) -> DurableStore {
    let mut store = DurableStore::create(folder, settings()).unwrap();
    store.change(fill).unwrap();
    store.set_actor(Some("bob")).unwrap();
    let pin = fixture("ee-ed25519");
    let options = EntryOptions::new().with_end(at(AFTER_32_BITS));
    store
        .change(|store| store.install_pin(server_pin("keys-1"), pin, options))
        .unwrap();
    let taken_back = |store: &mut mutual_trust::TrustStore| {
        let first = store.contents().blocks().next().unwrap().clone();
        store.unblock(&first)
    };
    store.change(taken_back).unwrap();
    store
}

#[test]
fn a_journal_is_written_as_on_every_machine() {
    let folder = Folder::new("portable-journal");
    drop(made(folder.path()));
    is_known("journal", &fs::read(folder.file("trust-store")).unwrap());
}

#[test]
fn a_journal_of_another_machine_is_read_and_continued() {
    let [here, there] = ["here", "there"].map(|name| Folder::new(&format!("portable-{name}")));
    fs::write(there.file("trust-store"), fixture_bytes("portable/journal")).unwrap();
    let mut of_here = made(here.path());
    let (mut taken, report) = DurableStore::open(there.path(), settings()).unwrap();
    assert_eq!(report.cut, 0);
    assert_eq!(facts(taken.contents()), facts(of_here.contents()));
    assert_eq!(taken.digest(), of_here.digest());
    for store in [&mut of_here, &mut taken] {
        store.set_actor(Some("carol")).unwrap();
        let more = host("more.example");
        store
            .change(|store| store.add_name(&server_id("keys-2"), more))
            .unwrap();
    }
    let text = |folder: &Folder| fs::read_to_string(folder.file("trust-store")).unwrap();
    assert_eq!(text(&there), text(&here));
}

#[test]
fn what_peers_were_seen_with_is_written_as_on_every_machine() {
    let folder = Folder::new("portable-seen");
    let (view, id) = (filled(), server_id("keys-1"));
    let leaf = CertificateDer::from(fixture("ee-p256").der().to_vec());
    let dialled = host("kms1.example");
    let target = ExpectedServer::id(&id, Some(&dialled));
    let verdict = decide(
        &view,
        &policy(),
        &VerifyRequest::server(target, &leaf, &[], now()),
    );
    let mut seen = PeerHistory::new();
    seen.observe(&Observation::new(
        Arc::new(verdict),
        vec![leaf.clone()],
        now(),
        true,
    ));
    seen.save_beside(folder.path()).unwrap();
    is_known("peers-seen", &fs::read(folder.file("peers-seen")).unwrap());
    let read = PeerHistory::load_beside(folder.path(), &view, &policy(), now()).unwrap();
    let peer = mutual_trust::admin::Peer::Server(id);
    assert_eq!(read.last(&peer).unwrap().presented(), [leaf]);
}

#[test]
fn the_state_of_an_identity_is_written_as_on_every_machine() {
    let folder = Folder::new("portable-identity");
    let own = IdentityFolder::new(folder.file("identity"), KeyReader::new(), provider())
        .with_clock(Arc::new(now()));
    let files = |name: &str, key: &str| {
        let kept = folder.file(&format!("{key}.key"));
        fs::copy(fixture_path(&format!("keys/{key}.key.pem")), &kept).unwrap();
        fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).unwrap();
        (fixture_path(&format!("{name}.pem")), kept)
    };
    let (chain, key) = files("ee-p256", "p256");
    own.create(chain, key).unwrap();
    let (chain, key) = files("ee-ed25519", "ed25519");
    own.stage(chain, key).unwrap();
    own.activate(&[server_id("keys-1")]).unwrap();
    let state = fs::read(folder.file("identity").join("identity-state")).unwrap();
    is_known("identity", &state);
}

// What 32 bits of seconds count ends in 2038, and without a sign in 2106.
#[test]
fn a_file_that_was_written_after_2038_is_read_and_followed() {
    for seconds in [(1 << 31) + 5, AFTER_32_BITS] {
        let folder = Folder::new("portable-later");
        let mut store = made(folder.path());
        let file = fs::File::options()
            .append(true)
            .open(folder.file("trust-store"))
            .unwrap();
        let later = UNIX_EPOCH + Duration::from_secs(seconds);
        file.set_modified(later).unwrap();
        assert_eq!(file.metadata().unwrap().modified().unwrap(), later);
        let (mut other, _) = DurableStore::open(folder.path(), settings()).unwrap();
        assert_eq!(facts(other.contents()), facts(store.contents()));
        let more = host("more.example");
        store
            .change(|store| store.add_name(&server_id("keys-2"), more))
            .unwrap();
        assert!(other.refresh().unwrap());
        assert_eq!(other.digest(), store.digest());
    }
}
