//! Our identity in files that another program replaces.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use mutual_trust::error::IdentityError;
use mutual_trust::identity::KeyReader;
use mutual_trust::limits::MAX_UNSETTLED_POLLS;
use mutual_trust::tls::FollowedIdentity;
use mutual_trust::{Certificate, ClientConfigBuilder, ServerConfigBuilder};

use crate::rotation::keys_1;
use crate::support::folder::Folder;
use crate::support::handshake::{handshake, run};
use crate::support::link::settings;
use crate::support::pki::{Made, self_signed, spec};
use crate::support::*;

struct Files(Folder);

impl Files {
    fn new(test: &str) -> Self {
        Self(Folder::new(&format!("followed-identity-{test}")))
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        let temporary = self.0.file(".temporary");
        fs::write(&temporary, content).unwrap();
        fs::set_permissions(&temporary, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(temporary, self.0.file(name)).unwrap();
    }

    fn chain(&self, made: &Made) {
        self.put("tls.crt", made.certificate.to_pem());
    }

    fn key(&self, made: &Made) {
        self.put("tls.key", made.key.serialize_pem());
    }

    fn follow(&self) -> Result<FollowedIdentity, IdentityError> {
        let (chain, key) = (self.0.file("tls.crt"), self.0.file("tls.key"));
        FollowedIdentity::from_files(chain, key, KeyReader::new(), provider())
    }
}

fn presents(followed: &FollowedIdentity, certificate: &Certificate) -> bool {
    followed.identities().current().certificate() == certificate
}

#[test]
fn a_replaced_pair_is_presented_and_open_connections_go_on() {
    for setting in settings() {
        let files = Files::new("links");
        let [old, new, keys] = ["array-7", "array-7", "kms1.example"].map(self_signed);
        files.chain(&old);
        files.key(&old);
        let (chain, key) = (files.0.file("tls.crt"), files.0.file("tls.key"));
        let provider = setting.provider.clone();
        let mut followed =
            FollowedIdentity::from_files(chain, key, KeyReader::new(), provider).unwrap();
        let ours = setting.pinning_server(&keys.certificate).snapshot();
        let client = ClientConfigBuilder::new(
            setting.provider.clone(),
            ours,
            setting.policy(),
            followed.identities(),
        )
        .with_clock(Arc::new(now()));
        let client = Arc::new(client.build_for(&keys_1()).unwrap());
        let server_that_knows = |made: &Made| {
            let known = setting.pinning_client(&made.certificate).snapshot();
            let theirs = keys.identity(&[], &setting.provider);
            let policy = setting.policy();
            let builder = ServerConfigBuilder::new(setting.provider.clone(), known, policy, theirs);
            Arc::new(builder.with_clock(Arc::new(now())).build().unwrap())
        };
        let (knows_old, knows_new) = (server_that_knows(&old), server_that_knows(&new));
        let open = handshake(&client, &knows_old, "kms1.example");
        open.expect_link(&setting.name);
        assert!(!handshake(&client, &knows_new, "kms1.example").is_ok());
        files.chain(&new);
        files.key(&new);
        assert!(!followed.poll().unwrap(), "a program may be writing");
        handshake(&client, &knows_old, "kms1.example").expect_link("before it is taken over");
        assert!(followed.poll().unwrap());
        // The same configuration, without a restart.
        handshake(&client, &knows_new, "kms1.example").expect_link(&setting.name);
        assert!(!handshake(&client, &knows_old, "kms1.example").is_ok());
        run(open.client_connection, open.server_connection).expect_link("the open connection");
        assert!(!followed.poll().unwrap());
    }
}

#[test]
fn a_mixed_pair_waits_and_is_told_after_a_while() {
    let files = Files::new("mixed");
    let [old, new] = ["old.example", "new.example"].map(self_signed);
    files.chain(&old);
    files.key(&new);
    assert!(matches!(
        files.follow(),
        Err(IdentityError::KeyMismatch { .. })
    ));
    files.key(&old);
    let mut followed = files.follow().unwrap();
    assert!(!followed.poll().unwrap());
    // The key follows one poll later.
    files.chain(&new);
    for _ in 0..3 {
        assert!(!followed.poll().unwrap());
        assert!(presents(&followed, &old.certificate));
    }
    files.key(&new);
    assert!(!followed.poll().unwrap());
    assert!(followed.poll().unwrap());
    assert!(presents(&followed, &new.certificate));
    // The key never follows.
    files.chain(&old);
    for _ in 0..MAX_UNSETTLED_POLLS {
        assert!(!followed.poll().unwrap());
    }
    for _ in 0..2 {
        let text = mutual_trust::error::with_causes(&followed.poll().unwrap_err());
        assert!(
            text.contains("tls.crt") && text.contains("tls.key"),
            "{text}"
        );
        assert!(text.contains("the one from before is presented"), "{text}");
        assert!(
            text.contains("does not belong to the certificate"),
            "{text}"
        );
        assert!(presents(&followed, &new.certificate));
    }
    files.key(&old);
    assert!(!followed.poll().unwrap());
    assert!(followed.poll().unwrap());
    assert!(presents(&followed, &old.certificate));
}

#[test]
fn files_that_are_missing_damaged_or_keep_changing_leave_the_identity() {
    let files = Files::new("damaged");
    let [old, new] = ["old.example", "new.example"].map(self_signed);
    files.chain(&old);
    files.key(&old);
    let mut followed = files.follow().unwrap();
    let told = |followed: &mut FollowedIdentity| {
        // The first one finds the files changed, unless one is missing.
        let polls = (0..=MAX_UNSETTLED_POLLS).map(|_| followed.poll());
        let last = polls.last().unwrap().unwrap_err();
        assert!(presents(followed, &old.certificate));
        mutual_trust::error::with_causes(&last)
    };
    fs::remove_file(files.0.file("tls.key")).unwrap();
    let text = told(&mut followed);
    assert!(text.contains("cannot read the private key file"), "{text}");
    files.key(&old);
    for _ in 0..2 {
        assert!(!followed.poll().unwrap());
    }
    files.put("tls.crt", &new.certificate.to_pem()[..200]);
    files.key(&new);
    let text = told(&mut followed);
    assert!(text.contains("no end"), "{text}");
    // A pipe is not waited for.
    fs::remove_file(files.0.file("tls.crt")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(files.0.file("tls.crt"))
        .status();
    if made.is_ok_and(|status| status.success()) {
        let text = told(&mut followed);
        assert!(text.contains("not a regular file"), "{text}");
        fs::remove_file(files.0.file("tls.crt")).unwrap();
    } else {
        skips::skipped("no mkfifo, so no file was a pipe");
    }
    let mut last = Ok(false);
    for _ in 0..=MAX_UNSETTLED_POLLS {
        files.chain(&new);
        files.key(&new);
        last = followed.poll();
    }
    let text = mutual_trust::error::with_causes(&last.unwrap_err());
    assert!(text.contains("the files keep changing"), "{text}");
    assert!(presents(&followed, &old.certificate));
    assert!(followed.poll().unwrap());
    assert!(presents(&followed, &new.certificate));
}

#[test]
fn the_same_pair_written_again_and_a_longer_chain() {
    let files = Files::new("again");
    let root = spec("root").ca().self_signed();
    let below = spec("below").ca().signed_by(&root);
    let leaf = spec("array-7").signed_by(&below);
    files.chain(&leaf);
    files.key(&leaf);
    let mut followed = files.follow().unwrap();
    files.chain(&leaf);
    for _ in 0..3 {
        assert!(!followed.poll().unwrap(), "nothing is new");
    }
    // The same key and certificate with what completes the chain: one file changes.
    let chain = leaf.certificate.to_pem() + &below.certificate.to_pem();
    files.put("tls.crt", chain);
    assert!(!followed.poll().unwrap());
    assert!(followed.poll().unwrap());
    assert_eq!(
        followed
            .identities()
            .current()
            .chain()
            .certificates()
            .count(),
        2
    );
}

/// What an administrator staged by hand stays staged, unless the files bring the same.
#[test]
fn a_staged_identity_stays_staged() {
    let files = Files::new("staged");
    let [old, new, third] = ["old.example", "new.example", "third.example"].map(self_signed);
    files.chain(&old);
    files.key(&old);
    let mut followed = files.follow().unwrap();
    let identities = followed.identities();
    identities.stage(third.identity(&[], &provider())).unwrap();
    let mut replace = |made: &Made| {
        files.chain(made);
        files.key(made);
        assert!(!followed.poll().unwrap());
        assert!(followed.poll().unwrap());
    };
    replace(&new);
    assert_eq!(identities.next().unwrap().certificate(), &third.certificate);
    replace(&third);
    assert!(identities.next().is_none());
    assert_eq!(identities.current().certificate(), &third.certificate);
}
