//! Runs a C program at one end of a link, and rustls at the other.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::certificate::Certificate;
use mutual_trust::store::TrustStore;
use mutual_trust::tls::TlsVersion;
use mutual_trust::{EntryOptions, PinScope, ReasonCode};
use mutual_trust_test_support::folder::Folder;
use mutual_trust_test_support::link::{Setting, keys_1};
use mutual_trust_test_support::pki::Made;
use mutual_trust_test_support::plain::Credential;
use mutual_trust_test_support::{NOW, host, keys, now, pki, provider};
use pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, Stream};

use super::kit::{Kit, Stack};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Client,
    Server,
}

/// A link: a C program over a stack, in a role, by one version of TLS.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub stack: Stack,
    pub role: Role,
    pub version: TlsVersion,
    /// Whether valgrind watches the program.
    pub watched: bool,
}

/// What the program said about a connection.
pub type Round = BTreeMap<String, String>;

/// A store and an identity for a C program.
pub struct Side {
    pub folder: Folder,
}

impl Side {
    /// A store that knows the server keys-1, and what is installed besides.
    pub fn new(name: &str, edit: impl FnOnce(&mut TrustStore)) -> Self {
        let folder = Folder::new(name);
        let settings = DurableSettings::new(keys()).with_clock(Arc::new(now()));
        let store = folder.file("store");
        fs::create_dir(&store).unwrap();
        let mut store = DurableStore::create(&store, settings).unwrap();
        store
            .change(|store| {
                store.add_server(keys_1(), [host("kms1.example")])?;
                edit(store);
                Ok(())
            })
            .unwrap();
        let ours = pki::self_signed("array-7");
        fs::write(folder.file("us.pem"), ours.certificate.to_pem()).unwrap();
        fs::write(folder.file("us.key"), ours.key.serialize_pem()).unwrap();
        Self { folder }
    }

    /// Its store, to change it between two programs.
    pub fn open(&self) -> DurableStore {
        let settings = DurableSettings::new(keys()).with_clock(Arc::new(now()));
        DurableStore::open(&self.folder.file("store"), settings)
            .unwrap()
            .0
    }

    pub fn write(&self, name: &str, certificate: &Certificate) -> PathBuf {
        let path = self.folder.file(name);
        fs::write(&path, certificate.to_pem()).unwrap();
        path
    }
}

pub fn pin_server(store: &mut TrustStore, certificate: &Certificate) {
    let scope = PinScope::Server(keys_1());
    store
        .install_pin(
            scope,
            certificate.clone(),
            EntryOptions::new().with_label("the server"),
        )
        .unwrap();
}

pub fn pin_client(store: &mut TrustStore, certificate: &Certificate) {
    let options = EntryOptions::new().with_label("array-7");
    store
        .install_pin(PinScope::Clients, certificate.clone(), options)
        .unwrap();
}

impl Link {
    pub fn setting(&self) -> Setting {
        Setting {
            name: format!("{self:?}"),
            provider: provider(),
            version: self.version,
        }
    }

    fn command(&self, program: &Path, side: &Side, words: &[String]) -> Command {
        let mut command = if self.watched {
            let mut command = super::uses::valgrind("links of C programs").unwrap();
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        let role = match self.role {
            Role::Client => "client",
            Role::Server => "server",
        };
        let tls = if self.version == TlsVersion::Tls12 {
            "12"
        } else {
            "13"
        };
        let path = |name: &str| side.folder.file(name).display().to_string();
        // The program takes the first word of a name.
        command
            .args(words)
            .args([
                format!("role={role}"),
                format!("tls={tls}"),
                format!("now={NOW}"),
            ])
            .args([
                format!("store={}", path("store")),
                format!("cert={}", path("us.pem")),
                format!("key={}", path("us.key")),
            ])
            .args(["id=keys-1", "dialled=kms1.example"])
            .stdout(Stdio::piped());
        command
    }

    /// Runs the program as a client of a server that presents `credential`, so many times.
    pub fn client(
        &self,
        kit: &Kit,
        side: &Side,
        credential: &Credential,
        words: &[String],
        rounds: usize,
    ) -> Vec<Round> {
        let program = kit.peer(self.stack).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut words = words.to_vec();
        words.push(format!("port={port}"));
        words.push(format!("rounds={rounds}"));
        let config = self.setting().server_of(credential);
        let serving = thread::spawn(move || -> Vec<bool> {
            (0..rounds).map(|_| serve(&listener, &config)).collect()
        });
        let child = self.command(program, side, &words).spawn().unwrap();
        let said = ended(child, BufReader::new(std::io::empty()));
        nothing_after_a_refusal(&said, &serving.join().unwrap());
        said
    }

    /// Runs the program as a server of a client with this configuration, so many times.
    pub fn server(
        &self,
        kit: &Kit,
        side: &Side,
        config: &Arc<ClientConfig>,
        words: &[String],
        rounds: usize,
    ) -> Vec<Round> {
        self.server_of(kit, side, &vec![config.clone(); rounds], words)
    }

    /// Starts the program as a server. Returns it, what it will say, and its port.
    fn serving(
        &self,
        kit: &Kit,
        side: &Side,
        words: &[String],
        rounds: usize,
    ) -> (Child, BufReader<ChildStdout>, u16) {
        let program = kit.peer(self.stack).unwrap();
        let mut words = words.to_vec();
        words.push(format!("rounds={rounds}"));
        let mut child = self.command(program, side, &words).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let port = line
            .trim()
            .strip_prefix("port=")
            .unwrap_or_else(|| panic!("{line}"));
        let port = port.parse().unwrap();
        (child, output, port)
    }

    /// Runs the program as a server of the same program as a client without an adapter, once.
    pub fn server_of_plain(
        &self,
        kit: &Kit,
        side: &Side,
        client: &Made,
        words: &[String],
    ) -> Vec<Round> {
        let (child, output, port) = self.serving(kit, side, words, 1);
        let cert = side.write("plain.pem", &client.certificate);
        let key = side.folder.file("plain.key");
        fs::write(&key, client.key.serialize_pem()).unwrap();
        let words = [
            "role=plain".to_owned(),
            format!("cert={}", cert.display()),
            format!("key={}", key.display()),
            format!("port={port}"),
        ];
        let program = kit.peer(self.stack).unwrap();
        let dialling = self.command(program, side, &words).spawn().unwrap();
        ended(dialling, std::io::empty());
        ended(child, output)
    }

    /// Runs the program as a server of clients with these configurations, one after the other.
    pub fn server_of(
        &self,
        kit: &Kit,
        side: &Side,
        configs: &[Arc<ClientConfig>],
        words: &[String],
    ) -> Vec<Round> {
        let (child, output, port) = self.serving(kit, side, words, configs.len());
        let answered: Vec<bool> = configs.iter().map(|config| dial(port, config)).collect();
        let said = ended(child, output);
        nothing_after_a_refusal(&said, &answered);
        said
    }
}

/// What the other end got of a program that says no in this round: nothing.
fn nothing_after_a_refusal(said: &[Round], got: &[bool]) {
    let rounds = said.iter().filter(|round| round.contains_key("round"));
    for (round, got) in rounds.zip(got) {
        assert!(
            !*got || round["finished"] == "1",
            "the other end got data of a link that is refused: {round:?}"
        );
    }
}

/// The lines of a program that ended well.
fn ended(mut child: Child, mut rest: impl Read) -> Vec<Round> {
    let mut bytes = Vec::new();
    rest.read_to_end(&mut bytes).unwrap();
    if let Some(mut output) = child.stdout.take() {
        output.read_to_end(&mut bytes).unwrap();
    }
    let text = String::from_utf8_lossy(&bytes);
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}: {text}");
    text.lines().map(words).collect()
}

/// `a=b c=d` as pairs.
fn words(line: &str) -> Round {
    let mut round = Round::new();
    let mut name = String::new();
    for word in line.split(' ') {
        if let Some((left, right)) = word.split_once('=') {
            name = left.to_owned();
            round.insert(name.clone(), right.to_owned());
        } else {
            let value = round.get_mut(&name).unwrap();
            value.push(' ');
            value.push_str(word);
        }
    }
    round
}

fn limit(tcp: &TcpStream) {
    tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    tcp.set_write_timeout(Some(Duration::from_secs(20)))
        .unwrap();
}

/// Answers one client. What goes wrong, the program at the other end tells. Returns whether the client said something.
fn serve(listener: &TcpListener, config: &Arc<ServerConfig>) -> bool {
    let (mut tcp, _) = listener.accept().unwrap();
    limit(&tcp);
    let mut tls = ServerConnection::new(config.clone()).unwrap();
    let mut stream = Stream::new(&mut tls, &mut tcp);
    let mut said = [0; 4];
    let heard = stream.read_exact(&mut said).is_ok();
    if heard {
        assert_eq!(&said, b"ping");
        let _ = stream.write_all(b"pong");
        let _ = stream.read(&mut said);
    }
    heard
}

/// Asks the program. Returns whether it answered.
fn dial(port: u16, config: &Arc<ClientConfig>) -> bool {
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
    limit(&tcp);
    let name = ServerName::try_from("kms1.example").unwrap();
    let mut tls = ClientConnection::new(config.clone(), name).unwrap();
    let mut stream = Stream::new(&mut tls, &mut tcp);
    let mut said = [0; 4];
    let answered = stream.write_all(b"ping").is_ok() && stream.read_exact(&mut said).is_ok();
    if answered {
        assert_eq!(&said, b"pong");
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }
    answered
}

/// The reason of a round; `None` if nothing was judged.
pub fn reason(round: &Round) -> Option<ReasonCode> {
    let number: u32 = round["reason"].parse().unwrap();
    let mut all = ReasonCode::ALL.iter().copied();
    let found = all.find(|reason| reason.number() == number);
    assert!(found.is_some() || number == 0, "{round:?}");
    found
}

/// Whether the program says that the link works, and data went through.
pub fn works(round: &Round) -> bool {
    let (finished, said) = (round["finished"] == "1", round["said"].as_str());
    assert!(
        finished || said == "-",
        "data went through a link that is refused: {round:?}"
    );
    finished && (said == "pong" || said == "ping")
}
