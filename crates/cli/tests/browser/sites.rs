//! Stores of several kinds, all judged at one time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use mutual_trust::admin::{DurableSettings, DurableStore, SealKey};
use mutual_trust::error::StoreError;
use mutual_trust::store::{BlockSelector, ValidityRule};
use mutual_trust::{
    AuthorityScope, EntryOptions, Fingerprint, GroupId, PinMatch, PinScope, TrustStore,
};

use crate::support::crl::crl;
use crate::support::folder::Folder;
use crate::support::pki::{Made, spec};
use crate::support::{DAY, at, host, keys, now, server_id};

const A_DAY: i64 = 24 * 3600;

/// A folder with a store.
pub(crate) struct Site {
    pub(crate) name: &'static str,
    pub(crate) folder: Folder,
    more: &'static str,
}

/// Runs the command in a folder.
pub(crate) fn run(folder: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mutual-trust"));
    command.args(line.split_whitespace()).current_dir(folder);
    command.output().unwrap()
}

impl Site {
    /// A site whose store is changed by one call after another.
    fn new(
        name: &'static str,
        more: &'static str,
        seal: Option<SealKey>,
        fill: impl FnOnce(&mut DurableStore),
    ) -> Self {
        let folder = Folder::new(&format!("cli-site-{name}"));
        let settings = DurableSettings::new(keys()).with_clock(Arc::new(now()));
        let settings = match seal {
            Some(key) => settings.with_seal(Arc::new(key)),
            None => settings,
        };
        let place = folder.file("trust");
        fs::create_dir(&place).unwrap();
        fill(&mut DurableStore::create(&place, settings).unwrap());
        Self { name, folder, more }
    }

    /// Writes the report and returns its file.
    pub(crate) fn page(&self) -> PathBuf {
        let line = format!(
            "store report --html report.html --replace --store trust --at 2027-01-01 {}",
            self.more
        );
        let output = run(self.folder.path(), &line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {said}", self.name);
        self.folder.file("report.html")
    }
}

fn change(
    store: &mut DurableStore,
    by: &str,
    calls: impl Fn(&mut TrustStore) -> Result<(), StoreError>,
) {
    store.set_actor(Some(by)).unwrap();
    store.change(|store| calls(store)).unwrap();
}

/// A certificate that ends in so many days.
fn ends(name: &str, days: i64) -> Made {
    spec(name)
        .dns("kms.example")
        .valid(-400 * A_DAY, days * A_DAY)
        .self_signed()
}

fn options() -> EntryOptions {
    EntryOptions::new()
}

fn of(id: &str) -> PinScope {
    PinScope::Server(server_id(id))
}

pub(crate) fn all() -> Vec<Site> {
    vec![empty(), three(), big(), hostile(), sealed(), large()]
}

fn empty() -> Site {
    Site::new("empty", "", None, |_| {})
}

fn three() -> Site {
    Site::new("three", "", None, |store| {
        for (id, days) in [("keys-1", 12), ("keys-2", 200), ("keys-3", 700)] {
            change(store, "alice", |store| {
                store.add_server(server_id(id), [host(&format!("{id}.example"))])?;
                store.install_pin(of(id), ends(id, days).certificate, options())?;
                Ok(())
            });
        }
    })
}

/// Ten arrays and eight key servers at two sites, with one of everything.
fn big() -> Site {
    let site = Site::new("big", "--own own.pem", None, |store| {
        let ca = spec("Example Key Management CA 2")
            .ca()
            .valid(-900 * A_DAY, 1_400 * A_DAY)
            .self_signed();
        let issuing = spec("Issuing CA for arrays")
            .ca()
            .valid(-90 * A_DAY, 80 * A_DAY)
            .signed_by(&ca);
        for number in 1..=8 {
            let id = format!("keys-{number}");
            change(store, "alice@example, ticket 4711", |store| {
                let names = [
                    host(&format!("kms{number}.site-a.example")),
                    host(&format!("192.0.2.{number}")),
                ];
                store.add_server(server_id(&id), names)?;
                Ok(())
            });
        }
        let group: GroupId = "site-a".parse().unwrap();
        change(store, "bob", |store| {
            store.add_group(group.clone())?;
            for number in 1..=3 {
                store.join_group(&group, &server_id(&format!("keys-{number}")))?;
            }
            store.install_pin(
                PinScope::Group(group.clone()),
                ends("site-a shared", 45).certificate,
                options(),
            )?;
            store.install_pin(
                PinScope::Group(group.clone()),
                ends("site-a next", 410).certificate,
                options(),
            )?;
            Ok(())
        });
        change(store, "bob", |store| {
            store.install_pin(of("keys-4"), ends("keys-4", -3).certificate, options())?;
            let grace = options().with_validity(ValidityRule::Grace(Duration::from_secs(30 * DAY)));
            store.install_pin(of("keys-5"), ends("keys-5", -2).certificate, grace)?;
            let by_key = options()
                .with_matching(PinMatch::PublicKey)
                .with_label("room 2, rack 7");
            store.install_pin(of("keys-6"), ends("keys-6", 9).certificate, by_key)?;
            store.install_authority(AuthorityScope::AnyServer, ca.certificate(), options())?;
            store.install_intermediate(issuing.certificate(), options())?;
            store.migrate(&server_id("keys-6"), at(crate::support::NOW + 60 * DAY))?;
            Ok(())
        });
        change(store, "carol", |store| {
            for number in 1..=10 {
                let label = options().with_label(format!("array-{number}"));
                let made = spec(&format!("array-{number}"))
                    .valid(-10 * A_DAY, (number * 37 - 20) * A_DAY)
                    .self_signed();
                store.install_pin(PinScope::Clients, made.certificate, label)?;
            }
            store.install_authority(AuthorityScope::Clients, ca.certificate(), options())?;
            store.install_crl(crl().valid(-20 * A_DAY, 5 * A_DAY).signed_by(&ca))?;
            let _ =
                store.block_selector(BlockSelector::certificate(&ends("stolen", 90).certificate));
            Ok(())
        });
    });
    let own = spec("array-7")
        .valid(-300 * A_DAY, 65 * A_DAY)
        .self_signed();
    fs::write(site.folder.file("own.pem"), own.certificate.to_pem()).unwrap();
    site
}

/// Text that would be markup, or would turn the page, if it were not escaped.
const HOSTILE: &str = "</td></table><script>window.alerted=1</script><img src=x onerror=alert(1)>\" ' & \u{202e}desrever\u{2066} אבג \u{7}\u{9b}2J";

pub(crate) fn hostile() -> Site {
    let site = Site::new("hostile", "--own own.pem", None, |store| {
        let long = "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww";
        change(store, "<b>mallory</b> &amp;", |store| {
            let names = [host(&format!("{long}.{long}.{long}.example"))];
            store.add_server(server_id(&"m".repeat(64)), names)?;
            let label: String = HOSTILE
                .chars()
                .filter(|letter| !mutual_trust::certificate::breaks_a_line(*letter))
                .collect();
            let label = options().with_label(label.chars().take(60).collect::<String>());
            store.install_pin(of(&"m".repeat(64)), ends(HOSTILE, 20).certificate, label)?;
            let wide = "W".repeat(64);
            store.install_pin(PinScope::Clients, ends(&wide, 5).certificate, options())?;
            store.install_pin(PinScope::Clients, ends(HOSTILE, -5).certificate, options())?;
            let ca = spec(HOSTILE).ca().self_signed();
            store.install_authority(AuthorityScope::AnyServer, ca.certificate(), options())?;
            store.install_crl(crl().signed_by(&ca))?;
            Ok(())
        });
    });
    let own = spec(HOSTILE).valid(-300 * A_DAY, 65 * A_DAY).self_signed();
    fs::write(site.folder.file("own.pem"), own.certificate.to_pem()).unwrap();
    site
}

/// It is looked at without its key.
fn sealed() -> Site {
    let folder = Folder::new("cli-site-key");
    let output = run(folder.path(), "store new-seal-key seal.key");
    assert!(output.status.success());
    let key = SealKey::from_file(folder.file("seal.key")).unwrap();
    Site::new("sealed", "", Some(key), |store| {
        change(store, "alice", |store| {
            store.add_server(server_id("keys-1"), [])?;
            store.install_pin(of("keys-1"), ends("keys-1", 300).certificate, options())?;
            Ok(())
        });
    })
}

/// More servers than a page shows, each with a pin.
fn large() -> Site {
    let made: Vec<Made> = (0..100)
        .map(|number| ends(&format!("kms-{number}"), number * 20 - 60))
        .collect();
    Site::new("large", "", None, |store| {
        change(store, "import", |store| {
            for number in 0..3_000_u32 {
                let id = server_id(&format!("keys-{number}"));
                store.add_server(id.clone(), [])?;
                let scope = PinScope::Server(id);
                let index = usize::try_from(number).unwrap();
                if number % 10 == 0 {
                    let one = made[(index / 10) % made.len()].certificate();
                    store.install_pin(scope, one, options())?;
                } else {
                    let mut bytes = [7; 32];
                    bytes[..4].copy_from_slice(&number.to_be_bytes());
                    store.install_pin_fingerprint(
                        scope,
                        Fingerprint::from_bytes(bytes),
                        options(),
                    )?;
                }
            }
            Ok(())
        });
    })
}
