//! What stands beside a fleet's figures: etcd's own watch, and one file.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use etcd_client::Client;
use tokio::runtime::Builder;

/// Writes a file as a careful program does: beside, flushed, renamed, its folder flushed. The median of 51.
pub fn file(folder: &Path, bytes: &[u8]) -> Duration {
    let mut all: Vec<Duration> = (0..51)
        .map(|_| {
            let start = Instant::now();
            let beside = folder.join("bare.tmp");
            let mut file = File::create(&beside).unwrap();
            file.write_all(bytes).unwrap();
            file.sync_all().unwrap();
            fs::rename(&beside, folder.join("bare")).unwrap();
            File::open(folder).unwrap().sync_all().unwrap();
            start.elapsed()
        })
        .collect();
    all.sort();
    all[all.len() / 2]
}

/// The times at which plain watchers of etcd have a value of this size, after the call that puts it. Sorted, for each round.
pub fn watchers(endpoint: &str, count: usize, size: usize, rounds: usize) -> Vec<Vec<Duration>> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let seen: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let mut tasks = Vec::new();
        for _ in 0..count {
            // Each has a connection of its own, as the nodes have.
            let mut client = Client::connect([endpoint], None).await.unwrap();
            let mut watch = client.watch("/bare/value", None).await.unwrap();
            let seen = Arc::clone(&seen);
            tasks.push(tokio::spawn(async move {
                let _client = client;
                while let Ok(Some(answer)) = watch.message().await {
                    let values = answer.events().iter().filter_map(|event| event.kv());
                    let bytes: usize = values.map(|value| value.value().len()).sum();
                    if bytes > 0 {
                        seen.lock().unwrap().push(Instant::now());
                    }
                }
            }));
        }
        let mut client = Client::connect([endpoint], None).await.unwrap();
        let mut all = Vec::new();
        for round in 0..rounds {
            tokio::time::sleep(Duration::from_millis(500)).await;
            seen.lock().unwrap().clear();
            let value = vec![b'a' + u8::try_from(round % 26).unwrap(); size];
            let start = Instant::now();
            client.put("/bare/value", value, None).await.unwrap();
            while seen.lock().unwrap().len() < count && start.elapsed() < Duration::from_secs(30) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let mut times: Vec<_> = seen.lock().unwrap().iter().map(|at| *at - start).collect();
            times.sort();
            all.push(times);
        }
        for task in tasks {
            task.abort();
        }
        all
    })
}
