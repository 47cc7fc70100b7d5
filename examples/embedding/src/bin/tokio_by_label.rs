//! A tokio server that authorises by the label of the pin: each array gets its own keys, and a client whose label is
//! not in the table gets none, though its certificate is installed.

use std::collections::BTreeMap;
use std::sync::Arc;

use mutual_trust::{EntryOptions, PeerCheck, PinScope, TrustSnapshot, tls};
use mutual_trust_embedding::{Machine, Outcome, client, expect, pinned, server, store, tokio_dial};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What each label may have. A label that is not listed gets nothing.
type Allowed = Arc<BTreeMap<&'static str, &'static str>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let key_server = Machine::new("keys-1")?;
    let [array_7, array_8, printer, unknown] = [
        Machine::new("array-7")?,
        Machine::new("array-8")?,
        Machine::new("printer")?,
        Machine::new("unknown")?,
    ];

    // The administrator writes the label when the certificate is installed. No peer can choose it.
    let mut clients = store();
    for (label, machine) in [
        ("array-7", &array_7),
        ("array-8", &array_8),
        ("printer", &printer),
    ] {
        let options = EntryOptions::new().with_label(label);
        clients.install_pin(PinScope::Clients, machine.certificate.clone(), options)?;
    }
    let allowed = BTreeMap::from([
        ("array-7", "keys of volume 7"),
        ("array-8", "keys of volume 8"),
    ]);

    let builder = server(clients.snapshot(), &key_server);
    let acceptor = TlsAcceptor::from(Arc::new(builder.build()?));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let allowed = Arc::new(allowed);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let task = answer(tcp, acceptor.clone(), builder.peer_check(), allowed.clone());
            tokio::spawn(async {
                if let Err(error) = task.await {
                    // The verdict, if the client was refused by our rules.
                    let text = tls::refusal(&*error).map_or(error.to_string(), |it| it.to_string());
                    println!("    server: {text}");
                }
            });
        }
    });

    let trust = pinned(&"keys-1".parse()?, &key_server.certificate)?.snapshot();
    let first = ask(&trust, &array_7, port).await?;
    expect(first == "keys of volume 7", "array-7 gets its own keys")?;
    let second = ask(&trust, &array_8, port).await?;
    expect(second == "keys of volume 8", "array-8 gets its own keys")?;
    let third = ask(&trust, &printer, port).await?;
    expect(third == "forbidden", "the printer is known and gets none")?;
    let fourth = ask(&trust, &unknown, port).await;
    expect(fourth.is_err(), "an unknown machine gets no answer at all")
}

async fn answer(
    tcp: TcpStream,
    acceptor: TlsAcceptor,
    check: PeerCheck,
    allowed: Allowed,
) -> Outcome<()> {
    let mut link = acceptor.accept(tcp).await?;
    let _count = link.read(&mut [0; 64]).await?;
    let peer = check.client(link.get_ref().1)?.peer();
    let label = peer.label();
    let answer = label.and_then(|label| allowed.get(label));
    let answer = answer.copied().unwrap_or("forbidden");
    link.write_all(answer.as_bytes()).await?;
    Ok(link.shutdown().await?)
}

async fn ask(trust: &TrustSnapshot, us: &Machine, port: u16) -> Outcome<String> {
    let config = client(trust.clone(), us).build_for(&"keys-1".parse()?)?;
    let mut link = tokio_dial(config, port).await?;
    link.write_all(b"my keys\n").await?;
    let mut answer = String::new();
    link.read_to_string(&mut answer).await?;
    Ok(answer)
}
