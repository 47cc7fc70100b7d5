//! A hub, its publishers and its nodes.

use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

use mutual_trust_fleet::folder::Folder;
use mutual_trust_fleet::http::Http;
use mutual_trust_fleet::limits::{FOLDER_LOOK, MAX_CONNECTIONS_PER_CLIENT};
use mutual_trust_fleet::server::Hub;
use mutual_trust_fleet::{Fetched, Publisher, Tag, Transport, TransportError};
use mutual_trust_test_support::folder::Folder as Temporary;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::published::Fleet;
use crate::support::world::{LONG, World, http};
use crate::support::{new, report};

struct Served {
    world: World,
    hub: Hub,
    port: u16,
    place: Temporary,
    fleet: Fleet,
}

impl Served {
    fn new(name: &str) -> Self {
        let place = Temporary::new(name);
        let world = World::new();
        let hub = Hub::open(place.path()).unwrap().with_publishers(["alice"]);
        let mut served = Self {
            world,
            hub,
            port: 0,
            place,
            fleet: Fleet::new(),
        };
        served.start();
        served
    }

    fn start(&mut self) {
        let listener = self.world.listener();
        self.port = listener.local_addr().unwrap().port();
        let hub = self.hub.clone();
        let serve = async move { hub.serve(listener, std::future::pending()).await };
        self.world.runtime.spawn(serve);
    }

    fn client(&mut self, label: &str) -> Http {
        let connector = self.world.client(label);
        http(self.port, connector)
    }
}

#[test]
fn a_publication_goes_from_a_publisher_to_a_node_and_a_report_comes_back() {
    let mut served = Served::new("fleet-hub");
    let mut alice = served.client("alice");
    let mut node = served.client("array-7");
    let nothing = node.fetch(None).unwrap_err();
    assert!(
        matches!(nothing, TransportError::NotPublished { .. }),
        "{nothing}"
    );
    assert_eq!(alice.current().unwrap(), None);

    let one = served.fleet.publication(1);
    let first = alice.publish(&one, None).unwrap();
    let (bytes, tag) = new(node.fetch(None));
    assert_eq!((&bytes, &tag), (&one, &first));
    assert_eq!(node.fetch(Some(&tag)).unwrap(), Fetched::Unchanged);
    let two = served.fleet.publication(2);
    let second = alice.publish(&two, Some(&first)).unwrap();
    assert_eq!(new(node.fetch(Some(&tag))), (two.clone(), second.clone()));
    assert_eq!(alice.current().unwrap(), Some((two.clone(), second)));
    // It is in the folder, under its digest.
    assert_eq!(
        Folder::new(served.place.path())
            .current()
            .unwrap()
            .unwrap()
            .0,
        two
    );

    node.report(&report("array-7").with_fault("late")).unwrap();
    assert_eq!(
        alice.nodes().unwrap().reports,
        [report("array-7").with_fault("late")]
    );
    let mut other = served.client("array-8");
    other.report(&report("array-8")).unwrap();
    let both = [report("array-7").with_fault("late"), report("array-8")];
    assert_eq!(alice.nodes().unwrap().reports, both);
    assert_eq!(served.hub.nodes(), both);
}

#[test]
fn a_publisher_that_waits_for_the_folder_holds_up_no_node() {
    let mut served = Served::new("fleet-hub-locked");
    let mut alice = served.client("alice");
    let mut node = served.client("array-7");
    let publication = served.fleet.publication(1);
    let lock = File::create(served.place.file("publication.lock")).unwrap();
    lock.lock().unwrap();
    let publisher = thread::spawn(move || alice.publish(&publication, None));
    // The hub looks at its folder meanwhile.
    thread::sleep(FOLDER_LOOK * 4);
    let nothing = node.fetch(None).unwrap_err();
    assert!(
        matches!(nothing, TransportError::NotPublished { .. }),
        "{nothing}"
    );
    // A node that was held up was so until the publisher gave up.
    lock.unlock().unwrap();
    let _tag = publisher.join().unwrap().unwrap();
}

#[test]
fn a_publisher_that_is_too_late_is_told() {
    let mut served = Served::new("fleet-hub-race");
    let mut alice = served.client("alice");
    let publication = served.fleet.publication(1);
    let first = alice.publish(&publication, None).unwrap();
    let newer = served.fleet.publication(2);
    let late = alice.publish(&newer, None).unwrap_err();
    assert!(matches!(late, TransportError::Superseded { .. }), "{late}");
    let wrong = Tag::new("\"abc\"").unwrap();
    let late = alice.publish(&newer, Some(&wrong)).unwrap_err();
    assert!(matches!(late, TransportError::Superseded { .. }), "{late}");
    assert_eq!(alice.current().unwrap(), Some((publication, first)));
}

#[test]
fn a_client_does_what_its_label_allows() {
    let mut served = Served::new("fleet-hub-rights");
    let mut node = served.client("array-7");
    let publication = served.fleet.publication(1);
    let refused = [
        node.publish(&publication, None).map(|_| ()),
        node.nodes().map(|_| ()),
        node.report(&report("array-8")),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(matches!(error, TransportError::Refused { .. }), "{error}");
    }
    // A publisher is no node, and is not let in for its name being on the list of another hub.
    let mut alice = served.client("alice");
    let refused = alice.report(&report("array-7")).unwrap_err();
    assert!(
        matches!(refused, TransportError::Refused { .. }),
        "{refused}"
    );
    assert_eq!(alice.nodes().unwrap().reports, []);
    assert!(!served.place.names().contains(&"publication".to_owned()));
    // What is no publication is not taken from a publisher either.
    let refused = alice.publish(b"a page", None).unwrap_err();
    assert!(refused.to_string().contains("422"), "{refused}");
}

#[test]
fn a_node_that_waits_is_told_at_once() {
    let mut served = Served::new("fleet-hub-wait");
    let mut alice = served.client("alice");
    let mut node = served.client("array-7");
    let first = alice.publish(&served.fleet.publication(1), None).unwrap();
    let (_, tag) = new(node.fetch(None));
    // In short steps, as the agent waits: nothing is new.
    let start = Instant::now();
    for _ in 0..5 {
        node.wait(Duration::from_millis(20)).unwrap();
    }
    assert!(start.elapsed() >= Duration::from_millis(100));
    let two = served.fleet.publication(2);
    let expected = two.clone();
    let publisher = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        alice.publish(&two, Some(&first)).unwrap();
    });
    let start = Instant::now();
    node.wait(LONG).unwrap();
    assert_eq!(new(node.fetch(Some(&tag))).0, expected);
    // Less than the time after which the hub would have answered without a change.
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
    publisher.join().unwrap();
}

#[test]
fn what_is_put_into_the_folder_is_served_and_survives_a_restart() {
    let mut served = Served::new("fleet-hub-folder");
    let mut node = served.client("array-7");
    let mut folder = Folder::new(served.place.path());
    let one = served.fleet.publication(1);
    folder.publish(&one, None).unwrap();
    let start = Instant::now();
    let fetched = loop {
        match node.fetch(None) {
            Err(TransportError::NotPublished { .. }) if start.elapsed() < LONG => {
                thread::sleep(Duration::from_millis(20));
            }
            other => break new(other).0,
        }
    };
    assert_eq!(fetched, one);
    // A file that was removed by mistake: what was there is served on.
    std::fs::remove_file(served.place.file("publication")).unwrap();
    thread::sleep(Duration::from_millis(600));
    assert_eq!(new(node.fetch(None)).0, one);
    folder.publish(&one, None).unwrap();

    let hub = Hub::open(served.place.path()).unwrap();
    served.hub = hub;
    served.start();
    let mut again = served.client("array-8");
    assert_eq!(new(again.fetch(None)).0, one);
}

#[test]
fn connections_are_bounded_altogether_and_for_each_client() {
    let mut served = Served::new("fleet-hub-many");
    let connector = served.world.client("array-7");
    let port = served.port;
    let connect = async |connector: &mutual_trust_tokio::Connector| {
        let mut stream = connector.connect_tcp("localhost", port).await.unwrap();
        let asked = stream
            .write_all(b"GET /nodes/array-7 HTTP/1.1\r\nHost: x\r\n\r\n")
            .await;
        let mut answer = [0; 12];
        let read = stream.read_exact(&mut answer).await;
        (asked.is_ok() && read.is_ok()).then_some(stream)
    };
    let other = served.world.client("array-8");
    let hub = served.hub.clone();
    let held = served.world.runtime.block_on(async {
        let mut held = Vec::new();
        for _ in 0..MAX_CONNECTIONS_PER_CLIENT {
            held.push(connect(&connector).await.expect("within the bound"));
        }
        assert!(connect(&connector).await.is_none(), "one too many");
        let theirs = connect(&other).await.expect("another client");
        assert_eq!(hub.connections(), MAX_CONNECTIONS_PER_CLIENT + 1);
        drop(held.pop());
        drop(theirs);
        while hub.connections() >= MAX_CONNECTIONS_PER_CLIENT {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        held.push(connect(&connector).await.expect("a place is free"));
        held
    });
    // Altogether.
    served.hub = served.hub.clone().with_max_connections(1);
    served.start();
    let port = served.port;
    served.world.runtime.block_on(async {
        // The counts are shared, and one server is full already.
        let stream = other.connect_tcp("localhost", port).await;
        let ended = match stream {
            Ok(mut stream) => {
                let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
                stream.read_u8().await.is_err()
            }
            Err(_) => true,
        };
        assert!(ended);
        drop(held);
    });
}

#[test]
fn a_large_report_is_refused_and_a_wrong_path_is_told() {
    let mut served = Served::new("fleet-hub-limits");
    let connector = served.world.client("array-7");
    let port = served.port;
    let ask = async |text: &[u8]| {
        let mut stream = connector.connect_tcp("localhost", port).await.unwrap();
        stream.write_all(text).await.unwrap();
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()[9..].to_owned()
    };
    served.world.runtime.block_on(async {
        let head = "PUT /nodes/array-7 HTTP/1.1\r\nHost: x\r\n";
        let large = format!("{head}Content-Length: 9999\r\n\r\n{}", "x".repeat(9999));
        assert_eq!(ask(large.as_bytes()).await, "413");
        let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
        let chunked = format!(
            "{chunked}{}",
            format!("400\r\n{}\r\n", "x".repeat(1024)).repeat(9)
        );
        assert_eq!(ask(chunked.as_bytes()).await, "413");
        let of_other = report("array-8").to_string();
        let length = of_other.len();
        let of_other = format!("{head}Content-Length: {length}\r\n\r\n{of_other}");
        assert_eq!(ask(of_other.as_bytes()).await, "400");
        for (request, status) in [
            ("GET /", "404"),
            ("GET /nodes/..", "400"),
            ("GET /nodes/%2e%2e", "400"),
            ("GET /nodes/", "400"),
            ("GET /nodes/array-8", "403"),
            ("DELETE /publication", "405"),
            ("POST /nodes", "405"),
            ("DELETE /nodes/array-7", "403"),
            ("POST /nodes/array-7", "405"),
            ("PUT /publication", "403"),
        ] {
            let text = format!("{request} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
            assert_eq!(ask(text.as_bytes()).await, status, "{request}");
        }
    });
    assert_eq!(served.hub.nodes(), []);
}

/// A block ends the connection of a node that waits.
#[test]
fn a_block_ends_what_a_node_waits_for() {
    let mut served = Served::new("fleet-hub-block");
    let mut alice = served.client("alice");
    alice.publish(&served.fleet.publication(1), None).unwrap();
    let mut node = served.client("array-7");
    let (_, tag) = new(node.fetch(None));
    node.wait(Duration::from_millis(100)).unwrap();
    served.world.block("array-7");
    let start = Instant::now();
    let ended = node.fetch(Some(&tag)).unwrap_err();
    assert!(
        matches!(ended, TransportError::Unreachable { .. }),
        "{ended}"
    );
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(alice.nodes().is_ok());
}

/// Reports are files of the folder, as nodes write them that share it: a restart loses none, and who looks at the folder
/// sees them.
#[test]
fn reports_in_the_folder_survive_a_restart_and_a_damaged_one_is_named() {
    let mut served = Served::new("fleet-hub-files");
    served.hub = served.hub.clone().with_reports_in_folder();
    served.start();
    for label in ["array-7", "array-8"] {
        served.client(label).report(&report(label)).unwrap();
    }
    let mut folder = Folder::new(served.place.path());
    let both = [report("array-7"), report("array-8")];
    assert_eq!(folder.nodes().unwrap().reports, both);
    let hub = Hub::open(served.place.path()).unwrap();
    let hub = hub.with_publishers(["alice"]).with_reports_in_folder();
    served.hub = hub;
    served.start();
    assert_eq!(served.hub.nodes(), both);
    let nodes = served.place.file("nodes");
    std::fs::write(nodes.join("array-8"), "half a rep").unwrap();
    let mut alice = served.client("alice");
    let all = alice.nodes().unwrap();
    assert_eq!(all.reports, [report("array-7")]);
    assert_eq!(all, folder.nodes().unwrap());
    let unread = &all.unread[0];
    assert_eq!(
        (unread.node().unwrap().as_str(), unread.why()),
        ("array-8", "this is no report of a node")
    );
    // The node reports again, and the damage is gone.
    served.client("array-8").report(&report("array-8")).unwrap();
    assert_eq!(alice.nodes().unwrap().reports, both);
}

#[test]
fn a_publisher_removes_the_report_of_a_node_and_no_other_client_does() {
    let mut served = Served::new("fleet-hub-forget");
    for in_folder in [false, true] {
        if in_folder {
            served.hub = served.hub.clone().with_reports_in_folder();
            served.start();
        }
        let mut node = served.client("array-7");
        let mut alice = served.client("alice");
        node.report(&report("array-7")).unwrap();
        let name = "array-7".parse().unwrap();
        let refused = node.forget(&name).unwrap_err();
        assert!(
            matches!(refused, TransportError::Refused { .. }),
            "{refused}"
        );
        assert_eq!(alice.nodes().unwrap().reports.len(), 1);
        assert!(alice.forget(&name).unwrap());
        assert!(!alice.forget(&name).unwrap());
        assert_eq!(alice.nodes().unwrap().reports, []);
    }
}
