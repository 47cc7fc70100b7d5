//! A member of a fleet, which takes a publication over.

use std::error::Error;
use std::path::Path;

use mutual_trust::admin::bundle::{FleetMember, KeySet, Part};
use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::tls;

pub(crate) fn follow() -> Result<(), Box<dyn Error>> {
    let keys = tls::key_policy(&tls::provider::default_provider());
    let (mut store, _) = DurableStore::open(Path::new("trust"), DurableSettings::new(keys))?;
    let set = KeySet::read(&std::fs::read("keys.set")?)?;
    let heard = std::fs::read_to_string("heard")?.parse()?;
    let mut member = FleetMember::join(&mut store, set, heard, Part::Servers)?;
    let publication = std::fs::read("publication")?;
    println!("{}", member.take_over(&publication, &mut store)?);
    Ok(())
}
