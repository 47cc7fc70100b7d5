//! Servers that misbehave. A node keeps what it holds, learns why, and is not held up.

use std::time::{Duration, Instant};

use mutual_trust_fleet::http::Http;
use mutual_trust_fleet::limits::{MAX_PUBLICATION_BYTES, MAX_RETRY_AFTER};
use mutual_trust_fleet::{Fetched, Tag, Transport, TransportError};
use mutual_trust_test_support::pki::spec;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::AsyncWriteExt;

use crate::support::new;
use crate::support::world::{LONG, Stream, World, head, http};

const SHORT: Duration = Duration::from_millis(500);

fn fetch(text: impl Into<Vec<u8>>, known: Option<&str>) -> Result<Fetched, TransportError> {
    let mut world = World::new();
    let port = world.sends(text);
    let known = known.map(|tag| Tag::new(tag).unwrap());
    world.http(port).fetch(known.as_ref())
}

fn unexpected(result: Result<Fetched, TransportError>) -> String {
    match result {
        Err(TransportError::Unexpected { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_body_byte_by_byte_ends_with_the_time_limit() {
    let mut world = World::new();
    let slow = |mut stream: Stream, _| async move {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
        let _ = stream.write_all(head.as_bytes()).await;
        while stream.write_all(b"x").await.is_ok() && stream.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (port, _) = world.raw(slow);
    let mut http = world.http(port).with_timeout(SHORT).unwrap();
    let start = Instant::now();
    let ended = http.fetch(None).unwrap_err();
    assert!(
        matches!(ended, TransportError::TimedOut { after: SHORT, .. }),
        "{ended}"
    );
    assert!(start.elapsed() < LONG);
}

#[test]
fn a_server_that_says_nothing_ends_with_the_time_limit() {
    let mut world = World::new();
    let (port, _) = world.raw(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    });
    let mut http = world.http(port).with_timeout(SHORT).unwrap();
    let ended = http.fetch(None).unwrap_err();
    assert!(matches!(ended, TransportError::TimedOut { .. }), "{ended}");
}

#[test]
fn a_body_without_end_is_cut_off_at_the_bound() {
    for framing in ["", "Transfer-Encoding: chunked\r\n"] {
        let mut world = World::new();
        let (port, _) = world.raw(move |mut stream, _| async move {
            let head = format!("HTTP/1.1 200 OK\r\n{framing}\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            let chunk = vec![b'x'; 1 << 20];
            loop {
                let size: &[u8] = if framing.is_empty() {
                    b""
                } else {
                    b"100000\r\n"
                };
                let end: &[u8] = if framing.is_empty() { b"" } else { b"\r\n" };
                for part in [size, &chunk, end] {
                    if stream.write_all(part).await.is_err() {
                        return;
                    }
                }
            }
        });
        let ended = world.http(port).fetch(None).unwrap_err();
        let limit = MAX_PUBLICATION_BYTES;
        assert!(
            matches!(ended, TransportError::TooLarge { limit: at, .. } if at == limit),
            "{ended}"
        );
    }
}

#[test]
fn a_length_beyond_the_bound_is_refused_before_a_byte_is_read() {
    let length = MAX_PUBLICATION_BYTES + 1;
    // Without the check, the answer would be waited for.
    let ended = fetch(
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"),
        None,
    );
    assert!(
        matches!(ended, Err(TransportError::TooLarge { .. })),
        "{ended:?}"
    );
}

#[test]
fn a_body_that_is_shorter_than_it_should_be_is_no_publication() {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n5\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nETag: \"",
        "abc",
        "",
    ] {
        let ended = fetch(text, None);
        assert!(
            matches!(ended, Err(TransportError::Unreachable { .. })),
            "{text}: {ended:?}"
        );
    }
}

/// Without a length, the end of the body is the end of TLS. An attacker on the way can end TCP, and not TLS.
#[test]
fn an_end_of_the_connection_is_no_end_of_the_body() {
    let mut world = World::new();
    let (port, _) = world.raw(|mut stream, _| async move {
        let text = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc";
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.flush().await;
        // Without `close_notify`.
        drop(stream);
    });
    let ended = world.http(port).fetch(None);
    assert!(
        matches!(ended, Err(TransportError::Unreachable { .. })),
        "{ended:?}"
    );
    let whole = fetch("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc", None);
    assert_eq!(new(whole).0, b"abc");
}

/// What follows is no answer to the next request.
#[test]
fn bytes_behind_a_body_are_not_the_next_answer() {
    let mut world = World::new();
    let (port, connections) = world.raw(|mut stream, _| async move {
        let one = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none";
        let two = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo";
        let _ = stream.write_all(format!("{one}{two}").as_bytes()).await;
        let _ = stream.flush().await;
        let _ = head(&mut stream).await;
    });
    let mut http = world.http(port);
    for _ in 0..3 {
        match http.fetch(None) {
            Ok(Fetched::New { bytes, .. }) => assert_eq!(bytes, b"one"),
            other => panic!("{other:?}"),
        }
    }
    assert!(connections.load(Ordering::SeqCst) > 1);
}

#[test]
fn a_304_is_believed_only_if_a_tag_was_sent() {
    let not_modified = "HTTP/1.1 304 Not Modified\r\n\r\n";
    assert!(unexpected(fetch(not_modified, None)).contains("no tag was sent"));
    // A digest of ours is no tag of the server, and is not sent.
    assert!(unexpected(fetch(not_modified, Some("ab01"))).contains("no tag was sent"));
    assert_eq!(
        fetch(not_modified, Some("\"a\"")).unwrap(),
        Fetched::Unchanged
    );
}

#[test]
fn other_bytes_are_new_whatever_their_tag_says() {
    let lies = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 3\r\n\r\nnew";
    assert_eq!(new(fetch(lies, Some("\"a\""))).0, b"new");
    // Tags that are none: the bytes are named by their digest, and the same bytes are nothing new.
    for etag in [
        "",
        "ETag: a\r\n",
        "ETag: \"\u{fc}\"\r\n",
        "ETag: \"a b\"\r\n",
    ] {
        let text = format!("HTTP/1.1 200 OK\r\n{etag}Content-Length: 3\r\n\r\nnew");
        let (_, tag) = new(fetch(text.clone(), None));
        assert_eq!(tag.as_str().len(), 64);
        assert_eq!(fetch(text, Some(tag.as_str())).unwrap(), Fetched::Unchanged);
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let mut world = World::new();
    let (elsewhere, visits) = world.raw(|_, _| async {});
    for status in [
        "301 Moved",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let to = format!("https://localhost:{elsewhere}/publication");
        let text = format!("HTTP/1.1 {status}\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
        let port = world.sends(text);
        let what = unexpected(world.http(port).fetch(None));
        assert!(what.contains("redirects are not followed"), "{what}");
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[test]
fn a_page_of_a_portal_is_no_publication() {
    for kind in ["text/html", "Text/HTML; charset=utf-8"] {
        let text =
            format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: 6\r\n\r\n<html>");
        assert!(unexpected(fetch(text, None)).contains("page of HTML"));
    }
}

/// A few bytes could become gigabytes.
#[test]
fn what_is_compressed_is_refused() {
    let text = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc";
    assert!(unexpected(fetch(text, None)).contains("encoded"));
    let mut world = World::new();
    let (port, _) = world.raw(|mut stream, head| async move {
        assert!(
            head.to_lowercase()
                .contains("accept-encoding: identity\r\n"),
            "{head}"
        );
        let _ = stream
            .write_all(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
            .await;
    });
    let ended = world.http(port).fetch(None).unwrap_err();
    assert!(
        matches!(ended, TransportError::NotPublished { .. }),
        "{ended}"
    );
}

#[test]
fn headers_without_end_are_refused() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(1000));
    let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "b".repeat(1 << 20));
    for text in [many, long] {
        let ended = fetch(text, None);
        assert!(
            matches!(ended, Err(TransportError::Unreachable { .. })),
            "{ended:?}"
        );
    }
}

#[test]
fn each_status_is_an_error_of_its_own() {
    let fail = |status: &str, more: &str| {
        let text = format!("HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\n\r\n");
        fetch(text, None).unwrap_err()
    };
    for status in ["404 Not Found", "410 Gone"] {
        let error = fail(status, "");
        assert!(
            matches!(error, TransportError::NotPublished { .. }),
            "{error}"
        );
    }
    for status in ["401 Who", "403 No"] {
        let error = fail(status, "");
        assert!(matches!(error, TransportError::Refused { .. }), "{error}");
    }
    for (header, expected) in [
        ("", None),
        ("Retry-After: 7\r\n", Some(Duration::from_secs(7))),
        ("Retry-After: 99999999999\r\n", Some(MAX_RETRY_AFTER)),
        ("Retry-After: -7\r\n", None),
        ("Retry-After: soon\r\n", None),
        (
            "Date: Mon, 30 Nov 2026 08:00:00 GMT\r\nRetry-After: Mon, 30 Nov 2026 08:01:00 GMT\r\n",
            Some(Duration::from_secs(60)),
        ),
        (
            "Date: Mon, 30 Nov 2026 08:00:00 GMT\r\nRetry-After: Sun, 29 Nov 2026 08:00:00 GMT\r\n",
            Some(Duration::ZERO),
        ),
    ] {
        for status in ["429 Slow", "500 Oops", "503 Busy", "599 What"] {
            let error = fail(status, header);
            assert!(
                matches!(error, TransportError::Unavailable { .. }),
                "{error}"
            );
            assert_eq!(error.retry_after(), expected, "{status} {header}");
        }
    }
    for status in ["204 No Content", "206 Partial", "418 Teapot"] {
        let error = fail(status, "");
        assert!(
            matches!(error, TransportError::Unexpected { .. }),
            "{error}"
        );
    }
}

#[test]
fn what_a_refusal_says_is_one_bounded_line() {
    let body = format!("no\u{1b}[31m\nway{}", "!".repeat(1 << 20));
    let text = format!(
        "HTTP/1.1 403 No\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let shown = fetch(text, None).unwrap_err().to_string();
    assert!(
        shown.contains("403") && shown.contains("no [31m way!"),
        "{shown}"
    );
    assert!(
        shown.len() < 700 && !shown.contains(['\n', '\u{1b}']),
        "{shown}"
    );
}

/// The rules of the library: an address proves nothing.
#[test]
fn another_server_is_refused() {
    let mut world = World::new();
    let mut other = World::new();
    let connector = other.client("array-7");
    let made = spec("array-7").client_auth().self_signed();
    let port = world.sends("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    let mut http = http(port, connector);
    let ended = http.fetch(None).unwrap_err();
    let verdict = mutual_trust::tls::refusal(&ended).unwrap_or_else(|| panic!("{ended:?}"));
    assert!(!verdict.is_accepted());
    // And a server refuses a client that it does not know.
    let mut unknown = crate::support::world::http(port, world.connector(&made));
    let ended = unknown.fetch(None).unwrap_err();
    assert!(
        matches!(ended, TransportError::Unreachable { .. }),
        "{ended}"
    );
    assert!(matches!(
        world.http(port).fetch(None).unwrap_err(),
        TransportError::NotPublished { .. }
    ));
}

/// A call that waits in a task blocks it, and does not panic.
#[test]
fn a_call_within_a_runtime_does_not_panic() {
    let mut world = World::new();
    let port = world.sends("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    let mut http = world.http(port);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async move {
        let ended = http.fetch(None).unwrap_err();
        assert!(
            matches!(ended, TransportError::NotPublished { .. }),
            "{ended}"
        );
        drop(http);
    });
}

#[test]
fn an_address_is_one_of_https_without_more() {
    let mut world = World::new();
    let connector = world.client("array-7");
    for bad in [
        "",
        "hub",
        "http://hub/",
        "ftp://hub/",
        "https://",
        "https:///x",
        "https://user:secret@hub/",
        "https://user@hub:8443/",
        "https://hub/?x=1",
        "https://hub/#x",
        "https://hub:99999/",
        "https://h ub/",
    ] {
        assert!(Http::new(bad, connector.clone()).is_err(), "{bad}");
    }
    for good in ["https://hub", "https://hub:8443/a/b/", "https://[::1]:1"] {
        assert!(Http::new(good, connector.clone()).is_ok(), "{good}");
    }
    let http = Http::new("https://hub", connector).unwrap();
    assert!(http.with_timeout(Duration::ZERO).is_err());
}

/// A server, or a cache before it, says that it waits, and answers at once: the interval counts, and not its word.
#[test]
fn a_server_that_does_not_wait_as_it_says_is_not_asked_without_a_pause() {
    let mut world = World::new();
    let applied = "Preference-Applied: wait=25\r\nContent-Length";
    let same = format!("HTTP/1.1 200 OK\r\nETag: \"1\"\r\n{applied}: 4\r\n\r\nabcd");
    let unnamed = format!("HTTP/1.1 200 OK\r\n{applied}: 4\r\n\r\nabcd");
    let none = format!("HTTP/1.1 304 Not Modified\r\n{applied}: 0\r\n\r\n");
    let number = AtomicUsize::new(0);
    let renamed = world.raw(move |mut stream: Stream, _| {
        let tag = number.fetch_add(1, Ordering::SeqCst);
        let text = format!("HTTP/1.1 200 OK\r\nETag: \"{tag}\"\r\n{applied}: 4\r\n\r\nabcd");
        async move {
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    let ports = [
        world.sends(same),
        world.sends(unnamed),
        renamed.0,
        world.sends(none),
    ];
    let wait = Duration::from_millis(300);
    for (case, port) in ports.into_iter().enumerate() {
        let mut http = world.http(port);
        // What the one that only says that nothing changed is asked for.
        let mut known = (case == 3).then(|| Tag::new("\"1\"").unwrap());
        let (start, mut fetches) = (Instant::now(), 0);
        while start.elapsed() < 5 * wait {
            match http.fetch(known.as_ref()).unwrap() {
                Fetched::New { tag, .. } => known = Some(tag),
                Fetched::Unchanged => {}
            }
            fetches += 1;
            http.wait(wait).unwrap();
        }
        // Two a round: one says that the server waits, and the other that it does not.
        assert!(fetches <= 11, "{case}: {fetches} fetches");
    }
}
