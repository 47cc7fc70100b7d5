//! A reqwest client whose server has a certificate of a CA. The server does not send the intermediate of its chain, so
//! the intermediate is installed beside the authority. Before that, reqwest's error says what to do.

use std::sync::Arc;

use mutual_trust::{AuthorityScope, EntryOptions, ReasonCode, ServerId, TrustSnapshot, tls};
use mutual_trust_embedding::{
    Authority, Machine, Outcome, client, client_pinned, expect, server, store,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\nconnection: close\r\n\r\nthe keys";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let root = Authority::new()?;
    let issuing = root.intermediate()?;
    let (key_server, array) = (issuing.machine("localhost")?, Machine::new("array-7")?);
    let url = serve(&key_server, &array).await?;

    let id: ServerId = "keys-1".parse()?;
    let mut installed = store();
    installed.add_server(id.clone(), ["localhost".parse()?])?;
    let scope = AuthorityScope::Server(id.clone());
    let report = installed.install_authority(scope, root.certificate, EntryOptions::new())?;
    println!("    {report}");

    // Without the intermediate, the certificate leads to no installed authority.
    let refused = get(installed.snapshot(), &array, &id, &url).await.err();
    let verdict = refused.as_ref().and_then(|error| tls::refusal(&**error));
    let verdict = verdict.ok_or("it was not refused by the rules")?;
    println!("    {verdict}");
    expect(
        verdict.reason() == ReasonCode::UnknownIssuer,
        "reqwest's error has the verdict inside",
    )?;

    installed.install_intermediate(issuing.certificate, EntryOptions::new())?;
    expect(
        get(installed.snapshot(), &array, &id, &url).await? == "the keys",
        "with the intermediate, reqwest gets its answer",
    )
}

async fn get(trust: TrustSnapshot, us: &Machine, id: &ServerId, url: &str) -> Outcome<String> {
    let config = client(trust, us).build_for(id)?;
    // reqwest takes a value of any type and looks at the type later: give it the configuration, not an `Arc` of it.
    let client = reqwest::Client::builder()
        .use_preconfigured_tls(config)
        .no_proxy()
        .build()?;
    Ok(client.get(url).send().await?.text().await?)
}

/// An HTTPS server that gives each accepted client the same answer.
async fn serve(us: &Machine, array: &Machine) -> Outcome<String> {
    let trust = client_pinned("array-7", &array.certificate)?.snapshot();
    let acceptor = TlsAcceptor::from(Arc::new(server(trust, us).build()?));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://localhost:{}/", listener.local_addr()?.port());
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut link = acceptor.accept(tcp).await?;
                let _count = link.read(&mut [0; 1024]).await?;
                link.write_all(ANSWER).await?;
                link.shutdown().await
            });
        }
    });
    Ok(url)
}
