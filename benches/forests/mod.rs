//! A good chain, authorities of one name, and chains that an unknown peer makes to cost much.

#![allow(
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    reason = "a module of a benchmark"
)]

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, SanType, SerialNumber, SignatureAlgorithm,
};

pub const NAME: &str = "array-000001.example";

fn params(name: &str, number: u32) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(u64::from(number) + 1));
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2036, 1, 1);
    params.use_authority_key_identifier_extension = true;
    params
}

fn ca(name: &str, number: u32) -> CertificateParams {
    let mut params = params(name, number);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn leaf(names: &[String]) -> CertificateParams {
    let mut params = params(NAME, 3);
    let names = names
        .iter()
        .map(|name| SanType::DnsName(name.as_str().try_into().unwrap()));
    params.subject_alt_names = names.collect();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn plain_leaf() -> CertificateParams {
    leaf(&[NAME.to_owned()])
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

fn sign(
    params: &CertificateParams,
    key: &KeyPair,
    by: &CertificateParams,
    by_key: &KeyPair,
) -> Vec<u8> {
    let issuer = Issuer::from_params(by, by_key);
    params.signed_by(key, &issuer).unwrap().der().to_vec()
}

/// A root, and `length` certificates below it with keys of one kind, the end entity first.
pub fn chain_of(algorithm: &'static SignatureAlgorithm, length: u32) -> (Vec<u8>, Vec<Vec<u8>>) {
    let key = || KeyPair::generate_for(algorithm).unwrap();
    let (mut above, mut above_key) = (ca("Root", 0), key());
    let root = above.self_signed(&above_key).unwrap().der().to_vec();
    let mut sent = Vec::new();
    for number in 1..length {
        let (own, own_key) = (ca(&format!("CA {number}"), number), key());
        sent.insert(0, sign(&own, &own_key, &above, &above_key));
        (above, above_key) = (own, own_key);
    }
    sent.insert(0, sign(&plain_leaf(), &key(), &above, &above_key));
    (root, sent)
}

/// A self-signed CA.
pub fn self_signed(number: u32) -> Vec<u8> {
    let params = ca(&format!("Example Root {number:06}"), number);
    params.self_signed(&key()).unwrap().der().to_vec()
}

/// A self-signed end entity.
pub fn named(name: &str) -> Vec<u8> {
    params(name, 1).self_signed(&key()).unwrap().der().to_vec()
}

/// A CA: its certificate, and what signs with it.
pub struct Ca {
    pub der: Vec<u8>,
    params: CertificateParams,
    key: KeyPair,
}

impl Ca {
    fn root(params: CertificateParams) -> Self {
        let key = key();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { der, params, key }
    }

    fn below(&self, params: CertificateParams) -> Self {
        let key = key();
        let der = sign(&params, &key, &self.params, &self.key);
        Self { der, params, key }
    }

    fn issues(&self, params: &CertificateParams) -> Vec<u8> {
        sign(params, &key(), &self.params, &self.key)
    }

    /// Another CA of the same name, with another key; its own signature is not its own, so that none is verified
    /// when it is installed.
    pub fn namesake(&self, number: u32) -> Vec<u8> {
        let mut params = self.params.clone();
        params.serial_number = Some(SerialNumber::from(u64::from(number) + 100));
        params.use_authority_key_identifier_extension = false;
        sign(&params, &key(), &ca("Some other CA", 1), &self.key)
    }
}

pub struct Chain {
    pub root: Vec<u8>,
    pub intermediate: Vec<u8>,
    pub leaf: Vec<u8>,
    top: Ca,
    middle: Ca,
}

/// What is presented, and the authority that is installed if it is not the good chain's.
pub type Hostile = (&'static str, Option<Vec<u8>>, Vec<Vec<u8>>);

impl Chain {
    pub fn good() -> Self {
        let top = Ca::root(ca("Chain Root", 1));
        let middle = top.below(ca("Chain Intermediate", 2));
        Self {
            leaf: middle.issues(&plain_leaf()),
            root: top.der.clone(),
            intermediate: middle.der.clone(),
            top,
            middle,
        }
    }

    /// Another CA of the root's name.
    pub fn namesake(&self, number: u32) -> Vec<u8> {
        self.top.namesake(number)
    }

    /// A root, and a leaf of it that names no key.
    pub fn without_identifiers() -> (Ca, Vec<u8>) {
        let root = Ca::root(ca("Nameless Key Root", 1));
        let mut leaf = plain_leaf();
        leaf.use_authority_key_identifier_extension = false;
        let leaf = root.issues(&leaf);
        (root, leaf)
    }

    /// The dearest chains that an unknown peer can make, and some that one with a certificate of the CA can make.
    pub fn hostile(&self) -> Vec<Hostile> {
        let mine = key();
        // A certificate that says that `by` issued it.
        let claim = |params: &CertificateParams, by: &str| sign(params, &mine, &ca(by, 1), &mine);
        let forged = |name: &str, number: usize, by: &str| {
            let mut params = ca(name, u32::try_from(number).unwrap());
            params.use_authority_key_identifier_extension = false;
            sign(&params, &key(), &ca(by, 1), &mine)
        };
        let below = |by: &str, others: Vec<Vec<u8>>| {
            let mut leaf = plain_leaf();
            leaf.use_authority_key_identifier_extension = false;
            let mut all = vec![claim(&leaf, by)];
            all.extend(others);
            all
        };
        let authority = "Chain Root";
        let names = |count: usize| -> Vec<String> {
            let more = (1..count).map(|number| format!("n{number}.example"));
            more.chain([NAME.to_owned()]).collect()
        };
        let constrained = |name: &str, count: usize| {
            let mut params = ca(name, 1);
            let subtree = |number| GeneralSubtree::DnsName(format!("d{number}.example"));
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: (0..count).map(subtree).collect(),
                excluded_subtrees: Vec::new(),
            });
            params
        };
        let ballast = |mut params: CertificateParams, size: usize| {
            let content = [
                &[0x04, 0x82][..],
                &u16::try_from(size).unwrap().to_be_bytes(),
                &vec![7; size],
            ]
            .concat();
            params
                .custom_extensions
                .push(CustomExtension::from_oid_content(
                    &[1, 3, 6, 1, 4, 1, 1],
                    content,
                ));
            params
        };
        let layered = |layers: usize, width: usize, top: &str| {
            let name = |layer: usize| {
                if layer == layers {
                    top.to_owned()
                } else {
                    format!("Layer {layer}")
                }
            };
            let cells = (0..layers).flat_map(|layer| (0..width).map(move |number| (layer, number)));
            let all = cells.map(|(layer, number)| forged(&name(layer), number, &name(layer + 1)));
            below("Layer 0", all.collect())
        };
        let ring = |size: usize, out: Option<&str>| {
            let pairs = (0..size).flat_map(|from| (0..size).map(move |to| (from, to)));
            let pairs = pairs.filter(|(from, to)| from != to).take(60);
            let mut all: Vec<_> = pairs
                .map(|(from, to)| forged(&format!("Ring {from}"), to, &format!("Ring {to}")))
                .collect();
            all.extend(out.map(|out| forged("Ring 1", 99, out)));
            below("Ring 0", all)
        };
        let narrow = Ca::root(constrained("Narrow Root", 100));
        let bomb_root = Ca::root(ca("Bomb Root", 1));
        let bomb = bomb_root.below(constrained("Bomb", 1500));
        let mut under_genuine = below(
            "Forged",
            (0..60)
                .map(|number| forged("Forged", number, "Chain Intermediate"))
                .collect(),
        );
        under_genuine.push(self.intermediate.clone());
        let genuine = |count: usize| {
            // Cross-signed by the CA itself, under one name with many keys.
            let all = (0..count).map(|_| self.top.below(ca("Genuine", 5)));
            below("Genuine", all.map(|ca| ca.der).collect())
        };
        vec![
            (
                "63 of one subject, in no relation",
                None,
                below(
                    "Forest",
                    (0..63)
                        .map(|number| forged("Forest", number, "Forest"))
                        .collect(),
                ),
            ),
            (
                "63 that the authority's name issued",
                None,
                below(
                    "I",
                    (0..63)
                        .map(|number| forged("I", number, authority))
                        .collect(),
                ),
            ),
            (
                "63 of the authority's name",
                None,
                below(
                    authority,
                    (0..63)
                        .map(|number| forged(authority, number, authority))
                        .collect(),
                ),
            ),
            ("60 below a genuine intermediate", None, under_genuine),
            (
                "30 genuine CAs of one name, a forged leaf",
                None,
                genuine(30),
            ),
            ("six layers of ten", None, layered(6, 10, authority)),
            (
                "six layers of ten, below nobody",
                None,
                layered(6, 10, "Nobody"),
            ),
            ("three layers of twenty", None, layered(3, 20, authority)),
            ("a net of cycles", None, ring(8, None)),
            (
                "a net of cycles, with a way out",
                None,
                ring(8, Some(authority)),
            ),
            (
                "63 in a row",
                None,
                below(
                    "Row 0",
                    (0..63)
                        .map(|number| {
                            forged(
                                &format!("Row {number}"),
                                number,
                                &format!("Row {}", number + 1),
                            )
                        })
                        .collect(),
                ),
            ),
            (
                "a leaf with 3,500 names, forged",
                None,
                vec![claim(&leaf(&names(3500)), authority)],
            ),
            (
                "a leaf with 4,096 names and more, forged",
                None,
                vec![claim(
                    &leaf(
                        &(0..4500)
                            .map(|number| format!("{number}"))
                            .collect::<Vec<_>>(),
                    ),
                    authority,
                )],
            ),
            (
                "a leaf with 3,500 names, none of the server, genuine",
                None,
                {
                    let others: Vec<_> = (1..3500)
                        .map(|number| format!("n{number}.example"))
                        .collect();
                    vec![
                        self.middle.issues(&leaf(&others)),
                        self.intermediate.clone(),
                    ]
                },
            ),
            (
                "3,000 names below an authority with 100 constraints, genuine",
                Some(narrow.der.clone()),
                vec![narrow.issues(&leaf(&names(3000)))],
            ),
            (
                "1,500 constraints above 1,500 names, genuine",
                Some(bomb_root.der.clone()),
                vec![bomb.issues(&leaf(&names(1500))), bomb.der.clone()],
            ),
            (
                "a leaf of 64 KB, forged",
                None,
                vec![claim(&ballast(plain_leaf(), 64_000), authority)],
            ),
            (
                "two certificates of 32 KB, forged",
                None,
                vec![
                    claim(&ballast(plain_leaf(), 31_000), "Fat"),
                    claim(&ballast(ca("Fat", 1), 31_000), authority),
                ],
            ),
            (
                "1,000 certificates",
                None,
                below("X", vec![vec![0x30, 0x00]; 999]),
            ),
        ]
    }
}
