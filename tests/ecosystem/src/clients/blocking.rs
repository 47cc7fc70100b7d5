//! ureq, which takes no configuration of rustls: a connector of our own.

use std::error::Error;
use std::io::{Read, Write};
use std::sync::Arc;

use mutual_trust::{Verdict, tls};
use mutual_trust_ecosystem::BoxError;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::Agent;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, TcpConnector, Transport,
    TransportAdapter,
};

use super::http::Pool;
use crate::client::{Library, Ours};

// hook: ureq
struct OurTls(Arc<ClientConfig>);

impl std::fmt::Debug for OurTls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("OurTls")
    }
}

impl<In: Transport> Connector<In> for OurTls {
    type Out = OurStream;

    fn connect(
        &self,
        to: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<OurStream>, ureq::Error> {
        let Some(tcp) = chained else { return Ok(None) };
        let host = to
            .uri
            .host()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned();
        let name = host
            .try_into()
            .map_err(|_| ureq::Error::Tls("the host is no name"))?;
        let mut conn = ClientConnection::new(self.0.clone(), name)?;
        let mut sock = TransportAdapter::new(tcp.boxed(), to.current_time.clone());
        sock.set_timeout(to.timeout);
        conn.complete_io(&mut sock)?;
        let buffers = LazyBuffers::new(
            to.config.input_buffer_size(),
            to.config.output_buffer_size(),
        );
        Ok(Some(OurStream {
            buffers,
            stream: StreamOwned { conn, sock },
        }))
    }
}

struct OurStream {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl std::fmt::Debug for OurStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("OurStream")
    }
}

impl Transport for OurStream {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        Ok(self.stream.write_all(&self.buffers.output()[..amount])?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

fn agent(settings: ureq::config::Config, config: ClientConfig) -> Agent {
    let connector = ().chain(TcpConnector::default()).chain(OurTls(Arc::new(config)));
    Agent::with_parts(settings, connector, DefaultResolver::default())
}
// end of hook

pub struct Ureq(pub Pool);

impl Library for Ureq {
    type Client = (Agent, u16);
    type Open = (Agent, u16);

    fn client(&self, ours: Ours, port: u16) -> Result<Self::Client, BoxError> {
        let builder = Agent::config_builder().http_status_as_error(false);
        let settings = match self.0 {
            Pool::Default => builder.build(),
            Pool::Empty => builder.max_idle_connections(0).build(),
        };
        Ok((agent(settings, ours.config), port))
    }

    async fn open(&self, client: &Self::Client) -> Result<Self::Open, BoxError> {
        Ok(client.clone())
    }

    async fn ask(&self, (agent, port): &mut Self::Open) -> Result<String, BoxError> {
        let (agent, port) = (agent.clone(), *port);
        let asked = tokio::task::spawn_blocking(move || -> Result<String, BoxError> {
            let mut response = agent.get(format!("https://localhost:{port}/")).call()?;
            Ok(response.body_mut().read_to_string()?)
        });
        asked.await?
    }

    fn verdict<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Verdict> {
        match error.downcast_ref()? {
            ureq::Error::Io(error) => tls::refusal(error),
            _ => None,
        }
    }
}
