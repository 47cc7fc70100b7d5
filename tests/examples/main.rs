//! The examples as processes, in both TLS versions: with each other, and with OpenSSL.
//!
//! A program of its own: it builds the examples, and mutants of the library are not held against it.

#![cfg(all(
    feature = "admin",
    feature = "enrol",
    any(feature = "aws-lc-rs", feature = "ring")
))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod openssl;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::OnceLock;

use mutual_trust_test_support as support;
use support::DAY;
use support::pki::spec;

const VERSIONS: [&str; 2] = ["tls12", "tls13"];

/// Where the examples are, built as this test is: `cargo test --test` alone does not build them.
fn example(name: &str) -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        // target/PROFILE/deps/THIS
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().unwrap().parent().unwrap();
        let mut build = Command::new(env!("CARGO"));
        build
            .args(["build", "--quiet", "--offline"])
            .args(["--example=link", "--example=client", "--example=server"])
            .args(["--example=planning", "--example=recovery"])
            .args(["--example=enrolment", "--example=renewal"])
            .args((!cfg!(feature = "default")).then_some("--no-default-features"))
            .arg("--features=admin,enrol")
            .args(cfg!(feature = "aws-lc-rs").then_some("--features=aws-lc-rs"))
            .args(cfg!(feature = "ring").then_some("--features=ring"))
            .args((profile.file_name().unwrap() == "release").then_some("--release"))
            .arg("--target-dir")
            .arg(profile.parent().unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(
            build.status().unwrap().success(),
            "the examples do not build"
        );
        profile.join("examples")
    });
    Command::new(
        folder
            .join(name)
            .with_extension(std::env::consts::EXE_EXTENSION),
    )
}

/// A process that ends with the test, whatever becomes of it.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let count = self.stdout.read_line(&mut line).unwrap();
        assert!(count > 0, "it ended: {:?}", self.child.wait());
        line.trim_end().to_owned()
    }

    /// The rest of what it prints, once it has ended by itself.
    fn rest(mut self) -> String {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success(), "{rest}");
        rest
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A machine's certificate and key, as files.
struct Machine {
    chain: PathBuf,
    key: PathBuf,
}

fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("examples")
        .join(test);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Self-signed. Valid whenever the test runs, since the examples read the clock of the machine.
fn machine(folder: &Path, name: &str) -> Machine {
    let century = i64::try_from(100 * 365 * DAY).unwrap();
    let made = spec(name).valid(-century / 4, century).self_signed();
    let files = Machine::at(folder, name);
    fs::write(&files.chain, made.certificate.to_pem()).unwrap();
    private(&files.key, &made.key.serialize_pem());
    files
}

/// Writes a file that is for its owner alone, as tools write keys.
fn private(path: &Path, text: &str) {
    let mut options = fs::File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Anew, since the mode is that of the making.
    let _ = fs::remove_file(path);
    let mut file = options.write(true).create_new(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

impl Machine {
    fn at(folder: &Path, name: &str) -> Self {
        Self {
            chain: folder.join(format!("{name}.pem")),
            key: folder.join(format!("{name}.key")),
        }
    }
}

/// The example server with its address; it ends after one connection if `once`.
fn serve(own: &Machine, client: &Machine, once: bool) -> (Running, String) {
    let mut server = example("server");
    server
        .arg("127.0.0.1:0")
        .args([&own.chain, &own.key, &client.chain]);
    let mut running = Running::start(server.args(once.then_some("--once")));
    let address = running.line();
    (running, address)
}

fn client(address: &str, server: &Machine, own: &Machine, version: &str) -> Output {
    example("client")
        .arg(address)
        .args([&server.chain, &own.chain, &own.key])
        .arg(version)
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn link_shows_its_scenes_on_one_screen_and_finds_them_right() {
    let output = example("link").output().unwrap();
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
    let shown = out(&output);
    assert!(shown.lines().count() <= 60, "{shown}");
    for scene in ["(a)", "(b)", "(c)", "(d)", "(e)", "(f)"] {
        assert!(shown.contains(scene), "{scene}");
    }
    // P2: the reason of scene (b) stands there, with what to do.
    assert!(shown.contains("[AuthoritiesNotAsked, rule P2]"), "{shown}");
    assert!(shown.contains("to do: "), "{shown}");
}

#[test]
fn planning_shows_its_scenes_on_one_screen_and_finds_them_right() {
    let output = example("planning").output().unwrap();
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
    let shown = out(&output);
    assert!(shown.lines().count() <= 40, "{shown}");
    for scene in [
        "(a)",
        "(b)",
        "(c)",
        "(d)",
        "kms-3 presents",
        "would lock out server keys-1",
    ] {
        assert!(shown.contains(scene), "{scene}");
    }
}

#[test]
fn recovery_refuses_the_damaged_line_and_keeps_the_block_and_the_claim() {
    let output = example("recovery").output().unwrap();
    let said = out(&output);
    assert!(output.status.success(), "{said}{}", err(&output));
    for part in [
        "is damaged, its checksum does not match",
        "block kept: certificate ",
        "claim kept of server: keys-2",
        "the file is truncated",
        "keys-2.pem is missing",
        "trusts no peer",
        "All of it is as it should be.",
    ] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
}

#[test]
fn enrolment_shows_how_both_ends_come_to_trust_each_other() {
    let output = example("enrolment").output().unwrap();
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
    let shown = out(&output);
    assert!(shown.lines().count() <= 60, "{shown}");
    for step in [
        "waiting: 0",
        "waiting: number 1",
        "mistyped: ",
        "welcome, array-7",
    ] {
        assert!(shown.contains(step), "{step} in {shown}");
    }
    // No fingerprint is shown, whole or in part: it is read out elsewhere.
    let byte_pairs = |word: &str| word.split(':').filter(|part| part.len() == 2).count();
    assert!(
        shown.split_whitespace().all(|word| byte_pairs(word) < 8),
        "{shown}"
    );
}

#[test]
fn renewal_of_both_certificates_fails_no_connection() {
    let output = example("renewal").output().unwrap();
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
    let shown = out(&output);
    assert!(shown.contains("; 0 failed"), "{shown}");
    assert_eq!(err(&output), "");
}

#[test]
fn client_and_server_know_each_other_by_what_is_installed() {
    let folder = folder("both");
    let (keys, array) = (machine(&folder, "keys-1"), machine(&folder, "array-7"));
    for version in VERSIONS {
        let (server, address) = serve(&keys, &array, true);
        let output = client(&address, &keys, &array, version);
        assert!(output.status.success(), "{version}: {}", err(&output));
        // M1 at one end, P7 at the other.
        let shown = out(&output);
        assert!(
            shown.contains("[PinMatched, rule M1]"),
            "{version}: {shown}"
        );
        assert!(
            shown.contains("answer: you are array-7"),
            "{version}: {shown}"
        );
        assert_eq!(server.rest(), "answered array-7\n", "{version}");
    }
}

// P7: a client that is not installed is refused; the server says what to do and serves the next one.
#[test]
fn the_server_refuses_a_client_that_is_not_installed_and_goes_on() {
    let folder = folder("stranger");
    let (keys, array) = (machine(&folder, "keys-1"), machine(&folder, "array-7"));
    let stranger = machine(&folder, "stranger");
    let (mut server, address) = serve(&keys, &array, false);
    for version in VERSIONS {
        let output = client(&address, &keys, &stranger, version);
        assert_eq!(output.status.code(), Some(1), "{version}");
        assert!(!out(&output).contains("you are"), "{version}");
        assert!(
            err(&output).contains("CertificateUnknown"),
            "{version}: {}",
            err(&output)
        );
        let refused = server.line();
        assert!(
            refused.contains("[PinDoesNotMatch, rule P7]"),
            "{version}: {refused}"
        );
        while !server.line().contains("to do: ") {}

        let output = client(&address, &keys, &array, version);
        assert!(output.status.success(), "{version}: {}", err(&output));
        assert_eq!(server.line(), "answered array-7", "{version}");
    }
}

// P2: the server must present the pin.
#[test]
fn the_client_refuses_a_server_with_another_certificate_and_says_what_to_do() {
    let folder = folder("other-server");
    let (keys, array) = (machine(&folder, "keys-1"), machine(&folder, "array-7"));
    let other = machine(&folder, "other");
    for version in VERSIONS {
        let (server, address) = serve(&other, &array, true);
        let output = client(&address, &keys, &array, version);
        assert_eq!(output.status.code(), Some(1), "{version}");
        let refused = err(&output);
        assert!(
            refused.starts_with("refused: server key-server"),
            "{refused}"
        );
        assert!(
            refused.contains("[PinDoesNotMatch, rule P2]"),
            "{version}: {refused}"
        );
        assert!(refused.contains("to do: "), "{version}: {refused}");
        assert!(server.rest().contains("CertificateUnknown"), "{version}");
    }
}

// K1, K3: found when the identity is made, before anything is dialled.
#[test]
fn the_client_says_that_its_key_belongs_to_another_certificate() {
    let folder = folder("key");
    let (keys, array) = (machine(&folder, "keys-1"), machine(&folder, "array-7"));
    let mixed = Machine {
        chain: array.chain,
        key: keys.key.clone(),
    };
    let output = client("127.0.0.1:1", &keys, &mixed, "tls13");
    assert_eq!(output.status.code(), Some(1));
    let refused = err(&output);
    assert!(
        refused.contains("the private key does not belong"),
        "{refused}"
    );
}
