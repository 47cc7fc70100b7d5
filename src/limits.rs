//! Every bound of the crate, each with its source.
//!
//! A bound is here because something a peer or a file sends could otherwise grow without end, or because
//! a judgement needs a number. None of them can be raised at run time.

use core::time::Duration;

/// Largest certificate in bytes of DER.
///
/// webpki reads certificates of up to 64 KiB, and a TLS handshake message that carries one is held to
/// 64 KiB by rustls; anything larger could be installed but never be presented.
pub const MAX_CERTIFICATE_BYTES: usize = 0xffff;

/// Most certificates that a peer may present, the end entity included.
///
/// A path has at most eight certificates; the rest is room for the cross-signed and superfluous ones that real
/// servers send. What no path needs is not read.
pub const MAX_PRESENTED_CERTIFICATES: usize = 64;

/// Most bytes of DER that a peer may present in all its certificates together.
///
/// rustls refuses handshake messages above 64 KiB; callers of the verdict without TLS are held to the same.
pub const MAX_PRESENTED_BYTES: usize = 0xffff;

/// Largest PEM file in bytes that is read as certificates: 10,000 authorities of 3 KiB of base64 each.
pub const MAX_PEM_BYTES: usize = 32 * 1024 * 1024;

/// Most sections in one PEM file: more than ten times the largest public root programme.
pub const MAX_PEM_SECTIONS: usize = 10_000;

/// Longest PEM label in bytes. The longest registered one (RFC 7468) has 21.
pub const MAX_PEM_LABEL: usize = 64;

/// Largest private key in bytes of DER. RSA with [`MAX_RSA_BITS`] has 4.7 KB in PKCS#8.
pub const MAX_PRIVATE_KEY_BYTES: usize = 16 * 1024;

/// Largest file or text in bytes in which a private key is looked for: a key and a chain at their limits take
/// 110 KB of base64; twice that leaves room for the text that tools write between them.
pub const MAX_KEY_FILE_BYTES: usize = 256 * 1024;

/// Most iterations of PBKDF2 for one encrypted key: what RFC 8018 section 4.2 names for especially critical
/// keys, a few seconds of work. OpenSSL 3 writes 2048 by default.
#[cfg(feature = "encrypted-keys")]
pub const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;

/// Largest product N × r × p of scrypt for one encrypted key: the costliest that OWASP recommends for
/// passwords, N = 2^17 and r = 8, which takes 128 MiB; no choice of the three takes more than twice that. OpenSSL 3
/// writes N = 2^14 and reads no more than 32 MiB.
#[cfg(feature = "encrypted-keys")]
pub const MAX_SCRYPT_COST: u32 = 1 << 20;

/// How long before its end a certificate of our own is reported to expire soon: the renewal window that ACME
/// clients use for certificates of 90 days, and time for an administrator to act.
pub const EXPIRY_NOTICE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Longest validity in days of a certificate that we make for ourselves: ten years, which outlasts an array in
/// service. What never ends is never renewed, and its key never changed.
pub const MAX_VALIDITY_DAYS: u32 = 3653;

/// How long before the moment of its making a certificate of ours becomes valid: as long as [`CLOCK_TOLERANCE`],
/// since other peers have no such tolerance and would refuse it while their clocks are behind ours.
pub const BACKDATE: Duration = CLOCK_TOLERANCE;

/// Longest part of a subject in characters (RFC 5280 appendix A.1: `ub-common-name`, `ub-organization-name`,
/// `ub-organizational-unit-name` are 64; `ub-locality-name` and `ub-state-name` are 128 and held to the same).
pub const MAX_SUBJECT_PART: usize = 64;

/// Largest certificate request in bytes of DER: as large as the certificate that answers it.
pub const MAX_REQUEST_BYTES: usize = MAX_CERTIFICATE_BYTES;

/// Most signature schemes that are kept of what a server offered: twice what IANA lists for TLS.
pub const MAX_RECORDED_SCHEMES: usize = 128;

/// Most names tried for a temporary file. Names are counted up within a process; one is taken only after a crash
/// of a process with the same number.
pub const MAX_TEMPORARY_NAMES: usize = 64;

/// Most extensions in one certificate. RFC 5280 defines 17; 32 leaves room for private ones.
pub const MAX_EXTENSIONS: usize = 32;

/// Most subject alternative names in one certificate: what fits in [`MAX_CERTIFICATE_BYTES`] with names of
/// ordinary length, and what a verdict may have to compare.
pub const MAX_SUBJECT_ALT_NAMES: usize = 4096;

/// Deepest nesting of DER values. A certificate with name constraints on directory names nests 12 deep.
pub const MAX_DER_DEPTH: usize = 24;

/// Longest serial number in bytes (RFC 5280 section 4.1.2.2: 20 octets; old tools write a leading zero more).
pub const MAX_SERIAL_BYTES: usize = 32;

/// Longest serial number in bytes that RFC 5280 section 4.1.2.2 allows.
pub const MAX_RFC_SERIAL_BYTES: usize = 20;

/// Smallest RSA modulus in bits (NIST SP 800-131A Rev. 2; the crypto providers verify none below it either).
pub const MIN_RSA_BITS: u32 = 2048;

/// Largest RSA modulus in bits: what the crypto providers verify.
pub const MAX_RSA_BITS: u32 = 8192;

/// Longest id of a server or a group in bytes: a full domain name fits.
pub const MAX_ID_BYTES: usize = 253;

/// Longest label of an entry in bytes: a line on a terminal.
pub const MAX_LABEL_BYTES: usize = 128;

/// Longest DNS name in bytes without its trailing dot (RFC 1035 section 2.3.4).
pub const MAX_DNS_NAME_BYTES: usize = 253;

/// Longest text that is read as a fingerprint: what `openssl x509 -fingerprint -sha256` prints, with room.
pub const MAX_FINGERPRINT_TEXT: usize = 192;

/// Most SAN patterns on one client authority. Each is compared with each name of a presented leaf.
pub const MAX_SAN_PATTERNS: usize = 64;

/// Most intermediates between a leaf and an authority: what webpki builds.
pub const MAX_INTERMEDIATES_IN_PATH: usize = 6;

/// Most candidate paths, with every signature verified, that the path builder is given in one verdict.
///
/// What it refuses then is a violated constraint on names: real deployments have a handful of ways up.
pub const MAX_PATHS_TRIED: usize = 16;

/// Most candidate edges (issuer of a certificate) looked at in one verdict while paths are formed. An edge
/// costs a comparison of names and keys; the bound stops forests of same-subject certificates. All of them together
/// take about as long as a signature.
pub const MAX_PATH_STEPS: usize = 512;

/// Most work in one verdict on what a peer presents: reading a certificate is one unit, verifying a signature
/// [`WORK_OF_SIGNATURE`]; what [`MAX_NAMESAKE_SIGNATURES`] is about comes on top.
///
/// The longest path has seven signatures and six intermediates. A chain of three certificates takes 34 units, so that
/// the dearest chain, with its steps, costs less than five times as much.
pub const MAX_WORK: usize = 128;

/// What verifying a signature costs beside reading a certificate: ECDSA on P-256, about 60 µs and 4 µs on one core.
pub const WORK_OF_SIGNATURE: usize = 16;

/// Most signatures verified in one verdict to find the right one of several authorities of one name that key
/// identifiers do not tell apart.
///
/// webpki verifies as many in all. With key identifiers the right one of any number is the first; without them, of
/// more than these none may be found: they are tried from the one that lasts longest on.
pub const MAX_NAMESAKE_SIGNATURES: usize = 100;

/// Most installed CA certificates tried in one place of a path that have the right name and another key identifier
/// than the one asked for, and most installed intermediates of one name. Identifiers only help to find an issuer
/// (RFC 5280 section 4.2.1.1), but a mismatch is nearly always the wrong one.
pub const MAX_NAMESAKES_TRIED: usize = 16;

/// Most comparisons of a name with a subtree of name constraints in one verdict. A leaf of a hundred names below a CA
/// with fifty subtrees takes 5,000; webpki stops at 250,000, which takes as long as a hundred good chains.
pub const MAX_CONSTRAINT_COMPARISONS: usize = 10_000;

/// Most candidates listed in full in a verdict; the rest are counted.
pub const MAX_CONSIDERED: usize = 16;

/// Most items listed in full in each list of a [`Report`](crate::store::Report); the rest are counted.
pub const MAX_REPORTED: usize = 64;

/// Most characters of a name taken from a certificate that are shown in a text.
pub const MAX_SHOWN_NAME: usize = 256;

/// How far a clock may be behind before a certificate that was just made counts as not yet valid, and how far
/// it may be below the floor before it counts as unset: five minutes, the skew that Kerberos (RFC 4120) allows
/// machines that keep their own time.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Longest grace after `notAfter` that an entry or a policy can be given: one year. Longer is not a grace but
/// a certificate without an end, for which an administrator should accept a new one.
pub const MAX_GRACE: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Extensions whose critical marking is understood in a certificate that a peer presents as a pin, as dotted
/// object identifiers.
///
/// A pin is trusted for what it is, so extensions that only limit the certificates below a CA (name and policy
/// constraints) say nothing about it and are understood by being ignored.
pub const KNOWN_CRITICAL_IN_PIN: &[&str] = &[
    "2.5.29.14", // subjectKeyIdentifier
    "2.5.29.15", // keyUsage: checked
    "2.5.29.17", // subjectAltName: read
    "2.5.29.18", // issuerAltName: names no one that we compare
    "2.5.29.19", // basicConstraints: read
    "2.5.29.30", // nameConstraints: about certificates below it
    "2.5.29.31", // cRLDistributionPoints: where to look, not a limit
    "2.5.29.32", // certificatePolicies: no policy is demanded
    "2.5.29.33", // policyMappings
    "2.5.29.35", // authorityKeyIdentifier
    "2.5.29.36", // policyConstraints: about certificates below it
    "2.5.29.37", // extKeyUsage: checked
    "2.5.29.54", // inhibitAnyPolicy: about certificates below it
];

/// Extensions whose critical marking is understood in an authority or an intermediate, as dotted object
/// identifiers.
///
/// Narrower than for a pin: a constraint on the certificates below must be applied, and policy constraints are
/// not. webpki is narrower still for the certificates of a path other than the authority.
pub const KNOWN_CRITICAL_IN_CA: &[&str] = &[
    "2.5.29.14", // subjectKeyIdentifier
    "2.5.29.15", // keyUsage: checked
    "2.5.29.17", // subjectAltName
    "2.5.29.18", // issuerAltName
    "2.5.29.19", // basicConstraints: checked
    "2.5.29.30", // nameConstraints: applied by webpki
    "2.5.29.31", // cRLDistributionPoints
    "2.5.29.32", // certificatePolicies: every policy is acceptable, none is demanded
    "2.5.29.35", // authorityKeyIdentifier
    "2.5.29.37", // extKeyUsage: checked
];
