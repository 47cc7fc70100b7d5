//! A system with two key servers, whose numbers Prometheus collects over HTTP. One of the servers works. For the other,
//! what is installed has ended.
//!
//! With a file as its argument, it writes its address there and goes on until its standard input ends; `prometheus` beside
//! this package collects from it so.

use std::fs::write;
use std::io::{BufRead, BufReader, Read, Write, stdin};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;
use mutual_trust::admin::Gauges;
use mutual_trust::certificate::{SystemClock, TimeSource};
use mutual_trust::observe::describe_metrics;
use mutual_trust::tls::{self, Identities};
use mutual_trust::{CurrentTime, EntryOptions, LiveTrust, PinScope, Policy, ServerId};
use mutual_trust_embedding::{
    Machine, Outcome, answer_bytes, client, client_pinned, dial, expect, pinned, provider, server,
};
use rustls::pki_types::UnixTime;

/// How often the gauges are set without a change.
const EACH: Duration = Duration::from_secs(60);

/// After this time without being set, a gauge is dropped: ten times as long.
const IDLE: Duration = Duration::from_secs(600);

fn main() -> Outcome<()> {
    let exporter = PrometheusBuilder::new().idle_timeout(MetricKindMask::GAUGE, Some(IDLE));
    let exporter = exporter.install_recorder()?;
    describe_metrics();

    let (array, works, other) = (
        Machine::new("array-7")?,
        Machine::new("keys-1")?,
        Machine::new("keys-2")?,
    );
    let [first, second] = ["keys-1".parse::<ServerId>()?, "keys-2".parse()?];
    // What has ended was installed before.
    let before = CurrentTime::Known(days_ago(2));
    let mut store = pinned(&first, &works.certificate)?.with_clock(Arc::new(before));
    store.add_server(second.clone(), [])?;
    let ended = EntryOptions::new().with_end(days_ago(1));
    let pin = other.certificate.clone();
    store.install_pin(PinScope::Server(second.clone()), pin, ended)?;
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
        expect(
            answered.is_ok() == (*id == first),
            "the first server works alone",
        )?;
    }

    let at = serve(exporter)?;
    let page = get(at)?;
    for line in [
        "mutual_trust_handshakes_total{role=\"server\",outcome=\"accepted\"} 1",
        "mutual_trust_handshakes_total{role=\"server\",outcome=\"refused\"} 1",
        "mutual_trust_servers{store=\"main\"} 2",
        "mutual_trust_servers_usable{store=\"main\"} 1",
        "mutual_trust_entries{store=\"main\",slot=\"pin\",state=\"ended\"} 1",
    ] {
        expect(page.lines().any(|found| found == line), line)?;
    }
    let help = "# HELP mutual_trust_servers_usable Servers that an installed entry can accept now.";
    expect(page.contains(help), "each metric says what it is")?;
    let Some(file) = std::env::args_os().nth(1) else {
        return Ok(());
    };
    write(file, at.to_string())?;
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn set(gauges: &mut Gauges, trust: &LiveTrust, identities: &Identities) {
    let policy = Policy::new(tls::key_policy(&provider()));
    gauges.set_trust(&trust.current(), &policy, SystemClock::new().now());
    gauges.set_identity("array-7", identities);
}

/// Answers each request with the numbers, on this machine alone: who can read them learns which key servers there are.
fn serve(exporter: PrometheusHandle) -> Outcome<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let at = listener.local_addr()?;
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // One that does not read or write holds up the others only so long.
            let _ = answer(connection, &exporter);
        }
    });
    Ok(at)
}

fn answer(mut connection: TcpStream, exporter: &PrometheusHandle) -> std::io::Result<()> {
    let patience = Some(Duration::from_secs(5));
    connection.set_read_timeout(patience)?;
    connection.set_write_timeout(patience)?;
    // The request is not looked at, but read: up to its empty line, and no more than a request has.
    let request = BufReader::new((&connection).take(8192));
    for line in request.lines() {
        if line?.is_empty() {
            break;
        }
    }
    let page = exporter.render();
    write!(
        connection,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{page}",
        page.len()
    )
}

fn get(at: SocketAddr) -> Outcome<String> {
    let mut connection = TcpStream::connect(at)?;
    connection.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut page = String::new();
    connection.read_to_string(&mut page)?;
    Ok(page)
}

fn days_ago(days: u64) -> UnixTime {
    let then = UnixTime::now()
        .as_secs()
        .saturating_sub(days * 24 * 60 * 60);
    UnixTime::since_unix_epoch(Duration::from_secs(then))
}
