//! Values at the edges of what RFC 5280 allows, and beyond them, by the field in which they stand.

use crate::make::{self, tlv};
use crate::world::{ADDRESS, HOST, LEAF_SERIAL, NOW, OTHER_SERIAL};

pub(crate) fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(digit).collect()
}

fn all(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| hex(text)).collect()
}

/// The content of the identifier of an extension `2.5.29.last`.
pub(crate) fn id(last: u8) -> Vec<u8> {
    vec![0x55, 0x1d, last]
}

/// An identifier of RFC 5280's own arc: private extensions, purposes.
fn pkix(arc: u8, last: u8) -> Vec<u8> {
    vec![0x2b, 6, 1, 5, 5, 7, arc, last]
}

pub(crate) const UNKNOWN: [u8; 4] = [0x2a, 3, 4, 5];

/// The identifiers of extensions, known and unknown.
pub(crate) fn identifiers() -> Vec<Vec<u8>> {
    let standard = [
        9, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 27, 28, 29, 30, 31, 32, 33, 35, 36, 37, 46, 54,
    ];
    let mut all: Vec<Vec<u8>> = standard.map(id).to_vec();
    all.extend([pkix(1, 1), pkix(1, 3), pkix(1, 11), pkix(1, 24)]);
    all.push(UNKNOWN.to_vec());
    // Of Netscape and of Microsoft: old, and still written.
    all.push(hex("6086480186f8420101"));
    all.push(hex("2b0601040182371402"));
    all
}

/// Those on which most of a verdict rests: of a certificate, or of a list.
pub(crate) fn common(of_list: bool) -> Vec<Vec<u8>> {
    let last: &[u8] = if of_list {
        &[28, 28, 28, 27, 20, 35]
    } else {
        &[30, 30, 15, 17, 19, 37]
    };
    last.iter().map(|last| id(*last)).collect()
}

fn purposes(last: &[u8]) -> Vec<u8> {
    let each = last.iter().map(|last| tlv(6, &pkix(3, *last)));
    seq(&each.collect::<Vec<_>>())
}

fn dns(text: &str) -> Vec<u8> {
    tlv(0x82, text.as_bytes())
}

/// Names that may stand among alternative names.
fn general_names() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        HOST,
        "A.KMS.EXAMPLE",
        "*.kms.example",
        "*.example",
        "*",
        "a.*.example",
        "a*.kms.example",
        "xn--a.kms.example",
        "a.kms.example.",
        ".kms.example",
        "a..kms.example",
        "a.kms.example\0",
        "a.kms.example\0.evil.example",
        " a.kms.example",
        "a_b.kms.example",
        "evil.example",
        "192.0.2.1",
        "",
    ]
    .iter()
    .map(|text| dns(text))
    .collect();
    all.extend([
        tlv(0x87, &[192, 0, 2, 1]),
        tlv(0x87, &[192, 0, 2, 2]),
        tlv(0x87, &[192, 0, 2]),
        tlv(0x87, &[]),
        tlv(0x87, &hex("00000000000000000000ffffc0000201")),
        tlv(0x87, &[192, 0, 2, 1, 255, 255, 255, 0]),
        tlv(0x81, b"root@kms.example"),
        tlv(0x81, b"kms.example"),
        tlv(0x86, b"https://a.kms.example/"),
        tlv(0x86, b"a.kms.example"),
    ]);
    all.extend(of_other_kinds());
    all.push(tlv(0x89, b"x"));
    all
}

/// Names that no host has, also as bases of constraints.
fn of_other_kinds() -> [Vec<u8>; 4] {
    [
        tlv(0xa4, &make::name("other")),
        tlv(0xa4, &seq(&[])),
        tlv(
            0xa0,
            &[tlv(6, &UNKNOWN), tlv(0xa0, &tlv(0x0c, b"x"))].concat(),
        ),
        tlv(0x88, &UNKNOWN),
    ]
}

/// Bases of name constraints.
fn bases() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        HOST,
        "kms.example",
        ".kms.example",
        "example",
        "EXAMPLE",
        "other.example",
        ".a.kms.example",
        "s.example",
        "*.kms.example",
        "",
        ".",
        "kms.example.",
    ]
    .iter()
    .map(|text| dns(text))
    .collect();
    all.extend([
        tlv(0x87, &[192, 0, 2, 0, 255, 255, 255, 0]),
        tlv(0x87, &[192, 0, 2, 1, 255, 255, 255, 255]),
        tlv(0x87, &[0; 8]),
        tlv(0x87, &[192, 0, 2, 0, 255, 0, 255, 0]),
        tlv(0x87, &[198, 51, 100, 0, 255, 255, 255, 0]),
        tlv(0x87, &[192, 0, 2, 1]),
        tlv(0x87, &[0; 32]),
        tlv(0x81, b"kms.example"),
        tlv(0x81, b"root@kms.example"),
        tlv(0x86, b".kms.example"),
        tlv(0xa4, &make::name("leaf")),
    ]);
    all.extend(of_other_kinds());
    all
}

/// Values of an extension, without the OCTET STRING around them.
pub(crate) fn values(identifier: &[u8]) -> Vec<Vec<u8>> {
    match identifier {
        [0x55, 0x1d, 19] => all(&[
            "3000",
            "30030101ff",
            "30060101ff020100",
            "30060101ff020101",
            "30060101ff020102",
            "30060101ff0201ff",
            "30070101ff02020100",
            "30070101ff02020000",
            "30060101ff028100",
            "3003020100",
            "3003010101",
            "3003010100",
            "3006010100020100",
            "30080101ff0201000500",
            "30050101ff0500",
            "0500",
            "",
            "30040102ffff",
            "30050101ff0200",
            "30060201000101ff",
            "30090101ff020401000000",
            "300a0101ff02050100000000",
            "3006 0101ff 0101ff",
        ]
        .map(|text| text.replace(' ', ""))
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()),
        [0x55, 0x1d, 15] => all(&[
            "03020780",
            "03020204",
            "03020106",
            "03020102",
            "03020186",
            "03020284",
            "03020520",
            "03020560",
            "030100",
            "03020700",
            "03020080",
            "03020086",
            "0303070080",
            "0303078080",
            "03020380",
            "03020001",
            "030207ff",
            "0302087f",
            "0301",
            "",
            "0500",
            "0403800000",
            "230503030007ff80",
        ]),
        [0x55, 0x1d, 37] => {
            let any = tlv(6, &[0x55, 0x1d, 0x25, 0]);
            vec![
                purposes(&[1]),
                purposes(&[2]),
                purposes(&[3]),
                purposes(&[9]),
                purposes(&[1, 2]),
                purposes(&[1, 1]),
                purposes(&[2, 9]),
                purposes(&[]),
                seq(std::slice::from_ref(&any)),
                seq(&[tlv(6, &pkix(3, 2)), any]),
                purposes(&[0x80]),
                vec![],
                seq(&[tlv(6, &[0x2b, 6, 1, 5, 5, 7, 3, 0x80, 1])]),
                seq(&[tlv(6, &[])]),
                seq(&[tlv(6, &pkix(3, 1)), tlv(5, &[])]),
                tlv(6, &pkix(3, 1)),
                seq(&[tlv(6, &hex("6086480186f8420401"))]),
                seq(&[tlv(6, &hex("2b0601040182370a0303"))]),
            ]
        }
        [0x55, 0x1d, 14] => {
            vec![
                tlv(4, &[1; 8]),
                tlv(4, &[2; 8]),
                tlv(4, &[]),
                tlv(4, &[7; 40]),
                tlv(3, &[0, 1]),
                vec![],
            ]
        }
        [0x55, 0x1d, 35] => {
            let key = |byte| tlv(0x80, &[byte; 8]);
            let issuer = |text| tlv(0xa1, &tlv(0xa4, &make::name(text)));
            let serial = |bytes: &[u8]| tlv(0x82, bytes);
            vec![
                seq(&[]),
                seq(&[key(1)]),
                seq(&[key(2)]),
                seq(&[key(9)]),
                seq(&[tlv(0x80, &[])]),
                seq(&[issuer("root"), serial(&[2])]),
                seq(&[issuer("other"), serial(&[2])]),
                seq(&[key(1), issuer("root"), serial(&[9])]),
                seq(&[key(1), issuer("root")]),
                seq(&[serial(&[2])]),
                seq(&[key(1), serial(&[0, 2])]),
                seq(&[serial(&[2]), key(1)]),
                seq(&[key(1), key(1)]),
                tlv(4, &[1; 8]),
                vec![],
            ]
        }
        [0x55, 0x1d, 17 | 18] => {
            let names = general_names();
            let mut all: Vec<Vec<u8>> = names
                .iter()
                .map(|name| seq(std::slice::from_ref(name)))
                .collect();
            all.extend(names.iter().map(|name| seq(&[name.clone(), dns(HOST)])));
            all.extend(names.iter().map(|name| {
                let address = ADDRESS.split('.').filter_map(|part| part.parse().ok());
                seq(&[
                    dns(HOST),
                    name.clone(),
                    tlv(0x87, &address.collect::<Vec<u8>>()),
                ])
            }));
            all.extend([seq(&[]), vec![], tlv(5, &[])]);
            all
        }
        [0x55, 0x1d, 30] => {
            let tree = |base: &Vec<u8>| seq(std::slice::from_ref(base));
            let permitted = |trees: &[Vec<u8>]| tlv(0xa0, &trees.concat());
            let excluded = |trees: &[Vec<u8>]| tlv(0xa1, &trees.concat());
            let bases = bases();
            let mut all: Vec<Vec<u8>> = Vec::new();
            for base in &bases {
                all.push(seq(&[permitted(&[tree(base)])]));
                all.push(seq(&[excluded(&[tree(base)])]));
                all.push(seq(&[permitted(&[
                    tree(base),
                    tree(&dns(HOST)),
                    tree(&bases[12]),
                ])]));
                all.push(seq(&[
                    permitted(&[tree(&dns("example"))]),
                    excluded(&[tree(base)]),
                ]));
                let minimum = seq(&[base.clone(), tlv(0x80, &[0])]);
                let more = seq(&[base.clone(), tlv(0x80, &[1])]);
                let most = seq(&[base.clone(), tlv(0x81, &[1])]);
                all.extend([minimum, more, most].map(|tree| seq(&[permitted(&[tree])])));
            }
            all.extend([seq(&[]), seq(&[permitted(&[])]), vec![], tlv(5, &[])]);
            all
        }
        [0x55, 0x1d, 32] => {
            let policy = |id: &[u8]| seq(&[tlv(6, id)]);
            let any = [0x55, 0x1d, 32, 0];
            vec![
                seq(&[policy(&UNKNOWN)]),
                seq(&[policy(&UNKNOWN), policy(&UNKNOWN)]),
                seq(&[policy(&any)]),
                seq(&[]),
                seq(&[seq(&[tlv(6, &UNKNOWN), seq(&[])])]),
                vec![],
                seq(&[seq(&[
                    tlv(6, &any),
                    seq(&[seq(&[tlv(6, &UNKNOWN), tlv(5, &[])])]),
                ])]),
            ]
        }
        [0x55, 0x1d, 33] => {
            let pair = |from: &[u8], to: &[u8]| seq(&[tlv(6, from), tlv(6, to)]);
            let any = [0x55, 0x1d, 32, 0];
            vec![
                seq(&[pair(&UNKNOWN, &UNKNOWN)]),
                seq(&[pair(&any, &UNKNOWN)]),
                seq(&[]),
                vec![],
            ]
        }
        [0x55, 0x1d, 36] => all(&[
            "3000",
            "3003800100",
            "3003810100",
            "3003800101",
            "30038001ff",
            "300480020000",
            "",
            "0500",
        ]),
        [0x55, 0x1d, 54] => all(&["020100", "020101", "0201ff", "02020000", "", "0500"]),
        [0x55, 0x1d, 31 | 46] => {
            let full = tlv(0xa0, &tlv(0xa0, &tlv(0x86, b"http://kms.example/list")));
            let relative = tlv(0xa0, &tlv(0xa1, &hex("3003060101")));
            let issuer = |text| tlv(0xa2, &tlv(0xa4, &make::name(text)));
            vec![
                seq(&[seq(std::slice::from_ref(&full))]),
                seq(&[seq(&[])]),
                seq(&[]),
                seq(&[seq(&[relative])]),
                seq(&[seq(&[full.clone(), tlv(0x81, &[6, 0x40])])]),
                seq(&[seq(&[issuer("other")])]),
                seq(&[seq(&[full, issuer("root")])]),
                vec![],
            ]
        }
        [0x55, 0x1d, 28] => {
            let full = tlv(0xa0, &tlv(0xa0, &tlv(0x86, b"http://kms.example/list")));
            let other = tlv(0xa0, &tlv(0xa0, &tlv(0x86, b"http://kms.example/other")));
            let flag = |number: u8| tlv(0x80 | number, &[0xff]);
            vec![
                seq(&[]),
                seq(&[flag(1)]),
                seq(&[flag(2)]),
                seq(&[flag(4)]),
                seq(&[flag(5)]),
                seq(&[flag(1), flag(2)]),
                seq(&[tlv(0x83, &[6, 0x40])]),
                seq(&[tlv(0x83, &[0])]),
                seq(std::slice::from_ref(&full)),
                seq(&[full, flag(1)]),
                seq(&[other]),
                seq(&[tlv(0x81, &[0])]),
                seq(&[tlv(0x81, &[1])]),
                vec![],
                tlv(5, &[]),
            ]
        }
        [0x55, 0x1d, 20 | 27] => all(&[
            "020101",
            "020100",
            "0201ff",
            "02020001",
            "0200",
            "",
            "02140100000000000000000000000000000000000000",
            "02150100000000000000000000000000000000000000ff",
            "0500",
        ]),
        [0x55, 0x1d, 21] => all(&[
            "0a0101", "0a0108", "0a0106", "0a0100", "0a010b", "0a01ff", "020101", "",
        ]),
        [0x55, 0x1d, 29] => vec![
            seq(&[tlv(0xa4, &make::name("root"))]),
            seq(&[tlv(0xa4, &make::name("other"))]),
            seq(&[]),
            vec![],
        ],
        [0x55, 0x1d, 24] => vec![
            tlv(0x18, b"20260101000000Z"),
            tlv(0x17, b"260101000000Z"),
            vec![],
        ],
        _ => all(&["3000", "0500", "", "0401ff", "30053003060101"]),
    }
}

/// Serial numbers in DER.
pub(crate) fn serials() -> Vec<Vec<u8>> {
    let mut all = all(&[
        "020100",
        "0201ff",
        "0200",
        "02020031",
        "0203000031",
        "021500c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4",
        "0214c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4",
        "02160101010101010101010101010101010101010101010101",
        "0a0131",
        "0500",
    ]);
    all.extend([LEAF_SERIAL, OTHER_SERIAL, 2, 3].map(|serial| tlv(2, &[serial])));
    all.push(tlv(2, &[0, OTHER_SERIAL]));
    all
}

/// Times in DER, before and behind the clock; the nearest one behind it is a second later than the tolerance of rule M3.
pub(crate) fn times() -> Vec<Vec<u8>> {
    let mut times: Vec<Vec<u8>> = [
        "260101000000Z",
        "280101000000Z",
        "2601010000Z",
        "260101000000+0000",
        "270101000000Z",
        "261231235959Z",
        "270101000501Z",
        "261231235960Z",
        "260229000000Z",
        "261301000000Z",
        "260100000000Z",
        "491231235959Z",
        "500101000000Z",
        "991231235959Z",
        "260101240000Z",
        "2601010000000Z",
        "26010100000Z",
        "260101000000",
        "260101 00000Z",
        "-60101000000Z",
        "270101060000+0600",
        "261231180000-0600",
        "260101000000z",
    ]
    .iter()
    .map(|text| tlv(0x17, text.as_bytes()))
    .collect();
    times.extend(
        [
            "20260101000000Z",
            "20280101000000Z",
            "20510101000000Z",
            "99991231235959Z",
            "20260101000000.5Z",
            "20280101000000.000Z",
            "202801010000Z",
            "20280101000000+0000",
            "20270101000000Z",
            "20261231235959Z",
            "00000101000000Z",
            "19491231235959Z",
            "2028010100Z",
            "20280101000000",
            "20270101060000+0600",
            "20280229000000Z",
        ]
        .iter()
        .map(|text| tlv(0x18, text.as_bytes())),
    );
    times.push(tlv(0x0c, b"280101000000Z"));
    times.push(tlv(2, &NOW.to_be_bytes()));
    times
}

/// thisUpdate and nextUpdate of lists that have ended, that begin later, and that are current.
pub(crate) fn updates() -> Vec<[Vec<u8>; 2]> {
    let time = |text: &str| tlv(0x17, text.as_bytes());
    [
        ("261101000000Z", "261201000000Z"),
        ("261101000000Z", "261231235959Z"),
        ("261101000000Z", "270101000000Z"),
        ("261101000000Z", "270101000001Z"),
        ("270101000501Z", "270201000000Z"),
        ("280101000000Z", "290101000000Z"),
        ("270201000000Z", "261101000000Z"),
    ]
    .map(|(this, next)| [time(this), time(next)])
    .to_vec()
}

/// A name in other spellings: of equal value, of another value, and malformed.
pub(crate) fn names(text: &str) -> Vec<Vec<u8>> {
    let typed = |tag, text: &[u8]| {
        let value = [tlv(6, &[0x55, 4, 3]), tlv(tag, text)].concat();
        tlv(0x30, &tlv(0x31, &tlv(0x30, &value)))
    };
    let wide: Vec<u8> = text.bytes().flat_map(|byte| [0, byte]).collect();
    let wider: Vec<u8> = text.bytes().flat_map(|byte| [0, 0, 0, byte]).collect();
    let one =
        |last: u8, text: &[u8]| tlv(0x30, &[tlv(6, &[0x55, 4, last]), tlv(0x0c, text)].concat());
    vec![
        make::name(text),
        typed(0x13, text.as_bytes()),
        typed(0x14, text.as_bytes()),
        typed(0x16, text.as_bytes()),
        typed(0x1e, &wide),
        typed(0x1c, &wider),
        make::name(&text.to_uppercase()),
        make::name(&format!(" {text} ")),
        make::name(&format!("{text}\0")),
        make::name("other"),
        make::name(""),
        seq(&[]),
        seq(&[tlv(0x31, &[])]),
        tlv(
            0x30,
            &tlv(0x31, &[one(3, text.as_bytes()), one(10, b"x")].concat()),
        ),
        tlv(
            0x30,
            &[
                tlv(0x31, &one(3, text.as_bytes())),
                tlv(0x31, &one(10, b"x")),
            ]
            .concat(),
        ),
        tlv(0x30, &tlv(0x31, &one(10, text.as_bytes()))),
        typed(0x13, b"a@b_c*"),
        typed(0x0c, &[0xff, 0xfe]),
        make::name(HOST),
        tlv(0x31, &one(3, text.as_bytes())),
    ]
}

/// Algorithms in DER: of signatures and of keys.
pub(crate) fn algorithms() -> Vec<Vec<u8>> {
    let mut all = all(&[
        // ecdsa-with-SHA384, sha384WithRSAEncryption, sha1WithRSAEncryption, ecdsa-with-SHA1, RSASSA-PSS without parameters.
        "300a06082a8648ce3d040303",
        "300d06092a864886f70d01010c0500",
        "300d06092a864886f70d0101050500",
        "300906072a8648ce3d0401",
        "300b06092a864886f70d01010a",
        // With and without NULL.
        "300706032b65700500",
        "300c06082a8648ce3d0403020500",
        "300b06092a864886f70d01010b",
        "300f06092a864886f70d01010b0c026162",
        // An identifier that is padded, and none.
        "30060604802b6570",
        "3000",
        "30020600",
        "300506032a0304",
        "3012060b2a864886f70d0101800b05000500",
    ]);
    all.extend([1, make::FIRST_EC, make::FIRST_RSA].map(make::algorithm));
    all
}

/// Keys in DER, of which none is that of a certificate of the case.
pub(crate) fn keys() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [20, make::FIRST_EC + 3, make::FIRST_RSA]
        .map(make::public_key)
        .to_vec();
    // An RSA key of 512 bits, and one whose exponent is 1.
    let modulus = |bytes: usize| tlv(2, &[&[0][..], &vec![0xc5; bytes]].concat());
    let rsa = |modulus: Vec<u8>, exponent: &[u8]| {
        let key = seq(&[modulus, tlv(2, exponent)]);
        let kind = hex("300d06092a864886f70d0101010500");
        seq(&[kind, tlv(3, &[&[0], key.as_slice()].concat())])
    };
    all.extend([
        rsa(modulus(64), &[1, 0, 1]),
        rsa(modulus(256), &[1]),
        rsa(modulus(256), &[3]),
    ]);
    // A point of P-256 that is not on the curve, and one of a curve without a name that any verifier knows.
    let point = [&[0, 4][..], &[1; 64]].concat();
    all.push(seq(&[
        hex("301306072a8648ce3d020106082a8648ce3d030107"),
        tlv(3, &point),
    ]));
    all.push(seq(&[
        hex("301006072a8648ce3d020106052b8104000a"),
        tlv(3, &point),
    ]));
    all
}
