//! The files `policy/memory.rs` and `store/snapshot.rs` of the library: as they are, and with planted faults. A peer is
//! accepted if the snapshot has its number, until the snapshot's end.

/// One copy of the files, with the little of the library that they name.
macro_rules! copy {
    ($name:ident) => {
        pub mod $name {
            use super::stand_ins::{
                Accepted, Detail, ExpectedServer, Policy, Refusal, Verdict, VerdictWarning,
                VerifyRequest, certificate, decide, limits, timing,
            };

            mod store {
                pub(crate) use crate::memory::stand_ins::store::{ServerId, TrustSnapshot, data};
                pub(crate) use snapshot::Snapshot;

                #[allow(unused_imports, reason = "a planted fault leaves something out")]
                mod snapshot {
                    crate::copied!("memory", $name, "snapshot");
                }
            }

            #[allow(unused_variables, reason = "a planted fault leaves something out")]
            mod memory {
                crate::copied!("memory", $name, "memory");

                impl ChainMemory {
                    /// As the adapters ask.
                    pub fn ask(&self, view: &TrustSnapshot, asked: &VerifyRequest<'_>) -> Verdict {
                        self.verdict(view, asked)
                    }
                }
            }

            pub use memory::ChainMemory;
        }
    };
}

copy!(real);
copy!(any_snapshot);
copy!(late_answer_kept);
copy!(two_locks);
copy!(late_answer_forgets);
copy!(known_by_its_address);
copy!(refusals_remembered);
copy!(any_certificate);
copy!(room_looked_at_first);

pub use stand_ins::certificate::Der;
pub use stand_ins::limits::REMEMBERED_BYTES_PER_CHAIN;
pub use stand_ins::store::TrustSnapshot;
pub use stand_ins::{Policy, Verdict, VerifyRequest, judge};

pub(crate) mod sync {
    pub(crate) use shuttle::sync::{RwLock, atomic};
    pub(crate) use std::sync::{Arc, PoisonError, Weak};
}

/// What the files name of the library.
mod stand_ins {
    use certificate::{Certificate, Der, HostName, Timestamp};
    use store::{ServerId, TrustSnapshot};
    use timing::Timing;

    pub mod store {
        use core::sync::atomic::{AtomicU64, Ordering};
        use std::sync::Arc;

        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct ServerId(pub u8);

        #[derive(Clone, Debug)]
        pub struct TrustSnapshot(Arc<data::Data>);

        pub mod data {
            #[derive(Debug)]
            pub struct Data {
                /// No two have the same.
                pub(crate) serial: u64,
                pub(crate) generation: u64,
                pub(crate) trusted: Vec<u8>,
                pub(crate) end: i64,
            }
        }

        impl TrustSnapshot {
            pub fn new(generation: u64, trusted: &[u8], end: i64) -> Self {
                static LAST: AtomicU64 = AtomicU64::new(0);
                Self(Arc::new(data::Data {
                    serial: LAST.fetch_add(1, Ordering::Relaxed),
                    generation,
                    trusted: trusted.to_vec(),
                    end,
                }))
            }

            pub fn generation(&self) -> u64 {
                self.0.generation
            }

            pub(crate) fn held(&self) -> &Arc<data::Data> {
                &self.0
            }
        }
    }

    pub mod limits {
        pub(crate) const MAX_SPARED_CHAINS: usize = 2;

        /// Enough for four small ones.
        pub const REMEMBERED_BYTES_PER_CHAIN: usize = 10_000;
    }

    pub mod certificate {
        use core::ops::Deref;

        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct HostName(pub u8);

        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Timestamp(pub i64);

        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Der(Vec<u8>);

        impl Der {
            /// Those of one length share a place in the table.
            pub fn new(number: u8, length: usize) -> Self {
                Self([&[number][..], &vec![0; 16 + length]].concat())
            }
        }

        impl Deref for Der {
            type Target = [u8];

            fn deref(&self) -> &[u8] {
                &self.0
            }
        }

        #[derive(Clone, Debug, PartialEq)]
        pub struct Certificate(Der);

        impl Certificate {
            pub fn of(der: &Der) -> Self {
                Self(der.clone())
            }

            pub fn der(&self) -> &Der {
                &self.0
            }

            pub fn count_names(&self) -> usize {
                1
            }
        }
    }

    #[derive(Clone, Debug)]
    pub struct Policy(pub usize);

    impl Policy {
        pub fn remembered_chains(&self) -> usize {
            self.0
        }
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum ExpectedServer<'a> {
        Id {
            id: &'a ServerId,
            dialled: Option<&'a HostName>,
        },
        Name(&'a HostName),
    }

    impl<'a> ExpectedServer<'a> {
        pub fn id(id: &'a ServerId, dialled: Option<&'a HostName>) -> Self {
            Self::Id { id, dialled }
        }
    }

    #[derive(Clone, Copy, Debug)]
    pub struct VerifyRequest<'a> {
        pub(crate) target: Option<ExpectedServer<'a>>,
        pub(crate) end_entity: &'a Der,
        pub(crate) intermediates: &'a [Der],
        pub(crate) clock: Option<i64>,
    }

    impl<'a> VerifyRequest<'a> {
        pub fn client(end_entity: &'a Der, intermediates: &'a [Der], clock: Option<i64>) -> Self {
            Self {
                target: None,
                end_entity,
                intermediates,
                clock,
            }
        }
    }

    pub mod timing {
        use super::VerdictWarning;
        use super::store::TrustSnapshot;

        pub struct Timing(Option<i64>);

        impl Timing {
            pub fn of(_: &TrustSnapshot, clock: Option<i64>) -> Self {
                Self(clock)
            }

            pub fn is_known(&self) -> bool {
                self.0.is_some()
            }

            pub fn moment(&self) -> i64 {
                self.0.unwrap_or(0)
            }

            pub fn warning(&self) -> Option<VerdictWarning> {
                self.0.is_none().then_some(VerdictWarning::ClockUnset(()))
            }
        }
    }

    #[derive(Clone, Debug, PartialEq)]
    pub enum VerdictWarning {
        ClockUnset(()),
    }

    #[derive(Clone, Debug, PartialEq)]
    pub enum Detail {
        Text(&'static str),
        Time {
            limit: Timestamp,
            judged_at: Timestamp,
        },
    }

    impl core::fmt::Display for Detail {
        fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            f.write_str(match self {
                Self::Text(text) => text,
                Self::Time { .. } => "at a time",
            })
        }
    }

    #[derive(Clone, Debug, PartialEq)]
    pub struct Considered {
        pub detail: Detail,
    }

    #[derive(Clone, Debug, PartialEq)]
    pub struct Items(Vec<Considered>);

    impl Items {
        pub fn items(&self) -> &[Considered] {
            &self.0
        }

        pub fn items_mut(&mut self) -> &mut [Considered] {
            &mut self.0
        }
    }

    #[derive(Clone, Debug, PartialEq)]
    pub struct Verdict {
        /// On which snapshot.
        serial: u64,
        path: Vec<Certificate>,
        pub considered: Items,
        pub warnings: Vec<VerdictWarning>,
    }

    #[derive(Debug)]
    pub struct Accepted(pub Verdict);

    #[derive(Debug)]
    pub struct Refusal(pub Verdict);

    impl Verdict {
        pub fn path(&self) -> &[Certificate] {
            &self.path
        }

        pub fn is_accepted(&self) -> bool {
            !self.path.is_empty()
        }

        pub(crate) fn into_result(self) -> Result<Accepted, Refusal> {
            if self.is_accepted() {
                Ok(Accepted(self))
            } else {
                Err(Refusal(self))
            }
        }

        pub(crate) fn short(self) -> decide::Answer {
            if self.is_accepted() {
                Ok(())
            } else {
                Err(Box::new(self))
            }
        }
    }

    /// The verdict, and until when it is the same.
    pub fn judge(view: &TrustSnapshot, question: &VerifyRequest<'_>) -> (Verdict, i64) {
        let timing = Timing::of(view, question.clock);
        let held = view.held();
        let number = question.end_entity.first().unwrap();
        let is_past = timing.moment() >= held.end;
        let accepted = held.trusted.contains(number) && !is_past;
        let verdict = Verdict {
            serial: held.serial,
            path: Vec::from_iter(accepted.then(|| Certificate::of(question.end_entity))),
            considered: Items(vec![
                Considered {
                    detail: Detail::Text("trusted"),
                },
                Considered {
                    detail: Detail::Time {
                        limit: Timestamp(held.end),
                        judged_at: Timestamp(timing.moment()),
                    },
                },
            ]),
            warnings: Vec::from_iter(timing.warning()),
        };
        (verdict, if is_past { i64::MAX } else { held.end })
    }

    pub mod decide {
        use shuttle::thread;

        use super::store::TrustSnapshot;
        use super::{Policy, Verdict, VerifyRequest, judge};

        pub type Answer = Result<(), Box<Verdict>>;

        pub fn decide_until(
            view: &TrustSnapshot,
            _: &Policy,
            question: &VerifyRequest<'_>,
        ) -> (Verdict, i64) {
            // It takes its time.
            thread::yield_now();
            judge(view, question)
        }

        pub fn decide(view: &TrustSnapshot, policy: &Policy, asked: &VerifyRequest<'_>) -> Verdict {
            decide_until(view, policy, asked).0
        }

        pub fn answer(view: &TrustSnapshot, policy: &Policy, asked: &VerifyRequest<'_>) -> Answer {
            decide(view, policy, asked).short()
        }
    }
}
