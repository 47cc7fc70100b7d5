//! What the documents show in pieces, compiled: the lines between the marks are those of the documents, in their order.

#![allow(
    unreachable_code,
    unused_variables,
    clippy::diverging_sub_expression,
    reason = "a piece takes what it needs from nowhere: it is compiled and never run"
)]

use std::error::Error;
use std::net::{IpAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use mutual_trust::admin::PendingId;
use mutual_trust::certificate::SystemClock;
use mutual_trust::store::EntryKey;
use mutual_trust::tls::Identities;
use mutual_trust::{
    Certificate, ClientConfigBuilder, Enrolment, EntryOptions, Identity, LiveTrust, PinScope,
    ServerConfigBuilder, ServerId, TrustStore,
};

fn any<T>() -> T {
    unimplemented!("it is only compiled")
}

#[rustfmt::skip]
fn clients_wait() -> Result<(), Box<dyn Error>> {
    let (server_builder, mut store): (ServerConfigBuilder, TrustStore) = (any(), any());
    let (trust, id, heard): (LiveTrust, PendingId, &str) = (any(), any(), any());
    let peer_ip: IpAddr = any();
    // shown
    let enrolment = Enrolment::new(Arc::new(SystemClock::new()));   // closed
    let acceptor = server_builder.enrolment(&enrolment)?;           // for each connection: acceptor.config_for(peer_ip)?
    enrolment.open_enrolment(Duration::from_secs(600), 8)?;         // ten minutes, eight places
    for peer in enrolment.pending() { println!("{}: {}", peer.id, peer.presented) }
    enrolment.accept_client(id, heard.parse()?, &mut store, EntryOptions::new().with_label("array-7"), "alice")?;
    trust.publish(store.snapshot())?;                               // it connects at once
    // end
    acceptor.config_for(peer_ip)?;
    Ok(())
}

#[rustfmt::skip]
fn a_server_is_looked_at() -> Result<(), Box<dyn Error>> {
    let (client_builder, mut store): (ClientConfigBuilder, TrustStore) = (any(), any());
    let (server, tcp, heard): (ServerId, TcpStream, &str) = (any(), any(), any());
    let enrolment: Enrolment = any();
    // shown
    let probed = client_builder.probe(&server)?.run("kms1.example".try_into()?, tcp)?;
    println!("{}", probed.presented());
    let scope = PinScope::Server(server);
    enrolment.accept_server(probed.presented(), heard.parse()?, &mut store, scope, EntryOptions::new(), "alice")?;
    // end
    Ok(())
}

#[rustfmt::skip]
fn a_certificate_is_renewed() -> Result<(), Box<dyn Error>> {
    let (mut store, trust, identities): (TrustStore, LiveTrust, Identities) = (any(), any(), any());
    let (server, new, old_entry): (ServerId, Certificate, EntryKey) = (any(), any(), any());
    let next: Identity = any();
    // shown
    store.install_pin(PinScope::Server(server.clone()), new, EntryOptions::new())?;   // at the other end: current and next
    trust.publish(store.snapshot())?;
    identities.stage(next)?;                                                          // at the machine that renews
    identities.activate(&server)?;                                                    // server by server, or
    identities.activate_all()?;
    identities.commit()?;                                                             // the old key is dropped
    store.remove(&old_entry)?;                                                        // at the other end
    trust.publish(store.snapshot())?;
    // end
    Ok(())
}

type Piece = fn() -> Result<(), Box<dyn Error>>;

/// The pieces in the order of the documents.
pub(crate) const ALL: [Piece; 3] = [
    clients_wait,
    a_server_is_looked_at,
    a_certificate_is_renewed,
];
