//! What `store export` gives to OpenSSL and curl, asked of these programs themselves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rcgen::KeyUsagePurpose;

use crate::folder::Folder;
use crate::run::{Foreign, Ran, now_spec, run, write};
use crate::support::crl::crl;
use crate::support::pki::{Made, Spec};

const YEAR: i64 = 365 * 24 * 3600;

fn store(folder: &Folder, lines: &[&str]) {
    run(folder, "store create --store trust").ends_with(0);
    for line in lines {
        run(folder, &format!("store {line} --store trust")).ends_with(0);
    }
}

fn export(folder: &Folder, line: &str) -> Ran {
    run(folder, &format!("store export {line} --store trust"))
}

/// Whether OpenSSL is there. If not, that is reported.
fn has_openssl(test: &str) -> bool {
    crate::openssl::openssl(test).is_some()
}

/// Whether OpenSSL accepts a certificate by a bundle.
fn verifies(folder: &Path, bundle: &str, more: &str, file: &str) -> bool {
    let line = format!("verify {more} -CAfile {bundle} {file}");
    let mut openssl = Command::new("openssl");
    openssl.args(line.split_whitespace()).current_dir(folder);
    openssl.output().unwrap().status.success()
}

/// Certificates that can be pinned, of all forms of basicConstraints and keyUsage.
fn forms() -> Vec<(&'static str, Spec)> {
    use KeyUsagePurpose::{CrlSign, DigitalSignature, KeyCertSign};

    let form = |usages: &[KeyUsagePurpose]| now_spec("pinned").key_usage(usages);
    vec![
        ("no-ca", form(&[DigitalSignature])),
        ("no-ca-no-usage", form(&[])),
        ("no-ca-signs", form(&[DigitalSignature, KeyCertSign])),
        (
            "not-stated",
            form(&[DigitalSignature]).no_basic_constraints(),
        ),
        ("not-stated-no-usage", form(&[]).no_basic_constraints()),
        (
            "not-stated-signs",
            form(&[DigitalSignature, KeyCertSign]).no_basic_constraints(),
        ),
        ("ca", now_spec("pinned").ca()),
        (
            "ca-signs",
            now_spec("pinned")
                .ca()
                .key_usage(&[DigitalSignature, KeyCertSign, CrlSign]),
        ),
        ("ca-no-usage", now_spec("pinned").ca().key_usage(&[])),
        (
            "ca-signs-nothing",
            now_spec("pinned").ca().key_usage(&[DigitalSignature]),
        ),
    ]
}

/// What OpenSSL accepts by a bundle, the store accepts too: a pin is never an authority there, unless that was asked for.
#[test]
fn a_pin_in_a_bundle_is_no_authority_for_openssl() {
    if !has_openssl("cli-export-pins") {
        return;
    }
    let (mut exported, mut left_out) = (0, 0);
    for (name, spec) in forms() {
        let folder = Folder::new("cli-export-pin");
        let pin: Made = spec.self_signed();
        write(&folder, "pin", &pin);
        write(&folder, "issued", &now_spec("issued").signed_by(&pin));
        store(
            &folder,
            &["server add k1 k1.example", "pin pin.pem --server k1"],
        );
        // What OpenSSL thinks of it as an anchor.
        let issues = verifies(folder.path(), "pin.pem", "", "issued.pem");
        let ran = export(&folder, "--format pem --server k1 --out bundle.pem");
        if issues {
            left_out += 1;
            ran.ends_with(1)
                .says("refused[NothingToExport]")
                .says("what its key issues would be accepted as well")
                .says("to do: --wider puts it in");
            export(&folder, "--format pem --clients")
                .ends_with(1)
                .says("nothing is installed for clients");
            assert!(!folder.file("bundle.pem").exists(), "{name}");
            export(&folder, "--format pem --server k1 --wider --out bundle.pem").ends_with(0);
            let text = fs::read_to_string(folder.file("bundle.pem")).unwrap();
            assert!(text.contains("# WIDER than the store"), "{text}");
            assert!(
                verifies(folder.path(), "bundle.pem", "", "issued.pem"),
                "{name}"
            );
        } else if ran.code == 0 {
            exported += 1;
            assert!(
                verifies(folder.path(), "bundle.pem", "", "pin.pem"),
                "{name}"
            );
            for more in ["", "-partial_chain"] {
                assert!(
                    !verifies(folder.path(), "bundle.pem", more, "issued.pem"),
                    "{name}"
                );
            }
        }
    }
    // Not all are left out.
    assert!(
        exported >= 4 && left_out >= 4,
        "{exported} exported, {left_out} left out"
    );
}

fn site(test: &str) -> Folder {
    let folder = Folder::new(test);
    let ca = now_spec("CA").ca().self_signed();
    let signed = now_spec("signed").dns("k2.example").signed_by(&ca);
    write(&folder, "ca", &ca);
    write(&folder, "issuing", &now_spec("Issuing").ca().signed_by(&ca));
    write(&folder, "signed", &signed);
    for name in ["keys-1", "next", "other", "array", "stolen"] {
        write(
            &folder,
            name,
            &now_spec(name).dns("k1.example").self_signed(),
        );
    }
    let list = crl().valid(-2 * YEAR, 20 * YEAR).signed_by(&ca);
    fs::write(folder.file("ca.crl"), list.to_pem()).unwrap();
    store(
        &folder,
        &[
            "server add k1 k1.example",
            "pin keys-1.pem --server k1",
            "pin next.pem --server k1 --label #-----BEGIN",
            "server add k2 k2.example",
            "authority ca.pem --any-server",
            "authority ca.pem --clients --pattern dns:*.a.example",
            "intermediate issuing.pem",
            "pin array.pem --clients",
        ],
    );
    folder
}

#[test]
fn a_bundle_has_what_decides_about_the_peer_and_nothing_else() {
    let folder = site("cli-export-peers");
    let text = export(&folder, "--format pem --server k1").ends_with(0).out;
    assert_eq!(
        text.matches("-----BEGIN CERTIFICATE-----").count(),
        2,
        "{text}"
    );
    assert!(
        text.contains("# let the program check the name, k1.example"),
        "{text}"
    );
    for line in text.lines().filter(|line| line.contains("BEGIN")) {
        assert!(
            line.starts_with("-----BEGIN CERTIFICATE") || !line.contains("-----"),
            "{line}"
        );
    }
    let text = export(&folder, "--format pem --server k2").ends_with(0).out;
    assert_eq!(
        text.matches("-----BEGIN CERTIFICATE-----").count(),
        1,
        "{text}"
    );
    // A client of any name would be accepted.
    let text = export(&folder, "--format pem --clients").ends_with(0).out;
    assert_eq!(
        text.matches("-----BEGIN CERTIFICATE-----").count(),
        1,
        "{text}"
    );
    assert!(text.contains("for which names"), "{text}");
    let text = export(&folder, "--format pem --clients --wider")
        .ends_with(0)
        .out;
    assert_eq!(
        text.matches("-----BEGIN CERTIFICATE-----").count(),
        3,
        "{text}"
    );
    // k1 is pinned: the authorities are not asked about it.
    export(&folder, "--format pem --any-server")
        .ends_with(1)
        .says("pins or authorities of its own");
    for line in [
        "server add g1",
        "server add g2",
        "group add g g1 g2",
        "pin other.pem --group g",
    ] {
        run(&folder, &format!("store {line} --store trust")).ends_with(0);
    }
    export(&folder, "--format pem --group g").ends_with(0);
    export(&folder, "--format curl --group g").ends_with(0);
    run(
        &folder,
        "store pin stolen.pem --server g2 --store trust --force",
    )
    .ends_with(0);
    for format in ["pem", "curl"] {
        export(&folder, &format!("--format {format} --group g"))
            .ends_with(1)
            .says("a member that has pins of its own");
    }
    export(&folder, "--format pem")
        .ends_with(2)
        .says("acceptable as each other");
    let text = export(&folder, "--format pem --wider").ends_with(0).out;
    assert_eq!(
        text.matches("-----BEGIN CERTIFICATE-----").count(),
        8,
        "{text}"
    );
    if has_openssl("cli-export-bundle") {
        export(&folder, "--format pem --server k2 --out k2.pem").ends_with(0);
        assert!(verifies(
            folder.path(),
            "k2.pem",
            "-verify_hostname k2.example",
            "signed.pem"
        ));
        assert!(!verifies(folder.path(), "k2.pem", "", "keys-1.pem"));
    }
}

#[test]
fn what_accepts_nothing_and_what_is_checked_further_is_left_out() {
    let folder = site("cli-export-less");
    let change =
        |line: &str| run(&folder, &format!("store {line} --store trust --force")).ends_with(0);
    let left_out = |line: &str, code: i32| {
        let json = export(&folder, &format!("{line} --json"))
            .ends_with(code)
            .json();
        assert_eq!(json["refused"].is_null(), code == 0, "{json:#}");
        let items = json["left_out"]["items"].as_array().unwrap();
        let why = items
            .iter()
            .map(|item| item["why"].as_str().unwrap().to_owned());
        why.collect::<Vec<String>>().join("\n")
    };
    assert_eq!(left_out("--format pem --server k2", 0), "");
    // Revocation, then blocks.
    change("crl add ca.crl");
    assert!(left_out("--format pem --server k2", 1).contains("checked for revocation"));
    change("crl stop ca.pem");
    run(
        &folder,
        "store export --format pem --server k2 --require-crl --store trust",
    )
    .ends_with(1);
    change("block stolen.pem");
    assert!(left_out("--format pem --server k2", 1).contains("has blocks"));
    change("unblock stolen.pem");
    assert_eq!(left_out("--format pem --server k2", 0), "");
    // A blocked pin, and one that has ended.
    change("block keys-1.pem");
    let text = left_out("--format pem --server k1", 0);
    assert!(text.contains("blocked"), "{text}");
    change("block array.pem");
    let text = left_out("--format curl --clients", 1);
    assert!(text.contains("blocked"), "{text}");
    change("update next.pem --ends 30d");
    let later = "--format pem --server k1 --at 2090-01-01";
    assert!(!left_out(later, 1).is_empty());
    let fingerprint = crate::run::fingerprint(&folder, "other.pem");
    change(&format!("pin {fingerprint} --server k1"));
    for format in ["pem", "curl"] {
        let text = left_out(&format!("--format {format} --server k1"), 0);
        assert!(text.contains("only its fingerprint is known"), "{text}");
    }
}

#[test]
fn curl_connects_to_a_pinned_key_and_to_no_other_one() {
    let folder = site("cli-export-curl");
    let pins = export(&folder, "--format curl --server k1")
        .ends_with(0)
        .out;
    let pins = pins.trim();
    assert_eq!(pins.matches("sha256//").count(), 2, "{pins}");
    assert_eq!(pins.matches(';').count(), 1, "{pins}");
    // Each server has a line, where there is a key to compare.
    let all = export(&folder, "--format curl").ends_with(0).out;
    let mut lines: Vec<&str> = all.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines.len(), 2, "{all}");
    assert!(lines[0].starts_with("(clients) sha256//"), "{all}");
    assert_eq!(lines[1], format!("k1 {pins}"));
    export(&folder, "--format curl --server k2")
        .ends_with(1)
        .says("not that of a CA");
    export(&folder, "--format curl --server k1 --wider").ends_with(2);
    let clients = lines[0].split(' ').nth(1).unwrap();
    let curl = |pins: &str| {
        let server = Foreign::start(&folder, "-www");
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--insecure",
            "--max-time",
            "20",
            "--pinnedpubkey",
            pins,
        ]);
        curl.arg(format!("https://{}/", server.address));
        curl.output().ok().and_then(|output| output.status.code())
    };
    if !has_openssl("cli-export-curl-server") {
        return;
    }
    let Some(code) = curl(pins) else {
        crate::support::skips::skipped("no curl, so none reads the pins of store export");
        return;
    };
    assert_eq!(code, 0);
    // CURLE_SSL_PINNEDPUBKEYNOTMATCH.
    assert_eq!(curl(clients), Some(90));
}

#[test]
fn a_tls_server_of_openssl_accepts_the_clients_of_a_bundle() {
    if !has_openssl("cli-export-clients") {
        return;
    }
    let folder = site("cli-export-server");
    export(&folder, "--format pem --clients --out clients.pem").ends_with(0);
    let server = Foreign::start(
        &folder,
        "-CAfile clients.pem -Verify 1 -verify_return_error -tls1_2",
    );
    let connects = |name: &str| {
        let line = format!(
            "s_client -connect {} -cert {name}.pem -key {name}.key -tls1_2",
            server.address
        );
        let mut client = Command::new("openssl");
        client
            .args(line.split_whitespace())
            .current_dir(folder.path());
        client.stdin(std::process::Stdio::null());
        client.output().unwrap().status.success()
    };
    assert!(connects("array"));
    // Of the CA, of which the bundle cannot say for which names it is.
    assert!(!connects("signed"));
    assert!(!connects("other"));
}

/// nginx, ended by its id.
struct Nginx(std::process::Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nginx_accepts_the_clients_of_a_bundle() {
    let is_there = |program: &str| Command::new(program).arg("-V").output().is_ok();
    let nginx = ["nginx", "/usr/sbin/nginx"]
        .into_iter()
        .find(|name| is_there(name));
    let Some(nginx) = nginx.filter(|_| is_there("curl")) else {
        crate::support::skips::skipped(
            "no nginx with curl, so none reads a bundle of store export",
        );
        return;
    };
    let folder = site("cli-export-nginx");
    export(&folder, "--format pem --clients --out clients.pem").ends_with(0);
    let at = folder.path().display();
    // A port that is free now.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let config = format!(
        "daemon off; master_process off; pid {at}/pid; error_log {at}/errors; events {{}}
http {{ access_log off; client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;
uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {at}/keys-1.pem; ssl_certificate_key {at}/keys-1.key;
ssl_client_certificate {at}/clients.pem; ssl_verify_client on; location / {{ return 200 \"welcome\\n\"; }} }} }}\n"
    );
    fs::write(folder.file("nginx.conf"), config).unwrap();
    let mut server = Command::new(nginx);
    server
        .arg("-c")
        .arg(folder.file("nginx.conf"))
        .arg("-p")
        .arg(folder.path());
    let _server = Nginx(server.spawn().unwrap());
    let welcomes = |name: &str| {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--insecure",
            "--retry",
            "20",
            "--retry-connrefused",
            "--retry-delay",
            "1",
        ]);
        curl.args([
            "--cert",
            &format!("{name}.pem"),
            "--key",
            &format!("{name}.key"),
        ]);
        curl.arg(format!("https://127.0.0.1:{port}/"))
            .current_dir(folder.path());
        let output = curl.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap() == "welcome\n"
    };
    assert!(welcomes("array"));
    assert!(!welcomes("signed"));
    assert!(!welcomes("other"));
}

#[test]
fn a_file_is_replaced_only_when_that_is_asked_for() {
    let folder = site("cli-export-file");
    let path = folder.file("out.pem");
    let line = "--format pem --server k1 --out out.pem";
    export(&folder, line)
        .ends_with(0)
        .says("written to out.pem: 2 entries");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o644
    );
    let before = fs::read(&path).unwrap();
    export(&folder, &format!("{line} --json"))
        .ends_with(2)
        .says("write/Exists");
    let json = export(&folder, &format!("{line} --replace --json"))
        .ends_with(0)
        .json();
    assert_eq!(
        (&json["file"], &json["entries"]),
        (&"out.pem".into(), &2.into())
    );
    assert_eq!(json["content"], serde_json::Value::Null);
    // Nothing to export leaves the file as it is.
    run(&folder, "store server add k9 --store trust").ends_with(0);
    run(&folder, "store release k1 --store trust --force").ends_with(0);
    run(&folder, "store crl add ca.crl --store trust --force").ends_with(0);
    export(&folder, "--format pem --server k1 --out out.pem --replace").ends_with(1);
    assert_eq!(before.len(), fs::read(&path).unwrap().len());
    export(&folder, "--format pem --server k1 --by me").ends_with(2);
}

#[test]
fn json_is_the_list_with_the_certificates() {
    let folder = site("cli-export-json");
    let listed = run(&folder, "store list --store trust --json")
        .ends_with(0)
        .json();
    let mut exported = export(&folder, "--format json --json").ends_with(0).json();
    let plain = export(&folder, "--format json").ends_with(0).out;
    assert_eq!(plain, export(&folder, "--format json --json").out);
    let mut count = 0;
    for entry in exported["entries"].as_array_mut().unwrap() {
        let pem = entry.as_object_mut().unwrap().remove("pem").unwrap();
        let pem = mutual_trust::Certificate::from_pem(pem.as_str().unwrap().as_bytes()).unwrap();
        assert_eq!(entry["fingerprint"], pem.fingerprint().to_string());
        count += 1;
    }
    assert_eq!(count, 6);
    // The clock goes on.
    exported["clock"] = listed["clock"].clone();
    assert_eq!(exported, listed);
    let scopes = |line: &str| {
        let json = export(&folder, &format!("--format json {line} --json"))
            .ends_with(0)
            .json();
        let entries = json["entries"].as_array().unwrap();
        let mut scopes: Vec<String> = entries
            .iter()
            .map(|one| one["scope"].as_str().unwrap().to_owned())
            .collect();
        scopes.dedup();
        (scopes.len(), json["servers"].as_array().unwrap().len())
    };
    assert_eq!(scopes("--server k1"), (3, 1));
    assert_eq!(scopes("--clients"), (2, 0));
    export(&folder, "--format json --out all.json --json").ends_with(0);
    let kept: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.file("all.json")).unwrap()).unwrap();
    assert_eq!(kept["entries"].as_array().unwrap().len(), 6);
    export(&folder, "--format json --wider").ends_with(2);
    export(&folder, "--format json --at 2027-01-01").ends_with(2);
}
