//! A client that is made again after each publication.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mutual_trust_tokio::PerGeneration;

use crate::support::{World, settings};

#[test]
fn a_client_is_made_once_for_each_generation() {
    let mut world = World::new(&settings()[0]);
    let (made, fails) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let (count, failing) = (made.clone(), fails.clone());
    let clients = PerGeneration::new(world.client.trust.clone(), move || {
        match failing.load(Ordering::SeqCst) {
            false => Ok(Arc::new(count.fetch_add(1, Ordering::SeqCst))),
            true => Err("it fails"),
        }
    });
    let first = clients.get().unwrap();
    assert_eq!((clients.get().as_deref(), *first), (Ok(&0), 0));
    world.client.change_something_else();
    let second = clients.get().unwrap();
    assert_eq!(*second, 1);
    // The first one is dropped, and with it its pool.
    assert_eq!(Arc::strong_count(&first), 1);
    // None is handed out that is older than the view in force.
    fails.store(true, Ordering::SeqCst);
    world.block_server();
    assert_eq!(clients.get().unwrap_err(), "it fails");
    assert_eq!(Arc::strong_count(&second), 1);
    fails.store(false, Ordering::SeqCst);
    assert_eq!(clients.get().as_deref(), Ok(&2));
}
