//! Files in which many entries have something in common: a key, the end of a certificate, a fingerprint, a name, a key
//! identifier. What loading them allocates grows as their number: work is counted here, not time.

use allocation_counter::measure;
use mutual_trust::{Certificate, Fingerprint};

use super::common::{checked, fitting, load};
use crate::support::pki::spec;

/// So many certificates that differ in their serial number alone: key, signature, names and identifiers are the same.
fn alike(template: &Certificate, count: usize) -> Vec<Certificate> {
    let serial = template.serial();
    assert_eq!(serial.len(), 8);
    let mut places = template.der().windows(8);
    let at = places.position(|part| part == serial).unwrap();
    let changed = (0..count).map(|number| {
        let mut der = template.der().to_vec();
        der[at + 4..at + 8].copy_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
        Certificate::from_der(&der).unwrap()
    });
    let mut changed: Vec<Certificate> = changed.collect();
    changed.sort_by_key(Certificate::fingerprint);
    changed
}

fn template() -> Certificate {
    spec("alike")
        .serial(0x1122_3344_5566_7788)
        .self_signed()
        .certificate
}

fn ca_template() -> Certificate {
    spec("alike")
        .serial(0x1122_3344_5566_7788)
        .ca()
        .self_signed()
        .certificate
}

/// The file of these servers and entries.
fn file(servers: &[String], entries: Vec<String>) -> String {
    let mut text = String::from("mutual-trust store 1.0\ngeneration 7 #\n");
    for server in servers {
        text.push_str(&format!("server {server} claimed #\n"));
    }
    let (servers, number) = (servers.len(), entries.len());
    text.extend(entries);
    let end = format!("end groups 0 servers {servers} entries {number} blocks 0 checked 0 crls 0");
    text.push_str(&format!("{}\ndigest sha256 \n", checked(&end)));
    fitting(&text)
}

fn record(slot: &str, scope: &str, certificate: &Certificate, field: &str) -> String {
    let fingerprint = certificate.fingerprint();
    format!(
        "{slot} {scope} {fingerprint} #\n{field}{}",
        certificate.to_pem()
    )
}

fn servers(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("keys-{number:05}"))
        .collect()
}

/// A file of so many entries.
type Make = fn(usize) -> String;

const KINDS: [(&str, Make); 6] = [
    ("a key and the end of the certificate", |count| {
        let pins = alike(&template(), count);
        let pins = pins.iter().map(|pin| record("pin", "clients", pin, ""));
        file(&[], pins.collect())
    }),
    ("a key that matches", |count| {
        let pins = alike(&template(), count);
        let field = "  match public-key\n";
        let pins = pins.iter().map(|pin| record("pin", "clients", pin, field));
        file(&[], pins.collect())
    }),
    ("a certificate", |count| {
        let (pin, servers) = (template(), servers(count));
        let pins = servers
            .iter()
            .map(|id| record("pin", &format!("server {id}"), &pin, ""));
        file(&servers, pins.collect())
    }),
    ("a fingerprint", |count| {
        let (pin, servers) = (Fingerprint::from_bytes([7; 32]), servers(count));
        let pins = servers
            .iter()
            .map(|id| format!("pin server {id} {pin} #\n"));
        file(&servers, pins.collect())
    }),
    ("a name and a key identifier of authorities", |count| {
        let cas = alike(&ca_template(), count);
        let cas = cas
            .iter()
            .map(|ca| record("authority", "any-server", ca, ""));
        file(&[], cas.collect())
    }),
    ("a name and a key identifier of intermediates", |count| {
        let cas = alike(&ca_template(), count);
        let cas = cas
            .iter()
            .map(|ca| record("intermediate", "everyone", ca, ""));
        file(&[], cas.collect())
    }),
];

#[test]
fn loading_what_many_entries_share_takes_work_in_proportion_to_their_number() {
    for (shared, make) in KINDS {
        let allocated = |count| {
            let text = make(count);
            let mut loaded = None;
            let bytes = measure(|| loaded = Some(load(&text).unwrap())).bytes_total;
            assert_eq!(loaded.unwrap().store.contents().entries().len(), count);
            bytes
        };
        let (some, more) = (allocated(500), allocated(2_000));
        // Four times as much if it is linear, sixteen times if it is quadratic.
        assert!(
            more < 6 * some,
            "{shared}: {some} bytes for 500, {more} for 2,000"
        );
    }
}

#[test]
fn what_shares_a_key_is_found_and_removed_one_by_one() {
    let text = file(
        &[],
        alike(&template(), 60)
            .iter()
            .map(|pin| record("pin", "clients", pin, "  match public-key\n"))
            .collect(),
    );
    let mut store = load(&text).unwrap().store;
    let keys: Vec<_> = store
        .contents()
        .entries()
        .iter()
        .map(|entry| entry.key())
        .collect();
    for (number, key) in keys.iter().enumerate() {
        let report = store.remove(key).unwrap();
        let left = keys.len() - number - 1;
        assert_eq!(store.contents().entries().len(), left);
        assert!(store.contents().entry(key).is_none(), "{report}");
    }
}
