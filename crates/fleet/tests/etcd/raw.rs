//! What another client of etcd does: an administrator, a publisher that dies, a man in the middle.

use etcd_client::{Client, Compare, CompareOp, DeleteOptions, GetOptions, PutOptions, Txn, TxnOp};

pub struct Raw {
    runtime: tokio::runtime::Runtime,
    client: Client,
}

impl Raw {
    pub fn new(address: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let client = runtime.block_on(Client::connect([address], None)).unwrap();
        Self { runtime, client }
    }

    pub fn put(&self, key: &str, value: impl Into<Vec<u8>>) {
        let answer = self
            .runtime
            .block_on(self.client.kv_client().put(key, value, None));
        answer.unwrap();
    }

    /// Puts keys with nothing in them, some at once: etcd takes 128 changes in a transaction.
    pub fn put_many(&self, keys: Vec<String>) {
        self.runtime.block_on(async {
            for some in keys.chunks(128) {
                let puts = some.iter().map(|key| TxnOp::put(key.as_str(), "", None));
                let all = Txn::new().and_then(puts.collect::<Vec<_>>());
                self.client.kv_client().txn(all).await.unwrap();
            }
        });
    }

    pub fn put_leased(&self, key: &str, value: impl Into<Vec<u8>>, seconds: i64) {
        self.runtime.block_on(async {
            let lease = self
                .client
                .lease_client()
                .grant(seconds, None)
                .await
                .unwrap()
                .id();
            let options = PutOptions::new().with_lease(lease);
            self.client
                .kv_client()
                .put(key, value, Some(options))
                .await
                .unwrap();
        });
    }

    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        let answer = self
            .runtime
            .block_on(self.client.kv_client().get(key, None));
        answer
            .unwrap()
            .take_kvs()
            .pop()
            .map(|found| found.value().to_vec())
    }

    pub fn keys(&self, folder: &str) -> Vec<String> {
        let options = GetOptions::new().with_prefix().with_keys_only();
        let answer = self
            .runtime
            .block_on(self.client.kv_client().get(folder, Some(options)));
        let found = answer.unwrap().take_kvs();
        found
            .iter()
            .map(|found| found.key_str().unwrap().to_owned())
            .collect()
    }

    pub fn delete(&self, folder: &str) {
        let options = DeleteOptions::new().with_prefix();
        let answer = self
            .runtime
            .block_on(self.client.kv_client().delete(folder, Some(options)));
        answer.unwrap();
    }

    /// Removes a folder unless a key has changed since this revision.
    pub fn delete_unless_changed(&self, folder: &str, key: &str, revision: i64) {
        let options = Some(DeleteOptions::new().with_prefix());
        let transaction = Txn::new()
            .when([Compare::mod_revision(key, CompareOp::Equal, revision)])
            .and_then([TxnOp::delete(folder, options)]);
        self.runtime
            .block_on(self.client.kv_client().txn(transaction))
            .unwrap();
    }

    pub fn mod_revision(&self, key: &str) -> i64 {
        let answer = self
            .runtime
            .block_on(self.client.kv_client().get(key, None))
            .unwrap();
        answer.kvs().first().map_or(0, |found| found.mod_revision())
    }

    pub fn revision(&self) -> i64 {
        let answer = self
            .runtime
            .block_on(self.client.kv_client().get("x", None))
            .unwrap();
        answer.header().unwrap().revision()
    }

    /// Forgets all history.
    pub fn compact(&self) {
        let now = self.revision();
        self.runtime
            .block_on(self.client.kv_client().compact(now, None))
            .unwrap();
    }

    /// Ends all leases.
    pub fn revoke_leases(&self) {
        self.runtime.block_on(async {
            let mut leases = self.client.lease_client();
            for lease in leases.leases().await.unwrap().leases() {
                leases.revoke(lease.id()).await.unwrap();
            }
        });
    }
}
