//! The same steps on real stores in a folder.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mutual_trust::admin::{Counter, DurableSettings, Feeds, Follower, Source as RealSource};
use mutual_trust::error::StoreError;
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::store::{BlockSelector, Claim, EntryKey, GroupId, Scope, Slot};
use mutual_trust::{
    AuthorityScope, Certificate, CurrentTime, DurableStore, EntryOptions, PinScope, ServerId,
    TrustSnapshot, TrustStore, decide,
};
use mutual_trust_test_support::clock::Moved;
use mutual_trust_test_support::folder::Folder;
use mutual_trust_test_support::{at as time, pki};
use mutual_trust_worlds::{Model as Rules, Ruling};
use pki_types::CertificateDer;

use crate::store::{
    CA, Claimed, DAY, Edit, GROUP_PIN, LEAF, MIGRATION, NAMES, NOW, PIN, PRESENTED, Store,
};
use crate::system::{Action, Source, System, ask};

const SERVERS: [&str; 2] = ["one", "two"];

fn id(at: usize) -> ServerId {
    SERVERS[at].parse().unwrap()
}

fn group() -> GroupId {
    "group".parse().unwrap()
}

/// The certificates, which all machines share.
pub(crate) struct Certificates {
    all: Vec<Certificate>,
    der: Vec<CertificateDer<'static>>,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let spec = |name| pki::spec(name).valid(-1000 * DAY, 1000 * DAY);
        let ca = spec("ca").ca().self_signed();
        let leaf = spec("leaf").dns(NAMES[0]).dns(NAMES[1]).signed_by(&ca);
        let all = vec![
            spec("pin").self_signed().certificate(),
            spec("group").self_signed().certificate(),
            ca.certificate(),
            leaf.certificate(),
        ];
        let der = all.iter().map(|one| one.der().to_vec().into());
        Self {
            der: der.collect(),
            all,
        }
    }
}

/// Counts generations. A process can be told to crash when it is asked: after a change is written, before it is
/// published.
#[derive(Debug, Default)]
struct Crashing {
    newest: AtomicU64,
    crashes: AtomicBool,
}

impl Counter for Crashing {
    fn read(&self) -> io::Result<u64> {
        Ok(self.newest.load(Ordering::Relaxed))
    }

    fn raise(&self, generation: u64) -> io::Result<()> {
        let before = self.newest.fetch_max(generation, Ordering::Relaxed);
        if generation > before && self.crashes.load(Ordering::Relaxed) {
            std::panic::resume_unwind(Box::new("the process ends here"));
        }
        Ok(())
    }
}

pub(crate) struct Machine<'a> {
    certificates: &'a Certificates,
    folder: Folder,
    clock: Moved,
    counter: Arc<Crashing>,
    settings: DurableSettings,
    running: [Option<DurableStore>; 2],
}

impl<'a> Machine<'a> {
    pub(crate) fn new(certificates: &'a Certificates) -> Self {
        let folder = Folder::new("administration");
        let clock = Moved::new(NOW.cast_unsigned());
        let counter = Arc::new(Crashing::default());
        let settings = DurableSettings::new(mutual_trust_test_support::keys())
            .with_clock(Arc::new(clock.clone()))
            .with_counter(counter.clone());
        let mut first = DurableStore::create(folder.path(), settings.clone()).unwrap();
        let made = first.change(|store| {
            for (at, name) in NAMES.iter().enumerate() {
                store.add_server(id(at), [name.parse().unwrap()])?;
            }
            store.add_group(group())?;
            store.join_group(&group(), &id(1))
        });
        made.unwrap();
        let second = DurableStore::open(folder.path(), settings.clone())
            .unwrap()
            .0;
        let machine = Self {
            certificates,
            folder,
            clock,
            counter,
            settings,
            running: [Some(first), Some(second)],
        };
        machine.source(Source::Ca);
        machine
    }

    fn source(&self, source: Source) {
        let path = self.folder.file("roots.pem");
        match source {
            Source::Ca => fs::write(path, self.certificates.all[CA].to_pem()).unwrap(),
            Source::Empty => fs::write(path, "trust nobody\n").unwrap(),
            Source::Missing => fs::remove_file(path).unwrap(),
        }
    }

    fn edit(&self, edit: Edit) -> impl FnOnce(&mut TrustStore) -> Result<(), StoreError> + use<> {
        let certificates = self.certificates.all.clone();
        move |store| {
            let certificate = |at: usize| certificates[at].clone();
            let options = EntryOptions::new();
            let remove = |store: &mut TrustStore, slot, scope, at: usize| {
                store.remove(&EntryKey::new(slot, scope, certificates[at].fingerprint()))
            };
            let block = BlockSelector::certificate(&certificates[PIN]);
            let until = time(MIGRATION.cast_unsigned());
            match edit {
                Edit::InstallPin => {
                    store.install_pin(PinScope::Server(id(0)), certificate(PIN), options)
                }
                Edit::RemovePin => remove(store, Slot::Pin, Scope::Server(id(0)), PIN),
                Edit::InstallGroupPin => {
                    store.install_pin(PinScope::Group(group()), certificate(GROUP_PIN), options)
                }
                Edit::RemoveGroupPin => remove(store, Slot::Pin, Scope::Group(group()), GROUP_PIN),
                Edit::RemoveAuthority => remove(store, Slot::Authority, Scope::AnyServer, CA),
                Edit::Join => store.join_group(&group(), &id(0)),
                Edit::Leave => store.leave_group(&id(0)),
                Edit::Migrate => store.migrate(&id(0), until),
                Edit::Release => store.release(&id(0)),
                Edit::ReleaseGroup => store.release_group(&group()),
                Edit::Block => Ok(store.block_selector(block)),
                Edit::Unblock => store.unblock(&block),
                Edit::ConfirmClock => store.confirm_clock(),
                Edit::ResetFloor => Ok(store.reset_floor(None)),
            }
            .map(drop)
        }
    }

    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::Change(process, edit) => {
                let edit = self.edit(edit);
                let _refused = self.running[process].as_mut().unwrap().change(edit);
            }
            Action::Crash(process, edit) => {
                let edit = self.edit(edit);
                let mut store = self.running[process].take().unwrap();
                self.counter.crashes.store(true, Ordering::Relaxed);
                let before = store.live().current().generation();
                let live = store.live();
                let crashed = catch_unwind(AssertUnwindSafe(|| {
                    let _refused = store.change(edit);
                }));
                self.counter.crashes.store(false, Ordering::Relaxed);
                // What was read first may be in force; the change is not.
                if crashed.is_err() {
                    let stored = self.counter.newest.load(Ordering::Relaxed);
                    let shown = live.current().generation();
                    assert!(
                        before <= shown && shown < stored,
                        "{before} {shown} {stored}"
                    );
                }
            }
            Action::Refresh(process) => {
                let _changed = self.running[process].as_mut().unwrap().refresh().unwrap();
            }
            Action::Stop(process) => self.running[process] = None,
            Action::Open(process) => {
                let opened = DurableStore::open(self.folder.path(), self.settings.clone());
                self.running[process] = Some(opened.unwrap().0);
            }
            Action::Follow => {
                let feeds = Feeds::Authorities(AuthorityScope::AnyServer);
                let source = RealSource::new("roots", self.folder.file("roots.pem"), feeds);
                let mut follower = Follower::new([source]).unwrap();
                let store = self.running[0].as_mut().unwrap();
                // What two polls in a row find unchanged is applied.
                follower.read();
                let _changed = follower.poll(store).unwrap();
            }
            Action::Clock(clock) => self.clock.set(match clock {
                Some(now) => CurrentTime::Known(time(now.cast_unsigned())),
                None => CurrentTime::Unset,
            }),
            Action::Source(source) => self.source(source),
        }
    }

    /// What the model has to say of this machine.
    pub(crate) fn compare(&self, system: &System) -> Result<(), String> {
        let read = DurableStore::read(self.folder.path(), &self.settings).unwrap();
        self.compare_store("the file", read.store.contents(), &system.file, system)?;
        for (process, store) in self.running.iter().enumerate() {
            let shown = format!("process {process}");
            match (store, &system.running[process]) {
                (Some(store), Some(model)) => {
                    self.compare_store(&shown, &store.live().current(), model, system)?;
                }
                (None, None) => {}
                (real, _) => return Err(format!("{shown} runs: {}", real.is_some())),
            }
        }
        Ok(())
    }

    fn compare_store(
        &self,
        shown: &str,
        view: &TrustSnapshot,
        model: &Store,
        system: &System,
    ) -> Result<(), String> {
        let real = self.abstraction(view);
        if real != *model {
            return Err(format!("{shown} has {real:?} instead of {model:?}"));
        }
        let state = model.state();
        let policy = mutual_trust_test_support::policy();
        for server in 0..2 {
            for leaf in PRESENTED {
                let ask = ask(system.clock, leaf, server);
                let clock = system.clock.map_or(CurrentTime::Unset, |now| {
                    CurrentTime::Known(time(now.cast_unsigned()))
                });
                let (id, der) = (id(server), &self.certificates.der);
                let chain = if leaf == LEAF { &der[CA..=CA] } else { &[] };
                let target = ExpectedServer::id(&id, None);
                let request = VerifyRequest::server(target, &der[leaf], chain, clock);
                let verdict = decide(view, &policy, &request);
                let ruling = Rules::new(&state, &ask).ruling();
                let accepted = matches!(ruling, Ruling::Pin { .. } | Ruling::Chain { .. });
                if verdict.is_accepted() != accepted {
                    return Err(format!("{shown}: {verdict} instead of {ruling:?}"));
                }
            }
        }
        Ok(())
    }

    fn abstraction(&self, view: &TrustSnapshot) -> Store {
        let entries = view.entries();
        let holds = |slot, at: usize| {
            let fingerprint = self.certificates.all[at].fingerprint();
            let mut keys = entries.iter().map(|entry| entry.key());
            keys.any(|key| key.slot == slot && key.fingerprint == fingerprint)
        };
        let server = |at: usize| view.server(&id(at)).unwrap();
        Store {
            pin: holds(Slot::Pin, PIN),
            group_pin: holds(Slot::Pin, GROUP_PIN),
            authority: holds(Slot::Authority, CA),
            grouped: server(0).group().is_some(),
            claims: [0, 1].map(|at| match server(at).claim() {
                Claim::Unclaimed => Claimed::No,
                Claim::Claimed => Claimed::Yes,
                Claim::Migrating { until } => {
                    assert_eq!(until, time(MIGRATION.cast_unsigned()));
                    Claimed::Migrating
                }
            }),
            blocked: view.blocks().next().is_some(),
            floor: view.floor().map(|floor| floor.as_secs().cast_signed()),
        }
    }
}
