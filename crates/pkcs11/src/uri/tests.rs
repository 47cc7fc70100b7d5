use super::*;

fn read(text: &str) -> Result<Uri, UriError> {
    text.parse()
}

#[test]
fn every_attribute_of_the_standard_is_read_and_written() {
    let text = "pkcs11:token=My%20token;manufacturer=Maker;serial=01;model=v2;library-manufacturer=Lib;\
                library-description=Some;library-version=2.6;slot-manufacturer=S;slot-description=D;slot-id=7;\
                object=%C3%A4;type=private;id=%00%FF?module-path=/usr/lib/m.so&module-name=m&pin-source=/run/pin";
    let uri = read(text).unwrap();
    assert_eq!(uri.to_string(), text);
    assert_eq!(uri.object(), Some("ä"));
    assert_eq!(uri.id(), Some(&[0, 255][..]));
    assert_eq!(uri.slot_id, Some(7));
    assert_eq!(uri.pin_source(), Some(Path::new("/run/pin")));
    assert_eq!(read(&uri.to_string()).unwrap(), uri);
}

#[test]
fn what_is_no_uri_of_the_standard_is_refused_with_its_reason() {
    let long = format!("pkcs11:object={}", "a".repeat(MAX_URI_BYTES));
    let label = format!("pkcs11:object={}", "a".repeat(MAX_LABEL_BYTES + 1));
    for (text, expected) in [
        ("", UriError::Scheme),
        ("file:/a", UriError::Scheme),
        ("pkcs11", UriError::Scheme),
        (
            &long,
            UriError::TooLong {
                limit: MAX_URI_BYTES,
            },
        ),
        ("pkcs11:token", UriError::NoValue),
        ("pkcs11:;", UriError::NoValue),
        ("pkcs11:a=b;", UriError::Unknown),
        ("pkcs11:?", UriError::NoValue),
        ("pkcs11:x-vendor=1", UriError::Unknown),
        ("pkcs11:Token=1", UriError::Unknown),
        (
            "pkcs11:token=a;token=a",
            UriError::Twice { attribute: "token" },
        ),
        (
            "pkcs11:pin-source=/a",
            UriError::Misplaced {
                attribute: "pin-source",
            },
        ),
        (
            "pkcs11:pin-value=1234",
            UriError::Misplaced {
                attribute: "pin-value",
            },
        ),
        (
            "pkcs11:?token=a",
            UriError::Misplaced { attribute: "token" },
        ),
        ("pkcs11:token=%", UriError::Encoding { attribute: "token" }),
        ("pkcs11:token=%4", UriError::Encoding { attribute: "token" }),
        (
            "pkcs11:token=%4g",
            UriError::Encoding { attribute: "token" },
        ),
        (
            "pkcs11:token=%ff",
            UriError::Encoding { attribute: "token" },
        ),
        (
            "pkcs11:token=%00",
            UriError::Encoding { attribute: "token" },
        ),
        (
            "pkcs11:token=a b",
            UriError::Encoding { attribute: "token" },
        ),
        (
            "pkcs11:token=a/b",
            UriError::Encoding { attribute: "token" },
        ),
        ("pkcs11:token=ä", UriError::Encoding { attribute: "token" }),
        (
            "pkcs11:slot-id=",
            UriError::Encoding {
                attribute: "slot-id",
            },
        ),
        (
            "pkcs11:slot-id=+1",
            UriError::Encoding {
                attribute: "slot-id",
            },
        ),
        (
            "pkcs11:slot-id=18446744073709551616",
            UriError::Encoding {
                attribute: "slot-id",
            },
        ),
        (
            &label,
            UriError::Value {
                attribute: "object",
                expected: "255 bytes at most",
            },
        ),
        ("pkcs11:?pin-value=1234", UriError::PinValue),
        ("pkcs11:?pin-source=%7C/bin/pin", UriError::PinCommand),
        ("pkcs11:?pin-source=|/bin/pin", UriError::PinCommand),
        (
            "pkcs11:?module-path=m.so",
            UriError::Value {
                attribute: "module-path",
                expected: "an absolute path",
            },
        ),
        (
            "pkcs11:?pin-source=http://a/b",
            UriError::Value {
                attribute: "pin-source",
                expected: "an absolute path",
            },
        ),
        (
            "pkcs11:?pin-source=file://host/b",
            UriError::Value {
                attribute: "pin-source",
                expected: "an absolute path",
            },
        ),
        (
            "pkcs11:?module-name=..%2Fm",
            UriError::Encoding {
                attribute: "module-name",
            },
        ),
        (
            "pkcs11:type=key",
            UriError::Value {
                attribute: "type",
                expected: "public, private, cert, secret-key or data",
            },
        ),
    ] {
        // A slash is encoded or not.
        if text.contains("..%2F") {
            assert!(matches!(read(text), Err(UriError::Value { .. })), "{text}");
            continue;
        }
        assert_eq!(read(text), Err(expected), "{text}");
    }
}

#[test]
fn a_pin_is_taken_only_if_it_is_asked_for_and_is_never_shown() {
    let text = "pkcs11:token=a?pin-value=s%65cret";
    let error = read(text).unwrap_err();
    assert_eq!(error, UriError::PinValue);
    let (uri, pin) = Uri::parse_with_pin(text).unwrap();
    let pin = pin.unwrap();
    assert_eq!(pin.bytes(), b"secret");
    for shown in [
        format!("{uri:?} {uri} {pin:?} {error} {error:?}"),
        format!("{:?}", read("pkcs11:secret=a?secret").unwrap_err()),
        format!("{:?}", crate::PinSource::kept(pin)),
    ] {
        assert!(
            !shown.contains("secret") && !shown.contains("s%65"),
            "{shown}"
        );
    }
}

#[test]
fn a_file_of_a_pin_is_named_by_its_path_or_its_uri() {
    for text in [
        "/run/my%20pin",
        "file:/run/my%2520pin",
        "file:///run/my%2520pin",
        "file://localhost/run/my%2520pin",
    ] {
        let uri = read(&format!("pkcs11:?pin-source={text}")).unwrap();
        assert_eq!(uri.pin_source(), Some(Path::new("/run/my pin")), "{text}");
    }
}

/// Each text that is a URI is written as one that says the same; no other is taken.
#[test]
fn random_texts_are_read_or_refused_and_what_is_read_is_written_again() {
    // xorshift: the same in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(bound).unwrap()).unwrap()
    };
    let pieces: Vec<String> = NAMES
        .iter()
        .map(|name| format!("{name}="))
        .chain(
            [
                "pkcs11:", ";", "?", "&", "=", "%", "%4", "%41", "%00", "%ff", "a", "/", "private",
                "1", "|", "file:", "ä", "\0",
            ]
            .map(String::from),
        )
        .collect();
    let mut read_ones = 0;
    for _ in 0..200_000 {
        let mut text = String::from("pkcs11:");
        for _ in 0..next(9) {
            text.push_str(&pieces[next(pieces.len())]);
        }
        if let Ok((uri, _)) = Uri::parse_with_pin(&text) {
            read_ones += 1;
            assert_eq!(read(&uri.to_string()).as_ref(), Ok(&uri), "{text}");
        }
    }
    assert!(read_ones > 1_000, "{read_ones}");
}
