//! The file `queue.rs` of the library: as it is, and with planted faults. The channel is that of `shuttle`, and an
//! observation is its number.

/// One copy of the file, with the little of the library that it names.
macro_rules! copy {
    ($name:ident) => {
        pub mod $name {
            use super::stand_ins::{certificate, limits};
            use super::{Observation, meter};

            #[allow(
                unused_imports,
                unused_variables,
                clippy::single_match,
                reason = "a planted fault leaves something out"
            )]
            mod queue {
                crate::copied!("queue", $name, "queue");
            }

            pub use queue::{ObservationReader, Observations, observation_queue};
        }
    };
}

copy!(real);
copy!(room_looked_at_first);
copy!(room_taken_after_the_sending);
copy!(room_not_given_back);
copy!(count_read_and_written);
copy!(sender_waits);
copy!(look_waits);
copy!(turn_kept_at_the_end);
copy!(told_before_the_turn);

/// What a handshake showed: who sent it, as which of its own, and how much was presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    pub by: usize,
    pub number: usize,
    pub accepted: bool,
    pub presented: Vec<Vec<u8>>,
}

impl Observation {
    pub fn new(by: usize, number: usize, accepted: bool, bytes: usize) -> Self {
        Self {
            by,
            number,
            accepted,
            presented: vec![vec![0; bytes]],
        }
    }

    pub fn is_accepted(&self) -> bool {
        self.accepted
    }
}

/// Most bytes in a queue.
pub const MAX_BYTES: usize = 10;

mod meter {
    pub(super) fn dropped() {}
}

mod stand_ins {
    pub(super) mod limits {
        pub(crate) use super::super::MAX_BYTES as MAX_OBSERVED_BYTES;

        pub(crate) const MAX_OBSERVATIONS: usize = 64;
    }

    pub(super) mod certificate {
        pub(crate) mod error {
            #[derive(Debug)]
            pub struct SettingError;

            impl SettingError {
                pub(crate) fn check(
                    _: &str,
                    found: u64,
                    least: u64,
                    most: u64,
                ) -> Result<(), Self> {
                    (least..=most).contains(&found).then_some(()).ok_or(Self)
                }
            }
        }
    }
}

/// What `shuttle` has, and waits that end: it has no time, so each ends after a few looks, by chance.
pub(crate) mod sync {
    use core::ops::{Deref, DerefMut};
    use core::time::Duration;

    use shuttle::rand::Rng;
    use shuttle::{rand, thread};

    pub(crate) use shuttle::sync::{Arc, atomic};
    pub(crate) use std::sync::{LockResult, PoisonError};

    fn looks(timeout: Duration) -> u8 {
        match timeout {
            Duration::ZERO => 0,
            _ => rand::thread_rng().gen_range(0..4),
        }
    }

    pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

    pub(crate) struct MutexGuard<'a, T>(&'a Mutex<T>, shuttle::sync::MutexGuard<'a, T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(shuttle::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
            // A thread that panics has failed the test.
            Ok(MutexGuard(self, self.0.lock().unwrap()))
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.1
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            &mut self.1
        }
    }

    #[derive(Default)]
    pub(crate) struct Condvar(shuttle::sync::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self::default()
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn wait_while<'a, T>(
            &self,
            MutexGuard(mutex, guard): MutexGuard<'a, T>,
            condition: impl FnMut(&mut T) -> bool,
        ) -> LockResult<MutexGuard<'a, T>> {
            Ok(MutexGuard(
                mutex,
                self.0.wait_while(guard, condition).unwrap(),
            ))
        }

        /// Looks again without being told: what tells such a thread is not what keeps it from waiting for ever.
        pub(crate) fn wait_timeout_while<'a, T>(
            &self,
            mut guard: MutexGuard<'a, T>,
            timeout: Duration,
            mut condition: impl FnMut(&mut T) -> bool,
        ) -> LockResult<(MutexGuard<'a, T>, ())> {
            for _ in 0..looks(timeout) {
                if !condition(&mut guard) {
                    break;
                }
                let mutex = guard.0;
                drop(guard);
                thread::yield_now();
                guard = mutex.lock().unwrap();
            }
            Ok((guard, ()))
        }
    }

    pub(crate) mod mpsc {
        use core::time::Duration;

        use shuttle::sync::mpsc;
        use shuttle::thread;

        pub(crate) use mpsc::{
            RecvError, RecvTimeoutError, SyncSender, TryRecvError, TrySendError,
        };

        pub(crate) struct Receiver<T>(mpsc::Receiver<T>);

        pub(crate) fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
            let (sender, receiver) = mpsc::sync_channel(bound);
            (sender, Receiver(receiver))
        }

        impl<T> Receiver<T> {
            pub(crate) fn recv(&self) -> Result<T, RecvError> {
                self.0.recv()
            }

            pub(crate) fn try_iter(&self) -> impl Iterator<Item = T> {
                self.0.try_iter()
            }

            pub(crate) fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
                for _ in 0..super::looks(timeout) {
                    match self.0.try_recv() {
                        Err(TryRecvError::Empty) => thread::yield_now(),
                        Ok(found) => return Ok(found),
                        Err(TryRecvError::Disconnected) => {
                            return Err(RecvTimeoutError::Disconnected);
                        }
                    }
                }
                self.0.try_recv().map_err(|_| RecvTimeoutError::Timeout)
            }
        }
    }
}
