//! actix-web.

use std::sync::mpsc;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use mutual_trust_tokio::{Peer, actix};

use super::who;
use crate::server::Setup;

pub async fn actix(setup: &Setup) -> u16 {
    let builder = setup.builder.clone();
    let (send, receive) = mpsc::channel();
    // actix-web has a runtime of its own.
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = || App::new().route("/", web::get().to(async |peer: Peer| who(&peer)));
            // hook: actix-web
            let server = HttpServer::new(move || app().wrap(from_fn(actix::require_peer)));
            let server = server.on_connect(actix::on_connect(builder.peer_check()));
            let server = server
                .bind_rustls_0_23(("127.0.0.1", 0), builder.build().unwrap())
                .unwrap();
            // end of hook
            send.send(server.addrs()[0].port()).unwrap();
            server.workers(1).disable_signals().run().await
        })
    });
    receive.recv().unwrap()
}
