//! What the rows and the tests share: certificates that openssl makes, what is installed of them, and a call of gRPC.

pub mod grpc;
pub mod pki;
pub mod trust;

/// Any error, as the libraries hand it to their users.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
