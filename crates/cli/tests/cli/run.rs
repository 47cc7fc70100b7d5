//! Running the command, and a key server of it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use rcgen::date_time_ymd;
use serde_json::Value;

use crate::folder::Folder;
use crate::openssl::openssl;
use crate::schema;
use crate::support::pki::{Made, Spec, spec};

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Both outputs.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.all());
        self
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.all().contains(text), "no {text:?} in: {}", self.all());
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let text = if self.code == 2 { &self.err } else { &self.out };
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {}", self.all()))
    }
}

pub(crate) fn command(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mutual-trust"));
    command.args(line.split_whitespace()).current_dir(folder);
    command.env_remove("NO_COLOR");
    command
}

/// Runs the command, with nothing to read.
pub(crate) fn run(folder: &Folder, line: &str) -> Ran {
    run_with(folder, line, "")
}

/// Runs the command, which can read `input`.
pub(crate) fn run_with(folder: &Folder, line: &str, input: &str) -> Ran {
    let mut command = command(folder.path(), line);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read its input has closed it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let ran = Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    if line.split_whitespace().any(|word| word == "--json") {
        schema::hold(line, ran.code, &ran.out, &ran.err);
    }
    ran
}

/// A certificate that is valid at the time of the machine that runs the tests.
pub(crate) fn now_spec(name: &str) -> Spec {
    spec(name).params(|params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2095, 1, 1);
    })
}

/// Writes a certificate with its key.
pub(crate) fn write(folder: &Folder, name: &str, made: &Made) {
    fs::write(
        folder.file(&format!("{name}.pem")),
        made.certificate.to_pem(),
    )
    .unwrap();
    private(folder, &format!("{name}.key"), &made.key.serialize_pem());
}

/// Writes a file for its owner alone.
pub(crate) fn private(folder: &Folder, name: &str, content: &str) {
    use std::os::unix::fs::PermissionsExt;

    let path = folder.file(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A folder with `a.pem` and `a.key`, which OpenSSL made with the passphrase `correct-horse`. Nothing without OpenSSL.
pub(crate) fn encrypted(test: &str) -> Option<Folder> {
    let tool = openssl(&format!("{test}-tool"))?;
    let folder = Folder::new(test);
    tool.run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes-256-cbc -pass pass:correct-horse -out a.key");
    tool.run("req -x509 -new -key a.key -passin pass:correct-horse -subj /CN=a -out a.pem");
    private(
        &folder,
        "a.key",
        &String::from_utf8(tool.read("a.key")).unwrap(),
    );
    fs::write(folder.file("a.pem"), tool.read("a.pem")).unwrap();
    Some(folder)
}

/// Makes an identity with the command: `NAME.pem` and `NAME.key`.
pub(crate) fn machine(folder: &Folder, name: &str) {
    let line = format!("identity new {name} --identity {name}.pem --key {name}.key");
    run(folder, &line).ends_with(0);
}

pub(crate) fn fingerprint(folder: &Folder, file: &str) -> String {
    let text = fs::read(folder.file(file)).unwrap();
    let certificate = mutual_trust::Certificate::from_pem(&text).unwrap();
    certificate.fingerprint().to_string()
}

/// A key server of the command, with a console. Ended by its id at the latest when it is dropped.
pub(crate) struct Server {
    child: Child,
    input: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
    pub(crate) address: String,
    /// All that it said.
    pub(crate) said: String,
}

impl Server {
    /// Starts one as `keys-1`, with the store `server-trust`, which is made if it is not there.
    pub(crate) fn start(folder: &Folder, more: &str) -> Self {
        if !folder.file("server-trust").exists() {
            run(folder, "store create --store server-trust").ends_with(0);
        }
        let line = format!(
            "serve --listen 127.0.0.1:0 --store server-trust --identity keys-1.pem --key keys-1.key {more}"
        );
        let mut command = command(folder.path(), &line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let (address, said) = (String::new(), String::new());
        let mut server = Self {
            child,
            input,
            lines,
            address,
            said,
        };
        let first = server.line();
        server.address = match serde_json::from_str::<Value>(&first) {
            Ok(event) => event["address"].as_str().unwrap().to_owned(),
            Err(_) => {
                let address = first.strip_prefix("listening on ").unwrap();
                address.split(';').next().unwrap().to_owned()
            }
        };
        server
    }

    /// The next line that it says.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the server has ended: {}", self.said);
        self.said.push_str(&line);
        line
    }

    /// Reads on until it says a line with `text`.
    pub(crate) fn until(&mut self, text: &str) -> String {
        loop {
            let line = self.line();
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Closes its console, and waits for its end.
    pub(crate) fn end(mut self) -> (i32, String) {
        drop(self.input.take());
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        self.said.push_str(&rest);
        (
            self.child.wait().unwrap().code().unwrap(),
            self.said.clone(),
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// OpenSSL's server, ended by its id.
pub(crate) struct Foreign {
    child: Child,
    pub(crate) address: String,
}

impl Foreign {
    pub(crate) fn start(folder: &Folder, more: &str) -> Self {
        let line = format!("s_server -accept 127.0.0.1:0 -cert keys-1.pem -key keys-1.key {more}");
        let mut child = Command::new("openssl")
            .args(line.split(' '))
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| line.strip_prefix("ACCEPT ").map(str::to_owned))
            .unwrap();
        // It goes on reading, so that the server can go on writing.
        thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
