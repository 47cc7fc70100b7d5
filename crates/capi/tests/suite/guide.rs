//! The first link of the guide: its programs and commands, as they stand there.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mutual_trust_test_support::folder::Folder;
use mutual_trust_test_support::skips::skipped;

use super::kit::{Kit, Stack, kit, package, run};

/// A block of code: its language and its text.
fn blocks() -> Vec<(String, String)> {
    let guide = fs::read_to_string(package().join("README.md")).unwrap();
    let (_, section) = guide.split_once("\n## A first link\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let mut blocks = Vec::new();
    for part in section.split("\n```").skip(1).step_by(2) {
        let (language, text) = part.split_once('\n').unwrap();
        blocks.push((language.to_owned(), text.to_owned()));
    }
    blocks
}

/// A command, in the folder of a reader who installed the library elsewhere.
fn command(kit: &Kit, folder: &Folder, program: &str) -> Command {
    let library = kit.prefix().join("lib");
    let mut command = Command::new(program);
    command
        .current_dir(folder.path())
        .env("PKG_CONFIG_PATH", library.join("pkgconfig"))
        .env("LD_LIBRARY_PATH", library);
    command
}

/// The commands of a block. A program that waits for a server that is not there would wait forever.
fn commands(kit: &Kit, folder: &Folder, text: &str) -> Command {
    let mut shell = command(kit, folder, "timeout");
    shell.args(["120", "sh", "-euc", text]);
    shell
}

/// A server of which the shell gives its place to, until it is ended by its number.
fn server(kit: &Kit, folder: &Folder, line: &str) -> Ended {
    let mut shell = command(kit, folder, "sh");
    shell.args(["-euc", &format!("exec {line}")]);
    Ended(shell.stdin(Stdio::piped()).spawn().unwrap())
}

/// A process that ends with the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What each client says that must not get a link.
fn refused(kit: &Kit, folder: &Folder, port: &str) -> Vec<(String, String)> {
    let names = Stack::ALL.map(|stack| format!("{}_client", stack.name()));
    let there = names.into_iter().filter(|name| folder.file(name).exists());
    there
        .map(|name| {
            let line = format!("./{name} trust 127.0.0.1 {port}");
            let output = commands(kit, folder, &line).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{name}: {said}");
            (name, said)
        })
        .collect()
}

#[test]
fn the_first_link_is_made_as_the_guide_says() {
    let Some(kit) = kit() else { return };
    if Command::new("openssl").arg("version").output().is_err() {
        skipped("the first link of the guide: no openssl");
        return;
    }
    let folder = Folder::new("guide");
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let mut stand_in = None;
    let (mut programs, mut links) = (0, 0);
    for (language, text) in blocks() {
        let text = text.replace("5696", &port);
        if language == "c" {
            let name = text.split_once("/* ").unwrap().1.split_once(':').unwrap().0;
            fs::write(folder.file(name), &text).unwrap();
            programs += 1;
            continue;
        }
        assert_eq!(language, "sh");
        let stack = Stack::ALL.into_iter().find(|stack| {
            let client = format!("{}_client", stack.name());
            text.contains(&client)
        });
        if let Some(stack) = stack {
            if kit.peer(stack).is_none() {
                continue;
            }
            let said = run(&mut commands(kit, &folder, &text));
            assert_eq!(said, "the server says: olleh\n", "{}", stack.name());
            links += 1;
            continue;
        }
        // The key server goes on in the background. Here it is ended by its number.
        let (foreground, background): (Vec<_>, Vec<_>) =
            text.lines().partition(|line| !line.ends_with('&'));
        run(&mut commands(kit, &folder, &foreground.join("\n")));
        for line in background {
            stand_in = Some(server(kit, &folder, line.trim_end_matches('&')));
            let begin = Instant::now();
            let log = || fs::read_to_string(folder.file("server.log")).unwrap_or_default();
            while !log().contains("ACCEPT") && begin.elapsed() < Duration::from_secs(20) {
                thread::sleep(Duration::from_millis(5));
            }
        }
    }
    assert!(stand_in.is_some());
    assert_eq!(programs, 4);

    // The line for the static library, beside the shared one: the program needs no other file of ours.
    let guide = fs::read_to_string(package().join("README.md")).unwrap();
    let line = guide
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with("cc -o pin_static "))
        .unwrap();
    let line = format!("{line}\nunset LD_LIBRARY_PATH\n./pin_static trust kms1.example kms1.pem");
    let said = run(&mut commands(kit, &folder, &line));
    assert!(said.starts_with("Done. "), "{said}");

    // Another certificate of the key server is refused, with the reason.
    if links == 0 {
        return;
    }
    drop(stand_in.take());
    let other =
        "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=kms1 -keyout other.key -out other.pem";
    run(&mut commands(kit, &folder, other));
    let line = format!(
        "openssl s_server -accept 127.0.0.1:{port} -cert other.pem -key other.key -Verify 1 -CAfile us.pem -rev >other.log 2>&1"
    );
    let _server = server(kit, &folder, &line);
    let begin = Instant::now();
    while TcpStream::connect(format!("127.0.0.1:{port}")).is_err()
        && begin.elapsed() < Duration::from_secs(20)
    {
        thread::sleep(Duration::from_millis(5));
    }
    for (name, said) in refused(kit, &folder, &port) {
        assert!(
            said.contains("[SameSubjectOtherKey, rule P2]"),
            "{name}: {said}"
        );
    }

    // A key server that refuses us: each client says what its stack knows, and not that our verdict is yes.
    for version in ["-tls1_2", "-tls1_3"] {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        let line = format!(
            "openssl s_server -accept 127.0.0.1:{port} -cert kms1.pem -key kms1.key {version} -Verify 1 -verify_return_error -CAfile other.pem -rev >refusing.log 2>&1"
        );
        let _server = server(kit, &folder, &line);
        let begin = Instant::now();
        while TcpStream::connect(format!("127.0.0.1:{port}")).is_err()
            && begin.elapsed() < Duration::from_secs(20)
        {
            thread::sleep(Duration::from_millis(5));
        }
        for (name, said) in refused(kit, &folder, &port) {
            // mbedTLS 2.28 has no TLS 1.3.
            if name != "mbedtls_client" || version == "-tls1_2" {
                assert!(said.contains("alert"), "{name} {version}: {said}");
            }
            assert!(said.contains("no link"), "{name} {version}: {said}");
            assert!(!said.contains("accepted"), "{name} {version}: {said}");
        }
    }
}
