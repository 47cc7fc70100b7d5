//! Bounds of what is remembered between verdicts.

/// Most accepted chains that a policy can have remembered: four times the peers of which it is remembered what they
/// presented. With [`REMEMBERED_BYTES_PER_CHAIN`], 256 MB.
pub const MAX_REMEMBERED_CHAINS: usize = 16_384;

/// Bytes for each chain that is to be remembered, for all of them together: an end entity and an intermediate for
/// P-256 count as 4 KB, and take 2 KB. Beyond it, fewer are remembered.
pub const REMEMBERED_BYTES_PER_CHAIN: usize = 16 * 1024;

/// Most recently used chains that are skipped to find one to forget. After these, the next one is forgotten, so that
/// making room takes about a microsecond.
pub const MAX_SPARED_CHAINS: usize = 8;

/// Most signatures on CA certificates that the snapshots of a store remember from verdicts: several times the
/// intermediates of the largest sites. Only what an installed authority vouches for is among them.
pub const MAX_VERIFIED: usize = 256;

/// Most of these by one key: a quarter, so that a CA that issues intermediates without end leaves room for others. Of
/// those of one key, those that end last are kept. In all, those that are nearer to an authority are kept: so a CA
/// displaces nothing but what it issued itself, what stands deeper, or what has ended.
pub const MAX_VERIFIED_OF_KEY: usize = MAX_VERIFIED / 4;

/// Largest certificate in bytes of DER of which such a signature is remembered, or under whose key: an intermediate with
/// keys and signatures of ML-DSA-87 (FIPS 204) has 7.7 KB. With [`MAX_VERIFIED`], four megabytes at most; with P-256,
/// 400 KB.
pub const MAX_VERIFIED_CERTIFICATE_BYTES: usize = 8 * 1024;
