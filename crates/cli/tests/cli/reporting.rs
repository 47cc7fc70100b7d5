//! The page of `store report`: that it is written as other files are, is bounded, and takes nothing for markup. How it looks is
//! tested in a browser, in `tests/browser`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::error::StoreError;
use mutual_trust::{EntryOptions, Fingerprint, PinScope};

use crate::folder::Folder;
use crate::run::{Ran, machine, now_spec, run, write};

fn report(folder: &Folder, line: &str) -> Ran {
    run(folder, &format!("store report {line} --store trust"))
}

fn site(test: &str) -> Folder {
    let folder = Folder::new(test);
    for name in ["keys-1", "keys-2", "array"] {
        machine(&folder, name);
    }
    write(&folder, "ca", &now_spec("CA").ca().self_signed());
    run(&folder, "store create --store trust").ends_with(0);
    for line in [
        "server add k1 k1.example --by <i>alice</i>&",
        "pin keys-1.pem --server k1 --label <script>alert(1)</script>",
        "pin keys-2.pem --server k1 --match-key",
        "server add k2 k2.example",
        "server add k3 k3.example",
        "authority ca.pem --server k2",
        "pin array.pem --clients --any-role",
    ] {
        run(&folder, &format!("store {line} --store trust")).ends_with(0);
    }
    folder
}

#[test]
fn a_report_is_written_whole_for_its_owner_and_replaced_when_asked() {
    let folder = site("cli-report-file");
    report(&folder, "--html a.html")
        .ends_with(0)
        .says("written to a.html: generation ");
    let path = folder.file("a.html");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let page = fs::read_to_string(&path).unwrap();
    assert!(
        page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"),
        "{page}"
    );
    assert!(page.ends_with("</html>\n"), "{page}");
    report(&folder, "--html a.html --json")
        .ends_with(2)
        .says("write/Exists")
        .says("--replace");
    let json = report(&folder, "--html a.html --replace --json")
        .ends_with(0)
        .json();
    assert_eq!(json["bytes"], fs::metadata(&path).unwrap().len());
    // k3 has nothing. A pin that matches by key, one for any role, and a CA whose certificates are not checked are weak.
    assert_eq!(
        (&json["without_usable"], &json["weaknesses"]),
        (&1.into(), &3.into())
    );
    // Standard output has the page alone.
    let out = report(&folder, "--html - --at 2027-01-01").ends_with(0).out;
    assert!(
        out.starts_with("<!DOCTYPE html>") && out.ends_with("</html>\n"),
        "{out}"
    );
    assert_eq!(out, report(&folder, "--html - --at 2027-01-01").out);
    report(&folder, "--html - --json").ends_with(2);
    report(&folder, "--html b.html --force").ends_with(2);
    report(&folder, "--html b.html --own nowhere.pem").ends_with(2);
    report(&folder, "--html nowhere/b.html").ends_with(2);
    assert!(!folder.file("b.html").exists());
}

#[test]
fn a_report_says_what_is_asked_what_ends_and_what_is_weak() {
    let folder = site("cli-report-facts");
    let page = report(&folder, "--html - --own array.pem --full")
        .ends_with(0)
        .out;
    for text in [
        "its own pins",
        "(rule P2)",
        "its own authorities",
        "(rule P4)",
        "nothing (not installed)",
        "(rule P6)",
        "[NothingInstalled]",
        "pins that match by public key",
        "pins for any role",
        "authorities without revocation checks",
        "Our own certificates",
        "2095-01-01 00:00 UTC",
        "&lt;i&gt;alice&lt;/i&gt;&amp;",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "default-src &#39;none&#39;; style-src &#39;sha",
    ] {
        assert!(page.contains(text), "no {text:?} in {page}");
    }
    for text in [
        "<script",
        "<i>",
        " style=\"",
        "<link",
        "<img",
        "http://",
        "https://",
        "url(",
        "@import",
    ] {
        assert!(!page.contains(text), "{text:?} in {page}");
    }
    // Another time, and another policy.
    let later = report(&folder, "--html - --at 2096-01-01").ends_with(0).out;
    assert!(later.contains("3 servers are refused"), "{later}");
    let strict = report(&folder, "--html - --require-crl").ends_with(0).out;
    assert!(
        !strict.contains("authorities without revocation checks"),
        "{strict}"
    );
}

#[test]
fn files_that_others_can_write_and_a_seal_that_is_not_verified_are_weak() {
    let folder = site("cli-report-files");
    run(&folder, "store new-seal-key seal.key").ends_with(0);
    run(&folder, "store seal seal.key --store trust").ends_with(0);
    let page = report(&folder, "--html -").ends_with(0).out;
    assert!(page.contains("an unverified seal"), "{page}");
    let page = report(&folder, "--html - --seal-key seal.key")
        .ends_with(0)
        .out;
    assert!(!page.contains("an unverified seal"), "{page}");
    let path = folder.file("trust/trust-store");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let page = report(&folder, "--html - --seal-key seal.key")
        .ends_with(0)
        .out;
    assert!(page.contains("files that other users can write"), "{page}");
}

#[test]
fn a_damaged_store_has_no_report() {
    let folder = site("cli-report-damaged");
    let path = folder.file("trust/trust-store");
    let mut content = fs::read(&path).unwrap();
    let at = content.len() - 20;
    content[at] = if content[at] == b'0' { b'1' } else { b'0' };
    fs::write(path, content).unwrap();
    report(&folder, "--html a.html").ends_with(2);
    assert!(!folder.file("a.html").exists());
    run(
        &folder,
        "store export --format json --out a.json --store trust",
    )
    .ends_with(2);
    assert!(!folder.file("a.json").exists());
}

/// The size of the page about so many servers, half of them with a pin, and as many clients.
fn size(folder: &Folder, servers: u32) -> usize {
    let place = folder.file(&format!("of-{servers}"));
    fs::create_dir(&place).unwrap();
    let settings = DurableSettings::new(crate::support::keys());
    let mut store = DurableStore::create(&place, settings).unwrap();
    store
        .change(|store| {
            for number in 0..servers {
                let id: mutual_trust::ServerId = format!("keys-{number:06}").parse().unwrap();
                store.add_server(id.clone(), [])?;
                let mut bytes = [7; 32];
                bytes[..4].copy_from_slice(&number.to_be_bytes());
                let pin = Fingerprint::from_bytes(bytes);
                let options = EntryOptions::new;
                if number % 2 == 0 {
                    store.install_pin_fingerprint(PinScope::Server(id), pin, options())?;
                }
                store.install_pin_fingerprint(PinScope::Clients, pin, options())?;
            }
            Ok::<(), StoreError>(())
        })
        .unwrap();
    let line = format!("store report --html - --store {}", place.display());
    run(folder, &line).ends_with(0).out.len()
}

#[test]
fn the_page_of_a_large_store_is_no_longer_than_that_of_a_smaller_one() {
    let folder = Folder::new("cli-report-large");
    let (small, large) = (size(&folder, 300), size(&folder, 3_000));
    assert!(large.abs_diff(small) < 1_000, "{small} and {large} bytes");
    assert!(large < 256 * 1024, "{large} bytes");
}
