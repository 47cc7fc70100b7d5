//! The critical extensions that count as known (rule M6), by the last number of their identifier below `id-ce`.

/// Extensions whose critical marking is understood in a revocation list, each as the last number of an object
/// identifier below id-ce (`2.5.29`). Their bytes are compared, never a text.
///
/// Indirect and delta lists are recognised by their extensions and refused.
pub const KNOWN_CRITICAL_IN_CRL: &[u8] = &[
    18, // issuerAltName: names no one that we compare
    20, // cRLNumber: compared
    28, // issuingDistributionPoint: applied
    35, // authorityKeyIdentifier: compared
];

/// Extensions whose critical marking is understood in an entry of a revocation list, as last numbers
/// below id-ce (`2.5.29`). None of them changes that the certificate is revoked.
pub const KNOWN_CRITICAL_IN_CRL_ENTRY: &[u8] = &[
    21, // reasonCode: read
    23, // holdInstructionCode: a certificate on hold is revoked
    24, // invalidityDate: before the revocation
];

/// Extensions whose critical marking is understood in a certificate that a peer presents as a pin, as last
/// numbers below id-ce (`2.5.29`).
///
/// A pin is trusted for what it is, so extensions that only limit the certificates below a CA (name and policy
/// constraints) say nothing about it and are understood by being ignored.
pub const KNOWN_CRITICAL_IN_PIN: &[u8] = &[
    14, // subjectKeyIdentifier
    15, // keyUsage: checked
    17, // subjectAltName: read
    18, // issuerAltName: names no one that we compare
    19, // basicConstraints: read
    30, // nameConstraints: about certificates below it
    31, // cRLDistributionPoints: where to look, not a limit
    32, // certificatePolicies: no policy is demanded
    33, // policyMappings
    35, // authorityKeyIdentifier
    36, // policyConstraints: about certificates below it
    37, // extKeyUsage: checked
    54, // inhibitAnyPolicy: about certificates below it
];

/// Extensions whose critical marking is understood in an authority or an intermediate, as last numbers below
/// id-ce (`2.5.29`).
///
/// Narrower than for a pin: a constraint on the certificates below must be applied, and policy constraints are
/// not. webpki is narrower still for the certificates of a path other than the authority.
pub const KNOWN_CRITICAL_IN_CA: &[u8] = &[
    14, // subjectKeyIdentifier
    15, // keyUsage: checked
    17, // subjectAltName
    18, // issuerAltName
    19, // basicConstraints: checked
    30, // nameConstraints: applied by webpki
    31, // cRLDistributionPoints
    32, // certificatePolicies: every policy is acceptable, none is demanded
    35, // authorityKeyIdentifier
    37, // extKeyUsage: checked
];
