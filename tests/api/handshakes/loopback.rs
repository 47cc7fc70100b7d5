//! The same over real sockets, where errors arrive inside `io::Error`.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mutual_trust::tls::{refusal, refused_by_peer};
use mutual_trust::{PinScope, ReasonCode};
use pki_types::ServerName;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, ServerConfig, ServerConnection, Stream,
};

use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::pki::self_signed;
use crate::support::plain::Credential;

/// Long enough for a busy machine; no test waits for it unless it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn serve(listener: &TcpListener, config: Arc<ServerConfig>) -> Result<String, Error> {
    let (mut socket, _) = listener.accept()?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let mut connection = ServerConnection::new(config).map_err(Error::other)?;
    let mut stream = Stream::new(&mut connection, &mut socket);
    let mut message = [0; 4];
    stream.read_exact(&mut message)?;
    stream.write_all(b"pong")?;
    stream.flush()?;
    Ok(String::from_utf8_lossy(&message).into_owned())
}

fn dial(port: u16, config: Arc<ClientConfig>) -> Result<String, Error> {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let name = ServerName::try_from("127.0.0.1").map_err(Error::other)?;
    let mut connection = ClientConnection::new(config, name).map_err(Error::other)?;
    let mut stream = Stream::new(&mut connection, &mut socket);
    stream.write_all(b"ping")?;
    let mut message = [0; 4];
    stream.read_exact(&mut message)?;
    Ok(String::from_utf8_lossy(&message).into_owned())
}

/// What the client and the server end with.
fn over_loopback(
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
) -> (Result<String, Error>, Result<String, Error>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || serve(&listener, server));
    let client = dial(port, client);
    (client, server.join().unwrap())
}

fn reason(result: &Result<String, Error>) -> Option<ReasonCode> {
    let error = result.as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error:?}");
    refusal(error).map(|verdict| verdict.reason())
}

fn ours(setting: &Setting, trusting: bool) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    let (system, key_server) = (self_signed("array-7.example"), self_signed("kms1.example"));
    let other = self_signed("kms1.example");
    let expected = if trusting { &key_server } else { &other };
    let mut store = setting.pinning_server(&expected.certificate);
    pin(&mut store, PinScope::Clients, &system.certificate);
    let view = store.snapshot();
    let client = setting.client(view.clone(), system.identity(&[], &setting.provider));
    let server = setting.server(view, key_server.identity(&[], &setting.provider));
    (
        client.build_by_name().unwrap().into(),
        server.build().unwrap().into(),
    )
}

#[test]
fn two_machines_talk_over_loopback() {
    for setting in settings() {
        let (client, server) = ours(&setting, true);
        let (client, server) = over_loopback(client, server);
        assert_eq!(client.unwrap(), "pong", "{}", setting.name);
        assert_eq!(server.unwrap(), "ping", "{}", setting.name);
    }
}

#[test]
fn a_client_over_loopback_finds_its_reason_in_the_io_error() {
    for setting in settings() {
        let (client, server) = ours(&setting, false);
        let (client, server) = over_loopback(client, server);
        let expected = Some(ReasonCode::SameSubjectOtherKey);
        assert_eq!(reason(&client), expected, "{}", setting.name);
        // The other end was refused, and refused no one.
        assert!(refusal(&server.unwrap_err()).is_none());
    }
}

#[test]
fn a_server_over_loopback_finds_its_reason_in_the_io_error() {
    for setting in settings() {
        let (_, server) = ours(&setting, true);
        let stranger = self_signed("array-7.example");
        let client = setting.client_of(&Credential::of(&stranger, &[]));
        let (client, server) = over_loopback(client, server);
        let expected = Some(ReasonCode::SameSubjectOtherKey);
        assert_eq!(reason(&server), expected, "{}", setting.name);
        // In TLS 1.3 the client learns it when it reads, if the closed socket lets it.
        assert!(refusal(&client.unwrap_err()).is_none());
    }
}

#[test]
fn the_io_error_by_itself_tells_nothing_of_the_verdict() {
    // Libraries pass on the text of an error: to the caller of a service, in QUIC to the peer
    for setting in settings() {
        let (client, server) = ours(&setting, false);
        let error = over_loopback(client, server).0.unwrap_err();
        let text = "Other(OtherError(refused: see the verdict))";
        assert_eq!(
            error.to_string(),
            format!("invalid peer certificate: {text}")
        );
        assert_eq!(
            format!("{error:?}"),
            format!("Custom {{ kind: InvalidData, error: InvalidCertificate({text}) }}")
        );
        let verdict = refusal(&error).unwrap().to_string();
        assert!(verdict.contains("kms1.example"), "{verdict}");
    }
}

#[derive(Debug)]
struct Wrapped(Error);

impl std::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("could not reach the key server")
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// The same error in what libraries wrap errors in. `source()` alone passes over some of them.
fn wrapped_by_libraries(error: impl Fn() -> rustls::Error) -> Vec<Wrapped> {
    type Shared = Arc<dyn std::error::Error + Send + Sync>;
    let io = || Error::other(error());
    let deep = (0..20).fold(io(), |inner, _| Error::other(Wrapped(inner)));
    let layers: [Box<dyn std::error::Error + Send + Sync>; 11] = [
        Box::new(error()),
        Box::new(io()),
        Box::new(deep),
        Box::new(Error::other(io())),
        Box::new(Arc::new(io())),
        Box::new(Box::new(io())),
        Box::new(Arc::new(Box::new(io()))),
        Box::new(Box::new(Arc::new(error()))),
        Box::new(Box::new(error())),
        Box::new(Arc::new(error())),
        Box::new(Shared::from(Box::from(io()))),
    ];
    layers.map(Error::other).map(Wrapped).into()
}

#[test]
fn a_reason_is_found_inside_errors_that_wrap_each_other_and_nowhere_else() {
    let setting = settings().remove(0);
    let (client, server) = ours(&setting, false);
    let error = over_loopback(client, server).0.unwrap_err();
    let refused = || {
        let error = error.get_ref().unwrap().downcast_ref::<rustls::Error>();
        error.unwrap().clone()
    };
    for (layers, wrapped) in wrapped_by_libraries(refused).iter().enumerate() {
        let verdict = refusal(wrapped).unwrap_or_else(|| panic!("not found in {layers}"));
        assert_eq!(verdict.reason(), ReasonCode::SameSubjectOtherKey);
        assert_eq!(verdict.server(), Some(&keys_1()));
        assert_eq!(refused_by_peer(wrapped), None);
    }

    for other in [
        Error::from(ErrorKind::ConnectionRefused),
        Error::other("InvalidCertificate"),
        Error::other(rustls::Error::DecryptError),
        Error::other(rustls::Error::InvalidCertificate(
            rustls::CertificateError::UnknownIssuer,
        )),
    ] {
        assert!(refusal(&Wrapped(other)).is_none());
    }
}

#[test]
fn the_alert_of_a_peer_that_refused_us_is_found_inside_errors() {
    for setting in settings() {
        let (_, server) = ours(&setting, true);
        let unknown = self_signed("array-7.example");
        let client = setting.client_of(&Credential::of(&unknown, &[]));
        let (client, server) = over_loopback(client, server);
        let sent = AlertDescription::CertificateUnknown;
        // In TLS 1.3 a closed socket can reset the connection before the client has read the alert.
        let client = client.unwrap_err();
        if client.kind() != ErrorKind::ConnectionReset && client.kind() != ErrorKind::BrokenPipe {
            assert_eq!(refused_by_peer(&client), Some(sent), "{client:?}");
        }
        // Our end refused, and no peer did.
        assert_eq!(refused_by_peer(&server.unwrap_err()), None);
    }
    let alert = AlertDescription::UnknownCA;
    let error = || rustls::Error::AlertReceived(alert);
    for wrapped in wrapped_by_libraries(error) {
        assert_eq!(refused_by_peer(&wrapped), Some(alert), "{wrapped:?}");
        assert!(refusal(&wrapped).is_none());
    }
    for other in [
        Error::from(ErrorKind::UnexpectedEof),
        Error::other("received fatal alert: UnknownCA"),
        Error::other(rustls::Error::NoCertificatesPresented),
    ] {
        assert_eq!(refused_by_peer(&Wrapped(other)), None);
    }
}

#[test]
fn a_refusal_becomes_an_io_error_in_which_its_verdict_is_found() {
    // Streams that ask again end with one
    let setting = settings().remove(0);
    let check = setting
        .server(
            setting.store().snapshot(),
            self_signed("kms1.example").identity(&[], &setting.provider),
        )
        .peer_check();
    let unknown = self_signed("array-7.example").certificate;
    let presented = [unknown.der().to_vec().into()];
    let error = Error::from(check.client_presented(&presented).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(error.to_string(), "refused: see the verdict");
    let verdict = refusal(&error).unwrap();
    assert_eq!(verdict.reason(), ReasonCode::NothingInstalled);
}
