//! tokio-rustls at both ends: a client that is known gets an answer, a stranger does not, and each end can say why.

use mutual_trust::{PeerCheck, PeerIdentity, ReasonCode, tls};
use mutual_trust_embedding::{Machine, Outcome, client, client_pinned, expect, pinned, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let (key_server, array, stranger) = (
        Machine::new("keys-1")?,
        Machine::new("array-7")?,
        Machine::new("stranger")?,
    );

    let builder = server(
        client_pinned("array-7", &array.certificate)?.snapshot(),
        &key_server,
    );
    let acceptor = TlsAcceptor::from(builder.build()?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let serving = tokio::spawn(async move {
        let mut said = Vec::new();
        for _ in 0..2 {
            let (tcp, _) = listener.accept().await?;
            said.push(answer(tcp, &acceptor, &builder.peer_check()).await);
        }
        Outcome::Ok(said)
    });

    let id = "keys-1".parse()?;
    let trust = pinned(&id, &key_server.certificate)?.snapshot();
    for (us, known) in [(&array, true), (&stranger, false)] {
        let connector = TlsConnector::from(client(trust.clone(), us).build_for(&id)?);
        let answer = ask(TcpStream::connect(address).await?, &connector).await;
        match answer {
            Ok(text) => expect(
                known && text == "you are array-7",
                "the known client gets its answer",
            )?,
            // The server refused us: no verdict of ours, and in TLS 1.3 it arrives with the first read.
            Err(error) => expect(
                !known && tls::refusal(&*error).is_none(),
                "the stranger gets none",
            )?,
        }
    }
    let said = serving.await??;
    expect(
        said[0].as_ref().is_ok_and(|who| who == "array-7"),
        "the server knows its client by label",
    )?;
    let refused = said[1].as_ref().err();
    let verdict = refused.and_then(|error| tls::refusal(&**error));
    let verdict = verdict.ok_or("the stranger was not refused by the rules")?;
    println!("    {verdict}");
    expect(
        verdict.reason() == ReasonCode::PinDoesNotMatch,
        "the server says why it refused the stranger",
    )
}

async fn ask(tcp: TcpStream, connector: &TlsConnector) -> Outcome<String> {
    let mut link = connector.connect("localhost".try_into()?, tcp).await?;
    link.write_all(b"who am I\n").await?;
    let mut answer = String::new();
    link.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn answer(tcp: TcpStream, acceptor: &TlsAcceptor, check: &PeerCheck) -> Outcome<String> {
    let mut link = acceptor.accept(tcp).await?;
    let _count = link.read(&mut [0; 64]).await?;
    let verdict = check.client(link.get_ref().1);
    let Some(PeerIdentity::Pin {
        label: Some(label), ..
    }) = verdict.peer()
    else {
        return Err(verdict.to_string().into());
    };
    link.write_all(format!("you are {label}").as_bytes())
        .await?;
    link.shutdown().await?;
    Ok(label.to_string())
}
