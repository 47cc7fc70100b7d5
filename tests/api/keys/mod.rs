//! Private keys in every form that tools write, identities made of them, and the errors for keys that are
//! refused.

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
