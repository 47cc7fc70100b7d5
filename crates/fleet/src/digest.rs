//! Names of publications by their content.

use sha2::{Digest as _, Sha256};

use crate::transport::Tag;

/// SHA-256 of the bytes, where a transport has no name of its own for them.
pub(crate) fn content_tag(bytes: &[u8]) -> Tag {
    let digest = Sha256::digest(bytes);
    Tag::of_hex(&digest)
}
