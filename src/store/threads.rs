//! Verifies many signatures with all processors (a bundle of thousands of CAs).

use std::thread::{self, Builder};

use crate::limits::{MAX_THREADS_AT_INSTALLATION, MIN_SIGNATURES_OF_A_THREAD};

/// What `of` makes of each item, in their order. Many items are shared among threads, of which this one is the first. Where no
/// thread can be started, this one does all.
pub(super) fn each<T: Sync, R: Send>(items: &[T], of: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let most = (items.len() / MIN_SIGNATURES_OF_A_THREAD).min(MAX_THREADS_AT_INSTALLATION);
    let threads = if most > 1 {
        // To ask is to read files of the system.
        thread::available_parallelism().map_or(1, |processors| processors.get().min(most))
    } else {
        1
    };
    shared(items, threads, of)
}

fn shared<T: Sync, R: Send>(items: &[T], threads: usize, of: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let size = items.len().div_ceil(threads.max(1)).max(1);
    let (own, others) = items.split_at(size.min(items.len()));
    thread::scope(|scope| {
        let of = &of;
        let started: Vec<_> = others
            .chunks(size)
            .map(|part| {
                let work = move || part.iter().map(of).collect::<Vec<R>>();
                (part, Builder::new().spawn_scoped(scope, work).ok())
            })
            .collect();
        let mut all = Vec::with_capacity(items.len());
        all.extend(own.iter().map(of));
        for (part, thread) in started {
            match thread.and_then(|thread| thread.join().ok()) {
                Some(done) => all.extend(done),
                None => all.extend(part.iter().map(of)),
            }
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Mutex;
    use std::thread::ThreadId;

    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items_for_each_number_of_threads() {
        for count in 0..20_usize {
            let items: Vec<usize> = (0..count).collect();
            let wanted: Vec<usize> = items.iter().map(|item| item * 7).collect();
            for threads in 0..9 {
                let found = shared(&items, threads, |item| item * 7);
                assert_eq!(found, wanted, "{count} items, {threads} threads");
            }
        }
    }

    fn threads_of(threads: usize) -> usize {
        let seen: Mutex<HashSet<ThreadId>> = Mutex::default();
        let items = [(); 100];
        let done = shared(&items, threads, |()| {
            seen.lock().unwrap().insert(thread::current().id());
        });
        assert_eq!(done.len(), items.len());
        seen.into_inner().unwrap().len()
    }

    #[test]
    fn each_part_has_a_thread_and_the_first_has_this_one() {
        assert_eq!(threads_of(1), 1);
        assert_eq!(threads_of(4), 4);
    }

    #[test]
    fn a_few_items_start_no_thread() {
        let here = thread::current().id();
        let items = [(); 2 * MIN_SIGNATURES_OF_A_THREAD - 1];
        assert!(
            each(&items, |()| thread::current().id() == here)
                .iter()
                .all(|own| *own)
        );
    }
}
