//! Bounds of the signatures that are verified when certificates are installed.

/// Most signatures that are verified when a CA certificate is installed, to find what it signed among the installed
/// intermediates that no key identifier assigns to it: 60 ms. What is left is verified in the verdicts that need it.
pub const MAX_SIGNATURES_AT_INSTALLATION: usize = 1024;

/// Most threads that verify the signatures of a bundle that is installed. 10,000 of P-256 take 0.7 s on one processor; with 8,
/// they take little longer than the reading of the bundle.
pub const MAX_THREADS_AT_INSTALLATION: usize = 8;

/// Fewest signatures of a bundle for which a thread is started: they take 4 ms, and a thread 0.1 ms.
pub const MIN_SIGNATURES_OF_A_THREAD: usize = 64;
