//! Times that 32 bits do not count, and lengths that they do.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mutual_trust::certificate::{Certificate, Timestamp};
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::{CurrentTime, EntryOptions, ReasonCode, decide};

use super::{AFTER_32_BITS, server_pin};
use crate::support::{at, fixture, policy, server_id, store};

/// The first and the last time of certificates, and the last second of 31 and of 32 bits with the one after each.
const TIMES: [(i64, &str); 6] = [
    (-631_152_000, "1950-01-01T00:00:00Z"),
    ((1 << 31) - 1, "2038-01-19T03:14:07Z"),
    (1 << 31, "2038-01-19T03:14:08Z"),
    ((1 << 32) - 1, "2106-02-07T06:28:15Z"),
    (1 << 32, "2106-02-07T06:28:16Z"),
    (253_402_300_799, "9999-12-31T23:59:59Z"),
];

#[test]
fn times_are_counted_in_64_bits() {
    for (seconds, text) in TIMES {
        let time = Timestamp::from_seconds(seconds);
        assert_eq!(time.to_string(), text);
        assert_eq!(text.parse::<Timestamp>().unwrap(), time);
        let system = SystemTime::try_from(time).unwrap();
        assert_eq!(Timestamp::from(system), time);
        let distance = Duration::from_secs(seconds.unsigned_abs());
        let expected = match seconds < 0 {
            true => UNIX_EPOCH - distance,
            false => UNIX_EPOCH + distance,
        };
        assert_eq!(system, expected);
    }
}

/// The verdict on a pin at a time.
fn verdict(name: &str, time: u64) -> ReasonCode {
    let (mut store, id, certificate) = (store(), server_id("keys-1"), fixture(name));
    store.add_server(id.clone(), []).unwrap();
    let leaf = certificate.der().to_vec();
    let options = EntryOptions::new();
    store
        .install_pin(server_pin("keys-1"), certificate, options)
        .unwrap();
    let target = ExpectedServer::id(&id, None);
    let clock = CurrentTime::Known(at(time));
    let request = VerifyRequest::server(target, &leaf, &[], clock);
    decide(&store.snapshot(), &policy(), &request).reason()
}

#[test]
fn a_pin_is_judged_by_the_whole_time() {
    for time in [(1 << 31) + 5, AFTER_32_BITS, 1 << 33, 253_402_300_799] {
        assert_eq!(verdict("not-after-9999", time), ReasonCode::PinMatched);
    }
    // Its year was 2012; modulo 2^32 these times are of it too.
    for years in 1..4 {
        let time = 1_340_000_000 + (years << 32);
        assert_eq!(verdict("expired", time), ReasonCode::Expired, "{time}");
    }
}

/// Lengths near the end of what 32 bits count are no reason to read behind the end of a value, nor to reserve memory.
#[test]
fn a_length_that_overflows_is_refused() {
    let good = fixture("ee-p256").der().to_vec();
    let [0x30, 0x82, high, low, rest @ ..] = good.as_slice() else {
        panic!("another header");
    };
    for length in [
        [0xff; 4],
        [0xff, 0xff, 0xff, 0xf8],
        [0x80, 0, 0, 0],
        [0x7f, 0xff, 0xff, 0xff],
    ] {
        let header = [&[0x30, 0x84][..], &length].concat();
        for der in [[&header[..], rest].concat(), header.clone()] {
            assert!(Certificate::from_der(&der).is_err(), "{length:x?}");
            assert!(
                mutual_trust::certificate::Crl::from_der(&der).is_err(),
                "{length:x?}"
            );
        }
        // Within the certificate, and that is as long as it says.
        let inner = [&header[..], rest.get(4..).unwrap()].concat();
        let size = u16::try_from(inner.len()).unwrap().to_be_bytes();
        let der = [&[0x30, 0x82][..], &size, &inner].concat();
        assert!(Certificate::from_der(&der).is_err(), "{length:x?}");
    }
    let longer = [&[0x30, 0x84, 0, 0, *high, *low][..], rest].concat();
    assert!(
        Certificate::from_der(&longer).is_err(),
        "not the shortest form"
    );
}

#[test]
fn digests_are_those_of_openssl() {
    // Those of `openssl x509 -fingerprint -sha256`, and of `openssl x509 -pubkey | openssl pkey -pubin -outform DER`.
    let certificate = fixture("ee-p256");
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    assert_eq!(
        hex(certificate.fingerprint().as_bytes()),
        "ec56a218f26d63a6a512683071cb187fedb4db5cd2621902f6aecd379c40deb2"
    );
    assert_eq!(
        hex(certificate.key_pin().as_bytes()),
        "a1bcf79d22161e1bc1878f5ef4260f22c5324336fc710d563a073d2e43d5532f"
    );
}
