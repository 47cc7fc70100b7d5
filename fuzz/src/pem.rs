//! Files from an administrator: PEM.

use mutual_trust::Certificate;

use crate::PEM_BYTES;
use crate::certificate::accepted;

/// The result is as many certificates as there are sections, or an error.
pub fn pem(text: &[u8]) -> bool {
    if text.len() > PEM_BYTES {
        return false;
    }
    let one = Certificate::from_pem(text);
    let all = match Certificate::many_from_pem(text) {
        Ok(all) => all,
        Err(error) => {
            assert!(one.is_err(), "one certificate was read where {error}");
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    // A byte-order mark before the first line is allowed.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let begins = text
        .split(|byte| *byte == b'\n')
        .filter(|line| line.starts_with(b"-----BEGIN "))
        .count();
    assert_eq!(all.len(), begins, "a section was left out or made up");
    assert_eq!(one.is_ok(), all.len() == 1);
    if let (Ok(one), [only]) = (&one, all.as_slice()) {
        assert_eq!(one, only);
    }
    all.iter().for_each(accepted);
    let written: String = all.iter().map(Certificate::to_pem).collect();
    let again = Certificate::many_from_pem(written.as_bytes()).expect("our own PEM is read");
    assert_eq!(again, all);
    true
}
