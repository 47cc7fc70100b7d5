//! The table in `docs/METRICS.md` is what is described and what is emitted, name by name and label by label.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use metrics::Unit;
use mutual_trust::admin::{
    DurableSettings, DurableStore, Enrolment, Feeds, Follower, Gauges, PeerHistory, Source,
};
use mutual_trust::observe::{describe_metrics, observation_queue};
use mutual_trust::tls::Identities;
use mutual_trust::{AuthorityScope, EntryOptions, LiveTrust, PinScope};

use super::recorder::{Keeper, Kind};
use crate::support::crl::crl;
use crate::support::folder::Folder;
use crate::support::handshake::handshake;
use crate::support::link::{keys_1, pin, settings};
use crate::support::pki::{pki, self_signed, spec};
use crate::support::plain::Credential;
use crate::support::{DAY, NOW, at, keys, now, policy};

/// A row of the page: the kind, the keys of the labels, and the meaning.
type Row = (Kind, BTreeSet<String>, String);

fn page() -> BTreeMap<String, Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/METRICS.md");
    let text = read_to_string(path).unwrap();
    let mut rows = BTreeMap::new();
    for line in text
        .lines()
        .filter(|line| line.starts_with("| `mutual_trust_"))
    {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, kind, labels, meaning] = cells[..] else {
            panic!("{line}");
        };
        let kind = match kind {
            "counter" => Kind::Counter,
            "gauge" => Kind::Gauge,
            other => panic!("{other}"),
        };
        let labels = labels.split(", ").filter(|label| !label.is_empty());
        let labels = labels.map(|label| label.trim_matches('`').to_owned());
        let row = (kind, labels.collect(), meaning.to_owned());
        assert!(
            rows.insert(name.trim_matches('`').to_owned(), row)
                .is_none()
        );
    }
    rows
}

/// Does everything that counts or is shown.
fn everything() {
    describe_metrics();
    let setting = &settings()[0];
    let (made, system) = (self_signed("kms1.example"), self_signed("array-7.example"));
    let ca = pki("page");
    let mut store = setting.pinning_server(&made.certificate);
    pin(&mut store, PinScope::Clients, &system.certificate);
    let group = "site-a".parse::<mutual_trust::GroupId>().unwrap();
    store.add_group(group.clone()).unwrap();
    pin(&mut store, PinScope::Group(group), &made.certificate);
    let options = EntryOptions::new().with_label("ours");
    let root = ca.root.certificate();
    store
        .install_authority(AuthorityScope::AnyServer, root, options)
        .unwrap();
    let between = ca.intermediate.certificate();
    store
        .install_intermediate(between, EntryOptions::new())
        .unwrap();
    store.install_crl(crl().signed_by(&ca.root)).unwrap();
    store.migrate(&keys_1(), at(NOW + DAY)).unwrap();

    let identity = system.identity(&[], &setting.provider);
    let (observations, reader) = observation_queue(1).unwrap();
    let client = setting.client(store.snapshot(), identity.clone());
    let client = client
        .with_observer(observations)
        .build_for(&keys_1())
        .unwrap();
    let server = setting.server_of(&Credential::of(&made, &[]));
    for _ in 0..2 {
        handshake(&client, &server, "kms1.example").expect_link("counted");
    }
    let mut seen = PeerHistory::new();
    reader
        .try_iter()
        .iter()
        .for_each(|found| seen.observe(found));

    let trust = LiveTrust::new(store.snapshot());
    store.block(&self_signed("stolen.example").certificate);
    trust.publish(store.snapshot()).unwrap();
    let enrolment = Enrolment::new(Arc::new(now()));
    enrolment
        .open_enrolment(Duration::from_secs(60), 4)
        .unwrap();

    let (folder, sources) = (Folder::new("page-store"), Folder::new("page-sources"));
    let settings = DurableSettings::new(keys()).with_clock(Arc::new(now()));
    let mut durable = DurableStore::create(folder.path(), settings).unwrap();
    let certificate = spec("ca").ca().self_signed().certificate;
    std::fs::write(sources.file("ca.pem"), certificate.to_pem()).unwrap();
    let all = ["ca.pem", "missing.pem"].map(|name| {
        let feeds = Feeds::Authorities(AuthorityScope::AnyServer);
        Source::new(name, sources.file(name), feeds)
    });
    let mut follower = Follower::new(all).unwrap();
    for _ in 0..2 {
        follower.poll(&mut durable).unwrap();
    }

    let mut gauges = Gauges::new("main");
    gauges.set_trust(store.contents(), &policy(), now());
    gauges.set_presented(store.contents(), &seen);
    gauges.set_health(&durable.health());
    gauges.set_enrolment(&enrolment);
    gauges.set_identity("array-7", &Identities::new(identity));
    gauges.count_renewal("array-7", now(), true);
}

#[test]
fn the_page_is_what_is_emitted_and_described() {
    let keeper = Keeper::default();
    keeper.keep(everything);
    let (page, described) = (page(), keeper.described());
    let emitted: BTreeMap<_, _> = keeper.emitted();
    let names = |of: &mut dyn Iterator<Item = &String>| of.cloned().collect::<BTreeSet<_>>();
    let listed = names(&mut page.keys());
    assert_eq!(
        names(&mut emitted.keys()),
        listed,
        "emitted, and docs/METRICS.md"
    );
    assert_eq!(
        names(&mut described.keys()),
        listed,
        "described, and docs/METRICS.md"
    );
    for (name, (kind, labels, meaning)) in page {
        assert_eq!(emitted[&name], (kind, labels), "{name}");
        let (described_as, unit, text) = described[&name].clone();
        assert_eq!((described_as, text), (kind, meaning), "{name}");
        let is_time = name.ends_with("_timestamp_seconds");
        assert_eq!(unit, is_time.then_some(Unit::Seconds), "{name}");
        // https://prometheus.io/docs/practices/naming
        assert_eq!(kind == Kind::Counter, name.ends_with("_total"), "{name}");
        let plain = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        assert!(name.chars().all(plain), "{name}");
        assert!(name.contains("seconds") == is_time, "{name}");
    }
}
