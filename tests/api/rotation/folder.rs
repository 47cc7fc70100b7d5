//! Our identity in a folder: its phases, who is presented which certificate, and what a stopped process leaves.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use mutual_trust::error::{FolderError, RotationError, with_causes};
use mutual_trust::identity::KeyReader;
use mutual_trust::tls::{FollowedIdentity, IdentityFolder, RotationPhase};
use mutual_trust::{Certificate, ClientConfigBuilder, PinScope, ServerConfigBuilder, ServerId};

use crate::rotation::{keys_1, keys_2};
use crate::support::folder::Folder;
use crate::support::handshake::{handshake, run};
use crate::support::link::{Setting, pin, settings};
use crate::support::pki::{Made, self_signed, spec};
use crate::support::*;

struct Place(Folder);

impl Place {
    fn new(test: &str) -> Self {
        Self(Folder::new(&format!("identity-folder-{test}")))
    }

    fn put(&self, name: &str, made: &Made) {
        let (chain, key) = self.files(name);
        fs::write(chain, made.certificate.to_pem()).unwrap();
        fs::write(&key, made.key.serialize_pem()).unwrap();
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn files(&self, name: &str) -> (std::path::PathBuf, std::path::PathBuf) {
        let file = |end: &str| self.0.file(&format!("{name}.{end}"));
        (file("pem"), file("key"))
    }

    /// What another process has of the folder.
    fn identity(&self) -> IdentityFolder<'static> {
        folder_at(&self.0.file("identity"))
    }

    fn create(&self, made: &Made) {
        self.put("old", made);
        let (chain, key) = self.files("old");
        self.identity().create(chain, key).unwrap();
    }

    fn stage(&self, made: &Made) -> Result<mutual_trust::tls::IdentityState, FolderError> {
        self.put("new", made);
        let (chain, key) = self.files("new");
        self.identity().stage(chain, key)
    }

    /// The names in the folder.
    fn names(&self) -> Vec<String> {
        let all = fs::read_dir(self.0.file("identity")).unwrap();
        let mut names: Vec<String> = all
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn folder_at(path: &Path) -> IdentityFolder<'static> {
    IdentityFolder::new(path, KeyReader::new(), provider()).with_clock(Arc::new(now()))
}

#[test]
fn each_server_sees_what_is_activated_for_it_and_open_connections_go_on() {
    for setting in settings() {
        let place = Place::new("links");
        let [old, new, keys] = ["array-7", "array-7", "kms.example"].map(self_signed);
        place.create(&old);
        let folder = IdentityFolder::new(
            place.0.file("identity"),
            KeyReader::new(),
            setting.provider.clone(),
        );
        let mut followed = FollowedIdentity::from_folder(folder).unwrap();
        let mut store = setting.store();
        for (id, name) in [(keys_1(), "kms1.example"), (keys_2(), "kms2.example")] {
            store.add_server(id.clone(), [host(name)]).unwrap();
            pin(&mut store, PinScope::Server(id), &keys.certificate);
        }
        let builder = ClientConfigBuilder::new(
            setting.provider.clone(),
            store.snapshot(),
            setting.policy(),
            followed.identities(),
        )
        .with_protocol_versions(&[setting.version])
        .with_clock(Arc::new(now()));
        // Built once: no step of the rotation needs another configuration.
        let [a, b] = [keys_1(), keys_2()].map(|id| Arc::new(builder.build_for(&id).unwrap()));
        let knows = |made: &Made| Arc::new(server_that_knows(&setting, &keys, made));
        let (knows_old, knows_new) = (knows(&old), knows(&new));
        let seen = |presents: [&Made; 2]| {
            for ((config, name), made) in [(&a, "kms1.example"), (&b, "kms2.example")]
                .into_iter()
                .zip(presents)
            {
                let is_new = made.certificate == new.certificate;
                assert_eq!(
                    handshake(config, &knows_new, name).is_ok(),
                    is_new,
                    "{name}"
                );
                assert_eq!(
                    handshake(config, &knows_old, name).is_ok(),
                    !is_new,
                    "{name}"
                );
            }
        };
        seen([&old, &old]);
        let open = handshake(&a, &knows_old, "kms1.example");
        let other = place.identity();
        place.stage(&new).unwrap();
        assert!(followed.poll().unwrap());
        seen([&old, &old]);
        other.activate(&[keys_1()]).unwrap();
        seen([&old, &old]);
        assert!(followed.poll().unwrap());
        assert!(!followed.poll().unwrap(), "nothing is new");
        seen([&new, &old]);
        other.back(&[keys_1()]).unwrap();
        assert!(followed.poll().unwrap());
        seen([&old, &old]);
        other.activate_all().unwrap();
        other.back(&[keys_2()]).unwrap();
        assert!(followed.poll().unwrap());
        seen([&new, &old]);
        other.activate(&[keys_2()]).unwrap();
        assert!(followed.poll().unwrap());
        seen([&new, &new]);
        other.force_finish().unwrap();
        assert!(followed.poll().unwrap());
        seen([&new, &new]);
        assert_eq!(
            followed.identities().current().certificate(),
            &new.certificate
        );
        assert!(followed.identities().next().is_none());
        run(open.client_connection, open.server_connection).expect_link("the open connection");
    }
}

fn server_that_knows(setting: &Setting, keys: &Made, made: &Made) -> rustls::ServerConfig {
    let known = setting.pinning_client(&made.certificate).snapshot();
    let theirs = keys.identity(&[], &setting.provider);
    let builder =
        ServerConfigBuilder::new(setting.provider.clone(), known, setting.policy(), theirs);
    let builder = builder.with_protocol_versions(&[setting.version]);
    builder.with_clock(Arc::new(now())).build().unwrap()
}

#[test]
fn a_rotation_ends_only_when_every_server_was_seen_to_accept_the_next_certificate() {
    let place = Place::new("phases");
    let [old, new] = ["array-7", "array-7"].map(self_signed);
    let folder = place.identity();
    assert!(matches!(
        folder.state(),
        Err(FolderError::NoIdentity { .. })
    ));
    assert!(matches!(
        folder.activate_all(),
        Err(FolderError::NoIdentity { .. })
    ));
    place.create(&old);
    let (chain, key) = place.files("old");
    assert!(matches!(
        folder.create(&chain, &key),
        Err(FolderError::Exists { .. })
    ));
    let nothing = |done: Result<_, FolderError>| {
        matches!(
            done,
            Err(FolderError::Rotation(RotationError::NothingStaged))
        )
    };
    assert!(nothing(folder.activate(&[keys_1()])) && nothing(folder.activate_all()));
    assert!(nothing(folder.back(&[keys_1()])) && nothing(folder.back_all()));
    assert!(nothing(folder.finish(&[])) && nothing(folder.force_finish()));
    assert!(nothing(folder.cancel()));
    let again = folder.stage(&chain, &key);
    assert!(matches!(
        again,
        Err(FolderError::Rotation(RotationError::AlreadyCurrent { .. }))
    ));
    let state = place.stage(&new).unwrap();
    assert_eq!(state.phase(), RotationPhase::Staged);
    let (own, next) = (old.certificate.fingerprint(), new.certificate.fingerprint());
    assert_eq!((state.current(), state.next()), (own, Some(next)));
    assert_eq!(folder.chain(next).unwrap().leaf(), &new.certificate);
    let known = [keys_1(), keys_2()];
    let lagging = |done| -> Vec<ServerId> {
        let Err(FolderError::Lagging { servers, .. }) = done else {
            panic!("{done:?}");
        };
        servers.into_iter().map(|found| found.server).collect()
    };
    assert_eq!(lagging(folder.finish(&known)), known);
    // Without a list of servers, it must be activated for all.
    assert!(matches!(
        folder.finish(&[]),
        Err(FolderError::Rotation(RotationError::NotForAll))
    ));
    folder.activate(&[keys_1()]).unwrap();
    assert!(!folder.accepted(&keys_1(), own).unwrap(), "the old one");
    assert!(!folder.accepted(&keys_2(), next).unwrap(), "not activated");
    assert!(folder.accepted(&keys_1(), next).unwrap());
    let error = folder.finish(&known).unwrap_err();
    let text = with_causes(&error);
    assert!(
        text.contains("server keys-2: we present the current"),
        "{text}"
    );
    assert!(!text.contains("keys-1"), "{text}");
    assert_eq!(lagging(Err(error)), [keys_2()]);
    folder.activate_all().unwrap();
    let text = with_causes(&folder.finish(&known).unwrap_err());
    assert!(
        text.contains("keys-2") && text.contains("was not seen to accept"),
        "{text}"
    );
    let before = fs::read(place.0.file("identity/identity-state")).unwrap();
    assert!(folder.accepted(&keys_2(), next).unwrap());
    assert_ne!(
        before,
        fs::read(place.0.file("identity/identity-state")).unwrap()
    );
    assert!(folder.state().unwrap().may_finish(&known));
    assert_eq!(place.names().len(), 6, "{:?}", place.names());
    let state = folder.finish(&known).unwrap();
    assert_eq!((state.current(), state.next()), (next, None));
    assert_eq!(state.phase(), RotationPhase::None);
    // The old key is gone.
    assert_eq!(place.names().len(), 4, "{:?}", place.names());
    assert_eq!(
        folder.identities().unwrap().current().certificate(),
        &new.certificate
    );
}

/// What an administrator takes back is not presented, and what was dropped is deleted.
#[test]
fn a_rotation_is_taken_back_in_part_or_as_a_whole() {
    let place = Place::new("back");
    let [old, new, third] = ["array-7"; 3].map(self_signed);
    place.create(&old);
    place.stage(&new).unwrap();
    let folder = place.identity();
    let presented = |id: &ServerId| -> Certificate {
        let identities = folder.identities().unwrap();
        identities.presented_to(id).certificate().clone()
    };
    folder.activate(&[keys_1(), keys_2()]).unwrap();
    assert_eq!(presented(&keys_1()), new.certificate);
    folder.back(&[keys_1()]).unwrap();
    assert_eq!(presented(&keys_1()), old.certificate);
    assert_eq!(presented(&keys_2()), new.certificate);
    assert!(matches!(
        place.stage(&third),
        Err(FolderError::Rotation(RotationError::InUse { .. }))
    ));
    folder.back_all().unwrap();
    assert_eq!(presented(&keys_2()), old.certificate);
    place.stage(&third).unwrap();
    assert_eq!(place.names().len(), 6, "{:?}", place.names());
    folder.cancel().unwrap();
    assert_eq!(place.names().len(), 4, "{:?}", place.names());
    assert_eq!(presented(&keys_2()), old.certificate);
}

/// Nothing says that any server knows the next certificate.
#[test]
fn a_rotation_that_no_server_was_seen_to_accept_ends_by_force_only() {
    let place = Place::new("unseen");
    let [old, new] = ["array-7"; 2].map(self_signed);
    place.create(&old);
    place.stage(&new).unwrap();
    let folder = place.identity();
    let state = folder.activate_all().unwrap();
    assert_eq!(state.phase(), RotationPhase::Activated);
    assert!(!state.may_finish(&[]));
    let error = folder.finish(&[]).unwrap_err();
    assert!(
        matches!(&error, FolderError::Lagging { servers, .. } if servers.is_empty()),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(text.contains("no server was seen to accept"), "{text}");
    let kept = folder.state().unwrap();
    assert_eq!(kept, state);
    assert_eq!(place.names().len(), 6, "both keys are there");
    let next = new.certificate.fingerprint();
    assert!(folder.accepted(&keys_1(), next).unwrap());
    assert!(folder.state().unwrap().may_finish(&[]));
    assert_eq!(folder.finish(&[]).unwrap().current(), next);
}

/// Every server refuses such a certificate. Without a clock, nothing is known of it.
#[test]
fn a_certificate_that_is_not_valid_now_does_not_become_ours() {
    let place = Place::new("dates");
    let day = i64::try_from(DAY).unwrap();
    let expired = spec("array-7").valid(-2 * day, -day).self_signed();
    let later = spec("array-7").valid(day, 2 * day).self_signed();
    let unset = || {
        let clock = mutual_trust::CurrentTime::Unset;
        place.identity().with_clock(Arc::new(clock))
    };
    for (name, made) in [("expired", &expired), ("later", &later)] {
        place.put(name, made);
        let (chain, key) = place.files(name);
        let error = place.identity().create(&chain, &key).unwrap_err();
        assert!(
            matches!(error, FolderError::NotValidNow { .. }),
            "{error:?}"
        );
        let valid = made.certificate.validity().to_string();
        assert!(error.to_string().contains(&valid), "{error}");
    }
    place.create(&self_signed("array-7"));
    for (name, made) in [("expired", &expired), ("later", &later)] {
        let (chain, key) = place.files(name);
        let error = place.identity().stage(&chain, &key).unwrap_err();
        assert!(
            matches!(error, FolderError::NotValidNow { .. }),
            "{error:?}"
        );
        assert_eq!(place.identity().state().unwrap().next(), None);
        let staged = unset().stage(&chain, &key).unwrap();
        assert_eq!(staged.next(), Some(made.certificate.fingerprint()));
        place.identity().cancel().unwrap();
    }
}

/// A folder in which other users can write: they could put their own identity into it.
#[test]
fn an_identity_is_made_only_where_other_users_cannot_write() {
    let place = Place::new("mode");
    let made = self_signed("array-7");
    let path = place.0.file("identity");
    fs::create_dir(&path).unwrap();
    let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o777);
    place.put("old", &made);
    let (chain, key) = place.files("old");
    let error = place.identity().create(&chain, &key).unwrap_err();
    assert!(
        matches!(error, FolderError::WritableByOthers { .. }),
        "{error:?}"
    );
    assert!(place.names().is_empty(), "{:?}", place.names());
    mode(0o750);
    place.identity().create(&chain, &key).unwrap();
    for name in place.names() {
        let found = fs::metadata(path.join(&name)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

/// Links in the folder lead to no other file: that is neither written nor locked.
#[test]
fn a_link_in_the_folder_is_not_followed_by_a_change() {
    let [old, new] = ["array-7"; 2].map(self_signed);
    let start = |made: &Made| {
        let print = made.certificate.fingerprint().to_string();
        print.replace(':', "").to_lowercase()[..16].to_owned()
    };
    let names = [
        String::from("identity-state"),
        String::from("identity-state.lock"),
        format!("identity-{}.key", start(&new)),
        format!("identity-{}.pem", start(&new)),
    ];
    for (count, name) in names.into_iter().enumerate() {
        let place = Place::new(&format!("link-{count}"));
        place.create(&old);
        place.stage(&new).unwrap();
        let before = place.identity().state().unwrap();
        let link = place.0.file("identity").join(&name);
        let victim = place.0.file("victim");
        let content = fs::read(&link).unwrap();
        fs::write(&victim, &content).unwrap();
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&victim, &link).unwrap();
        let changed = place.identity().activate_all();
        let staged = place.stage(&new);
        // The files of an identity that is staged already are not written by an activation.
        if name.contains("state") {
            let error = changed.unwrap_err();
            let text = with_causes(&error);
            assert!(text.contains("regular file"), "{name}: {text}");
            assert_eq!(place.identity().state().unwrap(), before, "{name}");
        } else {
            assert!(changed.is_ok() && staged.is_err(), "{name}: {staged:?}");
            place.identity().back_all().unwrap();
            let error = with_causes(&place.stage(&new).unwrap_err());
            assert!(error.contains("regular file"), "{name}: {error}");
            // What is dropped is the link.
            place.identity().cancel().unwrap();
            assert!(fs::symlink_metadata(&link).is_err(), "{name}");
        }
        assert_eq!(fs::read(&victim).unwrap(), content, "{name}");
    }
}

/// Two processes change one folder at the same time: each change is made, one after the other.
#[test]
fn changes_of_two_processes_at_once_are_all_made() {
    let place = Place::new("two");
    let [old, new] = ["array-7"; 2].map(self_signed);
    place.create(&old);
    place.stage(&new).unwrap();
    let ids: Vec<ServerId> = (0..40).map(|at| server_id(&format!("keys-{at}"))).collect();
    std::thread::scope(|scope| {
        for part in ids.chunks(10) {
            let folder = place.identity();
            scope.spawn(move || {
                for id in part {
                    folder.activate(std::slice::from_ref(id)).unwrap();
                }
            });
        }
    });
    let state = place.identity().state().unwrap();
    assert_eq!(state.servers(&[]).len(), ids.len());
}

type Files = BTreeMap<String, Vec<u8>>;

fn files(folder: &Path) -> Files {
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    all.map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    })
    .collect()
}

fn put_all(folder: &Path, files: &Files) {
    fs::create_dir(folder).unwrap();
    for (name, content) in files {
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

const STATE: &str = "identity-state";

/// Every content that the folder has between two writes of a change: new files appear, each first under another name, then
/// the state is replaced, then old files go, in any order.
fn between(before: &Files, after: &Files) -> Vec<(Files, bool)> {
    let mut all = vec![(before.clone(), false)];
    let mut now = before.clone();
    let is_new = |(name, content): &(&String, &Vec<u8>)| before.get(*name) != Some(*content);
    let (state, others): (Files, Files) = after
        .iter()
        .filter(is_new)
        .map(|(name, content)| (name.clone(), content.clone()))
        .partition(|(name, _)| name == STATE);
    for (is_after, written) in [(false, others), (true, state)] {
        for (name, content) in written {
            for part in [0, content.len() / 2, content.len()] {
                let mut half = now.clone();
                half.insert(
                    String::from(".trust-store-1-00.tmp"),
                    content[..part].to_vec(),
                );
                all.push((half, false));
            }
            now.insert(name, content);
            all.push((now.clone(), is_after));
        }
    }
    let gone: Vec<&String> = before
        .keys()
        .filter(|name| !after.contains_key(*name))
        .collect();
    for first in 0..gone.len() {
        let mut rest = now.clone();
        for at in 0..gone.len() {
            rest.remove(gone[(first + at) % gone.len()]);
            all.push((rest.clone(), true));
        }
    }
    all
}

/// Wherever a process is stopped, the folder is read, presents what it presented before or after, and the next change
/// removes what is left over.
#[test]
fn a_process_that_is_stopped_between_two_writes_leaves_the_state_before_or_after() {
    let [old, new, third] = ["array-7"; 3].map(self_signed);
    type Step = (&'static str, fn(&Place, &Made, &Made));
    let steps: [Step; 9] = [
        ("stage", |place, new, _| drop(place.stage(new).unwrap())),
        ("stage another", |place, _, third| {
            drop(place.stage(third).unwrap())
        }),
        ("stage the first again", |place, new, _| {
            drop(place.stage(new).unwrap())
        }),
        ("activate", |place, _, _| {
            drop(place.identity().activate(&[keys_1()]).unwrap())
        }),
        ("accept", |place, new, _| {
            let certificate = new.certificate.fingerprint();
            assert!(place.identity().accepted(&keys_1(), certificate).unwrap());
        }),
        ("back", |place, _, _| {
            drop(place.identity().back_all().unwrap())
        }),
        ("activate all", |place, _, _| {
            drop(place.identity().activate_all().unwrap())
        }),
        ("finish", |place, _, _| {
            drop(place.identity().force_finish().unwrap())
        }),
        ("stage and cancel", |place, _, third| {
            place.stage(third).unwrap();
            place.identity().cancel().unwrap();
        }),
    ];
    let place = Place::new("stopped");
    place.create(&old);
    let mut count = 0;
    for (name, step) in steps {
        let before = files(&place.0.file("identity"));
        let state_before = place.identity().state().unwrap();
        step(&place, &new, &third);
        let after = files(&place.0.file("identity"));
        let state_after = place.identity().state().unwrap();
        for (content, is_after) in between(&before, &after) {
            count += 1;
            let path = place.0.file(&format!("stopped-{count}"));
            put_all(&path, &content);
            let folder = folder_at(&path);
            let expected = if is_after {
                &state_after
            } else {
                &state_before
            };
            assert_eq!(&folder.state().unwrap(), expected, "{name} {count}");
            let identities = folder.identities().unwrap();
            let current = identities.current().certificate().fingerprint();
            assert_eq!(current, expected.current(), "{name} {count}");
            // Any change removes what is left over; here one that changes nothing.
            let _ = folder.back_all();
            let mut kept = files(&path);
            let end = [".pem", ".key"];
            let of = |files: &Files| {
                let names = files.keys().filter(|name| name.starts_with("identity-"));
                names
                    .filter(|name| end.iter().any(|end| name.ends_with(end)))
                    .count()
            };
            let identities = 1 + usize::from(expected.next().is_some());
            assert_eq!(
                of(&kept),
                2 * identities,
                "{name} {count} {:?}",
                kept.keys()
            );
            kept.retain(|name, _| name.starts_with(".trust-store-"));
            assert!(kept.is_empty(), "{name} {count}");
            fs::remove_dir_all(path).unwrap();
        }
    }
    assert!(count > 60, "{count}");
}

#[test]
fn a_damaged_state_and_a_newer_one_are_told_and_what_is_presented_stays() {
    let place = Place::new("damaged");
    let [old, new, third] = ["array-7"; 3].map(self_signed);
    place.create(&old);
    place.stage(&new).unwrap();
    let folder = place.identity();
    folder.activate_all().unwrap();
    let mut followed = FollowedIdentity::from_folder(place.identity()).unwrap();
    let path = place.0.file("identity/identity-state");
    let whole = fs::read_to_string(&path).unwrap();
    let mut told = |text: &str| {
        fs::write(&path, text).unwrap();
        let last = (0..mutual_trust::limits::MAX_UNSETTLED_POLLS).map(|_| followed.poll());
        let error = last.last().unwrap().unwrap_err();
        let next = followed.identities().presented_to(&keys_1());
        assert_eq!(next.certificate(), &new.certificate);
        with_causes(&error)
    };
    let text = told(&whole.replace("all ", "some "));
    assert!(text.contains("identity-state is damaged"), "{text}");
    let text = told(&whole.replace("identity 1\n", "identity 2\n"));
    assert!(
        text.contains("version 2") && text.contains("newer program"),
        "{text}"
    );
    fs::write(&path, &whole).unwrap();
    assert!(!followed.poll().unwrap());
    // The key of another certificate.
    let name = place
        .names()
        .into_iter()
        .find(|name| name.ends_with(".key"))
        .unwrap();
    let key = place.0.file(&format!("identity/{name}"));
    fs::write(&key, third.key.serialize_pem()).unwrap();
    assert!(matches!(folder.identities(), Err(FolderError::Identity(_))));
    let certificate = key.with_extension("pem");
    fs::write(&certificate, third.certificate.to_pem()).unwrap();
    assert!(matches!(
        folder.identities(),
        Err(FolderError::OtherCertificate { .. })
    ));
    // No key is written anywhere but in its file, which its owner alone can read.
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&key), 0o600);
    assert_eq!(mode(&place.0.file("identity")), 0o700);
}
