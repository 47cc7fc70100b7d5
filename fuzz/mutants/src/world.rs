//! What a case is about: an authority, perhaps an intermediate, a leaf, and perhaps lists, all of them good.

use crate::make::{self, List, Name, Spec, Usage, Write as _, tlv};
use crate::random::Random;

/// 2027-01-01: the clock of every case.
pub(crate) const NOW: u64 = 1_798_761_600;
const YEAR: i64 = 365 * 24 * 60 * 60;
/// The name and the address of the server.
pub(crate) const HOST: &str = "a.kms.example";
pub(crate) const ADDRESS: &str = "192.0.2.1";
/// The serial number of the leaf, and of another certificate that lists name.
pub(crate) const LEAF_SERIAL: u8 = 0x31;
pub(crate) const OTHER_SERIAL: u8 = 0x55;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Root,
    Middle,
    Leaf,
    RootList,
    MiddleList,
}

impl Part {
    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::RootList | Self::MiddleList)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Root => "authority",
            Self::Middle => "intermediate",
            Self::Leaf => "leaf",
            Self::RootList => "list of the authority",
            Self::MiddleList => "list of the intermediate",
        }
    }
}

/// A certificate or list, before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) part: Part,
    /// What is to be signed.
    pub(crate) tbs: Vec<u8>,
    /// The key that signs it.
    pub(crate) signer: u8,
    /// The algorithm beside the signature.
    pub(crate) algorithm: Vec<u8>,
    /// Which bit of the signature is wrong.
    pub(crate) wrong: Option<u8>,
}

impl Document {
    /// Signed by this key.
    pub(crate) fn signed_by(&self, key: u8) -> Vec<u8> {
        let mut signature = make::signature(&self.tbs, key, false, false);
        if let Some(bit) = self.wrong {
            let at = usize::from(bit) % signature.len();
            signature[at] ^= 1 << (bit % 8);
        }
        let bits = tlv(3, &[&[0], signature.as_slice()].concat());
        tlv(
            0x30,
            &[self.tbs.clone(), self.algorithm.clone(), bits].concat(),
        )
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.signed_by(self.signer)
    }
}

/// The certificates and lists of a case.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) documents: Vec<Document>,
    /// Asked by its address, not by its name.
    pub(crate) by_address: bool,
    /// A key of the same kind as the authority's, which no other certificate has.
    pub(crate) above: u8,
}

/// What a case starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// 0 Ed25519, 1 ECDSA, 2 RSA.
    pub(crate) keys: u8,
    pub(crate) middle: bool,
    pub(crate) lists: bool,
    pub(crate) by_address: bool,
}

impl Shape {
    pub(crate) fn draw(random: &mut Random) -> Self {
        // RSA signs slowly.
        let keys = *random.one(&[0, 0, 0, 0, 0, 1, 1, 2]);
        Self {
            keys,
            middle: random.once_in(2),
            lists: random.once_in(3),
            by_address: random.once_in(8),
        }
    }

    #[cfg(test)]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..24).map(|number: u8| Self {
            keys: number % 3,
            middle: number / 3 % 2 == 1,
            lists: number / 6 % 2 == 1,
            by_address: number / 12 == 1,
        })
    }

    pub(crate) fn world(self) -> World {
        let ec = make::FIRST_EC;
        let rsa = make::FIRST_RSA;
        let [root, middle, leaf, above] = match self.keys {
            0 => [1, 2, 3, 9],
            1 => [ec, ec + 1, ec + 2, ec + 3],
            // There are two: the leaf signs nothing.
            _ => [rsa, rsa + 1, 3, rsa + 1],
        };
        let now = i64::try_from(NOW).expect("a date");
        let spec = |subject, key, issuer, signer, ca| Spec {
            issuer,
            signer,
            serial: vec![key + 1],
            from: now - YEAR,
            to: now + YEAR,
            key_usage: Some(if ca { 0x06 } else { 0x80 }),
            authority_key: (key != signer).then_some(signer),
            key_id: true,
            ..Spec::new(subject, key, ca)
        };
        let (issuer, signer) = if self.middle {
            ("middle", middle)
        } else {
            ("root", root)
        };
        let mut documents = vec![certificate(
            Part::Root,
            &spec("root", root, "root", root, true),
        )];
        if self.middle {
            let spec = spec("middle", middle, "root", root, true);
            documents.push(certificate(Part::Middle, &spec));
        }
        let leaf = Spec {
            serial: vec![LEAF_SERIAL],
            names: vec![
                Name::Dns(HOST),
                Name::Ip(ADDRESS.parse().expect("an address")),
            ],
            usage: Some(Usage {
                server: true,
                client: true,
                any: false,
            }),
            ..spec("leaf", leaf, issuer, signer, false)
        };
        documents.push(certificate(Part::Leaf, &leaf));
        if self.lists {
            documents.push(list(Part::RootList, "root", root));
            if self.middle {
                documents.push(list(Part::MiddleList, "middle", middle));
            }
        }
        World {
            documents,
            by_address: self.by_address,
            above,
        }
    }
}

fn certificate(part: Part, spec: &Spec) -> Document {
    Document {
        part,
        tbs: spec.to_be_signed(&make::name(spec.issuer)),
        signer: spec.signer,
        algorithm: make::algorithm(spec.signer),
        wrong: None,
    }
}

fn list(part: Part, issuer: &'static str, signer: u8) -> Document {
    let now = i64::try_from(NOW).expect("a date");
    let list = List {
        issuer,
        signer,
        number: 7,
        this_update: now - YEAR / 12,
        next_update: now + YEAR / 12,
        serials: vec![vec![OTHER_SERIAL]],
        broken: false,
        spelling: make::Spelling::Utf8,
    };
    Document {
        part,
        tbs: make::list_to_be_signed(&list),
        signer,
        algorithm: make::algorithm(signer),
        wrong: None,
    }
}

impl World {
    pub(crate) fn get(&self, part: Part) -> Option<&Document> {
        self.documents.iter().find(|document| document.part == part)
    }

    /// Signs all of it once, for all judges.
    pub(crate) fn signed(&self) -> Signed {
        let each = self.documents.iter();
        let root = self.get(Part::Root).expect("each shape has one");
        Signed {
            ders: each.map(|one| (one.part, one.der())).collect(),
            by_address: self.by_address,
            root_from_above: root.signed_by(self.above),
            above: self.above,
        }
    }
}

/// The certificates and lists of a case as judges get them.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) ders: Vec<(Part, Vec<u8>)>,
    pub(crate) by_address: bool,
    /// The authority, signed by the key above it.
    pub(crate) root_from_above: Vec<u8>,
    pub(crate) above: u8,
}

impl Signed {
    pub(crate) fn der(&self, part: Part) -> Option<Vec<u8>> {
        let mut each = self.ders.iter();
        let found = each.find(|(is, _)| *is == part);
        found.map(|(_, der)| der.clone())
    }

    /// The lists, each with the part that issued it.
    pub(crate) fn lists(&self) -> Vec<(Part, Vec<u8>)> {
        [
            (Part::Root, Part::RootList),
            (Part::Middle, Part::MiddleList),
        ]
        .into_iter()
        .filter_map(|(issuer, list)| Some((issuer, self.der(list)?)))
        .collect()
    }
}
