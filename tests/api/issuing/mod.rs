//! Keys, certificates and requests that we make ourselves, and the files that they are written to. What was made
//! is verified by OpenSSL, if there is one, and used in real handshakes.

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
