//! Why a verdict is what it is: stable codes, the rule behind each, and what to do about it.

use core::fmt;

/// A rule by which verdicts and imports are judged. `P2` reads "rule P2".
///
/// Print it to cite it. The variants are no interface: match with `_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[rustfmt::skip]
pub enum Rule {
    /// A pin is never trusted as an issuer.
    #[doc(hidden)]
    I3,
    /// Keys and self-signatures are judged at import, and keys again in each verdict.
    #[doc(hidden)]
    I4,
    /// Entries for clients are never used for servers, nor entries for servers for clients.
    #[doc(hidden)]
    I7,
    /// An entry that is disabled, or past its end, accepts nothing.
    #[doc(hidden)]
    I8,
    /// A block counts before everything else.
    #[doc(hidden)]
    P1,
    /// A claimed server must present a pin; authorities are not asked.
    #[doc(hidden)]
    P2,
    /// A migrating server may present a pin or a chain, until its migration ends.
    #[doc(hidden)]
    P3,
    /// About an unclaimed server, its own authorities are asked; without any, those of any server.
    #[doc(hidden)]
    P4,
    /// A match with a held pin is final.
    #[doc(hidden)]
    P5,
    /// What is not installed is not trusted; unlisted names are refused.
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
    /// A CA certificate is not an end entity.
    #[doc(hidden)]
    C3,
    /// Revocation is checked for issuers of which a list was installed. What a list revokes is refused, pins too.
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
    ($( $name:ident, $number:literal, $rule:ident, $accepts:literal, $meaning:literal, $remedy:literal; )*) => {
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

            /// The stable number, for programs in other languages: from 1 below 100 if a verdict with this code trusts
            /// the peer, from 101 on if it does not. 0 is the number of no code. A number is never used again.
            pub const fn number(self) -> u32 {
                match self { $( Self::$name => $number, )* }
            }

            /// The rule behind it in general; [`Verdict::rule`](super::Verdict::rule) is that of one case.
            pub const fn rule(self) -> Rule {
                match self { $( Self::$name => Rule::$rule, )* }
            }

            /// Whether a verdict with this code trusts the peer.
            pub const fn accepts(self) -> bool {
                match self { $( Self::$name => $accepts, )* }
            }

            /// What it means, as a sentence; without the feature `texts`, the stable name.
            pub const fn meaning(self) -> &'static str {
                if !cfg!(feature = "texts") {
                    return self.code();
                }
                match self { $( Self::$name => $meaning, )* }
            }

            /// What an operator does about it in general; [`Verdict::remedy`](super::Verdict::remedy) is what helps
            /// in one case. Without the feature `texts`, empty.
            pub const fn remedy(self) -> &'static str {
                if !cfg!(feature = "texts") {
                    return "";
                }
                match self { $( Self::$name => $remedy, )* }
            }
        }
    };
}

reasons! {
    PinMatched, 1, M1, true,
        "The peer presented the certificate that is installed as a pin, byte for byte.",
        "Nothing to do.";
    FingerprintMatched, 2, M1, true,
        "The peer presented a certificate whose fingerprint is installed as a pin.",
        "Nothing to do. Installing the certificate itself completes the entry.";
    KeyMatched, 3, M1, true,
        "The peer presented a certificate with the key of a pin that matches by public key.",
        "Nothing to do.";
    ChainVerified, 4, C1, true,
        "The peer presented a chain that ends in an installed authority.",
        "Nothing to do.";
    TooManyCertificates, 101, C5, false,
        "The peer sent more certificates, or more bytes, than the limits allow.",
        "Configure the peer to send only its own certificate and its intermediates.";
    MalformedCertificate, 102, C1, false,
        "The peer's certificate is malformed and cannot be read.",
        "Have the peer's certificate made again. `openssl x509 -text` shows what is wrong.";
    Blocked, 103, P1, false,
        "The peer's certificate, or one that it relies on, is blocked.",
        "If the block is a mistake, unblock it by the selector that the list of blocks shows. If not, give the peer a new key.";
    NothingInstalled, 104, P6, false,
        "Nothing is installed for this peer.",
        "Install the peer's certificate as a pin, or the CA that issued it as an authority.";
    UnknownServer, 105, P6, false,
        "The trust store has no server with this id.",
        "Add the server, or correct the id in the configuration.";
    UnlistedName, 106, P6, false,
        "The dialled name belongs to no server.",
        "Add the name to its server, or connect by server id.";
    NoUsablePin, 107, P2, false,
        "This server is trusted by pins only, and none of its pins can be used now.",
        "Install the server's current certificate as a pin, or release the server so that authorities decide.";
    PinDoesNotMatch, 108, P2, false,
        "This peer is trusted by pins only, and it presented another certificate.",
        "Compare the presented fingerprint with the peer's own over another channel. If they are equal, install the certificate as a pin.";
    RenewedWithSameKey, 109, M1, false,
        "The peer presented another certificate with the key of a pin, and that pin accepts one certificate only.",
        "If the peer renewed its certificate, install the new one, or let the pin match by public key.";
    SameSubjectOtherKey, 110, P2, false,
        "The peer presented a certificate with the subject of a pin and another key.",
        "Find out whether the peer changed its key. If it did, install the new certificate. If not, another machine uses its name.";
    IssuedByPin, 111, I3, false,
        "The peer's certificate is signed with the key of a pin, and a pin is not trusted as an issuer.",
        "If that pin is your CA and its extensions say so, install it as an authority. If it is not your CA, its key is misused.";
    AuthoritiesNotAsked, 112, P2, false,
        "This server is trusted by pins only, and it presented a certificate of a CA.",
        "If the server moved to that CA on purpose, migrate it, then release it. If not, a CA issued a certificate in its name to another machine.";
    PinOfAnotherServer, 113, P8, false,
        "The certificate is installed as a pin of another server or group.",
        "Check the address. If the servers share one certificate, make them a group.";
    InstalledForOtherRole, 114, I7, false,
        "The certificate is installed for the other role: a client's where a server is expected, or the reverse.",
        "Check which machine answers here. If this is intended, install the certificate for this role too.";
    EntryDisabled, 115, I8, false,
        "The entry that decides about this peer is disabled.",
        "Find out why, then enable it or install another certificate.";
    EntryEnded, 116, I8, false,
        "The entry that decides about this peer is past the end that was set for it.",
        "Set a later end, or install another certificate.";
    Expired, 117, M3, false,
        "The peer's certificate, or the installed one that matches it, has expired.",
        "Renew the peer's certificate. If it is a pin, install the new one; a grace bridges the time until then.";
    NotYetValid, 118, M3, false,
        "The peer's certificate, or the installed one that matches it, is not valid yet.",
        "Compare the clocks of both machines.";
    WrongExtendedKeyUsage, 119, M4, false,
        "The extended key usage of the certificate does not allow the peer's role.",
        "Have a certificate made with serverAuth for a server, clientAuth for a client. For a pin, the option `any_role` waives this.";
    AnyExtendedKeyUsageAlone, 120, C1, false,
        "A certificate of the chain has anyExtendedKeyUsage without the usage of the peer's role, and a chain needs that usage.",
        "Have that certificate issued with serverAuth for a server, clientAuth for a client. Or install the peer's certificate as a pin, for which anyExtendedKeyUsage is enough.";
    UnknownCriticalExtension, 121, M6, false,
        "The certificate has a critical extension that is not supported here.",
        "Have the certificate made without that extension, or with it not critical.";
    KeyNotAllowed, 122, I4, false,
        "The policy or the crypto provider does not accept the key of the certificate.",
        "Give the peer a key of a kind and size that the crypto provider and the policy accept.";
    WrongSelfSignature, 123, I4, false,
        "The certificate's signature by its own key does not verify.",
        "Have the certificate made again: it is damaged or forged.";
    HandshakeSignatureInvalid, 124, M2, false,
        "The peer did not prove that it has the private key of its certificate.",
        "Check that the peer's key belongs to its certificate. If it does, another machine uses a copy of the certificate.";
    HandshakeNotFinished, 125, M2, false,
        "The handshake is not finished, so the peer has proved nothing yet.",
        "Finish the handshake before you ask who the peer is.";
    ClockUnset, 126, M7, false,
        "The clock is not set: ends are judged at the floor, and chains cannot be judged.",
        "Set the clock. If the floor is later than the true time, reset the floor. Or let the policy judge chains without a clock.";
    ClockBelowFloor, 127, M7, false,
        "The clock is more than 26 hours below the floor and is not used: ends are judged at the floor, and chains cannot be judged.",
        "Set the clock. If the clock is right, reset the floor (`reset_floor`, `mutual-trust store clock reset`).";
    UnknownIssuer, 128, C1, false,
        "No installed authority issued the peer's certificate.",
        "If the issuer shown here is an intermediate, have the peer send its certificate, or install it as an intermediate. If it is a CA that you trust, install it as an authority.";
    SelfSignedNotInstalled, 129, C1, false,
        "The peer presented a self-signed certificate that is not installed.",
        "Compare its fingerprint with the peer's own over another channel, then install it as a pin.";
    CaUsedAsEndEntity, 130, C3, false,
        "The peer presented a CA certificate as its own.",
        "If it is the peer's own certificate (`openssl req -x509` makes such ones), install it as a pin. If not, give the peer an end-entity certificate.";
    AuthorityPresentedAsPeer, 131, C3, false,
        "The peer presented a certificate that is installed as a CA, and a CA is not a peer.",
        "If it is the peer's own certificate, install it as a pin.";
    UnparsableEndEntity, 132, C1, false,
        "The peer's certificate cannot be used in a chain; the detail says why.",
        "Have it made again as X.509 version 3 and without what is named. Or compare its fingerprint over another channel and install it as a pin.";
    SignatureAlgorithmUnsupported, 133, C1, false,
        "A certificate of the chain is signed with an algorithm that is too weak, or that the crypto provider lacks.",
        "Have the certificate that is named issued again, signed with SHA-256. The certificate of its CA can stay.";
    ChainSignatureInvalid, 134, C1, false,
        "A signature in the chain does not verify under the issuer's key.",
        "An issuer has the right name and another key: install the CA's current certificate.";
    IssuerExpired, 135, C1, false,
        "An authority or intermediate of the chain has expired.",
        "Install the CA's current certificate, or have the peer's chain renewed.";
    IssuerNotYetValid, 136, C1, false,
        "An authority or intermediate of the chain is not valid yet.",
        "Compare the clocks, or wait until it is valid.";
    IssuerCannotSign, 137, C1, false,
        "An issuer in the chain is not a CA, may not sign certificates, or is a CA for another purpose.",
        "Have the chain issued by a CA with basicConstraints, keyCertSign and a fitting extended key usage.";
    Revoked, 138, C4, false,
        "A revocation list revokes the peer's certificate, or one that it relies on.",
        "Give the peer a new certificate. If others may have its key, give it a new key too.";
    RevocationUnknown, 139, C4, false,
        "No installed revocation list says whether a certificate of the chain is revoked, and one is required.",
        "Install the issuer's current revocation list that covers the certificate, or stop checking the issuer.";
    CrlExpired, 140, C4, false,
        "The revocation lists that cover a certificate of the chain have expired.",
        "Install the issuer's current revocation list. If the CA is late, ask it for a new one: chains are refused until it is installed, unless the service's policy has a grace.";
    PathTooLong, 141, C1, false,
        "The chain has more intermediates than a CA in it, or the limit, allows.",
        "Have the certificate issued closer to the authority, or install a nearer authority.";
    ProfileViolation, 142, C1, false,
        "A certificate of the chain breaks RFC 5280, and the strict profile refuses that.",
        "Have that certificate made again as RFC 5280 requires, or let the policy use the compatible profile.";
    ConstraintFormUnsupported, 143, C1, false,
        "A CA of the chain constrains names of a form that is not supported here, and the chain has such names.",
        "Have the CA made without constraints on names of that form, or install a CA below it as an authority.";
    TooManyConstraints, 144, C5, false,
        "Comparing the names of the chain with its name constraints takes more work than the limit.",
        "Have the chain made with fewer names or fewer constraints.";
    NameConstraintViolated, 145, C1, false,
        "A CA of the chain may not issue for the names in the certificate.",
        "Have the certificate issued by a CA that may issue for these names.";
    TooManyPaths, 146, C5, false,
        "Too many paths were tried without success.",
        "Remove duplicate authorities and intermediates of one name.";
    PathRefused, 147, C1, false,
        "The path builder refused the chain; the detail says why.",
        "Have the certificate that is named made again without what is named.";
    NameMismatch, 148, C2, false,
        "No subject alternative name of the certificate matches a name of the server.",
        "Have the certificate issued for the server's name, add the name to the server, or set expected names.";
    NoNameToMatch, 149, C2, false,
        "The server has no name to compare with the certificate.",
        "Give the server its names, or dial it by a name.";
    NoPatternMatches, 150, P7, false,
        "No subject alternative name of the client matches a pattern of the authority.",
        "Have the client's certificate issued with such a name, or widen the authority's patterns.";
    PinsOnly, 151, P7, false,
        "The policy accepts clients by pin only, and no pin matches.",
        "Install the client's certificate as a pin.";
}

impl ReasonCode {
    /// Whether it says that nothing installed matches what the peer presented, and nothing else against it: an
    /// administrator who compares the fingerprint may want to accept the peer.
    ///
    /// Never unknown: a blocked, expired or forged certificate, one for another role or of another server, and one that
    /// an installed certificate speaks against. A code that is not listed here is not unknown.
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

    /// Every number that was ever given out, with its code. Programs in C compare these numbers: append here, and leave
    /// the row of a code that is no more with the name `""`.
    const NUMBERS: [(u32, &str); 55] = [
        (1, "PinMatched"),
        (2, "FingerprintMatched"),
        (3, "KeyMatched"),
        (4, "ChainVerified"),
        (101, "TooManyCertificates"),
        (102, "MalformedCertificate"),
        (103, "Blocked"),
        (104, "NothingInstalled"),
        (105, "UnknownServer"),
        (106, "UnlistedName"),
        (107, "NoUsablePin"),
        (108, "PinDoesNotMatch"),
        (109, "RenewedWithSameKey"),
        (110, "SameSubjectOtherKey"),
        (111, "IssuedByPin"),
        (112, "AuthoritiesNotAsked"),
        (113, "PinOfAnotherServer"),
        (114, "InstalledForOtherRole"),
        (115, "EntryDisabled"),
        (116, "EntryEnded"),
        (117, "Expired"),
        (118, "NotYetValid"),
        (119, "WrongExtendedKeyUsage"),
        (120, "AnyExtendedKeyUsageAlone"),
        (121, "UnknownCriticalExtension"),
        (122, "KeyNotAllowed"),
        (123, "WrongSelfSignature"),
        (124, "HandshakeSignatureInvalid"),
        (125, "HandshakeNotFinished"),
        (126, "ClockUnset"),
        (127, "ClockBelowFloor"),
        (128, "UnknownIssuer"),
        (129, "SelfSignedNotInstalled"),
        (130, "CaUsedAsEndEntity"),
        (131, "AuthorityPresentedAsPeer"),
        (132, "UnparsableEndEntity"),
        (133, "SignatureAlgorithmUnsupported"),
        (134, "ChainSignatureInvalid"),
        (135, "IssuerExpired"),
        (136, "IssuerNotYetValid"),
        (137, "IssuerCannotSign"),
        (138, "Revoked"),
        (139, "RevocationUnknown"),
        (140, "CrlExpired"),
        (141, "PathTooLong"),
        (142, "ProfileViolation"),
        (143, "ConstraintFormUnsupported"),
        (144, "TooManyConstraints"),
        (145, "NameConstraintViolated"),
        (146, "TooManyPaths"),
        (147, "PathRefused"),
        (148, "NameMismatch"),
        (149, "NoNameToMatch"),
        (150, "NoPatternMatches"),
        (151, "PinsOnly"),
    ];

    #[test]
    fn numbers_stay_and_are_not_used_again() {
        let live = NUMBERS.iter().filter(|(_, code)| !code.is_empty());
        let found: Vec<_> = ReasonCode::ALL
            .iter()
            .map(|reason| (reason.number(), reason.code()))
            .collect();
        let mut sorted = found.clone();
        sorted.sort_unstable();
        let mut expected: Vec<_> = live.copied().collect();
        expected.sort_unstable();
        assert_eq!(sorted, expected);
        let mut numbers: Vec<_> = NUMBERS.iter().map(|(number, _)| number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), NUMBERS.len(), "a number is there twice");
        for reason in ReasonCode::ALL {
            let accepts = (1..100).contains(&reason.number());
            let refuses = reason.number() > 100;
            assert_eq!(
                (reason.accepts(), !reason.accepts()),
                (accepts, refuses),
                "{reason}"
            );
        }
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
