//! Who we are: a chain of certificates, and the private key that belongs to the first.
//!
//! The chain and the holder of the key are here; that they belong together is checked where the crypto
//! provider is known, when a [`tls::Identity`](crate::tls::Identity) is built (rule K1).

mod chain;
mod key;
mod pkcs8;
mod scrub;

pub use chain::Chain;
pub use key::PrivateKey;

pub(crate) use scrub::scrub_stack;
