//! The texts: each has one form, and nothing else is read.

use mutual_trust::admin::bundle::{
    Bundle, BundleKey, FleetId, Held, KeySet, Part, Publication, Signature,
};
use mutual_trust::error::BundleError;
use mutual_trust::limits::{MAX_FLEET_KEYS, MAX_FLEET_SIGNATURES, MAX_KEY_SETS};

use super::common::*;
use crate::durable::common::checked;
use crate::support::*;

/// A publication with a rotation, signed by exactly as many as must.
fn small() -> (Held, Publication) {
    let [old, new] = [signers(1), signers(1)];
    let one = key_set(1, &old);
    let two = one.next(1, keys_of(&new)).unwrap();
    let mut made = published(&one, 1, &old)
        .next(Some(two.clone()), bundle(&two, 2))
        .unwrap();
    sign_keys(&mut made, &old);
    sign_keys(&mut made, &new);
    sign(&mut made, &new);
    (Held::new(one, Part::All), made)
}

#[test]
fn a_publication_that_is_cut_anywhere_is_refused() {
    let (node, publication) = small();
    assert!(verify(&node, &publication).is_ok());
    let bytes = publication.to_bytes();
    for length in 0..bytes.len() {
        assert!(Publication::read(&bytes[..length]).is_err(), "{length}");
    }
    for more in [&b"\n"[..], b"end\n", b"\0", b"bundle 0\n"] {
        assert!(Publication::read(&[&bytes, more].concat()).is_err());
    }
}

#[test]
fn a_publication_with_one_other_bit_is_refused_wherever_it_is() {
    let (node, publication) = small();
    let bytes = publication.to_bytes();
    let mut read = 0;
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        // What is read is written back as it is, and is not verified.
        if let Ok(other) = Publication::read(&changed) {
            read += 1;
            assert_eq!(other.to_bytes(), changed);
            assert!(node.verify(&other, now(), None, keys()).is_err(), "{at}");
        }
    }
    // Some are texts of a publication: those of other signatures, keys and records.
    assert!(read > 100, "{read}");
}

#[test]
fn what_is_written_is_read_and_written_again_to_the_byte() {
    let (node, publication) = small();
    let set = publication.key_sets().last().unwrap();
    assert_eq!(KeySet::read(set.to_bytes()).unwrap(), *set);
    let bundle = publication.bundle();
    assert_eq!(Bundle::read(bundle.to_bytes()).unwrap(), *bundle);
    let signature = bundle.sign(&*signers(1)[0]).unwrap();
    assert_eq!(Signature::read(&signature.to_bytes()).unwrap(), signature);
    let after = verify(&node, &publication).unwrap().held().clone();
    for held in [node, after] {
        assert_eq!(Held::read(&held.to_bytes()).unwrap(), held);
    }
}

// Another kind, another fleet and another protocol have other first bytes.
#[test]
fn what_is_signed_begins_with_its_kind_and_its_fleet() {
    let all = signers(1);
    let set = key_set(1, &all);
    let bundle = bundle(&set, 1);
    let line = |kind: &str| format!("mutual-trust 1.0 signs a {kind} of fleet site-a\n");
    for (signed, kind, text) in [
        (set.to_sign(), "key set", set.to_bytes()),
        (bundle.to_sign(), "bundle", bundle.to_bytes()),
    ] {
        assert_eq!(signed, [line(kind).as_bytes(), text].concat());
    }
}

/// The line and the form that an error names.
fn damaged<T: std::fmt::Debug>(read: Result<T, BundleError>) -> usize {
    match read.unwrap_err() {
        BundleError::Damaged { line, source, .. } => {
            assert!(
                source.to_string().contains(&format!("line {line}")),
                "{source}"
            );
            line
        }
        other => panic!("{other}"),
    }
}

#[test]
fn other_forms_of_a_key_set_are_refused_with_their_line() {
    let all = signers(2);
    let one = key_set(2, &all);
    let two = one.next(1, keys_of(&all)).unwrap();
    let text = String::from_utf8(two.to_bytes().to_vec()).unwrap();
    let read = |text: &str| KeySet::read(text.as_bytes());
    assert!(read(&text).is_ok());
    let digest = one.digest().to_string();
    for (from, to, line) in [
        ("mutual-trust key-set", "mutual-trust keyset", 1),
        ("key-set 1.0", "key-set 1", 1),
        ("key-set 1.0", "key-set 01.0", 1),
        ("fleet site-a", "fleet Site-a", 2),
        ("fleet site-a", "fleet  site-a", 2),
        ("fleet site-a", "fleet site-a ", 2),
        ("fleet site-a\n", "fleet site-a\r\n", 2),
        ("version 2", "version 02", 3),
        ("version 2", "version +2", 3),
        ("version 2", "version 1", 4),
        (&digest[..], &digest.to_lowercase()[..], 4),
        ("threshold 1", "threshold 01", 5),
        ("threshold 1", "threshold -1", 5),
        ("BEGIN PUBLIC KEY", "BEGIN CERTIFICATE", 7),
        ("BEGIN PUBLIC KEY-----\n", "BEGIN PUBLIC KEY-----\n\n", 7),
        ("end\n", "end\nend\n", 15),
        ("end\n", "end", 14),
        ("end\n", "", 13),
    ] {
        assert!(text.contains(from), "{from}");
        let changed = text.replacen(from, to, 1);
        assert_eq!(damaged(read(&changed)), line, "{changed}");
    }
    // Keys in another order, and a key under the name of another one.
    let [first, second] = [text.find("key ").unwrap(), text.rfind("key ").unwrap()];
    let first = text[..first].len() + text[first..].find("\nkey ").map_or(0, |_| 0);
    let (head, rest) = text.split_at(first);
    let start = rest.find("\nkey ").unwrap() + 1;
    let (one_key, other_key) = rest.strip_suffix("end\n").unwrap().split_at(start);
    let swapped = format!("{head}{other_key}{one_key}end\n");
    assert_ne!(swapped, text);
    assert_eq!(damaged(read(&swapped)), 6);
    assert!(second > first);
    let line = |key: &str| key.lines().next().unwrap().to_owned();
    let renamed = text.replacen(&line(one_key), &line(other_key), 1);
    assert_eq!(damaged(read(&renamed)), 9);
    let error = read(&text.replacen("key-set 1.0", "key-set 1.1", 1)).unwrap_err();
    assert!(
        matches!(&error, BundleError::UnknownVersion { what: "key set", found, .. } if found == "1.1"),
        "{error}"
    );
}

#[test]
fn a_key_set_has_one_to_sixteen_keys_each_once_and_a_threshold_that_they_can_meet() {
    let all = signers(MAX_FLEET_KEYS + 1);
    let set = |threshold, keys: &[_]| KeySet::new(fleet(), threshold, keys_of(keys));
    let impossible = |made: Result<KeySet, BundleError>, words: &str| {
        let error = made.unwrap_err();
        let is = matches!(&error, BundleError::Impossible { .. });
        assert!(is && error.to_string().contains(words), "{error}");
    };
    impossible(set(0, &all[..2]), "0 of 2");
    impossible(set(3, &all[..2]), "3 of 2");
    impossible(set(1, &[]), "0 keys");
    impossible(set(1, &all), "17 keys");
    assert!(set(MAX_FLEET_KEYS, &all[..MAX_FLEET_KEYS]).is_ok());
    let key = all[0].key();
    let twice = KeySet::new(fleet(), 2, [key.clone(), key.clone()]);
    impossible(twice, "twice");
    // Written by hand as well.
    let text = String::from_utf8(key_set(1, &all[..1]).to_bytes().to_vec()).unwrap();
    let at = text.find("key ").unwrap();
    let doubled = text[at..].strip_suffix("end\n").unwrap();
    let text = format!("{}{doubled}{doubled}end\n", &text[..at]);
    impossible(KeySet::read(text.as_bytes()), "twice");
    let text = format!("{}{}end\n", &text[..at], doubled.repeat(MAX_FLEET_KEYS + 2));
    assert!(KeySet::read(text.as_bytes()).is_err());
    // Version 1 follows none, and there is a last one.
    let text = String::from_utf8(key_set(1, &all[..1]).to_bytes().to_vec()).unwrap();
    let digest = key_set(1, &all[..1]).digest();
    for (version, is_possible) in [(2, true), (MAX_KEY_SETS, true), (MAX_KEY_SETS + 1, false)] {
        let later = format!("version {version}\nafter {digest}\n");
        let read = KeySet::read(text.replacen("version 1\n", &later, 1).as_bytes());
        assert_eq!(read.is_ok(), is_possible, "{version}");
        if version == MAX_KEY_SETS {
            impossible(
                read.unwrap().next(1, keys_of(&all[..1])),
                "the last is 1024",
            );
        }
    }
    let zero = text.replacen("version 1\n", &format!("version 0\nafter {digest}\n"), 1);
    impossible(KeySet::read(zero.as_bytes()), "version is 0");
}

#[test]
fn other_forms_of_a_bundle_are_refused_with_their_line() {
    let all = signers(1);
    let set = key_set(1, &all);
    let text = String::from_utf8(bundle(&set, 7).to_bytes().to_vec()).unwrap();
    // Its head when it is read, its records when they are.
    let read = |text: &str| Bundle::read(text.as_bytes())?.snapshot(keys());
    assert!(read(&text).is_ok());
    let installed = text
        .lines()
        .find(|line| line.starts_with("  installed "))
        .unwrap();
    let at = |start: &str| crate::durable::common::line_of(&text, start);
    let unknown = checked("frob x");
    let end = text.lines().last().unwrap().to_owned();
    let other_end = checked(&end.replacen("entries 2", "entries 3", 1));
    let last = text.lines().count();
    let server = text
        .lines()
        .find(|line| line.starts_with("server "))
        .unwrap();
    for (from, to, line) in [
        ("fleet site-a", "fleet ", 2),
        ("part all", "part ALL", 3),
        ("part all", "part everything", 3),
        ("sequence 7", "sequence 07", 4),
        ("sequence 7\n", "", 4),
        ("made 2026-12-31T00:00:00Z", "made 2026-12-31", 5),
        (
            "until 2027-01-31T00:00:00Z",
            "until 2027-02-30T00:00:00Z",
            6,
        ),
        ("keys 1", "keys 0", 7),
        ("keys 1", "keys 1025", 7),
        ("keys 1\n", "keys 1\ntrust all\n", 8),
        ("keys 1\n", "keys 1\n\n", 8),
        (server, server.split(" #").next().unwrap(), at("server ")),
        (server, &format!("{unknown}\n{server}"), at("server ")),
        ("  name kms1", "  frob kms1", at("  name ")),
        ("  name kms1", "  name KMS1", at("  name ")),
        (
            installed,
            &format!("{installed}\n{installed}"),
            at("  installed ") + 1,
        ),
        (
            installed,
            &format!("{installed}\n  source site-b"),
            at("  installed ") + 1,
        ),
        (&end, &other_end, last),
        (&end, "", last),
        (&format!("{end}\n"), &format!("{end}\n{end}\n"), last + 1),
    ] {
        assert!(text.contains(from), "{from}");
        let changed = text.replacen(from, to, 1);
        assert_eq!(damaged(read(&changed)), line, "{from}, {to}");
    }
    for (from, to) in [
        ("sequence 7", "sequence 0"),
        ("until 2027-01-31", "until 2026-12-31"),
    ] {
        let error = read(&text.replacen(from, to, 1)).unwrap_err();
        assert!(matches!(error, BundleError::Impossible { .. }), "{error}");
    }
    let error = read(&text.replacen("bundle 1.0", "bundle 2.0", 1)).unwrap_err();
    assert!(
        matches!(&error, BundleError::UnknownVersion { what: "bundle", found, .. } if found == "2.0"),
        "{error}"
    );
    // Not UTF-8.
    let mut bytes = text.clone().into_bytes();
    let place = text.find("kms1").unwrap();
    bytes[place] = 0xff;
    assert_eq!(damaged(Bundle::read(&bytes)), at("  name "));
}

#[test]
fn other_forms_of_a_publication_are_refused_with_their_line() {
    let (_, publication) = small();
    let text = String::from_utf8(publication.to_bytes()).unwrap();
    let read = |text: &str| Publication::read(text.as_bytes());
    let at = |start: &str| crate::durable::common::line_of(&text, start);
    let first = text.lines().nth(1).unwrap();
    let bundle = text
        .lines()
        .find(|line| line.starts_with("bundle "))
        .unwrap();
    for (from, to, line) in [
        ("publication 1.0", "publications 1.0", 1),
        (first, &first.replace(' ', "  "), 2),
        (first, &first.replace(' ', " 0"), 2),
        (first, &first.replace(' ', " +"), 2),
        (first, &first.replace("key-set", "keyset"), 2),
        (first, "", 2),
        (bundle, &bundle.replace(' ', " 9"), at("bundle ")),
        (bundle, "end", at("bundle ") + 1),
    ] {
        assert!(text.contains(from), "{from}");
        let changed = text.replacen(from, to, 1);
        let found = read(&changed).unwrap_err();
        let BundleError::Damaged {
            what, line: found, ..
        } = found
        else {
            panic!("{found}");
        };
        let cut = to.starts_with("bundle 9");
        assert_eq!(what, "publication");
        assert_eq!(
            found,
            if cut { text.lines().count() + 1 } else { line },
            "{from}, {to}"
        );
    }
    // Its items in another order.
    let items: Vec<&str> = {
        let mut starts: Vec<usize> = ["\nkey-set ", "\nbundle ", "\nsignature "]
            .iter()
            .flat_map(|start| {
                text.match_indices(start)
                    .map(|(at, _)| at + 1)
                    .collect::<Vec<_>>()
            })
            .collect();
        starts.sort_unstable();
        starts.push(text.rfind("end\n").unwrap());
        starts
            .windows(2)
            .map(|pair| &text[pair[0]..pair[1]])
            .collect()
    };
    let kinds: Vec<&str> = items
        .iter()
        .map(|item| item.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "key-set",
            "key-set",
            "signature",
            "signature",
            "bundle",
            "signature"
        ]
    );
    let title = text.lines().next().unwrap();
    for one in 0..items.len() {
        for other in 0..items.len() {
            let mut changed = items.clone();
            if one == other {
                changed.remove(one);
            } else {
                changed.swap(one, other);
            }
            let changed = format!("{title}\n{}end\n", changed.concat());
            // A signature less is a draft.
            let is_draft = one == other && kinds[one] == "signature";
            assert_eq!(read(&changed).is_ok(), is_draft, "{one} {other}");
            let mut doubled = items.clone();
            doubled.insert(other, items[one]);
            let doubled = format!("{title}\n{}end\n", doubled.concat());
            assert!(read(&doubled).is_err(), "{one} {other}");
        }
    }
    let error = read(&text.replacen("publication 1.0", "publication 1.7", 1)).unwrap_err();
    assert!(
        matches!(&error, BundleError::UnknownVersion { what: "publication", found, .. } if found == "1.7"),
        "{error}"
    );
}

#[test]
fn there_are_so_many_signatures_on_one_thing_and_no_more() {
    let all = signers(1);
    let set = key_set(1, &all);
    let bundle = bundle(&set, 1);
    let draft = Publication::new([set], bundle.clone()).unwrap();
    let signature = |number: u8| {
        let key = mutual_trust::KeyPin::from_bytes([number; 32]);
        Signature::new(bundle.digest(), key, &[1])
            .unwrap()
            .to_bytes()
    };
    let most = u8::try_from(MAX_FLEET_SIGNATURES).unwrap();
    let full = items_with(&draft, (0..most).map(signature));
    let mut full = Publication::read(&full).unwrap();
    let error = Publication::read(&items_with(&draft, (0..=most).map(signature))).unwrap_err();
    assert!(
        matches!(
            error,
            BundleError::TooMany {
                limit: MAX_FLEET_SIGNATURES,
                ..
            }
        ),
        "{error}"
    );
    let error = full.add_signature(bundle.sign(&*all[0]).unwrap(), keys());
    assert!(matches!(error, Err(BundleError::TooMany { .. })));
}

#[test]
fn a_signature_has_one_to_4627_bytes() {
    let (_, publication) = small();
    let digest = publication.bundle().digest();
    let key = mutual_trust::KeyPin::from_bytes([1; 32]);
    let of = |size: usize| Signature::new(digest, key, &vec![7; size]);
    assert!(of(4627).is_ok());
    let error = of(4628).unwrap_err();
    assert!(matches!(error, BundleError::TooLarge { size: 4628, .. }));
    assert!(matches!(of(0), Err(BundleError::Impossible { .. })));
    let text = String::from_utf8(of(100).unwrap().to_bytes()).unwrap();
    for (from, to, line) in [
        ("key 01:", "key 1:", 2),
        ("key 01:01", "key 0101", 2),
        ("over ", "on ", 3),
        ("SIGNATURE", "MESSAGE", 4),
        (
            "-----END SIGNATURE-----\n",
            "-----END SIGNATURE-----\n\n",
            9,
        ),
        (
            "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n",
            "",
            4,
        ),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        let changed = text.replacen(from, to, 1);
        let read = Signature::read(changed.as_bytes());
        // A shorter signature is another one.
        if let Ok(read) = read {
            assert_eq!(read.to_bytes(), changed.as_bytes());
        } else {
            assert_eq!(damaged(read), line, "{changed}");
        }
    }
}

#[test]
fn other_forms_of_what_a_node_holds_are_refused() {
    let (node, publication) = small();
    let held = verify(&node, &publication).unwrap().held().clone();
    let text = String::from_utf8(held.to_bytes()).unwrap();
    let digest = held.digest().unwrap().to_string();
    let read = |text: &str| Held::read(text.as_bytes());
    for (from, to) in [
        ("part all", "part"),
        ("sequence 2", "sequence 0"),
        ("sequence 2", "sequence 02"),
        ("sequence 2", "sequence 4611686018427387904"),
        (" digest ", " "),
        (&digest[..], &digest.to_lowercase()[..]),
        ("end\n", ""),
        ("held 1.0", "held 1.1"),
        ("\nmutual-trust key-set", "\n\nmutual-trust key-set"),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(read(&text.replacen(from, to, 1)).is_err(), "{from}, {to}");
    }
    for length in 0..text.len() {
        assert!(read(&text[..length]).is_err());
    }
}

#[test]
fn the_id_of_a_fleet_and_a_part_have_one_form() {
    let longest = "a".repeat(64);
    for good in ["a", "0", "site-a", "a.b_c-9", &longest] {
        assert_eq!(good.parse::<FleetId>().unwrap().as_str(), good);
    }
    let too_long = "a".repeat(65);
    for bad in [
        "", "A", "-a", ".a", "_a", "a b", "a\n", "ä", "a/b", &too_long,
    ] {
        let error = bad.parse::<FleetId>().unwrap_err();
        assert!(error.to_string().contains("`a-z`"), "{bad}");
    }
    for part in [Part::All, Part::Servers, Part::Systems] {
        assert_eq!(part.to_string().parse(), Ok(part));
    }
    for bad in ["", "All", "all ", "clients"] {
        assert!(bad.parse::<Part>().is_err());
    }
}

#[test]
fn keys_of_other_kinds_and_those_under_which_anyone_signs_are_refused() {
    let refused = |key: Result<BundleKey, BundleError>, words: &str| {
        let error = key.unwrap_err();
        let is = matches!(error, BundleError::Key { .. });
        assert!(is && error.to_string().contains(words), "{error}");
    };
    for (name, words) in [
        ("rsa2048", "RSA 2048"),
        ("p384", "ECDSA P-384"),
        ("p521", "ECDSA P-521"),
    ] {
        let certificate = fixture(&format!("ee-{name}"));
        refused(
            BundleKey::from_der(certificate.subject_public_key_info()),
            words,
        );
    }
    // P-256: not on the curve, compressed, with a byte behind it.
    let good = fixture("ee-p256").subject_public_key_info().to_vec();
    assert!(BundleKey::from_der(&good).is_ok());
    let mut off = good.clone();
    *off.last_mut().unwrap() ^= 1;
    refused(BundleKey::from_der(&off), "not on the curve");
    refused(
        BundleKey::from_der(&[&good[..], &[0]].concat()),
        "malformed",
    );
    refused(BundleKey::from_der(&[]), "malformed");
    let error = BundleKey::from_der(&vec![0x30; 4097]).unwrap_err();
    assert!(matches!(
        error,
        BundleError::TooLarge {
            what: "signing key",
            ..
        }
    ));
    // Ed25519: the points of small order, with either sign, and other forms of a point.
    let good = fixture("ee-ed25519").subject_public_key_info().to_vec();
    assert!(BundleKey::from_der(&good).is_ok());
    let with_point = |point: [u8; 32]| {
        let mut key = good.clone();
        let start = key.len() - 32;
        key[start..].copy_from_slice(&point);
        BundleKey::from_der(&key)
    };
    let small = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        // 2^255 - 19 and more: 0, 1 and 2 again.
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "efffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    for text in small {
        let mut point = [0; 32];
        for (at, byte) in point.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..][..2], 16).unwrap();
        }
        refused(with_point(point), "anyone can sign");
        point[31] |= 0x80;
        refused(with_point(point), "anyone can sign");
    }
    // PEM: one section, of a public key.
    let pem = fixture("ee-p256").to_pem();
    refused(BundleKey::from_pem(pem.as_bytes()), "CERTIFICATE");
    refused(BundleKey::from_pem(b"text"), "PEM");
}
