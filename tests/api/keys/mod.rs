//! Private keys in all formats that tools write, identities from them, and the errors for the others.

use crate::support;

mod advice;
mod chains;
#[cfg(feature = "encrypted-keys")]
mod encrypted;
mod files;
mod formats;
mod found;
mod signers;
mod silence;
mod types;
mod version_2;

use support::fixture_bytes;

/// A file of `tests/fixtures/keys-formats`.
fn keys_format(name: &str) -> Vec<u8> {
    fixture_bytes(&format!("keys-formats/{name}"))
}

fn path(name: &str) -> String {
    format!(
        "{}/tests/fixtures/keys-formats/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

macro_rules! assert_is {
    ($result:expr, $pattern:pat $(if $guard:expr)?) => {{
        let error = $result.unwrap_err();
        assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
        error
    }};
}
use assert_is;
