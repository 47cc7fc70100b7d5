//! A key server that decides what a client may have: by the label of its pin, or by its authority and the name that
//! the authority vouches for. Never by the authority alone, which certifies many machines.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use mutual_trust::{
    Accepted, AuthorityScope, EntryOptions, PeerCheck, PeerIdentity, PinScope, TrustSnapshot,
    TrustStore,
};
use mutual_trust_embedding::{
    Authority, Machine, Outcome, client, dial, expect, pinned, server, store,
};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The array whose keys a client may have. What is not listed here is not allowed.
fn allowed(accepted: &Accepted, ours: &Authority) -> Option<String> {
    match accepted.peer() {
        // The label is what the administrator wrote when the certificate was installed.
        PeerIdentity::Pin { label, .. } => label,
        // Of the names, only those that match the patterns of the authority are here; and it must be this authority.
        PeerIdentity::Chain { names, .. } => {
            let authority = accepted.entry().key().fingerprint;
            let [name] = names.as_slice() else {
                return None;
            };
            let array = name.strip_prefix("dns:")?.strip_suffix(".arrays.example")?;
            (authority == ours.certificate.fingerprint()).then(|| array.to_owned())
        }
        _ => None,
    }
}

fn main() -> Outcome<()> {
    let (key_server, pinned_array) = (Machine::new("keys-1")?, Machine::new("array-7")?);
    let ca = Authority::new()?;
    let mut clients: TrustStore = store();
    let labelled = EntryOptions::new().with_label("array-7");
    clients.install_pin(
        PinScope::Clients,
        pinned_array.certificate.clone(),
        labelled,
    )?;
    let pattern = EntryOptions::new().with_san_patterns(["dns:*.arrays.example".parse()?]);
    clients.install_authority(AuthorityScope::Clients, ca.certificate.clone(), pattern)?;

    let builder = server(clients.snapshot(), &key_server);
    let (config, check) = (Arc::new(builder.build()?), builder.peer_check());
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let array_8 = ca.machine("array-8.arrays.example")?;
    let printer = ca.machine("printer.offices.example")?;
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            // A client that is refused gets no answer.
            if let Err(error) = answer(tcp, &config, &check, &ca) {
                println!("    {error}");
            }
        }
    });

    let trust = pinned(&"keys-1".parse()?, &key_server.certificate)?.snapshot();
    expect(
        ask(&trust, &pinned_array, port)? == "keys of array-7",
        "a pinned client gets what its label may have",
    )?;
    expect(
        ask(&trust, &array_8, port)? == "keys of array-8",
        "a certified client gets what its name may have",
    )?;
    expect(
        ask(&trust, &printer, port).is_err(),
        "a machine of the same CA with another name gets nothing",
    )
}

fn answer(
    tcp: TcpStream,
    config: &Arc<ServerConfig>,
    check: &PeerCheck,
    ca: &Authority,
) -> Outcome<()> {
    let mut link = StreamOwned::new(ServerConnection::new(config.clone())?, tcp);
    let _count = link.read(&mut [0; 64])?;
    let accepted = check.client(&link.conn)?;
    let array = allowed(&accepted, ca).ok_or_else(|| format!("no keys: {}", accepted.verdict()))?;
    link.write_all(format!("keys of {array}").as_bytes())?;
    link.conn.send_close_notify();
    Ok(link.flush()?)
}

fn ask(trust: &TrustSnapshot, us: &Machine, port: u16) -> Outcome<String> {
    let config = client(trust.clone(), us).build_for(&"keys-1".parse()?)?;
    let mut link = dial(config.into(), port)?;
    link.write_all(b"my keys\n")?;
    Ok(std::io::read_to_string(&mut link)?)
}
