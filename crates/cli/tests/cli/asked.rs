//! `connect`: whether the server asked for our certificate, got it, and took it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rcgen::date_time_ymd;

use crate::folder::Folder;
use crate::openssl::openssl;
use crate::run::{Foreign, Server, machine, now_spec, run, write};
use crate::support::pki::spec;

const OURS: &str = "--identity array-7.pem --key array-7.key";

#[test]
fn a_server_that_does_not_ask_is_told_from_one_that_got_our_certificate() {
    if openssl("cli-asked-tool").is_none() {
        return;
    }
    let folder = Folder::new("cli-asked");
    machine(&folder, "keys-1");
    machine(&folder, "array-7");
    let silent = Foreign::start(&folder, "-rev");
    let asking = Foreign::start(
        &folder,
        "-rev -CAfile array-7.pem -Verify 1 -verify_return_error",
    );
    for version in ["1.2", "1.3"] {
        let line = |server: &Foreign| {
            let address = &server.address;
            format!("connect {address} {OURS} --pin keys-1.pem --tls {version}")
        };
        run(&folder, &line(&silent))
            .ends_with(0)
            .says("the server did not ask for our certificate");
        let found = run(&folder, &format!("{} --json", line(&silent)))
            .ends_with(0)
            .json();
        let identity = &found["identity"];
        assert_eq!(found["link"], "works");
        assert_eq!(
            (&identity["asked"], &identity["sent"]),
            (&false.into(), &false.into()),
            "{version}"
        );
        assert!(identity["accepted"].is_null(), "{version}: {identity}");

        let ran = run(&folder, &line(&asking)).ends_with(0);
        assert!(!ran.all().contains("did not ask"), "{}", ran.all());
        let found = run(&folder, &format!("{} --json", line(&asking)))
            .ends_with(0)
            .json();
        let identity = &found["identity"];
        for field in ["asked", "sent", "accepted"] {
            assert_eq!(identity[field], true, "{version}: {field}");
        }
        assert_eq!(found["answered_by"], asking.address);
    }
    // A server that we refuse asks, and gets nothing.
    for version in ["1.2", "1.3"] {
        let line = format!(
            "connect {} {OURS} --pin array-7.pem --tls {version} --json",
            asking.address
        );
        let identity = run(&folder, &line).ends_with(1).json()["identity"].clone();
        assert_eq!(identity["asked"], true, "{version}");
        assert_eq!(identity["sent"], false, "{version}");
        assert!(identity["accepted"].is_null(), "{version}");
    }
    // Where no refusal was waited for, none is ruled out.
    let line = format!(
        "connect {} {OURS} --pin keys-1.pem --tls 1.3 --settle 0 --json",
        asking.address
    );
    let identity = run(&folder, &line).ends_with(0).json()["identity"].clone();
    assert_eq!(identity["sent"], true);
    assert!(identity["accepted"].is_null());
}

#[test]
fn our_own_certificate_that_has_ended_is_told_before_anything_else_is_advised() {
    if openssl("cli-own-ended-tool").is_none() {
        return;
    }
    let folder = Folder::new("cli-own-ended");
    machine(&folder, "keys-1");
    let root = now_spec("Root").ca().self_signed();
    write(&folder, "root", &root);
    let dated = |name: &str, from: i32, to: i32| {
        let made = spec(name)
            .params(|params| {
                params.not_before = date_time_ymd(from, 1, 1);
                params.not_after = date_time_ymd(to, 1, 1);
            })
            .signed_by(&root);
        write(&folder, name, &made);
    };
    dated("ended", 2020, 2021);
    dated("early", 2090, 2091);
    let server = Foreign::start(
        &folder,
        "-rev -CAfile root.pem -Verify 1 -verify_return_error",
    );
    let connect = |name: &str| {
        run(
            &folder,
            &format!(
                "connect {} --pin keys-1.pem --identity {name}.pem --key {name}.key --settle 60000",
                server.address
            ),
        )
        .ends_with(1)
        .says("refused[RefusedByPeer]")
    };
    let ran = connect("ended")
        .says("it says that our certificate has expired")
        .says("to do: renew our certificate")
        .says("note: the certificate ended at 2021-01-01")
        .says("valid 2020-01-01T00:00:00Z");
    assert!(
        !ran.all().contains("install our certificate"),
        "{}",
        ran.all()
    );
    let ran = connect("early").says("to do: compare the clocks");
    assert!(
        !ran.all().contains("install our certificate"),
        "{}",
        ran.all()
    );
    // A server that does not ask takes it; the end is told all the same.
    let silent = Foreign::start(&folder, "-rev");
    let line = format!(
        "connect {} --pin keys-1.pem --identity ended.pem --key ended.key",
        silent.address
    );
    run(&folder, &line)
        .ends_with(0)
        .says("note: the certificate ended at 2021-01-01");
}

#[test]
fn the_address_that_answered_and_those_that_did_not_are_named() {
    let folder = Folder::new("cli-answered");
    machine(&folder, "keys-1");
    let server = Server::start(&folder, "");
    let (_, port) = server.address.rsplit_once(':').unwrap();
    let line = format!("connect localhost:{port} --pin keys-1.pem --json");
    let found = run(&folder, &line).json();
    assert_eq!(found["answered_by"], server.address);
    // A port that is free again.
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    run(
        &folder,
        &format!("connect localhost:{port} --pin keys-1.pem"),
    )
    .ends_with(2)
    .says(&format!("127.0.0.1:{port}: "));
}

/// How a server is late.
#[derive(Clone, Copy, Debug)]
enum Late {
    /// It accepts the connection and says nothing.
    Silent,
    /// It sends the beginning of its part of the handshake, and nothing more.
    Stops,
    /// It sends it, a byte now and then.
    Drips,
}

/// A server that is late for one client, until the client gives up. `address` is that of the real one.
fn late(how: Late, address: String) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap();
    let peer = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut real = TcpStream::connect(address).unwrap();
        let mut buffer = [0; 4096];
        let count = client.read(&mut buffer).unwrap();
        real.write_all(&buffer[..count]).unwrap();
        let mut answer = [0; 300];
        real.read_exact(&mut answer).unwrap();
        match how {
            Late::Silent => {}
            Late::Stops => client.write_all(&answer[..200]).unwrap(),
            Late::Drips => {
                for byte in answer {
                    thread::sleep(Duration::from_millis(20));
                    if client.write_all(&[byte]).is_err() {
                        return;
                    }
                }
            }
        }
        while client.read(&mut buffer).unwrap_or(0) > 0 {}
    });
    (own, peer)
}

#[test]
fn a_server_that_is_late_is_told_as_a_time_out() {
    let folder = Folder::new("cli-late");
    machine(&folder, "keys-1");
    run(&folder, "store create --store trust").ends_with(0);
    let server = Server::start(&folder, "");
    let heard = "07".repeat(32);
    for how in [Late::Silent, Late::Stops, Late::Drips] {
        for line in [
            format!("enroll ADDRESS --store trust --fingerprint {heard}"),
            String::from("connect ADDRESS --pin keys-1.pem"),
        ] {
            let (address, peer) = late(how, server.address.clone());
            let line = line.replace("ADDRESS", &address.to_string());
            let started = Instant::now();
            let ran = run(&folder, &format!("{line} --timeout 1 --json")).ends_with(2);
            let took = started.elapsed();
            assert!(took < Duration::from_secs(4), "{how:?}: {took:?}: {line}");
            let error = ran.json();
            assert_eq!(error["kind"], "link/TimedOut", "{how:?}: {}", ran.all());
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("in time (--timeout)"), "{message}");
            assert!(message.contains(&address.to_string()), "{message}");
            peer.join().unwrap();
        }
    }
}
