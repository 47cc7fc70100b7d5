//! A tokio server whose trust changes while connections are open: pins are changed in a durable store and by a followed
//! folder. Each connection has a task, which is woken by each change and asks about its own client.

use std::fs;
use std::sync::Arc;

use mutual_trust::admin::follow::{Feeds, Follower, Source};
use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::store::{EntryKey, Scope, Slot};
use mutual_trust::{EntryOptions, LiveTrust, PeerCheck, PinScope, tls};
use mutual_trust_embedding::{
    Folder, Machine, Outcome, expect, provider, server, tokio_link, tokio_ping,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let folder = Folder::new("live")?;
    let (us, old, new) = (
        Machine::new("keys-1")?,
        Machine::new("array-7")?,
        Machine::new("array-7")?,
    );
    let pin = |store: &mut DurableStore, machine: &Machine| {
        let (certificate, options) = (machine.certificate.clone(), EntryOptions::new());
        store.change(|store| store.install_pin(PinScope::Clients, certificate, options))
    };
    let settings = DurableSettings::new(tls::key_policy(&provider()));
    let mut store = DurableStore::create(&folder.0, settings.clone())?;
    pin(&mut store, &old)?;
    let port = serve(store.live(), &us).await?;
    let mut old_link = tokio_link(&us, &old, port).await?;
    let early = tokio_link(&us, &new, port).await;
    expect(early.is_err(), "a certificate is refused before its pin")?;

    pin(&mut store, &new)?;
    let mut new_link = tokio_link(&us, &new, port).await?;
    let key = EntryKey::new(Slot::Pin, Scope::Clients, old.certificate.fingerprint());
    store.change(|store| store.remove(&key))?;
    expect(!tokio_ping(&mut old_link).await, "the old link ends")?;
    expect(tokio_ping(&mut new_link).await, "the new link goes on")?;

    let generation = store.contents().generation();
    drop(store);
    let (mut store, report) = DurableStore::open(&folder.0, settings)?;
    expect(report.generation == generation, "a restart changes nothing")?;
    let port = serve(store.live(), &us).await?;

    // A folder that other programs write.
    let secrets = folder.0.join("secrets");
    fs::create_dir(&secrets)?;
    fs::write(secrets.join("old.pem"), old.certificate.to_pem())?;
    let source = Source::new("secrets", &secrets, Feeds::Pins(PinScope::Clients));
    let mut follower = Follower::new([source])?;
    // What is written is taken over once two reads agree.
    follower.poll(&mut store)?;
    follower.poll(&mut store)?;
    let back = tokio_link(&us, &old, port).await;
    expect(back.is_ok(), "what the folder has is accepted")
}

async fn serve(trust: LiveTrust, us: &Machine) -> Outcome<u16> {
    let builder = server(trust.clone(), us);
    let acceptor = TlsAcceptor::from(Arc::new(builder.build()?));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let check = builder.peer_check();
            tokio::spawn(answer(tcp, acceptor.clone(), check, trust.clone()));
        }
    });
    Ok(port)
}

/// The task of one connection.
async fn answer(tcp: TcpStream, tls: TlsAcceptor, ask: PeerCheck, live: LiveTrust) -> Outcome<()> {
    // Taken before the handshake, so that a change after its verdict is not missed.
    let mut generation = live.current().generation();
    let mut link = tls.accept(tcp).await?;
    let mut byte = [0; 1];
    loop {
        tokio::select! {
            biased; // Trust first: no request is answered after a change that forbids it.
            newer = live.newer_than(generation) => {
                generation = newer.generation();
                if ask.client(link.get_ref().1).is_err() {
                    return Ok(link.shutdown().await?);
                }
            }
            count = link.read(&mut byte) => match count? {
                0 => return Ok(()),
                _ => link.write_all(&byte).await?,
            },
        }
    }
}
