//! The certificates that every cell of the crossed tables shares, and what a peer does with them.

use std::sync::OnceLock;

use mutual_trust::certificate::Certificate;

use super::row::{Expect, Row, row};
use super::support::pki::{Made, Pki, pki, self_signed, spec};
use super::support::{DAY, fixture, fixture_bytes};
use super::world::{For, KMS, World};

/// What is held, in one line, and how it came to be.
#[derive(Clone, Copy)]
pub struct State {
    pub rule: &'static str,
    pub name: &'static str,
    /// The pin, or else the authority, that decides in it.
    pub by: &'static str,
    /// What a refusal names as fallen away.
    pub falls: &'static [&'static str],
    pub build: fn(&mut World, &Cast),
}

/// What is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    Own,
    Group,
    Renewed,
    SameSubject,
    SignedByPin,
    Unknown,
    CaSigned,
    CaSignedOtherName,
    Ca,
    Authority,
    OfAnotherServer,
    OfClient,
    Malformed,
    Version1,
}

impl Presented {
    pub const SERVER: [Self; 14] = [
        Self::Own,
        Self::Group,
        Self::Renewed,
        Self::SameSubject,
        Self::SignedByPin,
        Self::Unknown,
        Self::CaSigned,
        Self::CaSignedOtherName,
        Self::Ca,
        Self::Authority,
        Self::OfAnotherServer,
        Self::OfClient,
        Self::Malformed,
        Self::Version1,
    ];

    fn says(self) -> &'static str {
        match self {
            Self::Own => "it presents its certificate",
            Self::Group => "it presents the group's certificate",
            Self::Renewed => "it presents its certificate renewed with the same key",
            Self::SameSubject => "it presents its subject with another key",
            Self::SignedByPin => "it presents a leaf signed with its key",
            Self::Unknown => "it presents a self-signed end entity that nobody installed",
            Self::CaSigned => "it presents a chain",
            Self::CaSignedOtherName => "it presents a chain for another name",
            Self::Ca => "it presents a self-signed CA that nobody installed",
            Self::Authority => "it presents the installed CA",
            Self::OfAnotherServer => "it presents another server's certificate",
            Self::OfClient => "it presents a client's certificate",
            Self::Malformed => "it presents something malformed",
            Self::Version1 => "it presents a certificate of version 1 that nobody installed",
        }
    }

    fn presented(self, cast: &Cast, world: &mut World) {
        match self {
            Self::Own => world.presents(&cast.own),
            Self::Group => world.presents(&cast.group),
            Self::Renewed => world.presents(&cast.renewed),
            Self::SameSubject => world.presents(&cast.same_subject),
            Self::SignedByPin => world.presents(&cast.signed_by_own),
            Self::Unknown => world.presents(&cast.unknown),
            Self::CaSigned => {
                world.presents(&cast.leaf);
                world.with("intermediate", &cast.pki.intermediate)
            }
            Self::CaSignedOtherName => {
                world.presents(&cast.leaf_for_other_name);
                world.with("intermediate", &cast.pki.intermediate)
            }
            Self::Ca => world.presents(&cast.unknown_ca),
            Self::Authority => world.presents(&cast.pki.root),
            Self::OfAnotherServer => world.presents(&cast.of_keys_2),
            Self::OfClient => world.presents(&cast.of_client),
            Self::Malformed => world.presents_bytes(cast.malformed.clone()),
            Self::Version1 => world.presents(&cast.version_1),
        };
    }
}

/// The pin of `keys-1` and what can be mistaken for it, two PKIs, and certificates of others.
pub struct Cast {
    pub own: Made,
    pub group: Made,
    pub renewed: Made,
    pub same_subject: Made,
    pub signed_by_own: Made,
    pub unknown: Made,
    pub unknown_ca: Made,
    pub of_keys_2: Made,
    pub of_client: Made,
    pub pki: Pki,
    pub other_pki: Pki,
    pub leaf: Made,
    pub leaf_for_other_name: Made,
    pub malformed: Vec<u8>,
    pub version_1: Certificate,
}

pub fn cast() -> &'static Cast {
    static CAST: OnceLock<Cast> = OnceLock::new();
    CAST.get_or_init(|| {
        let pki_of_any = pki("any");
        let days = i64::try_from(DAY).unwrap();
        // Valid 90 days to both sides, so that everything else is valid when it is not.
        let pinned = || spec("array").dns(KMS).valid(-90 * days, 90 * days);
        let own = pinned().self_signed();
        Cast {
            group: self_signed("replicas.example"),
            renewed: spec("array").dns(KMS).key_of(&own).self_signed(),
            same_subject: spec("array").dns(KMS).self_signed(),
            signed_by_own: spec("attacker").dns(KMS).signed_by(&own),
            unknown: self_signed(KMS),
            unknown_ca: spec("unknown CA").ca().dns(KMS).self_signed(),
            of_keys_2: self_signed("kms2.example"),
            of_client: self_signed("array-7.example"),
            leaf: pki_of_any.server(KMS),
            leaf_for_other_name: pki_of_any.server("other.example"),
            pki: pki_of_any,
            other_pki: pki("other"),
            malformed: fixture_bytes("malformed/trailing-byte.der"),
            version_1: fixture("v1"),
            own,
        }
    })
}

/// One cell: a state, and what is presented in it.
pub fn crossed(state: State, presented: Presented, expect: Expect) -> Row {
    let name = format!("{}: {}", state.name, presented.says());
    row(state.rule, name, expect, move |world| {
        let cast = cast();
        world.pin(For::Server("keys-2"), "of keys-2", &cast.of_keys_2);
        world.pin(For::Clients, "of client", &cast.of_client);
        world.call("group", &cast.group);
        world.call("own", &cast.own);
        (state.build)(world, cast);
        presented.presented(cast, world);
    })
}
