//! Why a verdict is what it is: stable codes, the rule behind each, and what to do about it.

use core::fmt;

/// A rule by which verdicts and imports are judged. `P2` reads "rule P2".
///
/// Print it to cite it. The variants are no interface: match with `_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[rustfmt::skip]
pub enum Rule {
    /// A pin never vouches for another certificate.
    #[doc(hidden)]
    I3,
    /// Keys and self-signatures are judged at import, and keys again in each verdict.
    #[doc(hidden)]
    I4,
    /// Entries for clients are never consulted for servers, nor the other way round.
    #[doc(hidden)]
    I7,
    /// An entry that is disabled, or past its end, accepts nothing.
    #[doc(hidden)]
    I8,
    /// A block wins over everything.
    #[doc(hidden)]
    P1,
    /// A claimed server must present a pin; authorities are not consulted.
    #[doc(hidden)]
    P2,
    /// A migrating server may present a pin or a chain until its time has come.
    #[doc(hidden)]
    P3,
    /// Of an unclaimed server, its own authorities are asked, else those of any server.
    #[doc(hidden)]
    P4,
    /// A match with a held pin is final.
    #[doc(hidden)]
    P5,
    /// Nothing installed, nothing trusted; unlisted names are refused.
    #[doc(hidden)]
    P6,
    /// Clients: pins first, then authorities with their patterns.
    #[doc(hidden)]
    P7,
    /// An entry for one server has no effect on another.
    #[doc(hidden)]
    P8,
    /// How a pin matches.
    #[doc(hidden)]
    M1,
    /// The handshake signature must verify under the certificate's key.
    #[doc(hidden)]
    M2,
    /// The validity period.
    #[doc(hidden)]
    M3,
    /// The extended key usage must allow the peer's role.
    #[doc(hidden)]
    M4,
    /// Unknown critical extensions are refused.
    #[doc(hidden)]
    M6,
    /// A clock is known or unset.
    #[doc(hidden)]
    M7,
    /// A pin that a revocation list names is refused.
    #[doc(hidden)]
    M8,
    /// What every certificate of a path must satisfy.
    #[doc(hidden)]
    C1,
    /// A subject alternative name must match.
    #[doc(hidden)]
    C2,
    /// A CA certificate is no end entity.
    #[doc(hidden)]
    C3,
    /// Revocation is checked for issuers of which a list was installed. What a list names is refused, pins too.
    #[doc(hidden)]
    C4,
    /// Work per verdict is bounded.
    #[doc(hidden)]
    C5,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

macro_rules! reasons {
    ($( $name:ident, $rule:ident, $accepts:literal, $meaning:literal, $remedy:literal; )*) => {
        /// Why a verdict is what it is. The names are stable: they stand in logs and in scripts.
        ///
        #[doc = include_str!("reasons.md")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ReasonCode {
            $( #[doc = $meaning] $name, )*
        }

        impl ReasonCode {
            /// Every code, accepting ones first.
            pub const ALL: &'static [Self] = &[$( Self::$name, )*];

            /// The stable name.
            pub const fn code(self) -> &'static str {
                match self { $( Self::$name => stringify!($name), )* }
            }

            /// The rule behind it in general; [`Verdict::rule`](super::Verdict::rule) is that of one case.
            pub const fn rule(self) -> Rule {
                match self { $( Self::$name => Rule::$rule, )* }
            }

            /// Whether a verdict with this code trusts the peer.
            pub const fn accepts(self) -> bool {
                match self { $( Self::$name => $accepts, )* }
            }

            /// What it means, as a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $( Self::$name => $meaning, )* }
            }

            /// What an operator does about it in general; [`Verdict::remedy`](super::Verdict::remedy) is what helps
            /// in one case.
            pub const fn remedy(self) -> &'static str {
                match self { $( Self::$name => $remedy, )* }
            }
        }
    };
}

reasons! {
    PinMatched, M1, true,
        "The peer presented a certificate that is installed as a pin, byte for byte.",
        "Nothing to do.";
    FingerprintMatched, M1, true,
        "The peer presented a certificate whose fingerprint is installed as a pin.",
        "Nothing to do; installing the certificate itself completes the entry.";
    KeyMatched, M1, true,
        "The peer presented a certificate with the public key of a pin that matches by key.",
        "Nothing to do.";
    ChainVerified, C1, true,
        "The peer presented a chain that ends in an installed authority.",
        "Nothing to do.";
    TooManyCertificates, C5, false,
        "The peer presented more certificates, or more bytes, than the limits allow.",
        "Configure the peer to send its own certificate and its intermediates only.";
    MalformedCertificate, C1, false,
        "The certificate that the peer presented is malformed.",
        "Have the peer's certificate made again; `openssl x509 -text` shows what is wrong.";
    Blocked, P1, false,
        "The presented certificate, one that it rests on, or the key of one is blocked.",
        "If the block was a mistake, unblock it by the selector named here; else give the peer a new key.";
    NothingInstalled, P6, false,
        "Nothing is installed for this peer.",
        "Install the peer's certificate as a pin, or the CA that issued it as an authority.";
    UnknownServer, P6, false,
        "The server id is not in the trust store.",
        "Add the server, or correct the id in the configuration.";
    UnlistedName, P6, false,
        "The dialled name belongs to no server.",
        "Add the name to its server, or connect by server id.";
    NoUsablePin, P2, false,
        "The server is claimed by a pin, and no usable pin is left for it.",
        "Install the server's current certificate as a pin, or release the server to let authorities decide.";
    PinDoesNotMatch, P2, false,
        "A pin had to be presented, and the peer presented another certificate.",
        "Compare the presented fingerprint with the peer's own over another channel; if it is right, install it as a pin.";
    RenewedWithSameKey, M1, false,
        "The peer presented another certificate with the key of a pin that matches by the whole certificate.",
        "If the peer renewed its certificate, install the new one, or let the pin match by public key.";
    SameSubjectOtherKey, P2, false,
        "The peer presented a certificate with the subject of a pin and another key.",
        "Find out whether the peer changed its key; if it did, install the new certificate; if not, another machine presents itself under its name.";
    IssuedByPin, I3, false,
        "The presented certificate was signed with the key of a pin, and a pin vouches for no other certificate.",
        "If that pin is a CA of yours and says so by its extensions, install it as an authority; if it is no CA of yours, the key of that peer is misused.";
    AuthoritiesNotAsked, P2, false,
        "The server is claimed by a pin and presented a certificate of a CA, which is not consulted for it.",
        "If the server was given a CA-signed certificate on purpose, migrate it, then release it; if not, a CA issued one in its name to another machine.";
    PinOfAnotherServer, P8, false,
        "The presented certificate is installed for another server or group.",
        "Check the address; if the servers replicate one certificate, make them a group.";
    InstalledForOtherRole, I7, false,
        "The presented certificate is installed for the other end: a client's where a server is, or the reverse.",
        "Check which machine answers here; install the certificate for this role as well if that is meant.";
    EntryDisabled, I8, false,
        "The entry that would decide is disabled.",
        "Look up why it was disabled; enable it, or install another certificate.";
    EntryEnded, I8, false,
        "The entry that would decide is past the end that was set for it.",
        "Set a later end, or install another certificate.";
    Expired, M3, false,
        "The presented certificate, or the installed one that matches it, has expired.",
        "Renew the peer's certificate; that of a pin is installed anew, and a grace bridges the time until then.";
    NotYetValid, M3, false,
        "The presented certificate, or the installed one that matches it, is not valid yet.",
        "Compare the clocks of both machines.";
    WrongExtendedKeyUsage, M4, false,
        "The extended key usage of the certificate does not allow the peer's role.",
        "Have a certificate made with serverAuth for servers, clientAuth for clients; for a pin, `any_role` waives it.";
    AnyExtendedKeyUsageAlone, C1, false,
        "In the extended key usage of a certificate of the chain, anyExtendedKeyUsage alone stands for the peer's role, which is not enough for a chain.",
        "Have that certificate issued with serverAuth for servers, clientAuth for clients; or install the peer's certificate as a pin, for which anyExtendedKeyUsage is enough.";
    UnknownCriticalExtension, M6, false,
        "The certificate has a critical extension that is not understood.",
        "Have the certificate made without that extension, or with it not critical.";
    KeyNotAllowed, I4, false,
        "The key of the certificate is weaker than the policy asks, or the crypto provider cannot verify it.",
        "Give the peer a key of a kind and size that the crypto provider and the policy take.";
    WrongSelfSignature, I4, false,
        "The certificate says that it signed itself, and its signature does not verify.",
        "Have the certificate made again: it is damaged or forged.";
    HandshakeSignatureInvalid, M2, false,
        "The peer did not prove that it has the private key of the certificate that it presented.",
        "Check that the key and the certificate of the peer belong together; if they do, another machine presents a copy of the certificate.";
    HandshakeNotFinished, M2, false,
        "The handshake is not finished, so the peer has not proved anything.",
        "Finish the handshake before asking who the peer is.";
    ClockUnset, M7, false,
        "The clock is not set: ends are judged at the floor, and chains are not judged without a clock.",
        "Set the clock; or reset the floor, if it is later than the true time; or let the policy judge chains without a clock.";
    ClockBelowFloor, M7, false,
        "The clock is more than 26 hours below the floor, so it does not count: ends are judged at the floor, and chains are not judged.",
        "Set the clock; or, if the clock is right, reset the floor (`reset_floor`, `mutual-trust store clock reset`).";
    UnknownIssuer, C1, false,
        "No installed authority issued the presented certificate.",
        "If the issuer that is named is an intermediate, have the peer send its certificate, or install it as an intermediate; if it is a CA of its own, install it as an authority.";
    SelfSignedNotInstalled, C1, false,
        "The presented certificate is a self-signed end entity that is not installed.",
        "Compare its fingerprint with the peer's own over another channel, then install it as a pin.";
    CaUsedAsEndEntity, C3, false,
        "The peer presented a CA certificate as its own.",
        "Install it as a pin if that is the peer's certificate (`openssl req -x509` makes such ones), else give the peer an end-entity certificate.";
    AuthorityPresentedAsPeer, C3, false,
        "The peer presented a certificate that is installed as a CA: it ends chains and is no peer.",
        "If it is the peer's own certificate, install it as a pin.";
    UnparsableEndEntity, C1, false,
        "The presented certificate can stand in no chain: it is of an old version, or has what is named.",
        "Have it made again as X.509 version 3 and without what is named, or compare its fingerprint over another channel and install it as a pin.";
    SignatureAlgorithmUnsupported, C1, false,
        "A certificate of the presented chain is signed with an algorithm that is too weak, or that the crypto provider lacks.",
        "Have the certificate that is named issued again, signed with SHA-256; the certificate of the CA that signs it may stay.";
    ChainSignatureInvalid, C1, false,
        "A signature in the presented chain does not verify under the issuer's key.",
        "An issuer has the right name and another key: install the CA's current certificate.";
    IssuerExpired, C1, false,
        "An authority or intermediate of the chain has expired.",
        "Install the CA's current certificate, or have the peer's chain renewed.";
    IssuerNotYetValid, C1, false,
        "An authority or intermediate of the chain is not valid yet.",
        "Compare the clocks, or wait until it is valid.";
    IssuerCannotSign, C1, false,
        "An issuer in the chain is not a CA, may not sign certificates, or is a CA for another purpose.",
        "Have the chain issued by a CA with basicConstraints, keyCertSign and a fitting extended key usage.";
    Revoked, C4, false,
        "A revocation list names the presented certificate, one that it rests on, or the installed one of the pin that it matches.",
        "Give the peer a new certificate, with a new key if the old one may be in other hands.";
    RevocationUnknown, C4, false,
        "No installed revocation list tells whether a certificate of the chain is revoked, and its issuer is checked or the policy requires one.",
        "Install the issuer's current revocation list that covers the certificate, or stop checking the issuer.";
    CrlExpired, C4, false,
        "The revocation lists that tell of a certificate of the chain have expired.",
        "Install the issuer's current revocation list; a grace bridges the time until then.";
    PathTooLong, C1, false,
        "The chain has more intermediates than a CA in it, or the limit, allows.",
        "Have the certificate issued closer to the authority, or install a nearer authority.";
    ProfileViolation, C1, false,
        "A certificate of the chain breaks RFC 5280 in the way that is named, which the strict profile refuses.",
        "Have that certificate made again as RFC 5280 has it, or let the policy use the compatible profile.";
    ConstraintFormUnsupported, C1, false,
        "A CA of the chain constrains names of a form that is not processed, and the chain has such names.",
        "Have the CA made without constraints on names of that form, or install a CA below it as an authority.";
    TooManyConstraints, C5, false,
        "Comparing the names of the chain with the name constraints in it takes more than the limit.",
        "Have the chain made with fewer names or fewer constraints.";
    NameConstraintViolated, C1, false,
        "A CA of the chain is not allowed to issue for the names in the certificate.",
        "Have the certificate issued by a CA that may issue for these names.";
    TooManyPaths, C5, false,
        "Too many candidate paths were tried without success.",
        "Remove duplicate authorities and intermediates of one name.";
    PathRefused, C1, false,
        "The path builder refused the chain for another reason, which is named.",
        "Have the certificate that is named made again without what is named.";
    NameMismatch, C2, false,
        "No subject alternative name of the certificate matches a name of the server.",
        "Have the certificate issued for the server's name, add the name to the server, or set expected names.";
    NoNameToMatch, C2, false,
        "The server has no name that a certificate could be compared with.",
        "Give the server its names, or dial it by a name.";
    NoPatternMatches, P7, false,
        "No subject alternative name of the client matches a pattern of the authority.",
        "Have the client's certificate issued with such a name, or widen the authority's patterns.";
    PinsOnly, P7, false,
        "The policy accepts clients by pin only, and no pin matches.",
        "Install the client's certificate as a pin.";
}

impl ReasonCode {
    /// Whether it says that nothing installed matches what the peer presented, and nothing else against it: an
    /// administrator who compares the fingerprint may want to accept the peer.
    ///
    /// A blocked, expired or forged certificate, one for another role or of another server, and one that an
    /// installed certificate vouches against are never unknown. A code that is not listed here is not unknown.
    #[doc(hidden)]
    pub const fn is_unknown_peer(self) -> bool {
        matches!(
            self,
            Self::NothingInstalled
                | Self::NoUsablePin
                | Self::PinDoesNotMatch
                | Self::PinsOnly
                // A peer that renewed its certificate, or says that it is one we know: the fingerprint tells.
                | Self::RenewedWithSameKey
                | Self::SameSubjectOtherKey
                // Authorities were asked, and none of them has anything to do with it.
                | Self::UnknownIssuer
                | Self::SelfSignedNotInstalled
                // What `openssl req -x509` makes, and certificates of version 1: no chain can have them.
                | Self::CaUsedAsEndEntity
                | Self::UnparsableEndEntity
        )
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The page of all codes as it must stand in `reasons.md`.
#[cfg(test)]
fn page() -> String {
    let mut page = String::from(
        "\n| code | verdict | rule | what it means | what to do |\n|---|---|---|---|---|\n",
    );
    for reason in ReasonCode::ALL {
        let verdict = if reason.accepts() {
            "accepted"
        } else {
            "refused"
        };
        page.push_str(&format!(
            "| `{reason}` | {verdict} | {} | {} | {} |\n",
            reason.rule(),
            reason.meaning(),
            reason.remedy()
        ));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_codes_is_what_the_code_says() {
        assert_eq!(
            include_str!("reasons.md"),
            page(),
            "write the page() of this test to src/policy/reasons.md"
        );
    }

    #[test]
    fn codes_are_unique_and_say_what_to_do() {
        let mut codes: Vec<_> = ReasonCode::ALL.iter().map(|reason| reason.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ReasonCode::ALL.len());
        for reason in ReasonCode::ALL {
            assert!(reason.meaning().ends_with('.'), "{reason}");
            assert!(reason.remedy().ends_with('.'), "{reason}");
        }
    }
}
