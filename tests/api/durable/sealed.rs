//! Seals: who cannot seal cannot change what is loaded.

use std::sync::Arc;

use mutual_trust::admin::file::{SealState, UnknownRecords, read, write};
use mutual_trust::admin::{DurableStore, Seal};
use mutual_trust::error::{DurableError, StoreFileError};
use sha2::{Digest, Sha256};

use crate::durable::common::*;
use crate::support::folder::Folder;
use crate::support::*;

/// A code by a key; good enough for a test.
#[derive(Debug)]
struct Key(u8);

impl Seal for Key {
    fn seal(&self, content: &[u8]) -> Vec<u8> {
        Sha256::digest([&[self.0; 32], content, &[self.0; 32]].concat()).to_vec()
    }

    fn verify(&self, content: &[u8], seal: &[u8]) -> bool {
        self.seal(content) == seal
    }
}

/// Seals of so many bytes, of which it takes any.
#[derive(Debug)]
struct Long(usize);

impl Seal for Long {
    fn seal(&self, _: &[u8]) -> Vec<u8> {
        vec![7; self.0]
    }

    fn verify(&self, _: &[u8], _: &[u8]) -> bool {
        true
    }
}

fn sealed(key: u8) -> String {
    let store = filled();
    write(
        store.contents(),
        &UnknownRecords::default(),
        Some(&Key(key)),
    )
    .unwrap()
    .0
}

#[test]
fn a_seal_is_verified_over_all_that_stands_above_it() {
    let text = sealed(1);
    let loaded = read(text.as_bytes(), keys(), Some(&Key(1))).unwrap();
    assert_eq!(loaded.report.seal, SealState::Verified);
    // Without a seal to verify with, it is loaded, and said.
    let loaded = read(text.as_bytes(), keys(), None).unwrap();
    assert_eq!(loaded.report.seal, SealState::NotVerified);
    assert!(loaded.report.to_string().contains("not verified"));
    let plain = text_of(filled().contents());
    assert_eq!(load(&plain).unwrap().report.seal, SealState::None);
}

#[test]
fn a_file_without_a_seal_or_with_another_one_is_refused() {
    let other = read(sealed(2).as_bytes(), keys(), Some(&Key(1))).unwrap_err();
    assert!(matches!(other, StoreFileError::SealWrong), "{other}");
    let plain = text_of(filled().contents());
    let none = read(plain.as_bytes(), keys(), Some(&Key(1))).unwrap_err();
    assert!(matches!(none, StoreFileError::SealMissing), "{none}");
    // The content is changed so that everything fits but the seal.
    let text = sealed(1);
    let seal = text.lines().last().unwrap();
    let same = format!("{}{seal}\n", fitting(&text));
    assert!(read(same.as_bytes(), keys(), Some(&Key(1))).is_ok());
    let forged = fitting(&text.replacen("  name kms2.example", "  name kms3.example", 1));
    let forged = format!("{forged}{seal}\n");
    let error = read(forged.as_bytes(), keys(), Some(&Key(1))).unwrap_err();
    assert!(matches!(error, StoreFileError::SealWrong), "{error}");
}

/// Keeps what it was asked to seal and to verify.
#[derive(Debug, Default)]
struct Recording(std::sync::Mutex<Vec<Vec<u8>>>);

impl Seal for Recording {
    fn seal(&self, content: &[u8]) -> Vec<u8> {
        self.0.lock().unwrap().push(content.to_vec());
        vec![7]
    }

    fn verify(&self, content: &[u8], _: &[u8]) -> bool {
        self.0.lock().unwrap().push(content.to_vec());
        true
    }
}

#[test]
fn a_seal_is_made_and_verified_over_every_byte_above_its_line() {
    let seal = Recording::default();
    let text = write(filled().contents(), &UnknownRecords::default(), Some(&seal))
        .unwrap()
        .0;
    assert!(read(text.as_bytes(), keys(), Some(&seal)).is_ok());
    let above = text.rfind("\nseal ").unwrap() + 1;
    let seen = seal.0.into_inner().unwrap();
    assert_eq!(seen.len(), 2);
    for content in seen {
        assert_eq!(content, text.as_bytes()[..above]);
    }
}

#[test]
fn the_seal_of_a_store_is_not_that_of_one_with_another_record() {
    // Two stores of one generation that differ in one record, of each kind that takes or gives trust.
    type Edit = Box<dyn Fn(&mut mutual_trust::TrustStore)>;
    let base = text_of(filled().contents());
    let with = |edit: &Edit| {
        let mut store = load(&base).unwrap().store;
        edit(&mut store);
        let sealed = write(store.contents(), &UnknownRecords::default(), Some(&Key(1)));
        let sealed = sealed.unwrap().0;
        let (content, seal) = sealed.trim_end().rsplit_once('\n').unwrap();
        (format!("{content}\n"), format!("{seal}\n"))
    };
    let block =
        |name: &'static str| -> Edit { Box::new(move |store| drop(store.block(&pin(name)))) };
    let server = |name: &'static str| -> Edit {
        Box::new(move |store| drop(store.add_server(server_id(name), []).unwrap()))
    };
    let installed = |name: &'static str| -> Edit {
        Box::new(move |store| {
            let scope = mutual_trust::PinScope::Clients;
            drop(store.install_pin(scope, pin(name), options()).unwrap());
        })
    };
    for pair in [
        [block("x"), block("y")],
        [server("zz-1"), server("zz-2")],
        [installed("x"), installed("y")],
    ] {
        let [(one, seal), (other, _)] = pair.each_ref().map(&with);
        assert_ne!(one, other);
        let own = format!("{one}{seal}");
        assert!(read(own.as_bytes(), keys(), Some(&Key(1))).is_ok());
        let swapped = read(format!("{other}{seal}").as_bytes(), keys(), Some(&Key(1)));
        let error = swapped.map(|loaded| loaded.report.seal).unwrap_err();
        assert!(matches!(error, StoreFileError::SealWrong), "{error}");
    }
}

#[test]
fn any_change_of_a_sealed_file_is_refused() {
    let store = small();
    let text = write(store.contents(), &UnknownRecords::default(), Some(&Key(1)))
        .unwrap()
        .0;
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 0x01;
        assert!(read(&bytes, keys(), Some(&Key(1))).is_err(), "byte {at}");
    }
}

#[test]
fn a_seal_of_no_length_or_too_much_is_not_written() {
    let store = filled();
    let write = |size| {
        write(
            store.contents(),
            &UnknownRecords::default(),
            Some(&Long(size)),
        )
    };
    for size in [0, 64 * 1024 + 1] {
        let error = write(size).unwrap_err();
        assert!(matches!(error, StoreFileError::SealSize { size: found, .. } if found == size));
    }
    for size in [1, 64 * 1024] {
        let text = write(size).unwrap().0;
        assert!(
            read(text.as_bytes(), keys(), Some(&Long(size))).is_ok(),
            "{size}"
        );
    }
}

#[test]
fn a_store_that_is_opened_with_a_seal_takes_no_file_without_it() {
    let folder = Folder::new("sealed");
    let with = |key| settings().with_seal(Arc::new(Key(key)));
    let mut store = DurableStore::create(folder.path(), with(1)).unwrap();
    store.change(fill).unwrap();
    drop(store);
    let (store, report) = DurableStore::open(folder.path(), with(1)).unwrap();
    assert_eq!(report.seal, SealState::Verified);
    let plain = text_of(store.contents());
    drop(store);
    let refused = |expected: fn(&StoreFileError) -> bool, key| {
        let error = DurableStore::open(folder.path(), with(key)).unwrap_err();
        let DurableError::File { source, .. } = &error else {
            panic!("{error}");
        };
        assert!(expected(source), "{error}");
    };
    refused(|e| matches!(e, StoreFileError::SealWrong), 2);
    std::fs::write(folder.file("trust-store"), plain).unwrap();
    refused(|e| matches!(e, StoreFileError::SealMissing), 1);
}

#[test]
fn a_seal_of_no_length_or_too_much_is_not_read() {
    let content = write(small().contents(), &UnknownRecords::default(), None)
        .unwrap()
        .0;
    let with = |groups: usize| format!("{content}seal {}\n", "AAAA".repeat(groups));
    for groups in [1, 64 * 1024 / 3] {
        assert!(read(with(groups).as_bytes(), keys(), Some(&Long(1))).is_ok());
    }
    for groups in [0, 64 * 1024 / 3 + 1] {
        let error = read(with(groups).as_bytes(), keys(), Some(&Long(1))).unwrap_err();
        assert!(error.to_string().contains("a seal"), "{error}");
    }
}
