//! The durable store with a change of the administrator, a followed folder, and the health that is shown.

use std::error::Error;
use std::path::Path;

use mutual_trust::admin::{DurableSettings, DurableStore, Feeds, Follower, Source};
use mutual_trust::{AuthorityScope, Certificate, EntryOptions, PinScope, ServerId, tls};

pub(crate) fn administer() -> Result<(), Box<dyn Error>> {
    let keys = tls::key_policy(&tls::provider::default_provider());
    let (mut store, _) = DurableStore::open(Path::new("trust"), DurableSettings::new(keys))?;
    let theirs = Certificate::from_pem(&std::fs::read("keys-2.pem")?)?;
    let server: ServerId = "keys-2".parse()?;
    store.change(|store| {
        store.add_server(server.clone(), [])?;
        store.install_pin(PinScope::Server(server), theirs, EntryOptions::new())
    })?;
    let feeds = Feeds::Authorities(AuthorityScope::AnyServer);
    let mut follower = Follower::new([Source::new("roots", "roots", feeds)])?;
    follower.poll(&mut store)?;
    store.refresh()?;
    println!("{}", store.health().is_good());
    Ok(())
}
