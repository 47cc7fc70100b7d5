//! The application protocols of HTTP (RFC 7301, RFC 9113 section 3.1).

/// HTTP/2 over TLS.
pub(crate) const HTTP_2: &[u8] = b"h2";

/// HTTP/1.1.
pub(crate) const HTTP_1: &[u8] = b"http/1.1";

pub(crate) fn protocols(names: &[&[u8]]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.to_vec()).collect()
}
