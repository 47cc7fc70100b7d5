//! The key server of the examples, built and run as its head says: a client waits, is accepted, and is blocked.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use mutual_trust_test_support::folder::Folder;
use mutual_trust_test_support::pki::Made;
use mutual_trust_test_support::skips::skipped;

use super::example::{built, long_lived};
use super::kit::{Stack, kit};

/// A program with its lines. It ends with the test.
struct Talk {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Talk {
    fn new(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let input = child.stdin.take();
        Self {
            child,
            input,
            lines,
        }
    }

    fn say(&mut self, line: &str) {
        // In one piece: a client sends what it reads, and the server answers each piece.
        let line = format!("{line}\n");
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_bytes()).unwrap();
    }

    /// The next line with this part. `None` if the program ends before, or says nothing for long.
    fn hear(&self, part: &str) -> Option<String> {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(20)).ok()?;
            if line.contains(part) {
                return Some(line);
            }
        }
    }

    /// Waits until it ends by itself.
    fn ended(&mut self) -> Option<i32> {
        for _ in 0..2000 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_key_server_enrols_names_and_blocks_a_client() {
    let Some(kit) = kit() else { return };
    if kit.peer(Stack::OpenSsl).is_none() {
        return;
    }
    if Command::new("openssl").arg("version").output().is_err() {
        skipped("the key server of the examples: no openssl");
        return;
    }
    let folder = Folder::new("server");
    let write = |name: &str, made: &Made| {
        fs::write(
            folder.file(&format!("{name}.pem")),
            made.certificate.to_pem(),
        )
        .unwrap();
        fs::write(
            folder.file(&format!("{name}.key")),
            made.key.serialize_pem(),
        )
        .unwrap();
    };
    let array = long_lived("array-7");
    write("server", &long_lived("kms1"));
    write("array", &array);
    write("other", &long_lived("array-8"));
    fs::create_dir(folder.file("store")).unwrap();
    let fingerprint = array.certificate.fingerprint().to_string();

    let mut command = Command::new(built(kit, "server"));
    command
        .args(["store", "0", "server.pem", "server.key", "600"])
        .current_dir(folder.path())
        .env("LD_LIBRARY_PATH", kit.prefix().join("lib"));
    let mut server = Talk::new(command);
    let port = server.hear("port ").unwrap();
    let port = port.trim_start_matches("port ").to_owned();
    let client = |name: &str| {
        let mut command = Command::new("openssl");
        command
            .args(["s_client", "-quiet", "-connect"])
            .arg(format!("127.0.0.1:{port}"))
            .args(["-cert", &format!("{name}.pem")])
            .args(["-key", &format!("{name}.key")])
            .current_dir(folder.path());
        Talk::new(command)
    };

    // Unknown: refused, and it waits.
    let mut unknown = client("array");
    let said = server.hear("no link: ").unwrap();
    assert!(
        said.starts_with("127.0.0.1: ") && said.contains("refused"),
        "{said}"
    );
    unknown.ended();
    server.say("pending");
    let waiting = server.hear("waiting: ").unwrap();
    assert_eq!(waiting, "waiting: 1");
    let number = server.hear(" 127.0.0.1 ").unwrap();
    let number = number.split(' ').next().unwrap().to_owned();

    // A wrong fingerprint changes nothing.
    server.say(&format!("accept {number} {} array-7", "00".repeat(32)));
    let said = server.hear("accept: ").unwrap();
    assert!(!said.contains("Done."), "{said}");
    server.say(&format!("accept {number} {fingerprint} array-7"));
    let said = server.hear("accept: ").unwrap();
    assert!(said.contains("Done. added"), "{said}");

    // Known by its label.
    let mut known = client("array");
    known.say("hello");
    assert_eq!(known.hear("hello").unwrap(), "array-7: hello");

    server.say("install other.pem array-8");
    assert!(server.hear("install: Done.").is_some());
    let mut other = client("other");
    other.say("hello");
    assert_eq!(other.hear("hello").unwrap(), "array-8: hello");

    // A block ends the open connection, which says nothing meanwhile, and the next one.
    server.say(&format!("block {fingerprint}"));
    assert!(server.hear("block: Done.").is_some());
    assert_eq!(
        server.hear("no longer trusted").unwrap(),
        "array-7: no longer trusted"
    );
    assert!(known.ended().is_some());
    let _blocked = client("array");
    let said = server.hear("no link: ").unwrap();
    assert!(said.contains("refused"), "{said}");

    // The other client goes on.
    other.say("again");
    assert_eq!(other.hear("again").unwrap(), "array-8: again");

    server.say("quit");
    assert_eq!(server.ended(), Some(0));
}
