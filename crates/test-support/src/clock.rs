//! A clock for stores.

use std::sync::{Arc, Mutex};

use mutual_trust::CurrentTime;
use mutual_trust::certificate::TimeSource;

use super::at;

/// A clock that a test moves. Clones are one clock.
#[derive(Clone, Debug)]
pub struct Moved(Arc<Mutex<CurrentTime>>);

impl Moved {
    pub fn new(seconds: u64) -> Self {
        Self(Arc::new(Mutex::new(CurrentTime::Known(at(seconds)))))
    }

    pub fn set(&self, clock: CurrentTime) {
        *self.0.lock().unwrap() = clock;
    }

    pub fn to(&self, seconds: u64) {
        self.set(CurrentTime::Known(at(seconds)));
    }
}

impl TimeSource for Moved {
    fn now(&self) -> CurrentTime {
        *self.0.lock().unwrap()
    }
}
