//! Who etcd is, and what it allows.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use mutual_trust::error::with_causes;
use mutual_trust::{
    ClientConfigBuilder, EntryOptions, Identity, LiveTrust, PinScope, ReasonCode, TrustStore, tls,
};
use mutual_trust_fleet::etcd::{Cluster, Etcd};
use mutual_trust_fleet::{Publisher, Transport, TransportError};
use mutual_trust_test_support::folder::Folder;
use mutual_trust_test_support::pki::{Made, spec};
use mutual_trust_test_support::{NOW, keys, policy, provider, server_id};
use mutual_trust_tokio::Connector;

use crate::server::{Server, needs_etcd};
use crate::support::{PREFIX, report};

/// Self-signed, for 127.0.0.1, valid now by the clock of this machine: etcd has no other.
fn certificate(name: &str) -> Made {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let offset = i64::try_from(now).unwrap() - i64::try_from(NOW).unwrap();
    let day = 24 * 60 * 60;
    spec(name)
        .ip("127.0.0.1")
        .valid(offset - day, offset + day)
        .ca()
        .self_signed()
}

/// An etcd over TLS, and what it presents. With `clients`, it asks for a certificate.
fn over_tls(test: &str, clients: Option<&Made>) -> (Server, Made, Folder) {
    let made = certificate("etcd");
    let folder = Folder::new(test);
    let write = |name: &str, text: String| {
        fs::write(folder.file(name), text).unwrap();
        folder.file(name).to_str().unwrap().to_owned()
    };
    let certificate = write("etcd.pem", made.certificate.to_pem());
    let key = write("etcd.key", made.key.serialize_pem());
    let mut arguments = vec!["--cert-file", &certificate, "--key-file", &key];
    let trusted;
    if let Some(clients) = clients {
        // Itself too: it asks itself for its own gateway.
        trusted = write(
            "clients.pem",
            clients.certificate.to_pem() + &made.certificate.to_pem(),
        );
        arguments.extend(["--client-cert-auth", "--trusted-ca-file", &trusted]);
    }
    let server = Server::start_with(test, "https", &arguments);
    (server, made, folder)
}

fn connector(trusted: &Made, identity: Identity) -> Connector {
    let mut store = TrustStore::new(keys());
    store
        .add_server(server_id("etcd"), ["127.0.0.1".parse().unwrap()])
        .unwrap();
    store
        .install_pin(
            PinScope::Server(server_id("etcd")),
            trusted.certificate(),
            EntryOptions::new(),
        )
        .unwrap();
    let trust = LiveTrust::new(store.snapshot());
    let builder = ClientConfigBuilder::new(provider(), trust, policy(), identity);
    Connector::new(&builder, &server_id("etcd")).unwrap()
}

fn identity(made: &Made) -> Identity {
    made.identity(&[], &provider())
}

fn cluster(server: &Server, trusted: &Made, made: &Made) -> Cluster {
    Cluster::over_tls(&[server.address()], connector(trusted, identity(made))).unwrap()
}

#[test]
fn etcd_is_verified_by_the_trust_store_over_mutual_tls() {
    needs_etcd!();
    let client = certificate("array-7");
    let (server, made, _folder) = over_tls("mutual", Some(&client));
    let mut ours = Etcd::new(&cluster(&server, &made, &client), PREFIX).unwrap();
    let tag = ours.publish(b"one", None).unwrap();
    assert_eq!(
        ours.current().unwrap(),
        Some((b"one".to_vec(), tag.clone()))
    );

    // Another certificate than the pin: the verdict is in the error, for programs and for people.
    let other = certificate("another etcd");
    let mut wrong = Etcd::new(&cluster(&server, &other, &client), PREFIX).unwrap();
    for error in [
        wrong.fetch(None).unwrap_err(),
        wrong.wait(std::time::Duration::from_secs(1)).unwrap_err(),
        wrong.publish(b"two", Some(&tag)).unwrap_err(),
        wrong.report(&report("array-7")).unwrap_err(),
    ] {
        assert!(
            matches!(error, TransportError::Unreachable { .. }),
            "{error}"
        );
        let verdict = tls::refusal(&error).expect("our verdict");
        assert_eq!(verdict.reason(), ReasonCode::PinDoesNotMatch);
        assert!(
            with_causes(&error).contains(&verdict.to_string()),
            "{}",
            with_causes(&error)
        );
    }
    assert_eq!(ours.current().unwrap(), Some((b"one".to_vec(), tag)));

    // A certificate of ours that etcd does not know.
    let unknown = certificate("array-7");
    let mut unknown = Etcd::new(&cluster(&server, &made, &unknown), PREFIX).unwrap();
    let error = unknown.fetch(None).unwrap_err();
    assert!(
        matches!(error, TransportError::Unreachable { .. }),
        "{error}"
    );
    assert!(tls::refusal(&error).is_none());
    // Plain text to a server of TLS.
    let plain = Cluster::in_plain_text(&[server.address()]).unwrap();
    let error = Etcd::new(&plain, PREFIX).unwrap().fetch(None).unwrap_err();
    assert!(
        !matches!(error, TransportError::NotPublished { .. }),
        "{error}"
    );
}

#[test]
fn users_have_their_rights_alone() {
    needs_etcd!();
    let (server, made, folder) = over_tls("users", None);
    let authority = folder.file("etcd.pem");
    let etcdctl = |words: &str| {
        let mut arguments = vec!["--cacert", authority.to_str().unwrap()];
        arguments.extend(words.split(' '));
        server.etcdctl(&arguments)
    };
    for words in [
        "user add root:top",
        "role add root",
        "user grant-role root root",
        "role add node",
        "role grant-permission node read /fleets/prod/current/ --prefix=true",
        "role grant-permission node read /fleets/prod/chunks/ --prefix=true",
        "role grant-permission node readwrite /fleets/prod/nodes/array-7",
        "role grant-permission node readwrite /fleets/prod/present/array-7",
        "user add array-7:secret",
        "user grant-role array-7 node",
        "auth enable",
    ] {
        etcdctl(words);
    }
    let client = certificate("array-7");
    let anybody = cluster(&server, &made, &client);
    let user = |name: &str, password: &str| {
        let cluster = anybody.clone().with_user(name, password).unwrap();
        assert!(!format!("{cluster:?}").contains(password));
        Etcd::new(&cluster, PREFIX).unwrap()
    };
    let mut publisher = user("root", "top");
    let tag = publisher.publish(b"one", None).unwrap();
    let mut node = user("array-7", "secret");
    assert_eq!(
        node.current().unwrap(),
        Some((b"one".to_vec(), tag.clone()))
    );
    node.report(&report("array-7")).unwrap();
    let error = node.report(&report("array-8")).unwrap_err();
    assert!(
        matches!(error, TransportError::CannotReport { .. }),
        "{error}"
    );
    let error = node.publish(b"two", Some(&tag)).unwrap_err();
    assert!(matches!(error, TransportError::Refused { .. }), "{error}");
    // It watches too: this comes before the next poll.
    node.fetch(Some(&tag)).unwrap();
    node.wait(std::time::Duration::from_millis(300)).unwrap();
    publisher.publish(b"two", Some(&tag)).unwrap();
    let begin = std::time::Instant::now();
    node.wait(crate::support::SOON).unwrap();
    assert!(
        begin.elapsed() < crate::support::SOON,
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(crate::support::new(node.fetch(Some(&tag))).0, b"two");

    for (name, password) in [("array-7", "wrong"), ("unknown", "secret")] {
        let error = user(name, password).fetch(None).unwrap_err();
        assert!(matches!(error, TransportError::Refused { .. }), "{error}");
        assert!(
            !with_causes(&error).contains(password),
            "{}",
            with_causes(&error)
        );
    }
    let error = Etcd::new(&anybody, PREFIX)
        .unwrap()
        .fetch(None)
        .unwrap_err();
    let says_so = matches!(error, TransportError::Refused { .. });
    assert!(says_so, "{error}");
}
