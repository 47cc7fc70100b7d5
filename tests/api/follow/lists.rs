//! Sources of revocation lists.

use std::fs;
use std::sync::{Arc, Mutex};

use mutual_trust::admin::{DurableSettings, Feeds, Follower, Source};
use mutual_trust::certificate::{CurrentTime, TimeSource};
use mutual_trust::{AuthorityScope, Certificate};

use crate::follow::common::*;
use crate::support::crl::{CrlSpec, crl};
use crate::support::pki::{Made, spec};
use crate::support::*;

#[derive(Clone, Debug)]
struct Moved(Arc<Mutex<u64>>);

impl TimeSource for Moved {
    fn now(&self) -> CurrentTime {
        CurrentTime::Known(at(*self.0.lock().unwrap()))
    }
}

fn issuer(name: &str) -> Made {
    spec(name).ca().self_signed()
}

/// The root is installed by hand, and the folder `lists` is followed.
struct Lists {
    world: World,
    follower: Follower,
    root: Made,
}

impl Lists {
    fn new(test: &str, settings: DurableSettings) -> Self {
        let mut world = World::with(test, settings);
        let root = issuer("root");
        fs::create_dir(world.path("lists")).unwrap();
        let scope = AuthorityScope::AnyServer;
        let certificate = root.certificate.clone();
        world
            .store
            .change(|store| store.install_authority(scope, certificate, options()))
            .unwrap();
        let source = Source::new("lists", world.path("lists"), Feeds::RevocationLists);
        Self {
            follower: Follower::new([source]).unwrap(),
            world,
            root,
        }
    }

    fn settle(&mut self) {
        self.world.settle(&mut self.follower);
    }

    fn put(&self, name: &str, list: &CrlSpec) {
        let list = list.signed_by(&self.root).to_pem();
        self.world.put(&format!("lists/{name}"), list);
    }

    /// The numbers of the installed lists.
    fn numbers(&self) -> Vec<u8> {
        let lists = self.world.store.contents().crls();
        let numbers = lists.map(|list| *list.crl().number().unwrap().as_bytes().last().unwrap());
        let mut numbers: Vec<u8> = numbers.collect();
        numbers.sort_unstable();
        numbers
    }

    fn revokes(&self, certificate: &Certificate) -> bool {
        let mut lists = self.world.store.contents().crls();
        lists.any(|list| list.crl().revoked(certificate.serial()).is_some())
    }
}

/// `ca.crt` and `ca.crl` of one secret are two sources. The lists are the first one and need the certificate of the second.
#[test]
fn a_secret_with_a_list_feeds_both() {
    let mut world = World::new("lists-secret");
    let root = issuer("root");
    let leaf = spec("leaf").signed_by(&root).certificate;
    fs::create_dir(world.path("secret")).unwrap();
    world.put("secret/ca.crt", root.certificate.to_pem());
    world.put("secret/ca.crl", crl().signed_by(&root).to_pem());
    let roots = Feeds::Authorities(AuthorityScope::AnyServer);
    let mut follower = Follower::new([
        Source::new("lists", world.path("secret"), Feeds::RevocationLists),
        Source::new("roots", world.path("secret"), roots),
    ])
    .unwrap();
    world.settle(&mut follower);
    let health = world.store.health();
    assert!(health.is_good(), "{health}");
    assert!(
        health
            .to_string()
            .contains("source lists: revocation lists: 1"),
        "{health}"
    );
    let held = |world: &World| {
        let lists: Vec<_> = world.store.contents().crls().cloned().collect();
        assert_eq!(lists.len(), 1);
        lists[0].crl().clone()
    };
    assert!(held(&world).revoked(leaf.serial()).is_none());
    // The next list, in DER, as CAs publish them.
    let next = crl().number(2).revoke(&leaf).der(&root);
    world.put("secret/ca.crl", next);
    world.settle(&mut follower);
    assert!(
        held(&world).revoked(leaf.serial()).is_some(),
        "{}",
        world.error()
    );
    assert!(!follower.poll(&mut world.store).unwrap(), "nothing is new");
    // A list in PEM whose title begins with the byte that DER begins with.
    let titled = crl().number(3).revoke(&leaf).signed_by(&root).to_pem();
    world.put("secret/ca.crl", format!("0 the root's list\n{titled}"));
    world.settle(&mut follower);
    let health = world.store.health();
    assert!(health.is_good(), "{health}");
    // What vanishes from the source stays installed, and so does the check.
    world.put("secret/ca.crl", "");
    world.settle(&mut follower);
    assert!(held(&world).revoked(leaf.serial()).is_some());
    let text = world.error();
    assert!(text.contains("ca.crl is empty"), "{text}");
}

#[test]
fn a_list_that_is_damaged_older_or_of_another_issuer_is_told_and_changes_nothing() {
    let mut lists = Lists::new("lists-bad", settings());
    let leaf = spec("leaf").signed_by(&lists.root).certificate;
    lists.put("a.crl", &crl().number(5).revoke(&leaf));
    lists.settle();
    assert_eq!(lists.numbers(), [5]);
    let generation = lists.world.store.contents().generation();
    // Older than what is installed.
    lists.put("a.crl", &crl().number(4));
    lists.settle();
    let told = lists.world.warnings();
    let older = crl().number(4).signed_by(&lists.root).issuer();
    assert!(
        told.contains("a.crl: the revocation list ") && told.contains(&older),
        "{told}"
    );
    assert!(
        told.contains("is older than the one that is installed"),
        "{told}"
    );
    // Of an issuer that is not installed, of another key of the same name, forged, and no list at all.
    let (unknown, other_key) = (issuer("unknown"), issuer("root"));
    let cases = [
        (crl().signed_by(&unknown).to_pem(), "no installed authority"),
        (
            crl().number(9).signed_by(&other_key).to_pem(),
            "is not signed by the key",
        ),
        (
            crl()
                .number(9)
                .wrong_signature()
                .signed_by(&lists.root)
                .to_pem(),
            "does not verify under the key",
        ),
        (
            lists.root.certificate.to_pem(),
            "something other than revocation lists",
        ),
        (
            String::from("-----BEGIN X509 CRL-----\nMII"),
            "something other than revocation lists",
        ),
    ];
    for (content, expected) in cases {
        lists.world.put("lists/a.crl", content);
        lists.settle();
        let error = lists.world.error();
        assert!(
            error.contains("a.crl") && error.contains(expected),
            "{error}"
        );
        assert_eq!(lists.numbers(), [5]);
        assert!(lists.revokes(&leaf));
        assert_eq!(lists.world.store.contents().generation(), generation);
    }
    // A list beside it is installed all the same: each stands by itself.
    lists.put("b.crl", &crl().number(6));
    lists.settle();
    assert_eq!(lists.numbers(), [6]);
    assert!(
        lists.world.error().contains("a.crl"),
        "{}",
        lists.world.error()
    );
    // Of two lists of one source, the newer one counts, and that is no fault.
    lists.put("a.crl", &crl().number(7));
    lists.settle();
    assert_eq!(lists.numbers(), [7]);
    assert!(lists.world.store.health().is_good());
}

#[test]
fn a_list_that_nears_its_end_is_told_before_it_ends() {
    let clock = Moved(Arc::new(Mutex::new(NOW)));
    let mut lists = Lists::new("lists-life", settings().with_clock(Arc::new(clock.clone())));
    // From a day ago for a week: a tenth is 16.8 hours.
    lists.put("a.crl", &crl());
    lists.settle();
    let at_hour = |lists: &mut Lists, hours: u64| {
        *clock.0.lock().unwrap() = NOW + hours * 3600;
        lists.follower.poll(&mut lists.world.store).unwrap();
        (lists.world.warnings(), lists.world.error())
    };
    let end = 6 * 24;
    assert_eq!(at_hour(&mut lists, end - 17), Default::default());
    let (told, error) = at_hour(&mut lists, end - 16);
    assert!(
        told.contains("a.crl: ") && told.contains("and the source has no newer one"),
        "{told}"
    );
    assert_eq!(error, "");
    let (_, error) = at_hour(&mut lists, end);
    assert!(
        error.contains("ended at ") && error.contains("a.crl: "),
        "{error}"
    );
    assert!(!lists.world.store.health().is_good());
    let from = i64::try_from(end * 3600).unwrap();
    lists.put("a.crl", &crl().number(2).valid(from, 2 * from));
    lists.settle();
    assert_eq!(lists.numbers(), [2]);
    let health = lists.world.store.health();
    assert!(
        health.is_good() && lists.world.warnings().is_empty(),
        "{health}"
    );
}

#[test]
fn a_list_that_was_removed_by_hand_comes_back_and_is_told() {
    let mut lists = Lists::new("lists-removed", settings());
    lists.put("a.crl", &crl());
    lists.settle();
    let held: Vec<_> = {
        let all = lists.world.store.contents().crls();
        all.map(|list| list.crl().fingerprint()).collect()
    };
    let removed = lists.world.store.change(|store| store.remove_crl(held[0]));
    assert!(removed.is_ok());
    lists.follower.poll(&mut lists.world.store).unwrap();
    assert_eq!(lists.numbers(), [1]);
    let told = lists.world.warnings();
    assert!(
        told.contains("was removed and is installed again"),
        "{told}"
    );
    assert!(told.contains(&held[0].to_string()), "{told}");
}
