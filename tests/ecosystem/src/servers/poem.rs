//! poem, whose requests know of a connection nothing but an address: the peer travels in it.

use std::io;

use mutual_trust_tokio::{Acceptor, Listener, TlsStream};
use poem::endpoint::make_sync;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Route, Server, get};
use tokio::net::TcpStream;

use super::who;
use crate::server::Setup;

// hook: poem
struct OurTls(Listener);

impl poem::listener::Acceptor for OurTls {
    type Io = TlsStream<TcpStream>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.0
            .local_addr()
            .map(|address| LocalAddr(address.into()))
            .into_iter()
            .collect()
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let (stream, _) = self.0.accept().await;
        let (local, peer) = (stream.get_ref().0.local_addr()?, who(stream.peer()));
        let remote = RemoteAddr(Addr::custom("peer", peer));
        Ok((stream, LocalAddr(local.into()), remote, Scheme::HTTPS))
    }
}
// end of hook

pub async fn poem(setup: &Setup) -> u16 {
    let acceptor = Acceptor::new(&setup.builder).unwrap().with_http();
    let listener = Listener::builder(acceptor).with_failure_handler(setup.failure_handler());
    let listener = listener.bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let app = Route::new().at(
        "/",
        get(make_sync(|request| request.remote_addr().to_string())),
    );
    tokio::spawn(Server::new_with_acceptor(OurTls(listener)).run(app));
    port
}
