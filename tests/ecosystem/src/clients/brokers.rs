//! A database, a cache, and brokers: each open connection is one of TLS.

use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use futures_util::{SinkExt, StreamExt};
use mutual_trust::LiveTrust;
use mutual_trust_ecosystem::pki::Pki;
use mutual_trust_ecosystem::{BoxError, trust};
use mutual_trust_tokio::{Connector, TlsStream};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Library, Ours};

pub struct Postgres;

impl Library for Postgres {
    type Client = (tokio_postgres_rustls::MakeRustlsConnect, u16);
    type Open = tokio_postgres::Client;

    fn client(&self, ours: Ours, port: u16) -> Result<Self::Client, BoxError> {
        let config = ours.config;
        // hook: tokio-postgres-rustls
        let connector = tokio_postgres_rustls::MakeRustlsConnect::new(config);
        // end of hook
        Ok((connector, port))
    }

    async fn open(&self, (connector, port): &Self::Client) -> Result<Self::Open, BoxError> {
        let to = format!(
            "host=localhost hostaddr=127.0.0.1 port={port} user=array dbname=postgres sslmode=require"
        );
        let (client, connection) = tokio_postgres::connect(&to, connector.clone()).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    async fn ask(&self, open: &mut Self::Open) -> Result<String, BoxError> {
        let question = "select current_user::text || ' ' || client_dn from pg_stat_ssl where pid = pg_backend_pid()";
        Ok(open.query_one(question, &[]).await?.get(0))
    }
}

pub struct Redis;

impl Library for Redis {
    type Client = (Connector, u16);
    type Open = redis::aio::MultiplexedConnection;

    fn client(&self, ours: Ours, port: u16) -> Result<Self::Client, BoxError> {
        Ok((ours.connector(), port))
    }

    async fn open(&self, (connector, port): &Self::Client) -> Result<Self::Open, BoxError> {
        let (info, settings) = (
            redis::RedisConnectionInfo::default(),
            redis::AsyncConnectionConfig::default(),
        );
        // hook: redis
        let stream = connector.connect_tcp("localhost", *port).await?;
        let (connection, driver) =
            redis::aio::MultiplexedConnection::new_with_config(&info, stream, settings).await?;
        tokio::spawn(driver);
        // end of hook
        Ok(connection)
    }

    async fn ask(&self, open: &mut Self::Open) -> Result<String, BoxError> {
        Ok(redis::cmd("PING").query_async(open).await?)
    }
}

pub struct Nats;

impl Library for Nats {
    type Client = (ClientConfig, u16);
    type Open = async_nats::Client;

    fn client(&self, ours: Ours, port: u16) -> Result<Self::Client, BoxError> {
        Ok((ours.config, port))
    }

    async fn open(&self, (config, port): &Self::Client) -> Result<Self::Open, BoxError> {
        let config = config.clone();
        // hook: async-nats
        let options = async_nats::ConnectOptions::new()
            .tls_client_config(config)
            .require_tls(true);
        // end of hook
        Ok(options.connect(format!("tls://localhost:{port}")).await?)
    }

    async fn ask(&self, open: &mut Self::Open) -> Result<String, BoxError> {
        open.flush().await?;
        Ok(format!("nats {}", open.server_info().version))
    }
}

pub struct Rumqttc;

impl Library for Rumqttc {
    type Client = (Arc<ClientConfig>, u16);
    type Open = (rumqttc::AsyncClient, rumqttc::EventLoop);

    fn client(&self, ours: Ours, port: u16) -> Result<Self::Client, BoxError> {
        Ok((Arc::new(ours.config), port))
    }

    async fn open(&self, (config, port): &Self::Client) -> Result<Self::Open, BoxError> {
        let config = config.clone();
        let mut options = rumqttc::MqttOptions::new("array", "localhost", *port);
        // hook: rumqttc
        options.set_transport(rumqttc::Transport::tls_with_config(
            rumqttc::TlsConfiguration::Rustls(config),
        ));
        // end of hook
        let (client, mut events) = rumqttc::AsyncClient::new(options, 10);
        events.poll().await?;
        Ok((client, events))
    }

    /// Subscribes and waits for the acknowledgement.
    async fn ask(&self, (client, events): &mut Self::Open) -> Result<String, BoxError> {
        client.subscribe("topic", rumqttc::QoS::AtMostOnce).await?;
        loop {
            if let rumqttc::Event::Incoming(rumqttc::Packet::SubAck(answer)) = events.poll().await?
            {
                return Ok(format!("{answer:?}"));
            }
        }
    }
}

type WebSocket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<TcpStream>>;

pub struct Tungstenite;

impl Library for Tungstenite {
    type Client = (Arc<ClientConfig>, u16);
    type Open = WebSocket;

    fn client(&self, ours: Ours, port: u16) -> Result<Self::Client, BoxError> {
        Ok((Arc::new(ours.config), port))
    }

    async fn open(&self, (config, port): &Self::Client) -> Result<Self::Open, BoxError> {
        let (config, url) = (config.clone(), format!("wss://localhost:{port}/"));
        // hook: tokio-tungstenite
        let connector = Some(tokio_tungstenite::Connector::Rustls(config));
        let (mut socket, _) =
            tokio_tungstenite::connect_async_tls_with_config(url, None, false, connector).await?;
        // end of hook
        // What nats says of itself.
        let info = socket.next().await.ok_or("closed")??;
        assert!(info.into_text()?.starts_with("INFO"));
        Ok(socket)
    }

    async fn ask(&self, open: &mut Self::Open) -> Result<String, BoxError> {
        nats_ping(open).await
    }
}

/// tokio-tungstenite over a stream that ends with trust.
pub struct TungsteniteGuarded;

impl Library for TungsteniteGuarded {
    type Client = (Connector, u16);
    type Open = tokio_tungstenite::WebSocketStream<TlsStream<TcpStream>>;

    fn client(&self, ours: Ours, port: u16) -> Result<Self::Client, BoxError> {
        Ok((ours.connector(), port))
    }

    async fn open(&self, (connector, port): &Self::Client) -> Result<Self::Open, BoxError> {
        // hook: tokio-tungstenite, guarded
        let stream = connector.connect_tcp("localhost", *port).await?;
        let (socket, _) =
            tokio_tungstenite::client_async(format!("wss://localhost:{port}/"), stream).await?;
        // end of hook
        Ok(socket)
    }

    async fn ask(&self, open: &mut Self::Open) -> Result<String, BoxError> {
        nats_ping(open).await
    }
}

/// A ping of nats, after the question that makes it a connection.
pub async fn nats_ping<S>(
    socket: &mut tokio_tungstenite::WebSocketStream<S>,
) -> Result<String, BoxError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    socket
        .send(Message::binary("CONNECT {\"verbose\":false}\r\nPING\r\n"))
        .await?;
    loop {
        let text = match socket.next().await.ok_or("closed")?? {
            Message::Binary(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            other => other.into_text()?.to_string(),
        };
        if text.contains("PONG") {
            return Ok(text);
        }
    }
}

/// A client of nats goes on until it connects again, which it can be told to.
pub async fn nats_reconnects(port: u16, pki: &Pki) {
    let mut store = trust::pinned(pki, "server");
    let live = LiveTrust::new(store.snapshot());
    let builder = trust::client_builder(pki, live.clone(), "client");
    let client = Nats
        .open(&(builder.build_for(&trust::server()).unwrap(), port))
        .await
        .unwrap();
    let _ = store.block(&pki.certificate("server"));
    live.publish(store.snapshot()).unwrap();
    client.flush().await.unwrap();
    client.force_reconnect().await.unwrap();
    let connected = async {
        while client.connection_state() == State::Connected {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), connected)
        .await
        .expect("it no longer connects");
    let flushed = tokio::time::timeout(Duration::from_secs(1), client.flush()).await;
    assert!(!matches!(flushed, Ok(Ok(()))), "it has connected again");
}
