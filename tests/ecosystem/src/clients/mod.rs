//! The client libraries, each with its hook between two marks, whose lines are counted.

pub mod blocking;
pub mod brokers;
#[cfg(feature = "etcd-client")]
pub mod etcd;
pub mod grpc;
pub mod http;
pub mod quic;
