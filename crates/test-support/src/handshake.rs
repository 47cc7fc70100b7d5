//! Real handshakes in memory.

use std::io::{Read, Write};
use std::sync::Arc;

use pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, ServerConfig, ServerConnection};

/// The outcome of a handshake and of one message in each direction after it.
pub struct Outcome {
    pub client: Result<(), rustls::Error>,
    pub server: Result<(), rustls::Error>,
    pub client_connection: ClientConnection,
    pub server_connection: ServerConnection,
    /// What each end sent last: its alert, if it refused the other.
    pub sent_last: Sent,
}

/// The bytes that each end sent last.
#[derive(Default)]
pub struct Sent {
    pub by_client: Vec<u8>,
    pub by_server: Vec<u8>,
}

impl Outcome {
    pub fn is_ok(&self) -> bool {
        self.client.is_ok() && self.server.is_ok()
    }

    /// Panics with both ends' errors unless the link works.
    pub fn expect_link(&self, what: &str) {
        assert!(
            self.is_ok(),
            "{what}: client {:?}, server {:?}",
            self.client,
            self.server
        );
    }

    pub fn client_resumed(&self) -> bool {
        self.client_connection.handshake_kind() == Some(HandshakeKind::Resumed)
    }
}

/// Makes a handshake under `name`, then sends a message from the client to the server and back. In TLS 1.3 a client
/// learns that it was refused only when it reads.
///
/// Each configuration may be shared or not.
pub fn handshake(
    client: &(impl Clone + Into<Arc<ClientConfig>>),
    server: &(impl Clone + Into<Arc<ServerConfig>>),
    name: &str,
) -> Outcome {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let client = ClientConnection::new(client.clone().into(), name).unwrap();
    let server = ServerConnection::new(server.clone().into()).unwrap();
    run(client, server)
}

pub fn run(mut client: ClientConnection, mut server: ServerConnection) -> Outcome {
    let mut client_result = Ok(());
    let mut server_result = Ok(());
    let mut sent = false;
    let mut answered = false;
    let mut sent_last = Sent::default();
    for _ in 0..24 {
        let to_server = drain(|buffer| client.write_tls(buffer));
        if !to_server.is_empty() {
            sent_last.by_client.clone_from(&to_server);
        }
        if server_result.is_ok() {
            server_result = feed(&to_server, |bytes| {
                server.read_tls(bytes)?;
                Ok(server.process_new_packets().map(drop))
            });
        }
        let to_client = drain(|buffer| server.write_tls(buffer));
        if !to_client.is_empty() {
            sent_last.by_server.clone_from(&to_client);
        }
        if client_result.is_ok() {
            client_result = feed(&to_client, |bytes| {
                client.read_tls(bytes)?;
                Ok(client.process_new_packets().map(drop))
            });
        }
        if client_result.is_ok() && !client.is_handshaking() && !sent {
            client.writer().write_all(b"ping").unwrap();
            sent = true;
        }
        if server_result.is_ok() && !server.is_handshaking() && !answered {
            let mut message = [0; 4];
            if server
                .reader()
                .read(&mut message)
                .is_ok_and(|count| count == 4)
            {
                assert_eq!(&message, b"ping");
                server.writer().write_all(b"pong").unwrap();
                answered = true;
            }
        }
        let mut message = [0; 4];
        let read = client.reader().read(&mut message);
        if read.is_ok_and(|count| count == 4) {
            assert_eq!(&message, b"pong");
            return Outcome {
                client: client_result,
                server: server_result,
                client_connection: client,
                server_connection: server,
                sent_last,
            };
        }
    }
    // Nothing came back: at least one end must have refused.
    if client_result.is_ok() && server_result.is_ok() {
        client_result = Err(rustls::Error::General("no answer".into()));
    }
    Outcome {
        client: client_result,
        server: server_result,
        client_connection: client,
        server_connection: server,
        sent_last,
    }
}

fn drain(mut write: impl FnMut(&mut dyn Write) -> std::io::Result<usize>) -> Vec<u8> {
    let mut buffer = Vec::new();
    while write(&mut buffer).unwrap() > 0 {}
    buffer
}

/// Reads and processes in turns, because rustls holds no more unread bytes than one record needs.
fn feed(
    mut bytes: &[u8],
    mut read: impl FnMut(&mut dyn Read) -> std::io::Result<Result<(), rustls::Error>>,
) -> Result<(), rustls::Error> {
    while !bytes.is_empty() {
        read(&mut bytes).map_err(|error| rustls::Error::General(error.to_string()))??;
    }
    Ok(())
}
