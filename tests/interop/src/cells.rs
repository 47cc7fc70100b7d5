//! The cells, with the verdict that the rules ask for. Written by hand from the rules. Where the rules leave the
//! order of two reasons open, the cell says which one the library tells.

use mutual_trust::ReasonCode::{
    self, AuthoritiesNotAsked, AuthorityPresentedAsPeer, CaUsedAsEndEntity, ChainVerified,
    IssuedByPin, IssuerExpired, NoPatternMatches, PinDoesNotMatch, PinMatched,
    SelfSignedNotInstalled, UnknownIssuer, UnparsableEndEntity, WrongExtendedKeyUsage,
};
use mutual_trust::Rule;

use crate::shapes::Shape::{self, *};

/// Where something is installed at our end, and for which peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// The presented certificate is the pin of the server.
    ServerPin,
    /// It is the pin of a group of three servers, each of which is dialled.
    GroupPin,
    /// The CA is an authority for any server.
    AnyServer,
    /// The CA is the server's own authority.
    OwnAuthority,
    /// The server is claimed by the pin of another certificate, and the CA is an authority for any server.
    OtherPin,
    /// The presented certificate itself is an authority for any server.
    ItselfAuthority,
    /// The presented certificate is a pin for clients.
    ClientsPin,
    /// The CA is an authority for clients whose name is of a pattern.
    ClientsAuthority,
    /// The CA is an authority for clients of another pattern.
    ClientsOtherPattern,
    /// Another certificate is a pin for clients.
    ClientsOtherPin,
}

impl Slot {
    pub fn text(self) -> &'static str {
        match self {
            Self::ServerPin => "pin of the server",
            Self::GroupPin => "pin of a group, three servers",
            Self::AnyServer => "authority for any server",
            Self::OwnAuthority => "the server's own authority",
            Self::OtherPin => "another pin of the server, authority for any server",
            Self::ItselfAuthority => "itself an authority for any server",
            Self::ClientsPin => "pin for clients",
            Self::ClientsAuthority => "authority for clients, SAN pattern",
            Self::ClientsOtherPattern => "authority for clients, another SAN pattern",
            Self::ClientsOtherPin => "another pin for clients",
        }
    }

    /// Whether the peer is the client.
    pub fn of_clients(self) -> bool {
        self >= Self::ClientsPin
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub slot: Slot,
    pub shape: Shape,
    pub want: ReasonCode,
    /// The rule that decides.
    pub rule: Rule,
}

/// What the rules say of a shape: as a pin (M1, P5); under a CA, for servers and for clients with the pattern that
/// fits (P4, P7, C1 to C3); of a server that another pin claims (P2).
#[rustfmt::skip]
const RULES: [(Shape, ReasonCode, ReasonCode, ReasonCode); 15] = [
    // A self-signed CA:TRUE certificate is a pin like any other, and no leaf of a chain (C3).
    (OpensslReq,     PinMatched, CaUsedAsEndEntity,               PinDoesNotMatch),
    (P384,           PinMatched, CaUsedAsEndEntity,               PinDoesNotMatch),
    (P521,           PinMatched, CaUsedAsEndEntity,               PinDoesNotMatch),
    (Ed25519,        PinMatched, CaUsedAsEndEntity,               PinDoesNotMatch),
    // A self-signed end entity is trusted as a pin and by nothing else (I3).
    (KeytoolRsa,     PinMatched, SelfSignedNotInstalled, PinDoesNotMatch),
    (KeytoolEc,      PinMatched, SelfSignedNotInstalled, PinDoesNotMatch),
    (Certtool,       PinMatched, SelfSignedNotInstalled, PinDoesNotMatch),
    (Go,             PinMatched, SelfSignedNotInstalled, PinDoesNotMatch),
    // An end entity is judged by itself before any issuer is looked for (C1): no chain can have this one.
    (V1,             PinMatched, UnparsableEndEntity,        PinDoesNotMatch),
    // The scope vouches for the name (M5).
    (Replicated,     PinMatched, SelfSignedNotInstalled, PinDoesNotMatch),
    // A leaf is a pin without its CA; under a claim its CA is not consulted (P2).
    (CaLeaf,         PinMatched, ChainVerified,          AuthoritiesNotAsked),
    (CaChain,        PinMatched, ChainVerified,          AuthoritiesNotAsked),
    (CaIncomplete,   PinMatched, ChainVerified,          AuthoritiesNotAsked),
    // A pin never vouches for another certificate (I3); here the other pin is the one whose key signed.
    (SignedByServer, PinMatched, UnknownIssuer,          IssuedByPin),
    // An authority is held to its validity (C1); a pinned leaf needs none. Under a claim, what would not be trusted
    // without it is no certificate of a CA that could be migrated to.
    (ExpiredCa,      PinMatched, IssuerExpired,          PinDoesNotMatch),
];

/// What the rules say of one that is for the other role: a pin for it takes a waiver (M4), a chain has none (C1).
const OF_THE_OTHER_ROLE: (Slot, Shape, ReasonCode, Rule) =
    (Slot::ClientsAuthority, Go, WrongExtendedKeyUsage, Rule::C1);

/// Every shape in every slot that a table of rules covers, and those of single shapes.
pub fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for slot in [
        Slot::ServerPin,
        Slot::GroupPin,
        Slot::AnyServer,
        Slot::OwnAuthority,
        Slot::OtherPin,
        Slot::ClientsPin,
        Slot::ClientsAuthority,
    ] {
        for (shape, as_pin, under_ca, under_claim) in RULES {
            let want = match slot {
                Slot::ServerPin | Slot::GroupPin | Slot::ClientsPin => as_pin,
                Slot::OtherPin => under_claim,
                _ => under_ca,
            };
            let (other_slot, other_shape, of_other_role, by_rule) = OF_THE_OTHER_ROLE;
            let (want, rule) = if (slot, shape) == (other_slot, other_shape) {
                (of_other_role, by_rule)
            } else {
                (want, want.rule())
            };
            cells.push(Cell {
                slot,
                shape,
                want,
                rule,
            });
        }
    }
    for (slot, shape, want) in [
        // What openssl makes, installed as what it says it is (C3).
        (Slot::ItselfAuthority, OpensslReq, AuthorityPresentedAsPeer),
        // One of the patterns must match (P7).
        (Slot::ClientsOtherPattern, CaLeaf, NoPatternMatches),
        (Slot::ClientsOtherPin, SignedByServer, IssuedByPin),
    ] {
        let rule = want.rule();
        cells.push(Cell {
            slot,
            shape,
            want,
            rule,
        });
    }
    cells.sort_by_key(|cell| (cell.slot, cell.shape));
    cells
}

/// A cell in which a peer, or both together, cannot have the link whatever is trusted.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub letter: char,
    pub why: &'static str,
    /// Whether it is the stack at our end that refuses, after a verdict that said yes.
    pub after_yes: bool,
    applies: fn(peer: &str, client: bool, version: &str, shape: Shape) -> bool,
}

pub const LIMITS: [Limit; 4] = [
    Limit {
        letter: 'a',
        why: "In TLS 1.2 an ECDSA certificate may be used only if the other end supports its curve for the key exchange \
              (RFC 8422, section 5.1.1), and rustls exchanges no keys on P-521. OpenSSL and what is built on it, and Java, \
              end the handshake; GnuTLS and Go use the certificate all the same.",
        after_yes: false,
        applies: |peer, client, version, shape| {
            // Our end exchanges the keys of TLS 1.2 by rustls, but for C programs.
            let rustls = !peer.starts_with("C, ");
            !client
                && version == "1.2"
                && shape == P521
                && rustls
                && !matches!(peer, "GnuTLS" | "Go")
        },
    },
    Limit {
        letter: 'b',
        why: "keytool writes EC keys without their public part, and GnuTLS does not load such a key.",
        after_yes: false,
        applies: |peer, _, _, shape| peer == "GnuTLS" && shape == KeytoolEc,
    },
    Limit {
        letter: 'd',
        why: "mbedTLS has no Ed25519.",
        after_yes: false,
        applies: |peer, _, _, shape| peer == "C, mbedTLS" && shape == Ed25519,
    },
    Limit {
        letter: 'e',
        why: "A server over mbedTLS refuses a client's certificate that is for servers alone, after our verdict said yes.",
        after_yes: true,
        applies: |peer, client, _, shape| peer == "C, mbedTLS" && client && shape == Go,
    },
];

pub fn limit(peer: &str, client: bool, version: &str, shape: Shape) -> Option<&'static Limit> {
    LIMITS
        .iter()
        .find(|limit| (limit.applies)(peer, client, version, shape))
}
