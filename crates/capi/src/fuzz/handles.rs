//! Handles, and places for them.

use core::any::TypeId;
use core::ptr::{null_mut, without_provenance_mut};

use super::Session;
use super::draw::{Drawn, at};
use crate::argument::{Maybe, MaybeOut, Out, Owned, Ref};
use crate::report::Report;

impl Session<'_> {
    /// A handle that was given out, the newest first; NULL; or a pointer that no handle can be.
    fn handle<T: 'static>(&mut self, take: bool) -> *mut T {
        let byte = if self.ends { 0 } else { self.byte() };
        let handles = self.handles.entry(TypeId::of::<T>()).or_default();
        let index = usize::from(byte).checked_rem(handles.len());
        let found = match (byte, index) {
            (255, _) | (_, None) => null_mut(),
            (254, _) if align_of::<T>() > 1 => without_provenance_mut(1),
            (_, Some(index)) => {
                let index = handles.len() - 1 - index;
                if take {
                    handles.remove(index)
                } else {
                    handles.get(index).copied().unwrap_or(null_mut())
                }
            }
        };
        if Self::is_peer::<T>() {
            self.now.peer = Some(found);
        }
        found.cast()
    }

    fn give<T: 'static>(&mut self, handle: *mut T) {
        if Self::is_peer::<T>() {
            self.judged.insert(handle.cast(), false);
        }
        let handles = self.handles.entry(TypeId::of::<T>()).or_default();
        handles.push(handle.cast());
    }
}

impl<T: 'static> Drawn for Ref<T> {
    type Held = *mut T;

    fn draw(session: &mut Session<'_>, _: &str) -> *mut T {
        let handle: *mut T = session.handle(false);
        session.now.wrong |= !handle.is_aligned() || handle.is_null();
        handle
    }

    fn pass(held: &mut *mut T) -> *const T {
        held.cast_const()
    }
}

impl<T: 'static> Drawn for Maybe<T> {
    type Held = *mut T;

    fn draw(session: &mut Session<'_>, _: &str) -> *mut T {
        let handle: *mut T = session.handle(false);
        session.now.wrong |= !handle.is_aligned();
        handle
    }

    fn pass(held: &mut *mut T) -> *const T {
        held.cast_const()
    }
}

impl<T: 'static> Drawn for Owned<T> {
    type Held = *mut T;

    fn draw(session: &mut Session<'_>, _: &str) -> *mut T {
        session.handle(true)
    }

    fn pass(held: &mut *mut T) -> *mut T {
        *held
    }
}

/// A place for a handle with something in it, or NULL.
type HandlePlace<T> = Option<Box<*mut T>>;

fn filled<T>() -> HandlePlace<T> {
    Some(Box::new(without_provenance_mut::<T>(8)))
}

impl<T: 'static> Drawn for Out<T> {
    type Held = HandlePlace<T>;

    fn draw(session: &mut Session<'_>, _: &str) -> HandlePlace<T> {
        let is_null = session.byte() == 255;
        session.now.wrong |= is_null;
        if is_null { None } else { filled() }
    }

    fn pass(held: &mut HandlePlace<T>) -> *mut *mut T {
        at(held)
    }

    fn after(held: HandlePlace<T>, session: &mut Session<'_>, answer: u64) {
        let Some(place) = held else { return };
        assert_eq!(answer == 0, !place.is_null(), "a handle, and {answer}");
        if !place.is_null() {
            session.give(*place);
        }
    }
}

impl<T: 'static> Drawn for MaybeOut<T> {
    type Held = HandlePlace<T>;

    fn draw(session: &mut Session<'_>, _: &str) -> HandlePlace<T> {
        if session.byte().is_multiple_of(2) {
            None
        } else {
            filled()
        }
    }

    fn pass(held: &mut HandlePlace<T>) -> *mut *mut T {
        at(held)
    }

    fn after(held: HandlePlace<T>, session: &mut Session<'_>, answer: u64) {
        let Some(place) = held else { return };
        // Written in any case. A call that succeeds says so in its report.
        if TypeId::of::<T>() == TypeId::of::<Report>() {
            assert!(answer != 0 || !place.is_null(), "done, and no report");
        }
        if !place.is_null() {
            session.give(*place);
        }
    }
}
