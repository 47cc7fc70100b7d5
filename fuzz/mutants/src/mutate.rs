//! Changes of what is to be signed: of any value in the tree, and of fields by what they mean.

use crate::catalog;
use crate::make::{self, tlv};
use crate::random::Random;
use crate::tree::{Body, Length, Value};
use crate::world::{Document, Part, World};

/// Changes a world in one place, and says where and how. `None` if the place is not there.
pub(crate) fn change(world: &mut World, random: &mut Random) -> Option<String> {
    let number = random.below(world.documents.len());
    if random.once_in(40) {
        let bit = random.byte();
        let document = &mut world.documents[number];
        document.wrong = Some(bit);
        return Some(format!("{}: signature wrong", document.part.name()));
    }
    let document = &mut world.documents[number];
    let part = document.part;
    let mut tree = Value::read(&document.tbs)?;
    let what = if random.once_in(3) {
        anywhere(&mut tree, random)
    } else if part.is_list() && random.once_in(2) {
        in_list(&mut tree, random)
    } else {
        match random.below(10) {
            0..6 => extension(&mut tree, part, random),
            6 => algorithm(&mut tree, document, random),
            _ if part.is_list() => in_list(&mut tree, random),
            _ => field(&mut tree, part, random),
        }
    }?;
    document.tbs = tree.der();
    let mut what = format!("{}: {what}", part.name());
    // What is below goes along with a new name, and so does what signed itself.
    if let (Part::Root | Part::Middle, true) = (part, random.once_in(2)) {
        let name = subject(&mut tree).cloned();
        if let Some(name) = name
            && rename(world, part, &name)
        {
            what.push_str(", with what names it");
        }
    }
    Some(what)
}

/// Where the fields of a certificate start: behind its version.
fn start(tree: &mut Value) -> usize {
    usize::from(tree.child(0).is_some_and(|first| first.tag == 0xa0))
}

fn subject(tree: &mut Value) -> Option<&mut Value> {
    let start = start(tree);
    tree.child(start + 4)
}

/// Writes this name as the issuer of all that the part issued. Says whether that was a change.
fn rename(world: &mut World, issuer: Part, name: &Value) -> bool {
    let has_middle = world.get(Part::Middle).is_some();
    let mut changed = false;
    for document in &mut world.documents {
        let issued = match (issuer, document.part) {
            (Part::Root, Part::Root | Part::Middle | Part::RootList) => true,
            (Part::Root, Part::Leaf) => !has_middle,
            (Part::Middle, Part::Leaf | Part::MiddleList) => true,
            _ => false,
        };
        let Some(mut tree) = Value::read(&document.tbs).filter(|_| issued) else {
            continue;
        };
        let at = if document.part.is_list() {
            list_start(&mut tree) + 1
        } else {
            start(&mut tree) + 2
        };
        if let Some(place) = tree.child(at)
            && place != name
        {
            *place = name.clone();
            document.tbs = tree.der();
            changed = true;
        }
    }
    changed
}

/// Any value of the tree, without regard to what it means.
fn anywhere(tree: &mut Value, random: &mut Random) -> Option<String> {
    let number = random.below(tree.count());
    let other = {
        let other = random.below(tree.count());
        tree.at(other)?.clone()
    };
    let value = tree.at(number)?;
    let what = match random.below(12) {
        kind @ 0..4 => {
            let Body::Bytes(bytes) = &mut value.body else {
                return None;
            };
            let at = random.below(bytes.len());
            match kind {
                0 if !bytes.is_empty() => {
                    bytes[at] ^= 1 << random.below(8);
                    "bit"
                }
                1 if !bytes.is_empty() => {
                    bytes[at] = *random.one(&[0, 1, 0x7f, 0x80, 0xff]);
                    "byte"
                }
                2 => {
                    bytes.insert(at, *random.one(&[0, 0xff, 0x80, b'.', b'a']));
                    "byte inserted"
                }
                3 if !bytes.is_empty() => {
                    bytes.remove(at);
                    "byte removed"
                }
                _ => return None,
            }
        }
        4 => {
            value.tag = *random.one(&[
                1, 2, 3, 4, 5, 6, 0x0a, 0x0c, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1e, 0x30, 0x31, 0x80,
                0x82, 0xa0, 0xa1, 0xa3, 0xa4,
            ]);
            "tag"
        }
        5 => {
            value.tag ^= 0x20;
            "constructed"
        }
        6 => {
            value.length = Length::Padded;
            "length padded"
        }
        7 => {
            value.length = Length::Off(*random.one(&[-1, 1, 2, -2]));
            "length wrong"
        }
        8 if value.tag & 0x20 != 0 => {
            value.length = Length::Indefinite;
            "length indefinite"
        }
        9 => {
            *value = other;
            "replaced by another"
        }
        10 => {
            let values = value.values()?;
            let at = random.below(values.len() + 1);
            match random.below(3) {
                0 => {
                    values.insert(at, other);
                    "another inserted"
                }
                1 => {
                    let copy = values.get(random.below(values.len()))?.clone();
                    values.insert(at, copy);
                    "child doubled"
                }
                _ => {
                    values.insert(at, Value::bytes(*random.one(&[5, 2, 4, 0x80, 0]), &[]));
                    "empty child inserted"
                }
            }
        }
        _ => {
            let values = value.values().filter(|values| !values.is_empty())?;
            let at = random.below(values.len());
            if random.once_in(2) {
                values.remove(at);
                "child removed"
            } else {
                let to = random.below(values.len());
                values.swap(at, to);
                "children swapped"
            }
        }
    };
    Some(format!("{what} at {number}"))
}

/// The list of extensions, which is made if there is none.
fn extensions(tree: &mut Value, part: Part) -> Option<&mut Vec<Value>> {
    let tag = if part.is_list() { 0xa0 } else { 0xa3 };
    let values = tree.values()?;
    if !values.iter().skip(1).any(|value| value.tag == tag) {
        values.push(Value::read(&tlv(tag, &tlv(0x30, &[])))?);
    }
    let outer = values.iter_mut().skip(1).find(|value| value.tag == tag)?;
    outer.child(0)?.values()
}

fn written(identifier: &[u8], critical: bool, content: &[u8]) -> Option<Value> {
    let flag = if critical {
        tlv(1, &[0xff])
    } else {
        Vec::new()
    };
    Value::read(&tlv(
        0x30,
        &[tlv(6, identifier), flag, tlv(4, content)].concat(),
    ))
}

fn shown(identifier: &[u8]) -> String {
    match identifier {
        [0x55, 0x1d, last] => format!("2.5.29.{last}"),
        other => format!("{other:02x?}"),
    }
}

fn extension(tree: &mut Value, part: Part, random: &mut Random) -> Option<String> {
    let list = extensions(tree, part)?;
    if random.once_in(3) || list.is_empty() {
        // One that is not there, or again.
        let identifiers = if random.once_in(2) {
            catalog::common(part.is_list())
        } else {
            catalog::identifiers()
        };
        let identifier = random.one(&identifiers).clone();
        let values = catalog::values(&identifier);
        let content = random.one(&values);
        let critical = random.once_in(2);
        let at = random.below(list.len() + 1);
        list.insert(at, written(&identifier, critical, content)?);
        let flag = if critical { "critical" } else { "not critical" };
        return Some(format!(
            "{} added, {flag}, {content:02x?}",
            shown(&identifier)
        ));
    }
    let at = random.below(list.len());
    let mut identifier = match list[at].child(0).map(|id| &id.body) {
        Some(Body::Bytes(bytes)) => bytes.clone(),
        _ => return None,
    };
    let name = shown(&identifier);
    let count = list.len();
    let what = match random.below(12) {
        0 => {
            list.remove(at);
            "removed".to_owned()
        }
        1 => {
            let copy = list[at].clone();
            list.insert(random.below(count + 1), copy);
            "doubled".to_owned()
        }
        2 => {
            list.swap(at, random.below(count));
            "moved".to_owned()
        }
        3 | 4 => {
            let fields = list[at].values()?;
            if fields.get(1)?.tag == 1 {
                fields.remove(1);
                "not critical".to_owned()
            } else {
                fields.insert(1, Value::bytes(1, &[0xff]));
                "critical".to_owned()
            }
        }
        5 => {
            let fields = list[at].values()?;
            fields.retain(|field| field.tag != 1);
            let bytes: [&[u8]; 5] = [&[0], &[1], &[0xfe], &[], &[0xff, 0xff]];
            let byte = *random.one(&bytes);
            fields.insert(1, Value::bytes(1, byte));
            format!("critical {byte:02x?}")
        }
        6 => {
            let identifiers = catalog::identifiers();
            identifier.clone_from(random.one(&identifiers));
            *list[at].child(0)? = Value::bytes(6, &identifier);
            format!("becomes {}", shown(&identifier))
        }
        _ => {
            let values = catalog::values(&identifier);
            let content = random.one(&values);
            let fields = list[at].values()?;
            *fields.last_mut()? = Value::bytes(4, content);
            format!("{content:02x?}")
        }
    };
    Some(format!("{name} {what}"))
}

/// The algorithm inside, beside the signature, or both.
fn algorithm(tree: &mut Value, document: &mut Document, random: &mut Random) -> Option<String> {
    let at = if document.part.is_list() {
        list_start(tree)
    } else {
        start(tree) + 1
    };
    let algorithms = catalog::algorithms();
    let new = random.one(&algorithms).clone();
    let place = random.below(3);
    if place != 0 {
        *tree.child(at)? = Value::read(&new)?;
    }
    if place != 1 {
        document.algorithm.clone_from(&new);
    }
    let place = ["beside", "inside", "inside and beside"][place];
    Some(format!("algorithm {place} {new:02x?}"))
}

/// Puts one of these values at a place of a SEQUENCE.
fn put(
    parent: &mut Value,
    at: usize,
    values: &[Vec<u8>],
    name: &str,
    random: &mut Random,
) -> Option<String> {
    let new = random.one(values);
    *parent.child(at)? = Value::read(new)?;
    Some(format!("{name} {new:02x?}"))
}

/// A field of a certificate but its extensions.
fn field(tree: &mut Value, part: Part, random: &mut Random) -> Option<String> {
    let start = start(tree);
    let own = match part {
        Part::Root => "root",
        Part::Middle => "middle",
        _ => "leaf",
    };
    match random.below(10) {
        0 => version(tree, random),
        1 => put(tree, start, &catalog::serials(), "serial number", random),
        2 => {
            let issuer = *random.one(&["root", "middle"]);
            put(tree, start + 2, &catalog::names(issuer), "issuer", random)
        }
        3 | 4 => put(tree, start + 4, &catalog::names(own), "subject", random),
        5 => put(tree, start + 5, &catalog::keys(), "key", random),
        6 => {
            let key = tree.child(start + 5)?;
            put(
                key,
                0,
                &catalog::algorithms(),
                "algorithm of the key",
                random,
            )
        }
        7 => {
            let tag = *random.one(&[0x81, 0x82]);
            let values = tree.values()?;
            let at = (start + 6).min(values.len());
            values.insert(at, Value::bytes(tag, &[0, 1, 2, 3]));
            Some(format!("unique identifier {tag:02x}"))
        }
        _ => {
            let at = random.below(2);
            let period = tree.child(start + 3)?;
            let name = ["notBefore", "notAfter"][at];
            put(period, at, &catalog::times(), name, random)
        }
    }
}

fn version(tree: &mut Value, random: &mut Random) -> Option<String> {
    let values = tree.values()?;
    let has = values.first().is_some_and(|first| first.tag == 0xa0);
    if has {
        values.remove(0);
    }
    let numbers: [&[u8]; 7] = [&[], &[0], &[1], &[2], &[3], &[0xff], &[0, 2]];
    let number = *random.one(&numbers);
    if number.is_empty() {
        return has.then(|| "version absent".to_owned());
    }
    values.insert(0, Value::read(&tlv(0xa0, &tlv(2, number)))?);
    Some(format!("version {number:02x?}"))
}

/// Where the fields of a list start: behind its version.
fn list_start(tree: &mut Value) -> usize {
    usize::from(tree.child(0).is_some_and(|first| first.tag == 2))
}

/// A field of a revocation list but its extensions.
fn in_list(tree: &mut Value, random: &mut Random) -> Option<String> {
    let start = list_start(tree);
    let is_time = |value: &Value| matches!(value.tag, 0x17 | 0x18);
    match random.below(12) {
        10 | 11 => {
            let updates = catalog::updates();
            let [this, next] = random.one(&updates);
            *tree.child(start + 2)? = Value::read(this)?;
            *tree.child(start + 3)? = Value::read(next)?;
            Some(format!("updates {this:02x?} {next:02x?}"))
        }
        0 => {
            let values = tree.values()?;
            if start == 1 {
                values.remove(0);
            }
            let numbers: [&[u8]; 5] = [&[], &[0], &[1], &[2], &[0xff]];
            let number = *random.one(&numbers);
            if !number.is_empty() {
                values.insert(0, Value::bytes(2, number));
            }
            Some(format!("version {number:02x?}"))
        }
        1 => {
            let issuer = *random.one(&["root", "middle"]);
            put(tree, start + 1, &catalog::names(issuer), "issuer", random)
        }
        2 => put(tree, start + 2, &catalog::times(), "thisUpdate", random),
        3 => put(tree, start + 3, &catalog::times(), "nextUpdate", random),
        4 => {
            let values = tree.values()?;
            if !is_time(values.get(start + 3)?) {
                return None;
            }
            values.remove(start + 3);
            Some("nextUpdate absent".to_owned())
        }
        kind => {
            let entries = tree.child(start + 4).filter(|value| value.tag == 0x30)?;
            let entries = entries.values()?;
            if kind == 5 && random.once_in(3) {
                entries.clear();
                return Some("entries empty".to_owned());
            }
            let serials = catalog::serials();
            let serial = if random.once_in(2) {
                // The leaf, or the intermediate of each kind of key.
                let known = [0x31, 3, make::FIRST_EC + 2, make::FIRST_RSA + 2];
                tlv(2, &[*random.one(&known)])
            } else {
                random.one(&serials).clone()
            };
            let times = catalog::times();
            let date = if random.once_in(4) {
                random.one(&times).clone()
            } else {
                tlv(0x17, b"261215000000Z")
            };
            let extensions = if random.once_in(2) {
                let identifier = catalog::id(*random.one(&[21, 24, 29, 20, 99]));
                let values = catalog::values(&identifier);
                let content = random.one(&values).clone();
                let one = written(&identifier, random.once_in(2), &content)?;
                tlv(0x30, &one.der())
            } else {
                Vec::new()
            };
            let entry = tlv(0x30, &[serial, date, extensions].concat());
            let at = random.below(entries.len() + 1);
            entries.insert(at, Value::read(&entry)?);
            Some(format!("entry {entry:02x?}"))
        }
    }
}
