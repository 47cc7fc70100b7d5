//! A node with a store, and clocks that a test sets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mutual_trust::CurrentTime;
use mutual_trust::admin::bundle::{FleetMember, Part};
use mutual_trust::admin::{DurableSettings, DurableStore, Health};
use mutual_trust::certificate::TimeSource;
use mutual_trust_fleet::{Agent, AgentClock, Transport};
use mutual_trust_test_support::folder::Folder as Temporary;
use mutual_trust_test_support::{NOW, at, keys};

use super::published::Fleet;

/// Both clocks of a node. Nothing waits.
#[derive(Debug, Default)]
pub struct Clock {
    milliseconds: AtomicU64,
}

impl Clock {
    pub fn pass(&self, time: Duration) {
        let passed = u64::try_from(time.as_millis()).unwrap();
        self.milliseconds.fetch_add(passed, Ordering::SeqCst);
    }

    pub fn passed(&self) -> Duration {
        Duration::from_millis(self.milliseconds.load(Ordering::SeqCst))
    }
}

impl AgentClock for Clock {
    fn elapsed(&self) -> Duration {
        self.passed()
    }

    fn sleep(&self, time: Duration) {
        self.pass(time);
    }
}

impl TimeSource for Clock {
    fn now(&self) -> CurrentTime {
        CurrentTime::Known(at(NOW + self.passed().as_secs()))
    }
}

pub struct Node {
    _place: Temporary,
    pub store: Arc<Mutex<DurableStore>>,
    pub clock: Arc<Clock>,
    member: Option<FleetMember>,
}

impl Node {
    pub fn new(fleet: &Fleet) -> Self {
        let place = Temporary::new("fleet-node");
        let clock = Arc::new(Clock::default());
        let settings = DurableSettings::new(keys()).with_clock(clock.clone());
        let mut store = DurableStore::create(place.path(), settings).unwrap();
        let digest = fleet.keys.digest();
        let member = FleetMember::join(&mut store, fleet.keys.clone(), digest, Part::All).unwrap();
        Self {
            _place: place,
            store: Arc::new(Mutex::new(store)),
            clock,
            member: Some(member),
        }
    }

    /// An agent with this node's clocks.
    pub fn agent<T: Transport>(&mut self, transport: T) -> Agent<T> {
        self.agent_in_real_time(transport)
            .with_clock(self.clock.clone(), self.clock.clone(), 7)
    }

    pub fn agent_in_real_time<T: Transport>(&mut self, transport: T) -> Agent<T> {
        let member = self.member.take().unwrap();
        Agent::new(transport, member, self.store.clone())
    }

    /// How many entries are in force.
    pub fn entries(&self) -> usize {
        self.store.lock().unwrap().contents().entries().len()
    }

    pub fn health(&self) -> Health {
        let store = self.store.lock();
        store
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .health()
    }
}
