//! KMIP over our stream, with the messages of kmip-protocol: Discover Versions. `kmip` asks a small responder of its
//! own; `kmip ADDRESS SERVER.pem OUR_CHAIN.pem OUR_KEY.pem` asks a key server.
//!
//! kmip-protocol compiles its client only together with one of its TLS plug-ins, which are of other TLS libraries or of
//! an old rustls; `call` does what that client does.

use std::fs::read;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

use kmip_protocol::request::to_vec;
use kmip_protocol::response::from_slice;
use kmip_protocol::types::request::RequestPayload;
use kmip_protocol::types::response::{ResponseMessage, ResponsePayload};
use mutual_trust::{Certificate, Identity};
use mutual_trust_embedding::{
    Machine, Outcome, client, client_pinned, expect, pinned, provider, server,
};
use rustls::{ClientConnection, ServerConnection, StreamOwned};

/// An answer to Discover Versions, 1.4 and 1.2: the fields with their tags, types and lengths.
const ANSWER: &[u8] = include_bytes!("../discover-versions.ttlv");

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (address, theirs, us) = match arguments.as_slice() {
        [] => {
            let (key_server, array) = (Machine::new("keys-1")?, Machine::new("array-7")?);
            (respond(&key_server, &array)?, key_server.certificate, array)
        }
        [address, theirs, chain, key] => {
            let identity = Identity::from_files(chain, key, &provider())?;
            let us = Machine {
                certificate: identity.certificate().clone(),
                identity,
            };
            (address.clone(), Certificate::from_pem(&read(theirs)?)?, us)
        }
        _ => return Err("kmip [ADDRESS SERVER.pem OUR_CHAIN.pem OUR_KEY.pem]".into()),
    };
    let id = "keys-1".parse()?;
    let config = client(pinned(&id, &theirs)?.snapshot(), &us).build_for(&id)?;
    let connection = ClientConnection::new(config, "localhost".try_into()?)?;
    let mut link = StreamOwned::new(connection, TcpStream::connect(address)?);
    let ResponsePayload::DiscoverVersions(found) =
        call(&mut link, RequestPayload::DiscoverVersions(vec![]))?
    else {
        return Err("another answer".into());
    };
    let versions = found.supported_versions.unwrap_or_default();
    let shown: Vec<_> = versions
        .iter()
        .map(|version| format!("{}.{}", version.major, version.minor))
        .collect();
    expect(
        !shown.is_empty(),
        &format!("the key server speaks KMIP {}", shown.join(" and ")),
    )
}

/// Sends a request and reads its answer.
fn call(link: &mut (impl Read + Write), request: RequestPayload) -> Outcome<ResponsePayload> {
    link.write_all(&to_vec(request, None).map_err(|error| error.to_string())?)?;
    let bytes = message(link)?;
    let answer: ResponseMessage = from_slice(&bytes).map_err(|error| error.to_string())?;
    let mut items = answer.batch_items.into_iter();
    let item = items.next().ok_or("an empty answer")?;
    item.payload
        .ok_or_else(|| item.result_message.unwrap_or_default().into())
}

/// A message: a header of eight bytes that ends in the length of the rest.
fn message(link: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = [0; 8];
    link.read_exact(&mut bytes)?;
    let length = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]).min(1 << 20);
    let mut bytes = bytes.to_vec();
    link.take(length.into()).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The responder, for one client and one message.
fn respond(key_server: &Machine, array: &Machine) -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let config = server(
        client_pinned("array-7", &array.certificate)?.snapshot(),
        key_server,
    )
    .build()?;
    std::thread::spawn(move || -> Outcome<()> {
        let mut link = StreamOwned::new(ServerConnection::new(config)?, listener.accept()?.0);
        message(&mut link)?;
        link.write_all(ANSWER)?;
        Ok(link.flush()?)
    });
    Ok(address)
}
