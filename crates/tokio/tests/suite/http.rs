//! HTTP/1.1 by hand, on a connection that stays open.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Stream, within};

/// A request of HTTP/1.1 and its answer, on a connection that stays open.
pub async fn request(stream: &mut Stream) -> String {
    within(async {
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await
            .unwrap();
        let mut text = String::new();
        loop {
            let mut part = [0; 4096];
            let count = stream.read(&mut part).await.unwrap();
            assert!(count > 0, "ended after {text}");
            text.push_str(std::str::from_utf8(&part[..count]).unwrap());
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head.split("content-length: ").nth(1).unwrap();
            let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
            if body.len() == length {
                return text;
            }
        }
    })
    .await
}
