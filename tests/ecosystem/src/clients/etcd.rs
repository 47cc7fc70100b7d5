//! etcd-client, over a channel of tonic.

use std::error::Error;

use mutual_trust::{Verdict, tls};
use mutual_trust_ecosystem::BoxError;

use super::grpc::Over;
use crate::client::{Library, Ours};

pub struct Etcd(pub Over);

impl Library for Etcd {
    type Client = tonic::transport::Channel;
    type Open = etcd_client::Client;

    fn client(&self, ours: Ours, port: u16) -> Result<Self::Client, BoxError> {
        self.0.channel(ours, port)
    }

    async fn open(&self, channel: &Self::Client) -> Result<Self::Open, BoxError> {
        let channel = channel.clone();
        // hook: etcd-client
        let client =
            etcd_client::Client::from_channel(etcd_client::Channel::Tonic(channel), None).await?;
        // end of hook
        Ok(client)
    }

    async fn ask(&self, open: &mut Self::Open) -> Result<String, BoxError> {
        Ok(format!("etcd {}", open.status().await?.version()))
    }

    fn verdict<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Verdict> {
        match error.downcast_ref()? {
            etcd_client::Error::GRpcStatus(status) => tls::refusal(status),
            _ => None,
        }
    }
}
