//! The files `rotation.rs` and `resolver.rs` of the library: as they are, and with planted faults. A certificate, its key
//! and the scheme of the key are one number.

/// One copy of the files, with the little of the library that they name.
macro_rules! copy {
    ($name:ident) => {
        pub mod $name {
            pub use super::stand_ins::{
                CurrentTime, Fingerprint, Identity, KeyKind, MAX_RECORDED_SCHEMES, RotationError,
                ServerId, TimeSource, rustls, trace,
            };

            mod rotation {
                crate::copied!("rotation", $name, "rotation");

                /// What the room of the library calls.
                impl Identities {
                    pub fn set_all(
                        &self,
                        current: Identity,
                        next: Option<Identity>,
                        except: &[ServerId],
                    ) -> bool {
                        let except = except.iter().copied().collect();
                        self.set(current, next, false, except)
                    }

                    pub fn follow(&self, current: Identity) -> bool {
                        self.replace(current)
                    }
                }
            }

            mod resolver {
                use crate::rotation::stand_ins::Short as _;

                crate::copied!("rotation", $name, "resolver");

                /// A handshake with a server that offers schemes.
                pub fn handshake(
                    identities: &Identities,
                    server: Option<ServerId>,
                    unsent: &ClientAuthFailures,
                    offered: &[SignatureScheme],
                ) -> Option<Arc<CertifiedKey>> {
                    let resolver = ClientResolver {
                        identities: identities.clone(),
                        server,
                        unsent: unsent.clone(),
                        clock: Arc::new(CurrentTime),
                    };
                    resolver.resolve(&[], offered)
                }

                /// A handshake with a client.
                pub fn serve(identities: &Identities) -> Option<Arc<CertifiedKey>> {
                    ServerResolver(identities.clone()).resolve(ClientHello(&()))
                }
            }

            pub use resolver::{ClientAuthFailures, handshake, serve};
            pub use rotation::Identities;
        }
    };
}

copy!(real);
copy!(copied_before_the_lock);
copy!(ended_in_two_steps);
copy!(two_looks);
copy!(compared_before_the_lock);
copy!(folder_compared_before_the_lock);
copy!(next_read_before_the_lock);
copy!(freed_under_the_lock);
copy!(refused_under_the_lock);
copy!(told_under_the_lock);

pub use stand_ins::{Event, Identity, RotationError, ServerId, events};

/// What the files name of the library.
mod stand_ins {
    use core::cell::RefCell;
    use std::sync::Arc;

    use super::sync;

    pub type ServerId = u8;

    pub type Fingerprint = u8;

    pub type KeyKind = u8;

    pub const MAX_RECORDED_SCHEMES: usize = 4;

    #[derive(Clone, Copy, Debug)]
    pub struct CurrentTime;

    pub trait TimeSource {
        fn now(&self) -> CurrentTime;
    }

    impl TimeSource for CurrentTime {
        fn now(&self) -> CurrentTime {
            Self
        }
    }

    #[derive(Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum RotationError {
        NothingStaged,
        AlreadyCurrent { certificate: u8 },
        InUse { certificate: u8 },
        NotForAll,
    }

    #[derive(Clone, Debug)]
    pub struct Identity {
        certificate: Certificate,
        key: Arc<Key>,
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Certificate(u8);

    #[derive(Debug)]
    struct Key(u8);

    impl Drop for Key {
        /// The provider takes its time to wipe it.
        fn drop(&mut self) {
            sync::elsewhere();
        }
    }

    impl Identity {
        pub fn new(number: u8) -> Self {
            Self {
                certificate: Certificate(number),
                key: Arc::new(Key(number)),
            }
        }

        pub fn certificate(&self) -> Certificate {
            self.certificate
        }

        pub fn chain(&self) -> Certificate {
            self.certificate
        }

        pub fn signs_with(&self, schemes: &[rustls::SignatureScheme]) -> bool {
            schemes.iter().any(|scheme| *scheme == self.key.0)
        }

        pub fn resolver(&self) -> Arc<rustls::sign::CertifiedKey> {
            Arc::new(rustls::sign::CertifiedKey(self.certificate.0, self.key.0))
        }
    }

    impl Certificate {
        pub fn fingerprint(self) -> Fingerprint {
            self.0
        }

        pub fn key_kind(self) -> KeyKind {
            self.0
        }

        pub fn short(self) -> u8 {
            self.0
        }

        pub fn certificates(self) -> impl Iterator<Item = Self> {
            [self].into_iter()
        }
    }

    /// As the resolvers name it.
    pub trait Short {
        fn short(&self) -> u8;
    }

    impl Short for u8 {
        fn short(&self) -> u8 {
            *self
        }
    }

    pub mod rustls {
        pub type SignatureScheme = u8;

        pub mod client {
            use std::sync::Arc;

            use super::sign::CertifiedKey;

            pub trait ResolvesClientCert {
                fn resolve(&self, roots: &[&[u8]], offered: &[u8]) -> Option<Arc<CertifiedKey>>;

                fn has_certs(&self) -> bool;
            }

            impl ResolvesClientCert for CertifiedKey {
                fn resolve(&self, _: &[&[u8]], _: &[u8]) -> Option<Arc<CertifiedKey>> {
                    Some(Arc::new(*self))
                }

                fn has_certs(&self) -> bool {
                    true
                }
            }
        }

        pub mod server {
            use std::sync::Arc;

            use super::sign::CertifiedKey;

            pub struct ClientHello<'a>(pub &'a ());

            pub trait ResolvesServerCert {
                fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>>;
            }
        }

        pub mod sign {
            /// A certificate and a key.
            #[derive(Clone, Copy, Debug, PartialEq)]
            pub struct CertifiedKey(pub u8, pub u8);
        }
    }

    /// What a subscriber was told.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Event {
        Renewed(u8),
        Rotated(u8, Option<u8>),
    }

    thread_local! {
        /// Of this run: `shuttle` runs all threads on one.
        static EVENTS: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
    }

    /// What was told since the last call.
    pub fn events() -> Vec<Event> {
        EVENTS.take()
    }

    pub mod trace {
        use super::{EVENTS, Event, sync};

        pub fn renewed(current: u8) {
            sync::elsewhere();
            EVENTS.with_borrow_mut(|events| events.push(Event::Renewed(current)));
        }

        pub fn rotated(current: u8, next: Option<u8>) {
            sync::elsewhere();
            EVENTS.with_borrow_mut(|events| events.push(Event::Rotated(current, next)));
        }
    }
}

/// The locks of `shuttle`, and which thread holds one for writing.
pub(crate) mod sync {
    use core::cell::Cell;
    use core::ops::{Deref, DerefMut};

    use shuttle::thread;

    pub(crate) use shuttle::sync::{Arc, Mutex, atomic};
    pub(crate) use std::sync::{LockResult, PoisonError, TryLockError};

    thread_local! {
        static WRITER: Cell<Option<thread::ThreadId>> = const { Cell::new(None) };
    }

    /// Code that is not of the library: a subscriber, a provider. No handshake waits for it.
    pub(super) fn elsewhere() {
        if std::thread::panicking() {
            return;
        }
        let own = thread::current().id();
        assert_ne!(WRITER.get(), Some(own), "others wait for code of others");
        thread::yield_now();
    }

    pub(crate) struct RwLock<T>(shuttle::sync::RwLock<T>);

    pub(crate) struct RwLockWriteGuard<'a, T>(shuttle::sync::RwLockWriteGuard<'a, T>);

    impl<T> RwLock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(shuttle::sync::RwLock::new(value))
        }

        pub(crate) fn read(&self) -> LockResult<shuttle::sync::RwLockReadGuard<'_, T>> {
            self.0.read()
        }

        pub(crate) fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
            // A thread that panics has failed the test.
            let guard = RwLockWriteGuard(self.0.write().unwrap());
            WRITER.set(Some(thread::current().id()));
            Ok(guard)
        }
    }

    impl<T> Drop for RwLockWriteGuard<'_, T> {
        fn drop(&mut self) {
            WRITER.set(None);
        }
    }

    impl<T> Deref for RwLockWriteGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0
        }
    }

    impl<T> DerefMut for RwLockWriteGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            &mut self.0
        }
    }
}
