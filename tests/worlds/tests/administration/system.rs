//! The machine: one file, two processes that read and change it, a source that one of them follows, and the clock.

use std::cell::RefCell;
use std::collections::HashMap;

use mutual_trust_worlds::{Ask, Demands, Model as Rules, Peer, Ruling};
use stateright::{Model, Property};

use crate::store::{
    CA, Claimed, Clock, DAY, EDITS, Edit, GROUP_PIN, LEAF, MIGRATION, NOW, PIN, PRESENTED,
    Standing, Store, raised, standing,
};

/// What the followed source has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    Ca,
    /// It says that nothing is trusted.
    Empty,
    Missing,
}

/// What the clock shows: nothing, two days less than at first, as at first, after the end of a migration, and more than
/// 366 days later.
pub(crate) const CLOCKS: [Clock; 5] = [
    None,
    Some(NOW - 2 * DAY),
    Some(NOW),
    Some(MIGRATION + DAY),
    Some(NOW + 400 * DAY),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct System {
    pub(crate) file: Store,
    /// What is in force in each process that runs.
    pub(crate) running: [Option<Store>; 2],
    pub(crate) clock: Clock,
    pub(crate) source: Source,
    pub(crate) kept: Kept,
}

/// What must be kept, by the calls alone: this never looks at a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kept {
    /// All calls that were not refused, one after the other on one store.
    pub(crate) asked: Store,
    /// The servers that have held a pin since they were released.
    pub(crate) claimed: [bool; 2],
    pub(crate) blocked: bool,
    /// The floor went down, or up by more than 366 days, without the call that is named for it.
    pub(crate) floor_moved: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Change(usize, Edit),
    /// The process ends after its change is written and before it is published.
    Crash(usize, Edit),
    Refresh(usize),
    Stop(usize),
    Open(usize),
    /// The first process reads the source and applies it.
    Follow,
    Clock(Clock),
    Source(Source),
}

/// The edits in which a process crashes.
const CRASHES: [Edit; 4] = [
    Edit::InstallPin,
    Edit::Block,
    Edit::Release,
    Edit::ResetFloor,
];

/// Faults that the properties must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// A change is made on what is in force in the process.
    ChangesStaleCopy,
    /// A claim ends with the last pin.
    ClaimEndsWithPin,
    /// A clock that jumped raises the floor.
    JumpRaisesFloor,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Administration {
    pub(crate) fault: Fault,
}

impl Administration {
    pub(crate) fn start() -> System {
        let store = Store::new(NOW);
        System {
            file: store,
            running: [Some(store); 2],
            clock: Some(NOW),
            source: Source::Ca,
            kept: Kept {
                asked: store,
                claimed: [false; 2],
                blocked: false,
                floor_moved: false,
            },
        }
    }

    fn publish(self, store: &mut Store, clock: Clock) {
        store.floor = match (self.fault, clock) {
            (Fault::JumpRaisesFloor, Some(_)) => store.floor.max(clock),
            _ => raised(clock, store.floor),
        };
    }

    /// A change by a process: S4. What is in the file is read first; the change is written, then published.
    fn change(
        self,
        system: &mut System,
        process: usize,
        edit: impl Fn(&mut Store, Clock) -> Result<bool, ()>,
    ) -> bool {
        let clock = system.clock;
        let mut draft = match (self.fault, system.running[process]) {
            (Fault::ChangesStaleCopy, Some(held)) => held,
            _ => system.file,
        };
        system.running[process] = Some(draft);
        let done = edit(&mut draft, clock) == Ok(true);
        if done {
            self.publish(&mut draft, clock);
            system.file = draft;
            system.running[process] = Some(draft);
        }
        let mut asked = system.kept.asked;
        if edit(&mut asked, clock) == Ok(true) {
            asked.floor = raised(clock, asked.floor);
            system.kept.asked = asked;
        }
        done
    }

    fn edit(self, system: &mut System, process: usize, edit: Edit) {
        let before = system.file;
        let fault = self.fault;
        let done = self.change(system, process, |store, clock| {
            let done = store.edit(edit, clock);
            if fault == Fault::ClaimEndsWithPin && edit == Edit::RemovePin && done == Ok(true) {
                store.claims[0] = Claimed::No;
            }
            done
        });
        let named = matches!(edit, Edit::ResetFloor | Edit::ConfirmClock);
        system.kept.learn(edit, done, system.file);
        system.kept.floor(before.floor, system.file.floor, named);
    }
}

impl Kept {
    /// P1 and P2: what lasts until the call that is named for its end.
    fn learn(&mut self, edit: Edit, done: bool, file: Store) {
        match edit {
            _ if !done => {}
            Edit::Block => self.blocked = true,
            Edit::Unblock => self.blocked = false,
            Edit::Release => self.claimed[0] = false,
            Edit::ReleaseGroup => {
                self.claimed[1] = false;
                self.claimed[0] &= !file.grouped;
            }
            _ => {}
        }
        self.claimed[0] |= file.pin || (file.grouped && file.group_pin);
        self.claimed[1] |= file.group_pin;
    }

    fn floor(&mut self, before: Option<i64>, after: Option<i64>, named: bool) {
        let rise = before.zip(after).map(|(before, after)| after - before);
        let allowed = match rise {
            Some(rise) => (0..=366 * DAY).contains(&rise),
            None => before.is_none(),
        };
        self.floor_moved |= !named && !allowed;
    }
}

impl Model for Administration {
    type State = System;
    type Action = Action;

    fn init_states(&self) -> Vec<System> {
        vec![Self::start()]
    }

    fn actions(&self, system: &System, actions: &mut Vec<Action>) {
        for process in 0..2 {
            if system.running[process].is_none() {
                actions.push(Action::Open(process));
                continue;
            }
            actions.extend(EDITS.map(|edit| Action::Change(process, edit)));
            actions.extend(CRASHES.map(|edit| Action::Crash(process, edit)));
            actions.extend([Action::Refresh(process), Action::Stop(process)]);
        }
        if system.running[0].is_some() {
            actions.push(Action::Follow);
        }
        let clocks = CLOCKS.into_iter().filter(|clock| *clock != system.clock);
        actions.extend(clocks.map(Action::Clock));
        let sources = [Source::Ca, Source::Empty, Source::Missing].into_iter();
        let sources = sources.filter(|source| *source != system.source);
        actions.extend(sources.map(Action::Source));
    }

    fn next_state(&self, last: &System, action: Action) -> Option<System> {
        let mut next = *last;
        match action {
            Action::Change(process, edit) => self.edit(&mut next, process, edit),
            Action::Crash(process, edit) => {
                self.edit(&mut next, process, edit);
                next.running[process] = None;
            }
            Action::Refresh(process) => {
                let held = next.running[process]?;
                // The floor is stored anew when it is half a day old.
                let is_old = match (next.clock, held.floor) {
                    (Some(now), Some(floor)) => {
                        now >= floor + DAY / 2
                            && standing(next.clock, held.floor) == Standing::Known
                    }
                    (Some(_), None) => true,
                    (None, _) => false,
                };
                let before = next.file.floor;
                if is_old {
                    self.publish(&mut next.file, next.clock);
                    next.kept.asked.floor = raised(next.clock, next.kept.asked.floor);
                }
                next.kept.floor(before, next.file.floor, false);
                next.running[process] = Some(next.file);
            }
            Action::Stop(process) => next.running[process] = None,
            Action::Open(process) => next.running[process] = Some(next.file),
            Action::Follow => {
                let source = next.source;
                let before = next.file.floor;
                self.change(&mut next, 0, |store, _| {
                    let before = store.authority;
                    match source {
                        Source::Ca => store.authority = true,
                        Source::Empty => store.authority = false,
                        // S4: a malformed update keeps what is there.
                        Source::Missing => {}
                    }
                    Ok(store.authority != before)
                });
                next.kept.floor(before, next.file.floor, false);
            }
            Action::Clock(clock) => next.clock = clock,
            Action::Source(source) => next.source = source,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "P1: what is blocked is not accepted, and stays blocked",
                |_, system: &System| {
                    let blocked =
                        |store: &Store| !store.blocked || !accepts(store, system.clock, PIN, 0);
                    (!system.kept.blocked || system.file.blocked) && system.stores().all(blocked)
                },
            ),
            Property::always(
                "P2: a server that held a pin is claimed until its release",
                |_, system: &System| {
                    let kept = system.kept.claimed.iter().zip(system.file.claims);
                    kept.clone()
                        .all(|(held, claim)| !held || claim != Claimed::No)
                        && system.stores().all(|store| {
                            (0..2).all(|server| {
                                store.claims[server] != Claimed::Yes
                                    || !accepts(store, system.clock, LEAF, server)
                            })
                        })
                },
            ),
            Property::always(
                "P2: the pins of a claimed server are accepted",
                |_, system: &System| {
                    system.stores().all(|store| {
                        let own =
                            !store.pin || store.blocked || accepts(store, system.clock, PIN, 0);
                        let group = !store.group_pin || accepts(store, system.clock, GROUP_PIN, 1);
                        own && group
                    })
                },
            ),
            Property::always("P3: a migration ends at its time", |_, system: &System| {
                system.stores().all(|store| {
                    let moment = match standing(system.clock, store.floor) {
                        Standing::Known | Standing::Jumped => system.clock,
                        Standing::Unset | Standing::Below => store.floor,
                    };
                    let over = moment.is_some_and(|moment| moment >= MIGRATION);
                    store.claims[0] != Claimed::Migrating
                        || !over
                        || !accepts(store, system.clock, LEAF, 0)
                })
            }),
            Property::always(
                "P4: authorities decide about servers that are not claimed",
                |_, system: &System| {
                    system.stores().all(|store| {
                        let counts = matches!(
                            standing(system.clock, store.floor),
                            Standing::Known | Standing::Jumped
                        );
                        (0..2).all(|server| {
                            store.claims[server] != Claimed::No
                                || accepts(store, system.clock, LEAF, server)
                                    == (store.authority && counts)
                        })
                    })
                },
            ),
            Property::always(
                "M7: only its calls lower the floor, or raise it far",
                |_, system: &System| !system.kept.floor_moved,
            ),
            Property::always(
                "S4: no change is lost, and none is made up",
                |_, system: &System| system.file == system.kept.asked,
            ),
            Property::sometimes(
                "a chain is accepted in a migration",
                |_, system: &System| {
                    system.file.claims[0] == Claimed::Migrating
                        && accepts(&system.file, system.clock, LEAF, 0)
                },
            ),
            Property::sometimes("a process is behind the file", |_, system: &System| {
                system.stores().any(|store| *store != system.file)
            }),
        ]
    }
}

impl System {
    /// What is in force in the processes, and what the next one to open would put in force.
    fn stores(&self) -> impl Iterator<Item = &Store> {
        self.running.iter().flatten().chain([&self.file])
    }
}

thread_local! {
    static KNOWN: RefCell<HashMap<(Store, Clock, usize, usize), bool>> = RefCell::default();
}

pub(crate) fn ask(clock: Clock, leaf: usize, server: usize) -> Ask {
    Ask {
        peer: Peer::Id(server, None),
        leaf,
        chain: if leaf == LEAF { vec![CA] } else { Vec::new() },
        clock,
        demands: Demands::default(),
    }
}

/// Whether the rules accept a certificate as that of a server.
fn accepts(store: &Store, clock: Clock, leaf: usize, server: usize) -> bool {
    debug_assert!(PRESENTED.contains(&leaf));
    KNOWN.with_borrow_mut(|known| {
        *known
            .entry((*store, clock, leaf, server))
            .or_insert_with(|| {
                let (state, ask) = (store.state(), ask(clock, leaf, server));
                let ruling = Rules::new(&state, &ask).ruling();
                matches!(ruling, Ruling::Pin { .. } | Ruling::Chain { .. })
            })
    })
}
