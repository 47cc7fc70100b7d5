//! Copies that a thread makes of values that all threads hold.
//!
//! To clone an `Arc` is to write to its count. Threads that clone one all the time, such as the pin of a busy peer, wait for
//! each other's writes: two of them do less than one. So a thread that is asked for a clone of the same value twice makes
//! a copy of the value, with a count of its own, and clones that.
//!
//! A copy is equal to its original and is found by the place of the original in memory, which the thread holds as long as
//! the copy. So what is found is never another value, and no verdict depends on whether it was found. A thread holds a few
//! values after everything else has dropped them, until it needs the room for others or ends. They are no secrets.

use core::cell::RefCell;
use std::sync::Arc;
use std::thread::LocalKey;

use crate::limits::MAX_COPIES_APART;

/// The copies of one kind of values that a thread has made. Their places are on the heap, from the first use on: what lies
/// in the thread itself takes of its stack.
pub(crate) struct Copies<T: ?Sized>(Vec<Place<T>>);

struct Place<T: ?Sized> {
    /// What was asked for last at this place, as its address in memory. It is compared and never followed: another value
    /// that lies there later at most gets a copy a call early.
    last: usize,
    /// An original and its copy.
    copy: Option<(Arc<T>, Arc<T>)>,
}

impl<T: ?Sized> Place<T> {
    const NONE: Self = Self {
        last: 0,
        copy: None,
    };
}

impl<T: ?Sized> Copies<T> {
    pub(crate) const fn none() -> RefCell<Self> {
        RefCell::new(Self(Vec::new()))
    }
}

/// A clone of `original`, or of a copy of it that this thread has made.
pub(crate) fn clone_apart<T: ?Sized>(
    copies: &'static LocalKey<RefCell<Copies<T>>>,
    original: &Arc<T>,
    copy: impl FnOnce(&T) -> Arc<T>,
) -> Arc<T> {
    let address = Arc::as_ptr(original).addr();
    let find = |copies: &RefCell<Copies<T>>| {
        let mut copies = copies.try_borrow_mut().ok()?;
        if copies.0.is_empty() {
            copies.0.resize_with(MAX_COPIES_APART, || Place::NONE);
        }
        let place = copies.0.get_mut(place_of(address))?;
        if let Some((of, copy)) = &place.copy
            && Arc::ptr_eq(of, original)
        {
            return Some(copy.clone());
        }
        if place.last != address {
            place.last = address;
            return None;
        }
        let made = copy(original);
        place.copy = Some((original.clone(), made.clone()));
        Some(made)
    };
    // A thread that ends has lost its thread-local values already.
    let found = copies.try_with(find).ok().flatten();
    found.unwrap_or_else(|| original.clone())
}

/// Where the copy of what lies at an address belongs. What is allocated lies at multiples of 16, and neighbours often have
/// multiples of a power of two between them.
fn place_of(address: usize) -> usize {
    let mixed = (address >> 4) ^ (address >> 9) ^ (address >> 14);
    mixed % MAX_COPIES_APART
}

thread_local! {
    static TEXTS: RefCell<Copies<str>> = const { Copies::none() };
}

/// A clone of an id or a name.
pub(crate) fn clone_text(text: &Arc<str>) -> Arc<str> {
    clone_apart(&TEXTS, text, |text| Arc::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_asks_for_again_is_counted_apart_from_the_original() {
        let original: Arc<str> = "keys-1".into();
        // The first clone is that of the original.
        drop(clone_text(&original));
        let clones: Vec<Arc<str>> = (0..9).map(|_| clone_text(&original)).collect();
        assert!(clones.iter().all(|clone| *clone == original));
        assert!(clones.iter().all(|clone| Arc::ptr_eq(clone, &clones[0])));
        assert!(!Arc::ptr_eq(&original, &clones[0]));
        // Held by the test and once by the thread.
        assert_eq!(Arc::strong_count(&original), 2);
        // Another thread has its own.
        let other = std::thread::scope(|scope| {
            let ask = || [(); 3].map(|()| clone_text(&original));
            scope.spawn(ask).join().unwrap()
        });
        assert!(!Arc::ptr_eq(&other[2], &clones[0]) && !Arc::ptr_eq(&other[2], &original));
        assert_eq!(Arc::strong_count(&other[2]), 2);
    }

    #[test]
    fn what_lies_where_another_value_was_is_never_taken_for_it() {
        for round in 0..1_000 {
            let own: Arc<str> = format!("keys-{round:08}").into();
            for _ in 0..3 {
                assert_eq!(clone_text(&own), own);
            }
        }
    }

    #[test]
    fn a_thread_holds_a_bounded_number_of_values() {
        let all: Vec<Arc<str>> = (0..1_000).map(|number| number.to_string().into()).collect();
        for value in &all {
            for _ in 0..3 {
                drop(clone_text(value));
            }
        }
        let held = all.iter().filter(|value| Arc::strong_count(value) > 1);
        assert!((1..=MAX_COPIES_APART).contains(&held.count()));
    }
}
