//! Every bound of the crate, each with its reason.
//!
//! A bound limits what a peer or a file could otherwise make grow without end, or is a number that a judgement needs.
//! No bound can be raised at run time.
//!
//! This module is not API: it is hidden, any version may change it, and `docs/LIMITS.md` lists the values. It is
//! reachable so that tests and benchmarks can use each bound.

mod failover;
mod fleet;
mod followed;
mod installation;
mod journal;
mod known;
#[cfg(all(test, feature = "encrypted-keys"))]
mod page;
mod remembered;
mod threads;

use core::time::Duration;

pub use failover::{
    ATTEMPT_BUDGET, ATTEMPT_REFILL, ATTEMPT_TIMEOUT, BOOT_SPREAD, FIRST_BACKOFF, LONGEST_BACKOFF,
    MAX_ATTEMPT_BUDGET, MAX_ATTEMPT_TIME, MAX_BOOT_SPREAD, MAX_SERVERS_IN_ORDER,
    MIN_USABLE_SERVERS, REFUSAL_WAIT,
};
pub use fleet::{
    MAX_FLEET_ID_BYTES, MAX_FLEET_KEY_BYTES, MAX_FLEET_KEYS, MAX_FLEET_SIGNATURE_BYTES,
    MAX_FLEET_SIGNATURE_TEXT, MAX_FLEET_SIGNATURES, MAX_KEY_SET_BYTES, MAX_KEY_SETS,
    MAX_MADE_AHEAD, MAX_MEMBER_BYTES, MAX_PUBLICATION_BYTES, MAX_SEQUENCE, MAX_SEQUENCE_STEP,
};
pub use followed::{
    CRL_LIFE_LEFT, MAX_FOLLOWED_BYTES, MAX_FOLLOWED_FILES, MAX_FOLLOWED_NAMES,
    MAX_IDENTITY_STATE_BYTES, MAX_INCLUDE_BYTES, MAX_INCLUDES, MAX_METRIC_ITEMS,
    MAX_RENEWAL_FRACTION, MAX_REREADS, MAX_SOURCES, MAX_UNSETTLED_POLLS,
};
pub use installation::{
    MAX_SIGNATURES_AT_INSTALLATION, MAX_THREADS_AT_INSTALLATION, MIN_SIGNATURES_OF_A_THREAD,
};
pub use journal::{
    FLOOR_REFRESH, MAX_ASKED, MAX_JOURNAL_AGE, MAX_JOURNAL_BYTES, MAX_LOCK_WAIT, MAX_REFUSAL_BYTES,
    MAX_REFUSALS, MAX_REFUSED_BYTES, MAX_REFUSED_WORDS, MAX_STORE_WITH_JOURNAL, MIN_JOURNAL_BYTES,
    REFUSAL_WINDOW,
};
pub use known::{
    KNOWN_CRITICAL_IN_CA, KNOWN_CRITICAL_IN_CRL, KNOWN_CRITICAL_IN_CRL_ENTRY, KNOWN_CRITICAL_IN_PIN,
};
pub use remembered::{
    MAX_REMEMBERED_CHAINS, MAX_SPARED_CHAINS, MAX_VERIFIED, MAX_VERIFIED_CERTIFICATE_BYTES,
    MAX_VERIFIED_OF_KEY, REMEMBERED_BYTES_PER_CHAIN,
};
pub use threads::{MAX_COPIES_APART, MAX_COUNTS_OF_SNAPSHOT};

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

/// How long before an end it is worth a warning: a working week to have a certificate made and installed.
pub const EXPIRY_WARNING: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long before an end it is critical: an administrator must act today.
pub const CRITICAL_NOTICE: Duration = Duration::from_secs(24 * 60 * 60);

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

/// Most names tried for a temporary file. Names are random, so that one is taken by chance about never; with so many
/// taken, it is no chance.
pub const MAX_TEMPORARY_NAMES: usize = 64;

/// Largest file of a store in bytes: 256 MiB for 100,000 entries with certificates of RSA 4096 in base64, and all
/// revocation lists that a store can hold ([`MAX_CRL_BYTES_HELD`]), of which 48 bytes take a line of 65. Beyond it,
/// a change is refused rather than written to where it could not be read again.
pub const MAX_STORE_FILE_BYTES: usize = 256 * 1024 * 1024 + MAX_CRL_BYTES_HELD / 48 * 66;

/// Longest line of a store's file in bytes: an issuer's name that is blocked may fill a certificate, which takes
/// 88 KB of base64.
pub const MAX_STORE_LINE: usize = 128 * 1024;

/// Largest seal of a store's file in bytes: the largest signature that NIST has standardised (SLH-DSA, FIPS 205)
/// has 50 KB, and a seal is one line.
pub const MAX_SEAL_BYTES: usize = 64 * 1024;

/// Shortest key of a seal in bytes: a shorter one than the code itself is discouraged (RFC 2104 section 3).
pub const MIN_SEAL_KEY_BYTES: usize = 32;

/// Longest key of a seal in bytes. More than 64 add no strength (RFC 2104 section 2), and a longer text is a file that
/// was named by mistake.
pub const MAX_SEAL_KEY_BYTES: usize = 1024;

/// Most characters of a line that an error shows: enough to find the place.
pub const MAX_SHOWN_LINE: usize = 80;

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

/// Longest RSA modulus in bits with which a certificate's own signature is verified only to explain a refusal. With the
/// longest modulus and exponent that are read, a signature takes longer than five good chains.
pub const MAX_RSA_BITS_TO_EXPLAIN: u32 = 4096;

/// Longest RSA exponent in bits: what the crypto providers verify (ring and aws-lc have 33, against keys that are made to
/// cost much).
pub const MAX_RSA_EXPONENT_BITS: u32 = 33;

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
/// Beyond it, the verdict is a violated name constraint. Real deployments have a handful of paths.
pub const MAX_PATHS_TRIED: usize = 16;

/// Most candidate edges (issuer of a certificate) looked at in one pass of a search while paths are formed. An edge
/// costs a comparison of names and keys; the bound stops forests of same-subject certificates. All of them together
/// take about as long as a signature.
pub const MAX_PATH_STEPS: usize = 512;

/// Most work in one verdict on what a peer presents. Reading a certificate is one unit, and verifying a signature is
/// [`WORK_OF_SIGNATURE`] units. The signatures of [`MAX_SAME_SUBJECT_SIGNATURES`] are not included. The signatures of
/// installed certificates on one another cost nothing: they were verified when they were installed.
///
/// The longest path has seven signatures and six intermediates. A chain of three certificates takes 34 units, so the
/// most expensive chain, with its steps, costs less than five times as much. The explanation of a refusal uses the same
/// units for its signatures and list look-ups.
pub const MAX_WORK: usize = 128;

/// What verifying a signature costs beside reading a certificate: ECDSA on P-256, about 60 µs on one core, and 3 to 4 µs
/// with what is asked of a certificate that was read.
pub const WORK_OF_SIGNATURE: usize = 16;

/// Most signatures that one verdict verifies to find the right one of several installed CA certificates of one name
/// without distinct key identifiers, and most such certificates of one name that are tried.
///
/// A CA with a new key every year has as many after two generations of operators. With key identifiers, the right
/// certificate is always tried first. Without them, certificates are tried in the order of their notAfter, the latest
/// first, and beyond this number none is found. A change that installs more of one name gives a warning.
pub const MAX_SAME_SUBJECT_SIGNATURES: usize = 64;

/// Most installed CA certificates of one name that are examined at one position of a path to find
/// [`MAX_SAME_SUBJECT_SIGNATURES`] usable ones. Expired and otherwise unusable ones are among them.
pub const MAX_SAME_SUBJECT_EXAMINED: usize = 256;

/// Most CA certificates tried as the issuer of one certificate that have the right name and another key identifier than
/// the one asked for. Identifiers only help to find an issuer (RFC 5280 section 4.2.1.1), but a mismatch is nearly
/// always the wrong one, and a peer that names a wrong key must not make us try all.
pub const MAX_MISMATCHES_TRIED: usize = 3;

/// Most revocation lists that one verdict searches for all paths but the first: those of two issuers with
/// [`MAX_CRLS_PER_ISSUER`]. A list takes about 0.2 µs.
pub const MAX_LISTS_ASKED: usize = 2 * MAX_CRLS_PER_ISSUER;

/// Most comparisons of a name with a subtree of name constraints, or with a SAN pattern of an authority, in one verdict.
/// A leaf of a hundred names below a CA with fifty subtrees takes 5,000, and so does one below an authority with fifty
/// patterns; webpki stops at 250,000, which takes as long as a hundred good chains.
pub const MAX_CONSTRAINT_COMPARISONS: usize = 10_000;

/// Most pins that are examined when none matches what was presented, and most entries with its key. Beyond it, they are
/// only counted. Key servers have a few pins, but a key server can have a million clients, and a peer must not make us
/// read all of them.
pub const MAX_HOLDERS_EXAMINED: usize = 1024;

/// Most candidates listed in full in a verdict; the rest are counted.
pub const MAX_CONSIDERED: usize = 16;

/// Most consequences of each kind that are listed in full in a [`Report`](crate::store::Report); the rest are counted.
pub const MAX_REPORTED: usize = 64;

/// Longest subject or issuer in bytes of DER that is compared by value (RFC 5280 section 7.1); a longer one is compared
/// by its bytes. A peer chooses the names that it presents, and folding takes up to 12 µs for a name of this size. Twelve
/// attributes of 64 letters (`ub-common-name`), more than any CA has, take 904 bytes.
pub const MAX_COMPARED_NAME_BYTES: usize = 1024;

/// Most attributes in one set of a subject or issuer that is compared by value. They are put in order for that; real
/// names have one in each set, and seldom two or three.
pub const MAX_ATTRIBUTES_OF_SET: usize = 16;

/// Most characters of a name taken from a certificate that are shown in a text.
pub const MAX_SHOWN_NAME: usize = 256;

/// Most bytes of an object identifier that are shown in dotted form; of a longer one, the arcs within them. Those of
/// tools have up to 20. A certificate can have one of 64 KB, which would take 3 ms to write.
pub const MAX_SHOWN_IDENTIFIER: usize = 64;

/// Most configurations that [`ClientConfigs`](crate::tls::ClientConfigs) keeps: ten times the key servers that the largest sites
/// run. Beyond it, one is made anew when it is asked for.
pub const MAX_CACHED_LINKS: usize = 1024;

/// Most observations that a queue can be made for. A larger number does not help a reader that is too slow.
pub const MAX_OBSERVATIONS: usize = 65_536;

/// Most bytes of presented certificates in a queue of observations: sixty-four peers at their limit, or a thousand
/// with ordinary chains. What does not fit is counted.
pub const MAX_OBSERVED_BYTES: usize = 4 * 1024 * 1024;

/// Most accepted verdicts of one server configuration that wait for their handshake signature. Both messages come
/// in one flight, so that there are only as many as handshakes are in work at one moment.
pub const MAX_PARKED_VERDICTS: usize = 64;

/// Most peers that wait for an administrator: more than an administrator can compare by hand in one window. With
/// [`MAX_PENDING_BYTES`], four megabytes in all.
pub const MAX_PENDING_PEERS: usize = 256;

/// Largest certificate in bytes of DER of a peer that waits for an administrator. One for RSA with 8192 bits takes
/// 3 KB; systems have no certificates with thousands of names.
pub const MAX_PENDING_BYTES: usize = 16 * 1024;

/// The share of the waiting places that one source network is guaranteed: a quarter, so that only four networks
/// together can use all places. A network can use more while no other network needs them.
pub const PENDING_SHARE: usize = 4;

/// Most fingerprints that are expected at a time. Each has an additional place.
pub const MAX_EXPECTED: usize = 64;

/// Longest time for which enrolment is opened: a working day with its night. An enrolment that is open for longer was
/// forgotten.
pub const MAX_ENROLMENT_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a peer that was not seen again waits for an administrator.
pub const MAX_PENDING_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Most decisions about unknown peers that are kept, the newest: a page or two for an audit.
pub const MAX_DECISIONS: usize = 256;

/// Most names of an unknown peer's certificate that are shown; the rest are counted.
pub const MAX_SHOWN_NAMES: usize = 16;

/// How far a clock may be behind before a certificate that was just made counts as not yet valid: five minutes, the
/// skew that Kerberos (RFC 4120) allows machines that keep their own time.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// How far a clock may be below the floor before it counts as unset (rule M7): 26 hours. Zones of local time reach
/// from UTC-12 to UTC+14, so that a clock which was kept in the time of any zone, or by the wrong daylight saving,
/// comes back by no more when it is corrected.
pub const FLOOR_TOLERANCE: Duration = Duration::from_secs(26 * 60 * 60);

/// How far above the floor the clock of a publication may be to raise it (rule M7): 366 days, a year with its leap
/// day. A store in use is published more often; a clock that is further ahead is wrong, or belongs to a machine that
/// was off for more than a year, which a person confirms.
pub const MAX_FLOOR_RISE: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Longest grace after `notAfter` that an entry or a policy can be given, and after `nextUpdate` of a revocation list:
/// one year. A longer grace would be a certificate without an end; an administrator should accept a new certificate
/// instead.
pub const MAX_GRACE: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Longest migration of a claimed server, from the time at which it is set: one year. While it lasts, an authority can
/// vouch for a server that holds a pin (rule P3), so it has an end within the service of an administrator. It can be
/// set again.
pub const MAX_MIGRATION: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Largest certificate revocation list in bytes of DER. A million revoked certificates take 35 to 53 MB, by the
/// length of their serial numbers and with or without reason codes.
pub const MAX_CRL_BYTES: usize = 64 * 1024 * 1024;

/// Largest PEM file in bytes that is read as revocation lists: one list at [`MAX_CRL_BYTES`] in base64 with line
/// ends, and room for text around it.
pub const MAX_CRL_PEM_BYTES: usize = 96 * 1024 * 1024;

/// Longest CRL number in bytes (RFC 5280 section 5.2.3: 20 octets).
pub const MAX_CRL_NUMBER_BYTES: usize = 20;

/// Most names of distribution points that are compared of one certificate, and that one revocation list may
/// have: real ones have an HTTP address and perhaps an LDAP one, each perhaps on two machines.
pub const MAX_DISTRIBUTION_POINT_NAMES: usize = 16;

/// Most revocation lists held of one issuer: twice the 128 parts into which the largest public CA divides its
/// list. Each is asked about every certificate of the issuer.
pub const MAX_CRLS_PER_ISSUER: usize = 256;

/// Most revocation lists held in all. Those of issuers of one name are all asked about a pin.
pub const MAX_CRLS: usize = 1024;

/// Most bytes of DER of all revocation lists held together: four at [`MAX_CRL_BYTES`].
pub const MAX_CRL_BYTES_HELD: usize = 256 * 1024 * 1024;

/// Most servers in the history of peers: a hundred times the key servers of the largest arrays. Beyond it, those that
/// were seen longest ago are forgotten.
pub const MAX_SEEN_SERVERS: usize = 4096;

/// Most clients in the history of peers. A key server can have a million clients, and each may change its certificate
/// as often as its CA allows.
pub const MAX_SEEN_CLIENTS: usize = 4096;

/// Most dialled names without a server in the history of peers.
pub const MAX_SEEN_UNLISTED: usize = 1024;

/// Most refused peers in the history of peers. Unknown machines can fill this table.
pub const MAX_SEEN_REFUSED: usize = 256;

/// Most bytes of presented certificates in each table of the history of peers: [`MAX_SEEN_SERVERS`] chains of 8 KiB,
/// which are long ones. Larger ones displace those that were seen longest ago.
pub const MAX_SEEN_BYTES: usize = 32 * 1024 * 1024;

/// Largest refused certificate in bytes of DER that is kept: ten times an ordinary one.
pub const MAX_SEEN_REFUSED_BYTES: usize = 16 * 1024;

/// Most entries with a recorded last use, for servers and for clients each.
pub const MAX_SEEN_ENTRIES: usize = 8192;

/// Most changes over time, or things that end, that are listed in full in each severity of an expiry report; the
/// rest are counted.
pub const MAX_EXPIRIES: usize = 256;

/// Most times that a forecast tries to find when a peer is lost. Each costs a verdict for each peer that is listed;
/// beyond it, the forecast says that a peer is lost, but not when.
pub const MAX_FORECAST_MOMENTS: usize = 4096;
