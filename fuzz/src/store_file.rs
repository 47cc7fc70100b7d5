//! The file of a store.

use mutual_trust::admin::file::{StoreFile, read, write};
use sha2::{Digest, Sha256};

use crate::STORE_FILE_BYTES;
use crate::snapshot::Snapshot;

pub(crate) fn load(text: &[u8]) -> Option<StoreFile> {
    match read(text, crate::keys(), None) {
        Ok(loaded) => Some(loaded),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The lines above the digest, with valid checks, as an attacker who knows the format writes them. Random bytes would
/// not pass the checks.
pub(crate) fn fitting_lines(text: &str) -> String {
    let mut content = String::new();
    for line in text.lines() {
        if line.starts_with("digest ") {
            break;
        }
        match line.rsplit_once(" #") {
            Some((head, _)) if !line.starts_with("  ") => {
                let check = Sha256::digest(head.as_bytes());
                content.push_str(&format!("{head} #{}", hex(&check[..4])));
            }
            _ => content.push_str(line),
        }
        content.push('\n');
    }
    content
}

/// The same with a valid digest.
fn fitting(text: &str) -> String {
    let content = fitting_lines(text);
    let digest = hex(&Sha256::digest(content.as_bytes()));
    format!("{content}digest sha256 {digest}\n")
}

/// A file that is read, written and read again is the same to the byte. With any byte changed it is refused.
pub fn store_file(data: &[u8]) -> bool {
    if data.len() > STORE_FILE_BYTES {
        return false;
    }
    let as_it_is = load(data);
    if let Some(loaded) = &as_it_is {
        let text = std::str::from_utf8(data).expect("only text is read");
        same(loaded, text);
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let text = fitting(text);
    let Some(loaded) = load(text.as_bytes()) else {
        assert!(as_it_is.is_none(), "it was taken as it is");
        return false;
    };
    same(&loaded, &text);
    // The input chooses the byte and the change, so that a run can be repeated.
    let chosen = Sha256::digest(data);
    let at = usize::from(u16::from_be_bytes([chosen[0], chosen[1]])) % text.len();
    let mut changed = text.into_bytes();
    changed[at] ^= chosen[2].max(1);
    assert!(
        load(&changed).is_none(),
        "byte {at} by {}",
        chosen[2].max(1)
    );
    true
}

/// The file that was read holds all that is in `text`.
fn same(loaded: &StoreFile, text: &str) {
    let view = loaded.store.contents();
    let before = Snapshot::of(view);
    let (written, digest) = write(view, &loaded.kept, None).expect("what was read is written");
    assert_eq!(digest, loaded.report.digest);
    // A seal is not written without a sealer.
    assert_eq!(
        text.strip_prefix(&written)
            .map(|rest| rest.starts_with("seal ")),
        { Some(text.len() > written.len()) }
    );
    let again = load(written.as_bytes()).expect("what was written is read");
    assert_eq!(Snapshot::of(again.store.contents()), before);
    assert_eq!(again.kept, loaded.kept);
}
