//! The files `live.rs` and `waiters.rs` of the library: as they are, and with planted faults.

/// One copy of the files, with the little of the library that they name.
macro_rules! copy {
    ($name:ident) => {
        pub mod $name {
            pub use super::stand_ins::{TrustSnapshot, error, pointer, trace};

            pub mod live {
                crate::copied!("waits", $name, "live");
            }

            pub mod waiters {
                crate::copied!("waits", $name, "waiters");
            }
        }
    };
}

copy!(real);
copy!(woken_before_the_swap);
copy!(looked_before_the_waker);
copy!(told_before_the_swap);

pub(crate) use stand_ins::sync;

/// What the files name of the library and of the standard library.
mod stand_ins {
    use std::sync::Arc;

    /// A snapshot is its number, behind a pointer.
    #[derive(Clone, Debug)]
    pub struct TrustSnapshot(Arc<u64>);

    impl TrustSnapshot {
        pub fn new(generation: u64) -> Self {
            Self(Arc::new(generation))
        }

        pub fn generation(&self) -> u64 {
            *self.0
        }
    }

    /// The pointer, which `arc-swap` swaps in the library: `shuttle` does not know its atomics. A reader of it sees the old
    /// snapshot or the new one, as here.
    pub mod pointer {
        use shuttle::sync::Mutex;

        use super::TrustSnapshot;

        pub struct Pointer(Mutex<TrustSnapshot>);

        impl Pointer {
            pub fn new(view: TrustSnapshot) -> Self {
                Self(Mutex::new(view))
            }

            pub fn current(&self) -> TrustSnapshot {
                self.0.lock().unwrap().clone()
            }

            /// The lock is free while the snapshot is read: a writer waits for no reader.
            pub fn with<R>(&self, read: impl FnOnce(&TrustSnapshot) -> R) -> R {
                let view = self.current();
                read(&view)
            }

            pub fn replace(&self, view: TrustSnapshot) -> TrustSnapshot {
                core::mem::replace(&mut *self.0.lock().unwrap(), view)
            }
        }
    }

    pub mod error {
        #[derive(Debug)]
        #[non_exhaustive]
        pub enum PublishError {
            NotNewer { current: u64, offered: u64 },
        }
    }

    pub mod trace {
        pub fn published(_: u64) {}
    }

    pub(crate) mod sync {
        use core::time::Duration;

        pub use shuttle::sync::{Arc, Mutex, MutexGuard};
        pub use std::sync::{LockResult, PoisonError};

        /// `shuttle` has no time. A wait that ends is that of a publication; one that does not is a fault.
        pub struct Condvar(shuttle::sync::Condvar);

        impl Condvar {
            pub fn new() -> Self {
                Self(shuttle::sync::Condvar::new())
            }

            pub fn notify_all(&self) {
                self.0.notify_all();
            }

            pub fn wait_timeout_while<'a, T>(
                &self,
                guard: MutexGuard<'a, T>,
                _: Duration,
                condition: impl FnMut(&mut T) -> bool,
            ) -> LockResult<(MutexGuard<'a, T>, ())> {
                match self.0.wait_while(guard, condition) {
                    Ok(guard) => Ok((guard, ())),
                    Err(error) => Err(PoisonError::new((error.into_inner(), ()))),
                }
            }
        }
    }
}
