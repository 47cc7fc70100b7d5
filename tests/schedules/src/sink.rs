//! The file `tls/sink.rs` of the library: as it is, and with planted faults. Verdicts wait under a certificate, which is a
//! number.

/// One copy of the file, with the little of the library that it names.
macro_rules! copy {
    ($name:ident) => {
        pub mod $name {
            use super::stand_ins::{
                CertificateDer, CurrentTime, MAX_PARKED_VERDICTS, Observation, Observations, trace,
                verifier,
            };
            use super::{Arc, Verdict};
            use sink::{AwaitSignature, ByCertificate, JudgedPeer, ObservationSink};

            mod sink {
                crate::copied!("sink", $name, "sink");
            }

            /// The place of one server configuration.
            pub struct Place {
                all: ByCertificate,
                sink: ObservationSink,
                observations: Observations,
            }

            impl Place {
                pub fn new() -> Self {
                    let observations = Observations::default();
                    Self {
                        all: ByCertificate::default(),
                        sink: ObservationSink::new(observations.clone()),
                        observations,
                    }
                }

                pub fn put(&self, certificate: u8, verdict: &Arc<Verdict>) {
                    let end_entity = &CertificateDer::new(certificate);
                    let peer = verifier::PeerChain {
                        end_entity,
                        intermediates: &[],
                    };
                    let judged = JudgedPeer::new(verdict.clone(), peer, CurrentTime);
                    self.all.put(Some(judged), &self.sink);
                }

                pub fn take(&self, certificate: u8) -> Option<Arc<Verdict>> {
                    let end_entity = CertificateDer::new(certificate);
                    let found = self.all.take(&end_entity, &self.sink)?;
                    assert!(found.is_of(&end_entity));
                    Some(found.verdict)
                }

                pub fn dropped(&self) -> usize {
                    self.observations.dropped()
                }
            }
        }
    };
}

copy!(real);
copy!(older_one_found);
copy!(asked_before_the_lock);
copy!(drained_without_a_count);
copy!(oldest_first);
copy!(newest_goes);

pub use std::sync::Arc;

/// An accepted verdict: how many things had happened before it was put in its place, and once it was there.
#[derive(Debug)]
pub struct Verdict {
    pub begun: usize,
    pub there: core::sync::atomic::AtomicUsize,
}

pub const MAX_PARKED: usize = stand_ins::MAX_PARKED_VERDICTS;

pub(crate) mod sync {
    pub(crate) use shuttle::sync::{Mutex, MutexGuard, atomic};
    pub(crate) use std::sync::{Arc, TryLockError};
}

/// What the file names of the library.
mod stand_ins {
    use core::marker::PhantomData;
    use core::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::Arc;

    use super::Verdict;

    pub const MAX_PARKED_VERDICTS: usize = 3;

    #[derive(Clone, Copy, Debug)]
    pub struct CurrentTime;

    #[derive(Clone, Debug, PartialEq)]
    pub struct CertificateDer<'a>(u8, PhantomData<&'a ()>);

    impl CertificateDer<'_> {
        pub fn new(number: u8) -> Self {
            Self(number, PhantomData)
        }

        pub fn into_owned(self) -> CertificateDer<'static> {
            CertificateDer(self.0, PhantomData)
        }
    }

    pub mod verifier {
        use super::CertificateDer;

        #[derive(Clone, Copy)]
        pub struct PeerChain<'a> {
            pub end_entity: &'a CertificateDer<'a>,
            pub intermediates: &'a [CertificateDer<'a>],
        }
    }

    pub struct Observation;

    impl Observation {
        pub fn new(
            _: Arc<Verdict>,
            _: Vec<CertificateDer<'static>>,
            _: CurrentTime,
            _: bool,
        ) -> Self {
            Self
        }
    }

    /// Counts what is dropped. The queue itself is run in `queue`.
    #[derive(Clone, Debug, Default)]
    pub struct Observations(Arc<AtomicUsize>);

    impl Observations {
        pub fn send(&self, _: Observation) {}

        pub fn count_dropped(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        pub fn dropped(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    pub mod trace {
        pub fn observed(_: &super::Observation) {}
    }
}
