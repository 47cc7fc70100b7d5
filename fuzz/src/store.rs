//! What an administrator may do to a store, in any order.

use core::time::Duration;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use mutual_trust::certificate::TimeSource;
use mutual_trust::error::StoreError;
use mutual_trust::store::{
    BlockSelector, Decision, EntryKey, GroupId, PinMatch, Report, Scope, ServerId, Slot,
    ValidityRule,
};
use mutual_trust::{
    AuthorityScope, Certificate, CurrentTime, EntryOptions, HostName, PinScope, TrustStore,
};
use pki_types::UnixTime;

use crate::STORE_BYTES;
use crate::report::{self, Call};
use crate::snapshot::Snapshot;

macro_rules! certificates {
    ($($name:literal),* $(,)?) => {
        [$(&include_bytes!(concat!("../../tests/fixtures/", $name, ".pem"))[..]),*]
            .map(|pem| Certificate::from_pem(pem).expect("a fixture is read"))
    };
}

// P-256 but for the first two, whose signatures take longer to verify.
static CERTIFICATES: LazyLock<[Certificate; 14]> = LazyLock::new(|| {
    certificates![
        "openssl-req-default",
        "v1",
        "ca-false",
        "ca-root",
        "ca-intermediate",
        "chain-server",
        "chain-client",
        "ca-other",
        "ee-p256",
        "eku-client-only",
        "expired",
        "reissued-old",
        "reissued-new",
        "broken-self-signature",
    ]
});

/// 2027-01-01, which lies inside the period of every certificate above but the expired one.
const START: u64 = 1_798_761_600;
const DAY: u64 = 24 * 60 * 60;

/// A clock that operations move; `u64::MAX` is unset.
#[derive(Debug)]
struct Hand(AtomicU64);

impl TimeSource for Hand {
    fn now(&self) -> CurrentTime {
        match self.0.load(Ordering::Relaxed) {
            u64::MAX => CurrentTime::Unset,
            seconds => CurrentTime::Known(time(seconds)),
        }
    }
}

fn time(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// Four bytes of input as one operation and its arguments.
struct Step {
    what: u8,
    who: u8,
    which: u8,
    how: u8,
}

impl Step {
    fn server(&self) -> ServerId {
        ["a", "b", "c", "d", "kms1.example"][usize::from(self.who % 5)]
            .parse()
            .unwrap()
    }

    fn group(&self) -> GroupId {
        ["g", "h"][usize::from(self.which % 2)].parse().unwrap()
    }

    fn name(&self) -> HostName {
        let names = [
            "kms1.example",
            "kms2.example",
            "192.0.2.7",
            "[::ffff:192.0.2.8]",
            "a",
        ];
        names[usize::from(self.how % 5)].parse().unwrap()
    }

    fn certificate(&self) -> Certificate {
        CERTIFICATES[usize::from(self.which) % CERTIFICATES.len()].clone()
    }

    fn end(&self) -> UnixTime {
        time(START + u64::from(self.which) * DAY)
    }

    fn pin_scope(&self) -> PinScope {
        match self.who % 8 {
            0..5 => PinScope::Server(self.server()),
            5 => PinScope::Name(self.name()),
            6 => PinScope::Group(["g", "h"][usize::from(self.how % 2)].parse().unwrap()),
            _ => PinScope::Clients,
        }
    }

    fn authority_scope(&self) -> AuthorityScope {
        match self.who % 8 {
            0..5 => AuthorityScope::Server(self.server()),
            5 => AuthorityScope::Name(self.name()),
            6 => AuthorityScope::AnyServer,
            _ => AuthorityScope::Clients,
        }
    }

    fn options(&self) -> EntryOptions {
        let options = EntryOptions::new();
        match self.how / 8 {
            0..20 => options,
            20 => options.with_label("spare"),
            21 => options.with_label("two\nlines"),
            22 => options.with_matching(PinMatch::PublicKey),
            23 => options.with_any_role(),
            24 => options.with_any_role().with_matching(PinMatch::PublicKey),
            25 => options.with_validity(ValidityRule::Grace(Duration::from_secs(DAY))),
            26 => options.with_validity(ValidityRule::Grace(Duration::MAX)),
            27 => options.with_end(self.end()),
            28 => options.with_san_patterns(["dns:*.example".parse().unwrap()]),
            _ => options.with_any_role().with_label("any"),
        }
    }

    fn block(&self) -> BlockSelector {
        let certificate = self.certificate();
        match self.how % 4 {
            0 => BlockSelector::certificate(&certificate),
            1 => BlockSelector::Fingerprint(certificate.fingerprint()),
            2 => BlockSelector::Key(certificate.key_pin()),
            _ => BlockSelector::issuer_serial(&certificate),
        }
    }

    /// A key of an installed entry, or one that may not be installed.
    fn entry(&self, before: &Snapshot) -> EntryKey {
        match before.entries.get(usize::from(self.who)) {
            Some((key, _)) => key.clone(),
            None => EntryKey::new(Slot::Pin, Scope::Clients, self.certificate().fingerprint()),
        }
    }

    /// Runs it. `None` if it is not a call that changes the store.
    fn run(
        &self,
        store: &mut TrustStore,
        hand: &Hand,
        before: &Snapshot,
    ) -> Option<Result<Report, StoreError>> {
        let (server, group, name) = (self.server(), self.group(), self.name());
        Some(match self.what % 29 {
            0 => store.add_server(server, [name]),
            1 => store.add_server(server, []),
            2 => store.remove_server(&server),
            3 => store.add_name(&server, name),
            4 => store.move_name(&name, &server),
            5 => store.release_name(&name),
            6 => store.set_reference_names(&server, [name]),
            7 => store.add_group(group),
            8 => store.remove_group(&group),
            9 => store.join_group(&group, &server),
            10 => store.leave_group(&server),
            11 => store.migrate(&server, self.end()),
            12 => store.migrate_group(&group, self.end()),
            13 => store.stop_migrating(&server),
            14 => store.release(&server),
            15 => store.release_group(&group),
            16 | 17 => store.install_pin(self.pin_scope(), self.certificate(), self.options()),
            18 => store.install_pin_fingerprint(
                self.pin_scope(),
                self.certificate().fingerprint(),
                self.options(),
            ),
            19 => {
                store.install_authority(self.authority_scope(), self.certificate(), self.options())
            }
            20 => store.install_intermediate(self.certificate(), self.options()),
            21 => store.remove(&self.entry(before)),
            22 => store.update(&self.entry(before), self.options()),
            23 => store.disable(&self.entry(before), if self.how == 0 { "" } else { "why" }),
            24 => store.enable(&self.entry(before)),
            25 => Ok(store.block_selector(self.block())),
            26 => store.unblock(&self.block()),
            27 => {
                let from = usize::from(self.which) % CERTIFICATES.len();
                let some = CERTIFICATES[from..].iter().take(3).cloned().collect();
                let mut bundle = store.classify_bundle(some);
                if self.how.is_multiple_of(2) {
                    bundle.decide(0, Decision::Authority);
                }
                let (pins, authorities) = (self.pin_scope(), self.authority_scope());
                store.install_bundle(&bundle, &pins, &authorities, &EntryOptions::new())
            }
            _ => {
                match self.how % 3 {
                    0 => hand.0.store(u64::MAX, Ordering::Relaxed),
                    1 => hand.0.store(self.end().as_secs(), Ordering::Relaxed),
                    _ => drop(store.reset_floor(Some(self.end()))),
                }
                return None;
            }
        })
    }

    /// The calls that alone may end a claim (rule P2).
    fn may_release(&self) -> bool {
        matches!(self.what % 29, 14 | 15)
    }
}

/// After each operation: a refused call changed nothing, a successful one has a new number and a true report, and every
/// server that holds a pin is claimed.
pub fn store(data: &[u8]) -> bool {
    let hand = Arc::new(Hand(AtomicU64::new(START)));
    let mut store = TrustStore::new(crate::keys()).with_clock(hand.clone());
    let mut published = store.snapshot();
    let mut as_published = Snapshot::of(&published);
    let mut changed = false;
    for bytes in data[..STORE_BYTES.min(data.len())].chunks_exact(4) {
        let step = Step {
            what: bytes[0],
            who: bytes[1],
            which: bytes[2],
            how: bytes[3],
        };
        let before = Snapshot::of(store.contents());
        let done = step.run(&mut store, &hand, &before);
        let after = Snapshot::of(store.contents());
        after.check(store.contents());
        assert_eq!(
            Snapshot::of(&published),
            as_published,
            "a view that is out never changes"
        );
        match done {
            Some(Ok(report)) => {
                changed = true;
                let call = Call {
                    installs: matches!(step.what % 29, 16..=20 | 27),
                    may_release: step.may_release(),
                };
                report::told(&call, &report, &before, &after);
            }
            Some(Err(error)) => {
                assert!(!error.to_string().is_empty());
                assert_eq!(before, after, "refused with {error}, and changed");
            }
            None => {
                published = store.snapshot();
                as_published = Snapshot::of(&published);
                assert!(as_published.generation >= after.generation);
                assert!(
                    as_published.floor >= after.floor,
                    "the floor rises by itself"
                );
            }
        }
    }
    changed
}
