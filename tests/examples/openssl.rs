//! The examples with `openssl s_client` and `s_server`, and certificates as `openssl req -x509` makes them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::support::skips::skipped;
use super::{Machine, Running, client, err, folder, out, serve};

/// Whether the tests with OpenSSL can run; if not, it says so past the capture of the test runner.
fn openssl_is_there() -> bool {
    let version = Command::new("openssl").arg("version").output();
    let version = version.map(|output| out(&output)).unwrap_or_default();
    let there = version.starts_with("OpenSSL 3") || version.starts_with("OpenSSL 1.1.1");
    if !there {
        skipped(&format!("no OpenSSL 1.1.1 or 3 on PATH ({version:?})"));
    }
    there
}

impl Machine {
    /// As `openssl req -x509` makes it by default: RSA, CA:TRUE, no subject alternative name.
    fn by_openssl(folder: &Path, name: &str) -> Self {
        let files = Self::at(folder, name);
        let made = Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365",
            ])
            .args(["-subj", &format!("/CN={name}"), "-keyout"])
            .arg(&files.key)
            .arg("-out")
            .arg(&files.chain)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        files
    }
}

fn s_client(address: &str, server: &Machine, own: &Machine, version: &str) -> Output {
    let mut child = Command::new("openssl")
        .args(["s_client", "-quiet", "-verify_return_error", version])
        .args(["-connect", address, "-CAfile"])
        .arg(&server.chain)
        .arg("-cert")
        .arg(&own.chain)
        .arg("-key")
        .arg(&own.key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It may have been turned away before it reads this.
    let _ = stdin.write_all(b"hello\n");
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    output
}

#[test]
fn the_server_answers_the_s_client_that_is_installed_and_no_other() {
    if !openssl_is_there() {
        return;
    }
    let folder = folder("s_client");
    let keys = Machine::by_openssl(&folder, "keys-1");
    let array = Machine::by_openssl(&folder, "array-7");
    let stranger = Machine::by_openssl(&folder, "stranger");
    for version in ["-tls1_2", "-tls1_3"] {
        let (server, address) = serve(&keys, &array, true);
        let output = s_client(&address, &keys, &array, version);
        assert_eq!(
            out(&output),
            "you are array-7\n",
            "{version}: {}",
            err(&output)
        );
        assert_eq!(server.rest(), "answered array-7\n", "{version}");

        let (server, address) = serve(&keys, &array, true);
        let output = s_client(&address, &keys, &stranger, version);
        assert_eq!(out(&output), "", "{version}");
        assert!(
            err(&output).contains("alert certificate unknown"),
            "{version}: {}",
            err(&output)
        );
        let refused = server.rest();
        assert!(
            refused.contains("[PinDoesNotMatch, rule P7]"),
            "{version}: {refused}"
        );
    }
}

fn s_server(own: &Machine, client: &Machine, version: &str) -> (Running, String) {
    let mut server = Command::new("openssl");
    server
        .args([
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-naccept",
            "1",
            "-rev",
            version,
        ])
        .args(["-Verify", "1", "-verify_return_error", "-CAfile"])
        .arg(&client.chain)
        .arg("-cert")
        .arg(&own.chain)
        .arg("-key")
        .arg(&own.key)
        .stderr(Stdio::null());
    let mut running = Running::start(&mut server);
    loop {
        let line = running.line();
        if let Some(address) = line.strip_prefix("ACCEPT ") {
            let address = address.to_owned();
            return (running, address);
        }
    }
}

#[test]
fn the_client_is_answered_by_the_s_server_that_is_installed_and_by_no_other() {
    if !openssl_is_there() {
        return;
    }
    let folder = folder("s_server");
    let keys = Machine::by_openssl(&folder, "keys-1");
    let array = Machine::by_openssl(&folder, "array-7");
    let other = Machine::by_openssl(&folder, "other");
    for (version, ours) in [("-tls1_2", "tls12"), ("-tls1_3", "tls13")] {
        let (_server, address) = s_server(&keys, &array, version);
        let output = client(&address, &keys, &array, ours);
        assert!(output.status.success(), "{version}: {}", err(&output));
        let shown = out(&output);
        assert!(
            shown.contains("[PinMatched, rule M1]"),
            "{version}: {shown}"
        );
        assert!(shown.contains("answer: olleh"), "{version}: {shown}");

        let (_server, address) = s_server(&other, &array, version);
        let output = client(&address, &keys, &array, ours);
        assert_eq!(output.status.code(), Some(1), "{version}");
        let refused = err(&output);
        assert!(
            refused.contains("[PinDoesNotMatch, rule P2]"),
            "{version}: {refused}"
        );

        // The other way round: s_server refuses our client, which learns it with the first read.
        let (_server, address) = s_server(&keys, &other, version);
        let output = client(&address, &keys, &array, ours);
        assert_eq!(output.status.code(), Some(1), "{version}");
        let told = err(&output);
        assert!(told.contains("fatal alert"), "{version}: {told}");
    }
}
