//! Verbs that take back or correct what another one did, arguments as people paste them, and what a list shows.

use std::fs;

use serde_json::Value;

use crate::folder::Folder;
use crate::run::{Server, command, fingerprint, machine, now_spec, run, write};
use crate::support::crl::crl;

const YEAR: i64 = 365 * 24 * 3600;

fn store(test: &str) -> Folder {
    let folder = Folder::new(test);
    machine(&folder, "keys-1");
    run(&folder, "store create --store trust").ends_with(0);
    for line in [
        "server add keys-1 kms1.example",
        "pin keys-1.pem --server keys-1",
    ] {
        run(&folder, &format!("store {line} --store trust")).ends_with(0);
    }
    folder
}

fn list(folder: &Folder) -> (String, Value) {
    let text = run(folder, "store list --store trust --full").ends_with(0);
    let json = run(folder, "store list --store trust --json").ends_with(0);
    (text.out, json.json())
}

#[test]
fn a_list_is_removed_and_an_issuer_is_no_longer_checked() {
    let folder = store("cli-crl-verbs");
    let ca = now_spec("CA").ca().self_signed();
    let leaf = now_spec("kms2.example").dns("kms2.example").signed_by(&ca);
    write(&folder, "ca", &ca);
    write(&folder, "kms2", &leaf);
    let list_of = crl().valid(-2 * YEAR, 20 * YEAR).revoke(&leaf.certificate);
    fs::write(folder.file("ca.crl"), list_of.signed_by(&ca).to_pem()).unwrap();
    let change = |line: &str| run(&folder, &format!("store {line} --store trust"));
    let check = || {
        let line = "check --chain kms2.pem --server-name kms2.example --store trust";
        run(&folder, line)
    };
    change("server add keys-2 kms2.example").ends_with(0);
    change("authority ca.pem --server keys-2").ends_with(0);
    check().ends_with(0);
    for install in ["crl ca.crl --force", "crl add ca.crl --force"] {
        change(install).ends_with(0);
        check().ends_with(1).says("[Revoked, rule C4]");
        assert!(
            list(&folder)
                .0
                .contains("revocation is checked for certificates of CN=CA")
        );
        assert_eq!(
            list(&folder).1["checked_issuers"].as_array().unwrap().len(),
            1
        );
        let fingerprint = list(&folder).1["crls"][0]["fingerprint"].clone();
        // The issuer stays checked.
        let removed = change("crl remove ca.crl --force").ends_with(0);
        removed.says("no revocation list of CN=CA");
        check().ends_with(1).says("rule C4");
        change("crl remove ca.crl").ends_with(2);
        change("crl ca.crl --force").ends_with(0);
        let line = format!("crl remove {} --force", fingerprint.as_str().unwrap());
        change(&line).ends_with(0);
        change("crl stop ca.pem").ends_with(0);
        check().ends_with(0);
        assert!(!list(&folder).0.contains("revocation is checked"));
    }
    // By the key pin that the list shows.
    change("crl ca.crl --force").ends_with(0);
    let pin = ca.certificate.key_pin().to_string();
    assert!(list(&folder).0.contains(&pin));
    change(&format!("crl stop {pin}")).ends_with(0);
    check().ends_with(0);
    change(&format!("crl stop {pin}"))
        .ends_with(2)
        .says("store/NotChecked");
    change("crl").ends_with(2);
    run(&folder, "store plan crl stop ca.pem --store trust").ends_with(2);
}

#[test]
fn a_clock_is_shown_and_a_good_one_has_nothing_to_confirm() {
    let folder = store("cli-clock-show");
    run(&folder, "store clock show --store trust")
        .ends_with(0)
        .says("clock 20")
        .says("clock floor 20");
    let found = run(&folder, "store clock show --store trust --json")
        .ends_with(0)
        .json();
    assert_eq!(found["schema"], "mutual-trust/store-clock/1");
    assert_eq!(found["clock"]["state"], "known");
    let before = fs::read(folder.file("trust/trust-store")).unwrap();
    let ran = run(&folder, "store clock confirm --store trust")
        .ends_with(0)
        .says("nothing to confirm");
    assert!(!ran.all().contains("already there"), "{}", ran.all());
    let found = run(&folder, "store clock confirm --store trust --json")
        .ends_with(0)
        .json();
    assert_eq!(found["changed"], false);
    assert_eq!(fs::read(folder.file("trust/trust-store")).unwrap(), before);
}

#[test]
fn a_group_is_added_with_its_servers_or_not_at_all() {
    let folder = store("cli-group");
    for id in ["a", "b", "c"] {
        run(&folder, &format!("store server add {id} --store trust")).ends_with(0);
    }
    run(&folder, "store group add site-a a b absent --store trust")
        .ends_with(2)
        .says("store/UnknownServer");
    assert!(!list(&folder).0.contains("group site-a"));
    run(&folder, "store group add site-a a b c --store trust").ends_with(0);
    assert!(list(&folder).0.contains("group site-a: a, b, c"));
}

#[test]
fn an_entry_is_updated_where_it_stands_and_the_list_shows_what_it_accepts() {
    let folder = store("cli-update");
    write(&folder, "ca", &now_spec("CA").ca().self_signed());
    let change = |line: &str| run(&folder, &format!("store {line} --store trust --by alice"));
    let terms: [(&str, &str, &str, Value); 5] = [
        ("--label room-2", "label: room-2", "label", "room-2".into()),
        (
            "--match-key",
            "accepts every certificate of its key",
            "match",
            "public-key".into(),
        ),
        (
            "--grace 30d",
            "accepts it 30 days after its end",
            "grace_seconds",
            (30 * 24 * 3600).into(),
        ),
        (
            "--any-role",
            "accepts it whatever its extended key usage is",
            "any_role",
            true.into(),
        ),
        (
            "--ends 2094-01-31",
            "ends at 2094-01-31T00:00:00Z",
            "ends",
            "2094-01-31T00:00:00Z".into(),
        ),
    ];
    for (options, shown, field, value) in &terms {
        assert!(!list(&folder).0.contains(shown), "{shown}");
        change(&format!("update keys-1.pem {options}"))
            .ends_with(0)
            .says("changed");
        let (text, json) = list(&folder);
        assert!(text.contains(shown), "{shown}: {text}");
        assert_eq!(json["entries"][0][field], *value, "{field}");
    }
    // What was not named has stayed, and the claim as well.
    let text = list(&folder).0;
    for (_, shown, ..) in &terms {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(text.contains("claimed"), "{text}");
    change("update keys-1.pem --label room-2")
        .ends_with(0)
        .says("nothing changed");
    for option in ["label", "match-key", "grace", "any-role", "end"] {
        change(&format!("update keys-1.pem --no-{option}")).ends_with(0);
    }
    let text = list(&folder).0;
    for (_, shown, ..) in &terms {
        assert!(!text.contains(shown), "{shown}: {text}");
    }
    change("update keys-1.pem --label a --no-label").ends_with(2);
    change("update ca.pem --label x")
        .ends_with(2)
        .says("store/NoSuchEntry");
    // An authority of clients that is limited looks limited.
    change("authority ca.pem --clients --pattern dns:*.arrays.example").ends_with(0);
    let text = list(&folder).0;
    assert!(
        text.contains("only for names like dns:*.arrays.example"),
        "{text}"
    );
    assert!(text.contains("installed by alice"), "{text}");
    change("update ca.pem --clients --no-pattern").ends_with(0);
    assert!(!list(&folder).0.contains("only for names"));
    change("server expect keys-1 kms.example").ends_with(0);
    assert!(
        list(&folder)
            .0
            .contains("chains are checked for kms.example")
    );
}

/// Runs with arguments that have blanks in them.
fn with(folder: &Folder, line: &str, last: &str) -> (i32, String) {
    let mut command = command(folder.path(), line);
    let output = command.arg(last).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(said).unwrap(),
    )
}

#[test]
fn fingerprints_are_taken_as_people_paste_them_and_others_are_named() {
    let folder = store("cli-pasted");
    let whole = fingerprint(&folder, "keys-1.pem");
    let plain = whole.replace(':', "").to_lowercase();
    for pasted in [
        whole.replace(':', " "),
        format!("SHA2-256(keys-1.der)= {plain}"),
        format!("{plain}  keys-1.der"),
        format!("sha256 Fingerprint={whole}"),
    ] {
        let line = "store pin --clients --dry-run --store trust --";
        let (code, said) = with(&folder, line, &pasted);
        assert_eq!(code, 0, "{pasted}: {said}");
        let line = "store block --dry-run --store trust --fingerprint";
        assert_eq!(with(&folder, line, &pasted).0, 0, "{pasted}");
    }
    let sha1 = &whole[..59];
    for pasted in [
        sha1.to_owned(),
        sha1.replace(':', " "),
        format!("{}  keys-1.der", sha1.replace(':', "")),
        format!("SHA1 Fingerprint={sha1}"),
    ] {
        for line in [
            "store pin --clients --store trust --",
            "store remove --store trust --",
            "check --chain keys-1.pem --server-name a --pin",
            "store block --store trust --fingerprint",
            "enroll 127.0.0.1:1 --store trust --fingerprint",
        ] {
            let (code, said) = with(&folder, line, &pasted);
            assert_eq!(code, 2, "{line} {pasted}: {said}");
            assert!(said.contains("SHA-1"), "{line} {pasted}: {said}");
            assert!(!said.contains("No such file"), "{line} {pasted}: {said}");
        }
    }
    // What is neither says both.
    let (code, said) = with(
        &folder,
        "store pin --clients --store trust --",
        "kms1.example",
    );
    assert_eq!(code, 2);
    assert!(
        said.contains("kms1.example: there is no such file, and it is no SHA-256"),
        "{said}"
    );
}

#[test]
fn the_console_takes_a_fingerprint_of_several_words() {
    let folder = Folder::new("cli-console-words");
    for name in ["keys-1", "array-7", "array-8"] {
        machine(&folder, name);
    }
    let mut server = Server::start(&folder, "");
    let connect = |name: &str| {
        let line = format!(
            "connect {} --pin keys-1.pem --identity {name}.pem --key {name}.key --settle 60000",
            server.address
        );
        run(&folder, &line).ends_with(1);
    };
    connect("array-7");
    connect("array-8");
    let first = fingerprint(&folder, "array-7.pem");
    let second = fingerprint(&folder, "array-8.pem").replace(':', " ");
    server.tell("pending");
    let (mut of, mut number) = (std::collections::BTreeMap::new(), String::new());
    while of.len() < 2 {
        let line = server.line();
        if let Some((head, _)) = line.split_once(": from ") {
            number = head.to_owned();
        }
        for name in ["array-7", "array-8"] {
            if line.contains(&format!("CN={name}")) {
                of.entry(name).or_insert_with(|| number.clone());
            }
        }
    }
    for line in [
        format!("accept {} sha256 Fingerprint={first} room 7", of["array-7"]),
        format!("accept {} {second} room 8", of["array-8"]),
    ] {
        server.tell(&line);
        // An error is told as well.
        let told = loop {
            let told = server.line();
            if told.starts_with("accepted: ") || told.starts_with("error: ") {
                break told;
            }
        };
        assert!(told.starts_with("accepted: "), "{told}");
    }
    assert_eq!(server.end().0, 0);
    let listed = run(&folder, "store list --store server-trust")
        .ends_with(0)
        .out;
    for label in ["label: room 7", "label: room 8"] {
        assert!(listed.contains(label), "{listed}");
    }
}

#[test]
fn a_file_of_another_kind_is_named_with_the_line_that_converts_it() {
    let folder = store("cli-kinds");
    let good = fs::read_to_string(folder.file("keys-1.pem")).unwrap();
    let bare: String = good.lines().filter(|line| !line.starts_with('-')).collect();
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (content, said) in [
        (&b"\x1f\x8b\x08\0"[..], "gunzip -c FILE > NEW"),
        (b"PK\x03\x04", "unzip FILE"),
        (
            b"\xfe\xed\xfe\xed\0\0\0\x02",
            if cfg!(feature = "formats") {
                "keytool -importkeystore"
            } else {
                "keytool -exportcert"
            },
        ),
        (b"ssh-ed25519 AAAA", "an SSH public key"),
        (bare.as_bytes(), "base64 -d FILE > NEW"),
        (&utf16, "iconv -f UTF-16"),
        // Labels that the feature reads.
        (
            good.replace("CERTIFICATE", "PKCS7").as_bytes(),
            if cfg!(feature = "formats") {
                "the PKCS#7 structure is damaged"
            } else {
                "openssl pkcs7 -print_certs"
            },
        ),
        (
            good.replace("CERTIFICATE", "ATTRIBUTE CERTIFICATE")
                .as_bytes(),
            "ATTRIBUTE CERTIFICATE",
        ),
        (good.replace('\n', "\r").as_bytes(), "tr '\\r' '\\n'"),
    ] {
        fs::write(folder.file("given"), content).unwrap();
        for line in [
            "store pin given --clients --store trust",
            "store authority given --any-server --store trust",
            "store adopt given --clients --store trust",
            "inspect given",
            "check --chain given --server-name a --pin keys-1.pem",
        ] {
            run(&folder, line).ends_with(2).says(said);
            let json = run(&folder, &format!("{line} --json")).ends_with(2).json();
            assert!(
                json["message"].as_str().unwrap().contains(said),
                "{line}: {json}"
            );
        }
    }
    run(&folder, "store pin keys-1.key --clients --store trust")
        .ends_with(2)
        .says("a private key");
}

#[test]
fn an_address_with_a_port_and_an_empty_label_are_refused() {
    let folder = store("cli-mistaken");
    for line in [
        "store server add kms9.example:5696",
        "store server add 192.0.2.9:5696",
    ] {
        run(&folder, &format!("{line} --store trust"))
            .ends_with(2)
            .says("this is an address with a port");
    }
    // Other colons are part of an id.
    run(&folder, "store server add rack-1:2 --store trust").ends_with(0);
    for verb in [
        "pin keys-1.pem --clients",
        "update keys-1.pem --server keys-1",
    ] {
        let mut command = command(
            folder.path(),
            &format!("store {verb} --store trust --label"),
        );
        let output = command.arg("").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{verb}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("'--label <TEXT>'"), "{said}");
    }
}
