//! Keys, certificates and requests that this crate generates, and the files it writes. OpenSSL verifies them, if it is
//! installed, and real handshakes use them.

#[cfg(all(feature = "issue", any(feature = "aws-lc-rs", feature = "ring")))]
mod made;
#[cfg(all(feature = "issue", any(feature = "aws-lc-rs", feature = "ring")))]
mod renewing;
#[cfg(all(feature = "issue", any(feature = "aws-lc-rs", feature = "ring")))]
mod requests;
#[cfg(all(feature = "issue", feature = "aws-lc-rs", target_os = "linux"))]
mod residue;
#[cfg(all(feature = "issue", any(feature = "aws-lc-rs", feature = "ring")))]
mod signers;
#[cfg(target_os = "linux")]
mod syscalls;
mod writing;
