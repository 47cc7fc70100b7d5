//! No peer is named before the handshake is finished (rules M2 and P7).

use std::io::{Read, Write};
use std::sync::Arc;

use mutual_trust::tls::refusal;
use mutual_trust::{ReasonCode, Role};
use pki_types::ServerName;
use rustls::{AlertDescription, ClientConnection, Error, ServerConnection};

use crate::support::link::{keys_1, records, settings};
use crate::support::pki::self_signed;
use crate::support::plain::Credential;

/// Small enough that no record holds the last handshake message and one before it.
const SMALL: usize = 64;

fn written(mut write: impl FnMut(&mut dyn Write) -> std::io::Result<usize>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while write(&mut bytes).unwrap() > 0 {}
    bytes
}

fn to_server(server: &mut ServerConnection, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let reader: &mut dyn Read = &mut bytes;
        server.read_tls(reader).unwrap();
        server.process_new_packets().unwrap();
    }
}

fn to_client(client: &mut ClientConnection, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let reader: &mut dyn Read = &mut bytes;
        client.read_tls(reader).unwrap();
        client.process_new_packets().unwrap();
    }
}

fn kms1() -> ServerName<'static> {
    ServerName::try_from("kms1.example").unwrap()
}

#[test]
fn a_server_names_no_client_before_the_handshake_is_finished() {
    // M2
    for setting in settings() {
        let system = self_signed("array-7.example");
        let mut store = setting.pinning_client(&system.certificate);
        let identity = self_signed("kms1.example").identity(&[], &setting.provider);
        let builder = setting.server(store.snapshot(), identity);
        let check = builder.peer_check();
        let credential = Credential::of(&system, &[]);
        let mut config = setting.plain_client(credential.resolver(&setting.provider));
        config.max_fragment_size = Some(SMALL);
        let mut client = ClientConnection::new(Arc::new(config), kms1()).unwrap();
        let mut server = ServerConnection::new(builder.build().unwrap().into()).unwrap();
        let refused = |server: &ServerConnection| {
            let verdict = mutual_trust::Verdict::from(check.client(server));
            assert_eq!(
                verdict.reason(),
                ReasonCode::HandshakeNotFinished,
                "{}",
                setting.name
            );
            assert_eq!(verdict.role(), Role::Client);
        };

        refused(&server);
        to_server(&mut server, &written(|buffer| client.write_tls(buffer)));
        refused(&server);
        to_client(&mut client, &written(|buffer| server.write_tls(buffer)));
        let flight = written(|buffer| client.write_tls(buffer));
        let mut flight = records(&flight);
        let last = flight.pop().unwrap();
        for record in flight {
            to_server(&mut server, record);
            refused(&server);
        }
        // The certificate and its signature are here, the end of the handshake is not.
        assert!(server.peer_certificates().is_some(), "{}", setting.name);
        to_server(&mut server, last);
        let accepted = check.client(&server).unwrap();
        assert_eq!(accepted.reason(), ReasonCode::PinMatched);
    }
}

#[test]
fn a_client_names_no_server_before_the_handshake_is_finished() {
    // M2
    for setting in settings() {
        let key_server = self_signed("kms1.example");
        let mut store = setting.pinning_server(&key_server.certificate);
        let identity = self_signed("array-7.example").identity(&[], &setting.provider);
        let builder = setting.client(store.snapshot(), identity);
        let check = builder.peer_check();
        let credential = Credential::of(&key_server, &[]);
        let mut config = setting.plain_server(credential.resolver(&setting.provider));
        config.max_fragment_size = Some(SMALL);
        let config_of_client = builder.build_for(&keys_1()).unwrap();
        let mut client = ClientConnection::new(config_of_client.into(), kms1()).unwrap();
        let mut server = ServerConnection::new(Arc::new(config)).unwrap();
        let refused = |client: &ClientConnection| {
            let verdict = mutual_trust::Verdict::from(
                check.server(mutual_trust::ExpectedServer::id(&keys_1(), None), client),
            );
            assert_eq!(
                verdict.reason(),
                ReasonCode::HandshakeNotFinished,
                "{}",
                setting.name
            );
            assert_eq!(verdict.role(), Role::Server);
        };

        refused(&client);
        to_server(&mut server, &written(|buffer| client.write_tls(buffer)));
        if !setting.is_tls13() {
            // The server's Finished comes after the client's.
            to_client(&mut client, &written(|buffer| server.write_tls(buffer)));
            refused(&client);
            to_server(&mut server, &written(|buffer| client.write_tls(buffer)));
        }
        let flight = written(|buffer| server.write_tls(buffer));
        let mut flight = records(&flight);
        let last = flight.pop().unwrap();
        for record in flight {
            to_client(&mut client, record);
            refused(&client);
        }
        assert!(client.peer_certificates().is_some(), "{}", setting.name);
        to_client(&mut client, last);
        let verdict = mutual_trust::Verdict::from(
            check.server(mutual_trust::ExpectedServer::id(&keys_1(), None), &client),
        );
        assert_eq!(verdict.reason(), ReasonCode::PinMatched);
    }
}

#[test]
fn a_tls_1_3_client_that_is_refused_learns_it_when_it_reads() {
    // In TLS 1.3 a client's handshake ends before the server has judged the client
    for setting in settings() {
        let key_server = self_signed("kms1.example");
        let mut store = setting.pinning_server(&key_server.certificate);
        let view = store.snapshot();
        let system = self_signed("array-7.example").identity(&[], &setting.provider);
        let builder = setting.client(view.clone(), system);
        let own = key_server.identity(&[], &setting.provider);
        let config = setting.server(view, own).build().unwrap();
        let config_of_client = builder.build_for(&keys_1()).unwrap();
        let mut client = ClientConnection::new(config_of_client.into(), kms1()).unwrap();
        let mut server = ServerConnection::new(config.into()).unwrap();
        to_server(&mut server, &written(|buffer| client.write_tls(buffer)));
        to_client(&mut client, &written(|buffer| server.write_tls(buffer)));
        assert_eq!(
            client.is_handshaking(),
            !setting.is_tls13(),
            "{}",
            setting.name
        );

        let flight = written(|buffer| client.write_tls(buffer));
        let mut flight: &[u8] = &flight;
        let reader: &mut dyn Read = &mut flight;
        server.read_tls(reader).unwrap();
        let error = server.process_new_packets().unwrap_err();
        let verdict = refusal(&error).unwrap();
        assert_eq!(verdict.reason(), ReasonCode::NothingInstalled);

        let alert = written(|buffer| server.write_tls(buffer));
        let mut alert: &[u8] = &alert;
        let reader: &mut dyn Read = &mut alert;
        client.read_tls(reader).unwrap();
        let told = client.process_new_packets().unwrap_err();
        let one = AlertDescription::CertificateUnknown;
        assert_eq!(told, Error::AlertReceived(one), "{}", setting.name);
    }
}
