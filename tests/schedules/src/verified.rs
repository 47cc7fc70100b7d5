//! The file `verified.rs` of the library: as it is, and with planted faults. A certificate is a number here, there is room
//! for few, and all are found at the same place.

/// One copy of the file, with what holds it in the library.
macro_rules! copy {
    ($name:ident) => {
        pub mod $name {
            use std::sync::Arc;

            use super::{Certificate, HASH, Issued};

            #[allow(unused_variables, reason = "a planted fault leaves out what was asked")]
            mod verified {
                crate::copied!("verified", $name, "verified");
            }

            #[derive(Clone, Default)]
            pub struct Data {
                verified: Arc<verified::Verified>,
            }

            impl Data {
                pub fn add(&self, number: u8, by: u8, depth: usize) {
                    self.verified.add(HASH, &Issued::new(number, by), depth);
                }

                /// Whether the signature by this key is remembered. What is found is never another one.
                pub fn has(&self, number: u8, by: u8) -> bool {
                    let [below, above] = [number, by].map(Certificate::new);
                    let read = self.verified.read(HASH, below.der());
                    assert!(read.is_none_or(|read| read == below));
                    let keys = super::KeyPolicy;
                    let found = self.verified.signature(HASH, &below, &above, &keys);
                    let pair = found.as_ref().map(Issued::pair);
                    assert!(pair.is_none_or(|pair| pair == (&below, &above)));
                    found.is_some()
                }
            }
        }
    };
}

copy!(real);
copy!(read_before_the_lock);
copy!(any_key);
copy!(any_bytes);
copy!(any_bytes_read);

/// All are found at one place.
const HASH: u64 = 0;

pub(crate) const MAX_VERIFIED: usize = 3;
pub(crate) const MAX_VERIFIED_OF_KEY: usize = 2;
pub(crate) const MAX_VERIFIED_CERTIFICATE_BYTES: usize = 32;

/// A certificate whose key, bytes and end follow from its number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Certificate {
    number: u8,
    der: Vec<u8>,
}

impl Certificate {
    fn new(number: u8) -> Self {
        let der = [&[number][..], &[0; 16]].concat();
        Self { number, der }
    }

    fn der(&self) -> &[u8] {
        &self.der
    }

    fn has_key_of(&self, other: &Self) -> bool {
        self.number == other.number
    }

    fn validity(&self) -> &Self {
        self
    }

    fn not_after(&self) -> &Self {
        self
    }

    /// Before anything ends.
    fn not_before(&self) -> Self {
        Self::new(0)
    }

    fn seconds(&self) -> i64 {
        self.number.into()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Issued(Certificate, Certificate);

impl Issued {
    fn new(below: u8, above: u8) -> Self {
        Self(Certificate::new(below), Certificate::new(above))
    }

    fn pair(&self) -> (&Certificate, &Certificate) {
        (&self.0, &self.1)
    }

    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}

pub(crate) struct KeyPolicy;

impl KeyPolicy {
    fn stands_by(&self, _: &Issued) -> bool {
        true
    }
}

pub(crate) mod sync {
    pub(crate) use shuttle::sync::{Arc, Mutex};

    /// A pointer that is read and replaced whole, as that of `arc_swap` is.
    pub(crate) struct ArcSwapOption<T>(Mutex<Option<Arc<T>>>);

    impl<T> Default for ArcSwapOption<T> {
        fn default() -> Self {
            Self(Mutex::new(None))
        }
    }

    impl<T> ArcSwapOption<T> {
        pub(crate) fn load(&self) -> Option<Arc<T>> {
            self.load_full()
        }

        pub(crate) fn load_full(&self) -> Option<Arc<T>> {
            self.0
                .lock()
                .unwrap_or_else(|error| error.into_inner())
                .clone()
        }

        pub(crate) fn store(&self, value: Option<Arc<T>>) {
            *self.0.lock().unwrap_or_else(|error| error.into_inner()) = value;
        }
    }
}
