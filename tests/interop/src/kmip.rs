//! Real key servers: keys made, fetched and destroyed through our ends.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kmip_protocol::request::to_vec;
use kmip_protocol::response::from_slice;
use kmip_protocol::types::common::{
    CryptographicAlgorithm, CryptographicUsageMask, KeyMaterial, ObjectType, UniqueIdentifier,
};
use kmip_protocol::types::request::{Attribute, RequestPayload, TemplateAttribute};
use kmip_protocol::types::response::{ManagedObject, ResponseMessage, ResponsePayload};
use mutual_trust::tls::TlsVersion;
use rustls::{ServerConnection, StreamOwned};

use crate::cells::Slot;
use crate::link::{Ground, SERVERS, accept, open};
use crate::peers::{Ask, Peer, PyKmip, Tools};
use crate::shapes::Shape;

/// How the rows of the command begin.
pub const COMMAND: &str = "`mutual-trust connect --kmip`, PyKMIP's server";

/// One line of the table for each operation, or the first that failed.
pub fn run(ground: &Ground, tools: &Tools) -> Option<Vec<(String, Result<(), String>)>> {
    let mut server = PyKmip::find(tools)?;
    let mut lines = Vec::new();
    let (folder, ca) = (
        ground.shapes.folder(Shape::KeytoolRsa),
        ground.shapes.site_ca(),
    );
    let ask = Ask {
        version: TlsVersion::Tls12,
        folder: &folder,
        ca: &ca,
        links: 1,
    };
    let builder = ground.client(
        ground.store(Slot::ServerPin, Shape::KeytoolRsa).snapshot(),
        &ground.ours,
        TlsVersion::Tls12,
    );
    let config = builder
        .build_for(&SERVERS[0].parse().unwrap())
        .map(Arc::new)
        .unwrap();
    let started = server.serve(ask);
    let what = "kmip-protocol over our client, PyKMIP's server: ";
    let outcome = started.clone().and_then(|port| {
        let mut link = open(&config, SERVERS[0], port).map_err(|error| error.to_string())?;
        operations(&mut link, &mut |name| {
            lines.push((format!("{what}{name}"), Ok(())))
        })
    });
    if let Err(error) = outcome {
        lines.push((format!("{what}the next operation"), Err(error)));
    }
    // PyKMIP's client and server, with our two ends between them.
    let outcome = started.clone().and_then(|port| {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let own = listener.local_addr().unwrap().port();
        let shape = Shape::CaLeaf;
        let view = ground.store(Slot::ClientsPin, shape).snapshot();
        let accepting = ground
            .server(view, &ground.ours, TlsVersion::Tls12)
            .build()
            .map(Arc::new)
            .unwrap();
        let between = std::thread::spawn(move || relay(&listener, accepting, config, port));
        let mut client = PyKmip::find(tools).ok_or("no client")?;
        let folder = ground.shapes.folder(shape);
        client.keys(
            Ask {
                folder: &folder,
                ..ask
            },
            own,
        )?;
        between
            .join()
            .map_err(|_| "the relay failed")?
            .map_err(|error| error.to_string())
    });
    lines.push((
        "PyKMIP's client, our server, our client, PyKMIP's server: Create, Get, Destroy".into(),
        outcome,
    ));
    if let Ok(port) = started {
        lines.extend(command(ground, tools, &mut server, port));
    }
    server.end();
    Some(lines)
}

/// What is tried, with which identity and arguments, and the exit code and texts that are expected.
type Case<'a> = (&'a str, &'a Path, &'a [&'a str], i32, &'a [&'a str]);

/// The command against the same server: what it says of keys and of certificates.
fn command(
    ground: &Ground,
    tools: &Tools,
    server: &mut PyKmip,
    port: u16,
) -> Vec<(String, Result<(), String>)> {
    let shapes = &ground.shapes;
    let (ours, other) = (shapes.ours(), shapes.folder(Shape::CaLeaf));
    let own = shapes.folder(Shape::KeytoolRsa).join("leaf.pem");
    let mut made = |folder: &Path| server.made(folder, &own, port);
    let (mine, theirs) = match (made(&ours), made(&other)) {
        (Ok(mine), Ok(theirs)) => (mine, theirs),
        (Err(error), _) | (_, Err(error)) => {
            return vec![(format!("{COMMAND}: the keys"), Err(error))];
        }
    };
    let run = |folder: &Path, more: &[&str]| {
        let ran = Command::new(&tools.command)
            .arg("connect")
            .arg(format!("127.0.0.1:{port}"))
            .args(["--kmip", "--server-name", "keys-1.example", "--pin"])
            .arg(&own)
            .arg("--identity")
            .arg(folder.join("full.pem"))
            .arg("--key")
            .arg(folder.join("key.pem"))
            .args(more)
            .output();
        ran.map_err(|error| format!("{}: {error}", tools.command.display()))
    };
    let unmarked = shapes.without_client_auth();
    let unknown = shapes.unknown();
    let [active, waiting, compromised] = &mine;
    let cases: [Case<'_>; 10] = [
        (
            "a key of ours, KMIP 2.0",
            &ours,
            &["--key-id", active],
            0,
            &[
                "KMIP 2.0: ",
                "Active, Symmetric Key, AES, 256 bits, named interop",
                "serves: ",
            ],
        ),
        (
            "the same, KMIP 1.4",
            &ours,
            &["--key-id", active, "--kmip-version", "1.4"],
            0,
            &[
                "KMIP 1.4: ",
                "Active, Symmetric Key, AES, 256 bits, named interop",
                "serves: ",
            ],
        ),
        (
            "the same, KMIP 1.0",
            &ours,
            &["--key-id", active, "--kmip-version", "1.0"],
            0,
            &[
                "KMIP 1.0: ",
                "Active, Symmetric Key, AES, 256 bits, named interop",
                "serves: ",
            ],
        ),
        (
            "no key, the answers alone",
            &ours,
            &[],
            0,
            &["key server: PyKMIP", "operations: Create, ", "serves: "],
        ),
        (
            "a key that is not active yet",
            &ours,
            &["--key-id", waiting],
            1,
            &["Pre-Active", "refused[KeyNotActive]"],
        ),
        (
            "a compromised key",
            &ours,
            &["--key-id", compromised],
            1,
            &["Compromised", "refused[KeyNotActive]"],
        ),
        (
            "an unknown key",
            &ours,
            &["--key-id", "4711"],
            1,
            &[
                "Item Not Found",
                "no such key for its user",
                "refused[KeyNotFound]",
            ],
        ),
        (
            "a key of another user",
            &ours,
            &["--key-id", &theirs[0]],
            1,
            &[
                "Permission Denied",
                "its user may not use this key",
                "refused[RefusedByKeyServer]",
            ],
        ),
        (
            "our certificate lacks clientAuth",
            &unmarked,
            &["--key-id", active],
            1,
            &[
                "Authentication Not Successful",
                "lists clientAuth",
                "refused[RefusedByKeyServer]",
            ],
        ),
        (
            "the server does not trust our certificate",
            &unknown,
            &["--key-id", active],
            1,
            &["refused: the server refused us", "refused[RefusedByPeer]"],
        ),
    ];
    let results = cases.into_iter().map(|(what, folder, more, code, texts)| {
        let result = run(folder, more).and_then(|ran| {
            let both = [ran.stdout.as_slice(), &ran.stderr].concat();
            let said = String::from_utf8_lossy(&both).into_owned();
            let is_said = texts.iter().all(|text| said.contains(text));
            if ran.status.code() == Some(code) && is_said {
                Ok(())
            } else {
                Err(format!("{}: {said}", ran.status))
            }
        });
        (format!("{COMMAND}: {what}"), result)
    });
    results.collect()
}

/// Takes requests from a client and hands them on, until the client has had enough.
fn relay(
    listener: &TcpListener,
    accepting: Arc<rustls::ServerConfig>,
    connecting: Arc<rustls::ClientConfig>,
    port: u16,
) -> io::Result<()> {
    let tcp = accept(listener, &AtomicBool::new(false)).ok_or(io::ErrorKind::TimedOut)?;
    let mut near = StreamOwned::new(ServerConnection::new(accepting).unwrap(), tcp);
    let mut far = open(&connecting, SERVERS[0], port)?;
    let mut messages = 0;
    while let Ok(request) = message(&mut near) {
        far.write_all(&request)?;
        near.write_all(&message(&mut far)?)?;
        messages += 1;
    }
    if messages < 3 {
        Err(io::ErrorKind::UnexpectedEof.into())
    } else {
        Ok(())
    }
}

/// One message, whose header of eight bytes ends in its length.
fn message(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 8];
    stream.read_exact(&mut bytes)?;
    let length = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]).min(1 << 20);
    stream.take(length.into()).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn call(
    stream: &mut (impl Read + Write),
    request: RequestPayload,
) -> Result<ResponsePayload, String> {
    let bytes = to_vec(request, None).map_err(|error| error.to_string())?;
    let exchanged = stream.write_all(&bytes).and_then(|()| message(stream));
    let answer = exchanged.map_err(|error| error.to_string())?;
    let answer: ResponseMessage = from_slice(&answer).map_err(|error| error.to_string())?;
    let item = answer
        .batch_items
        .into_iter()
        .next()
        .ok_or("an empty answer")?;
    item.payload
        .ok_or_else(|| item.result_message.unwrap_or_default())
}

fn operations(stream: &mut (impl Read + Write), done: &mut impl FnMut(&str)) -> Result<(), String> {
    let ResponsePayload::DiscoverVersions(found) =
        call(stream, RequestPayload::DiscoverVersions(vec![]))?
    else {
        return Err("another answer".into());
    };
    if found.supported_versions.unwrap_or_default().is_empty() {
        return Err("no versions".into());
    }
    done("Discover Versions");
    let template = TemplateAttribute::unnamed(vec![
        Attribute::CryptographicAlgorithm(CryptographicAlgorithm::AES),
        Attribute::CryptographicLength(256),
        Attribute::CryptographicUsageMask(
            CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt,
        ),
    ]);
    let create = RequestPayload::Create(ObjectType::SymmetricKey, template);
    let ResponsePayload::Create(made) = call(stream, create)? else {
        return Err("another answer".into());
    };
    done("Create");
    let id = || Some(UniqueIdentifier(made.unique_identifier.0.clone()));
    let ResponsePayload::Get(got) = call(stream, RequestPayload::Get(id(), None, None, None))?
    else {
        return Err("another answer".into());
    };
    let ManagedObject::SymmetricKey(key) = got.cryptographic_object else {
        return Err("another object".into());
    };
    if !matches!(key.key_block.key_value.key_material, KeyMaterial::Bytes(bytes) if bytes.len() == 32)
    {
        return Err("another key".into());
    }
    done("Get");
    call(stream, RequestPayload::Destroy(id()))?;
    if call(stream, RequestPayload::Get(id(), None, None, None)).is_ok() {
        return Err("the key is still there".into());
    }
    done("Destroy");
    Ok(())
}
