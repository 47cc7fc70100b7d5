//! Publications as items. This takes them apart and puts them together without the library.

/// The items of a publication, each with its kind. Empty if the bytes are no publication.
pub fn items(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut rest = bytes;
    let mut is_title = true;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        if core::mem::take(&mut is_title) {
            continue;
        }
        let size = line
            .split_once(' ')
            .map(|(kind, size)| (kind.to_owned(), size.parse()));
        let Some((kind, Ok(size))) = size else { break };
        let Some(content) = rest.get(..size) else {
            break;
        };
        found.push((kind, content.to_vec()));
        rest = &rest[size..];
    }
    found
}

/// A publication of these items.
pub fn written(items: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"mutual-trust publication 1.0\n".to_vec();
    for (kind, content) in items {
        bytes.extend(format!("{kind} {}\n", content.len()).bytes());
        bytes.extend(content);
    }
    bytes.extend(b"end\n");
    bytes
}
