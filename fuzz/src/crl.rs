//! Revocation lists from an administrator: DER.

use mutual_trust::certificate::Crl;

use crate::CRL_BYTES;

/// All readers of a list that was read work. The list is the same when it is read again from DER and PEM, and it finds
/// each serial number in it.
pub fn crl(der: &[u8]) -> bool {
    if der.len() > CRL_BYTES {
        return false;
    }
    match Crl::from_der(der) {
        Ok(list) => {
            assert_eq!(list.der(), der, "the bytes are kept");
            accepted(&list);
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

fn accepted(list: &Crl) {
    let again = Crl::from_der(list.der()).expect("it was read before");
    assert_eq!(&again, list);
    assert_eq!(again.fingerprint(), list.fingerprint());
    let pem = list.to_pem();
    let from_pem = Crl::from_pem(pem.as_bytes()).expect("our own PEM is read");
    assert_eq!(&from_pem, list);

    for text in [list.issuer(), format!("{list:?}")] {
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
    let mut uris = list.distribution_point();
    assert!(uris.all(|uri| uri.bytes().all(|byte| byte.is_ascii_graphic())));
    assert!((1..=2).contains(&list.version()));
    assert!(
        list.next_update()
            .is_none_or(|next| next >= list.this_update())
    );
    let dotted = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    let algorithm = list.signature_algorithm();
    assert!(algorithm.bytes().all(dotted) && !algorithm.is_empty());
    if list.version() == 1 {
        assert!(list.number().is_none() && list.authority_key_id().is_none());
    }
    for deviation in list.deviations() {
        assert!(!deviation.to_string().is_empty());
    }
    if let Some(refusal) = list.refusal() {
        assert!(!refusal.to_string().is_empty());
    }

    let serials = serials(list.der()).expect("a list that was read has entries that can be walked");
    assert_eq!(serials.len(), list.revoked_count());
    for serial in serials {
        assert!(list.revoked(serial).is_some(), "{serial:02x?}");
        let longer = [&[0], serial].concat();
        let positive = serial.first().is_some_and(|first| first & 0x80 == 0);
        assert!(
            !positive || list.revoked(&longer).is_some(),
            "{longer:02x?}"
        );
    }
    assert!(list.revoked(&[]).is_none());
    assert!(list.revoked(&[0x42; 40]).is_none());
}

/// The serial numbers of all entries, read without code of the library.
fn serials(der: &[u8]) -> Option<Vec<&[u8]>> {
    let (_, list, _) = take(der)?;
    let (_, tbs, _) = take(list)?;
    let mut fields = tbs;
    let mut found = Vec::new();
    let mut times = 0;
    while !fields.is_empty() {
        let (tag, content, rest) = take(fields)?;
        fields = rest;
        match tag {
            0x17 | 0x18 => times += 1,
            // Algorithm and issuer come before the times.
            0x30 if times > 0 => {
                let mut entries = content;
                while !entries.is_empty() {
                    let (_, entry, rest) = take(entries)?;
                    entries = rest;
                    found.push(take(entry)?.1);
                }
            }
            _ => {}
        }
    }
    Some(found)
}

fn take(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let length = digits
            .iter()
            .fold(0_usize, |sum, digit| sum << 8 | usize::from(*digit));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}
