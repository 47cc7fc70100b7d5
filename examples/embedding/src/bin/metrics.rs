//! A system with two key servers, whose numbers Prometheus collects. One of the servers works. For the other, what is
//! installed has ended. With a file as its argument, it writes its address there and goes on until its standard input ends.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use metrics_util::MetricKindMask;
use mutual_trust::admin::Gauges;
use mutual_trust::certificate::{SystemClock, TimeSource};
use mutual_trust::tls::{self, Identities};
use mutual_trust::{CurrentTime, EntryOptions, LiveTrust, PinScope, Policy, ServerId};
use mutual_trust_embedding::{
    Machine, Outcome, answer_bytes, client, client_pinned, dial, expect, page, pinned, provider,
    server,
};
use rustls::pki_types::UnixTime;

/// How often the gauges are set without a change. One that was not set ten times is dropped.
const EACH: Duration = Duration::from_secs(60);

fn main() -> Outcome<()> {
    let exporter = PrometheusBuilder::new();
    let exporter = exporter.idle_timeout(MetricKindMask::GAUGE, Some(EACH * 10));
    let exporter = exporter.install_recorder()?;
    mutual_trust::observe::describe_metrics();

    let (array, works) = (Machine::new("array-7")?, Machine::new("keys-1")?);
    let other = Machine::new("keys-2")?;
    let [first, second] = ["keys-1".parse::<ServerId>()?, "keys-2".parse()?];
    // What has ended was installed before.
    let before = Arc::new(CurrentTime::Known(days_ago(2)));
    let mut store = pinned(&first, &works.certificate)?.with_clock(before);
    store.add_server(second.clone(), [])?;
    let ended = EntryOptions::new().with_end(days_ago(1));
    let scope = PinScope::Server(second.clone());
    store.install_pin(scope, other.certificate.clone(), ended)?;
    let trust = LiveTrust::new(store.snapshot());

    // The thread that sets the gauges: after each publication, and each minute.
    let (identities, watched) = (Identities::from(array.identity.clone()), trust.clone());
    let mut gauges = Gauges::new("main");
    set(&mut gauges, &trust, &identities);
    std::thread::spawn(move || {
        let mut generation = watched.current().generation();
        loop {
            if let Some(newer) = watched.wait_newer_than(generation, EACH) {
                generation = newer.generation();
            }
            set(&mut gauges, &watched, &identities);
        }
    });

    // The links count by themselves.
    let links = client(trust, &array).client_configs()?;
    for (id, machine) in [(&first, &works), (&second, &other)] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let mut known = client_pinned("array-7", &array.certificate)?;
        answer_bytes(listener, &server(known.snapshot(), machine), 0)?;
        let mut link = dial(links.config_for(id)?, port)?;
        let answered = link
            .write_all(b"?")
            .and_then(|()| link.read_exact(&mut [0]));
        expect(answered.is_ok() == (*id == first), "one server works")?;
    }

    let at = page::serve(move || exporter.render())?;
    let page = page::get(at)?;
    for line in [
        "mutual_trust_handshakes_total{role=\"server\",outcome=\"accepted\"} 1",
        "mutual_trust_handshakes_total{role=\"server\",outcome=\"refused\"} 1",
        "mutual_trust_servers_usable{store=\"main\"} 1",
        "mutual_trust_entries{store=\"main\",slot=\"pin\",state=\"ended\"} 1",
        "# HELP mutual_trust_blocks Blocks in force.",
    ] {
        expect(page.lines().any(|found| found == line), line)?;
    }
    if let Some(file) = std::env::args_os().nth(1) {
        std::fs::write(file, at.to_string())?;
        std::io::stdin().read_to_end(&mut Vec::new())?;
    }
    Ok(())
}

fn set(gauges: &mut Gauges, trust: &LiveTrust, identities: &Identities) {
    let policy = Policy::new(tls::key_policy(&provider()));
    gauges.set_trust(&trust.current(), &policy, SystemClock::new().now());
    gauges.set_identity("array-7", identities);
}

fn days_ago(days: u64) -> UnixTime {
    let then = UnixTime::now().as_secs() - days * 24 * 60 * 60;
    UnixTime::since_unix_epoch(Duration::from_secs(then))
}
