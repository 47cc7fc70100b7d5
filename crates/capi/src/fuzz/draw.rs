//! Arguments of each kind, from bytes.

use core::ffi::{c_char, c_void};
use core::ptr::{null, null_mut};

use super::Session;
use crate::argument::{
    Argument, Buffer, Bytes, Chain, Data, List, OutU32, Seconds, Size, Text, U32, U64,
};
use crate::status::{TIME_SYSTEM, TIME_UNSET};

/// A kind of argument that bytes can make.
pub(crate) trait Drawn: Argument {
    /// What stays in place during the call.
    type Held;

    /// Makes one; `name` is that of the argument.
    fn draw(session: &mut Session<'_>, name: &str) -> Self::Held;

    /// What is passed.
    fn pass(held: &mut Self::Held) -> Self::C;

    /// The length that goes with it.
    fn length(_: &Self::Held) -> usize {
        0
    }

    /// Looks at what the call left there. `answer` is 0 for MT_OK if it is a status.
    fn after(_: Self::Held, _: &mut Session<'_>, _: u64) {}
}

/// Up to here a byte is the number itself. Behind it are numbers at which something may change.
const SMALL: u8 = 200;

macro_rules! numbers {
    ($($kind:ident: $number:ident),*) => { $(
        impl Drawn for $kind {
            type Held = $number;

            fn draw(session: &mut Session<'_>, name: &str) -> $number {
                let byte = session.byte();
                // Not longer than a run should wait.
                let byte = if name == "milliseconds" { byte % 3 } else { byte };
                let number = match byte {
                    0..=SMALL => $number::from(byte),
                    201 => $number::MAX / 2,
                    202 => $number::MAX - 1,
                    _ => $number::MAX,
                };
                session.now.number = u32::try_from(number).unwrap_or(u32::MAX);
                number
            }

            fn pass(held: &mut $number) -> $number {
                *held
            }
        }
    )* };
}

numbers!(U32: u32, U64: u64, Size: usize);

impl Drawn for Seconds {
    type Held = i64;

    fn draw(session: &mut Session<'_>, _: &str) -> i64 {
        match session.byte() {
            byte @ 0..=SMALL => session.world.now + i64::from(byte),
            201 => TIME_UNSET,
            202 => i64::MIN,
            203 => i64::MAX,
            204 => -3,
            205 => 0,
            _ => TIME_SYSTEM,
        }
    }

    fn pass(held: &mut i64) -> i64 {
        *held
    }
}

/// Memory that is passed with a length.
#[derive(Debug)]
pub(crate) enum Memory {
    Bytes(Vec<u8>),
    /// NULL, with a length all the same.
    Null(usize),
    /// Longer than any memory.
    TooLong(Vec<u8>),
}

impl Memory {
    fn bytes(&self) -> Bytes {
        let of = |bytes: &Vec<u8>, len| Bytes {
            data: bytes.as_ptr().cast::<c_void>(),
            len,
        };
        match self {
            Self::Bytes(bytes) => of(bytes, bytes.len()),
            Self::Null(len) => Bytes {
                data: null(),
                len: *len,
            },
            Self::TooLong(bytes) => of(bytes, usize::MAX),
        }
    }

    /// One of `known`, or something else.
    fn draw(session: &mut Session<'_>, known: &dyn Fn(usize) -> Vec<u8>) -> Self {
        let memory = match session.byte() {
            255 => Self::Null(usize::MAX),
            254 => Self::Null(0),
            253 => Self::TooLong(vec![b'x']),
            252 => {
                let length = usize::from(session.byte()).min(session.bytes.len());
                let (own, rest) = session.bytes.split_at(length);
                session.bytes = rest;
                Self::Bytes(own.to_vec())
            }
            251 => {
                let mut bytes = known(session.byte().into());
                let (at, change) = (usize::from(session.two()), session.byte());
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= change;
                }
                Self::Bytes(bytes)
            }
            250 => {
                let mut bytes = known(session.byte().into());
                bytes.truncate(session.two().into());
                Self::Bytes(bytes)
            }
            index => Self::Bytes(known(index.into())),
        };
        session.now.wrong |= matches!(memory, Self::Null(1..) | Self::TooLong(_));
        memory
    }

    fn data(session: &mut Session<'_>) -> Self {
        let world = session.world;
        Self::draw(session, &|index| {
            chosen(&world.data, index).cloned().unwrap_or_default()
        })
    }
}

/// One of several, by any number.
fn chosen<T>(of: &[T], number: usize) -> Option<&T> {
    of.get(number.checked_rem(of.len())?)
}

impl Drawn for Data {
    type Held = Memory;

    fn draw(session: &mut Session<'_>, _: &str) -> Memory {
        Memory::data(session)
    }

    fn pass(held: &mut Memory) -> Bytes {
        held.bytes()
    }
}

impl Drawn for Text {
    type Held = Memory;

    fn draw(session: &mut Session<'_>, name: &str) -> Memory {
        let world = session.world;
        // Nothing is written outside of the folder.
        if name == "folder" {
            let below = match session.byte() % 8 {
                0..=3 => "first",
                4 => "second",
                5 => "missing",
                6 => return Memory::Null(0),
                _ => return Memory::Bytes(b"\0".to_vec()),
            };
            let path = world.folder.join(below).display().to_string();
            return Memory::Bytes(path.into_bytes());
        }
        Memory::draw(session, &|index| {
            let text = chosen(&world.texts, index).cloned();
            text.unwrap_or_default().into_bytes()
        })
    }

    fn pass(held: &mut Memory) -> Bytes {
        held.bytes()
    }
}

/// A list as it is passed: the memory of its items, the items, and how many there are said to be.
#[derive(Debug)]
pub(crate) struct Items {
    /// The items point there.
    _memory: Vec<Memory>,
    items: Vec<Bytes>,
    is_null: bool,
    count: usize,
}

impl Drawn for Chain {
    type Held = Items;

    fn draw(session: &mut Session<'_>, name: &str) -> Items {
        List::draw(session, name)
    }

    fn pass(held: &mut Items) -> *const Bytes {
        List::pass(held)
    }

    fn length(held: &Items) -> usize {
        List::length(held)
    }
}

impl Drawn for List {
    type Held = Items;

    fn draw(session: &mut Session<'_>, _: &str) -> Items {
        let byte = session.byte();
        let drawn = match byte {
            252 => 1,
            253.. => 0,
            _ => usize::from(byte % 5),
        };
        let memory: Vec<Memory> = (0..drawn).map(|_| Memory::data(session)).collect();
        let mut items: Vec<Bytes> = memory.iter().map(Memory::bytes).collect();
        if let (252, Some(item)) = (byte, items.first().copied()) {
            items.resize(70, item);
        }
        let (is_null, count) = match byte {
            255 => (true, 3),
            254 => (true, 0),
            253 => (false, usize::MAX),
            _ => (false, items.len()),
        };
        session.now.wrong |= matches!(byte, 253 | 255);
        Items {
            _memory: memory,
            items,
            is_null,
            count,
        }
    }

    fn pass(held: &mut Items) -> *const Bytes {
        if held.is_null {
            null()
        } else {
            held.items.as_ptr()
        }
    }

    fn length(held: &Items) -> usize {
        held.count
    }
}

/// Where a place is; NULL if there is none.
pub(super) fn at<V>(place: &mut Option<Box<V>>) -> *mut V {
    place.as_deref_mut().map_or(null_mut(), |place| place)
}

impl Drawn for OutU32 {
    type Held = Option<Box<u32>>;

    fn draw(session: &mut Session<'_>, _: &str) -> Option<Box<u32>> {
        (!session.byte().is_multiple_of(2)).then(|| Box::new(u32::MAX))
    }

    fn pass(held: &mut Option<Box<u32>>) -> *mut u32 {
        at(held)
    }

    fn after(held: Option<Box<u32>>, session: &mut Session<'_>, _: u64) {
        let Some(number) = held else { return };
        assert_ne!(*number, u32::MAX, "a place that was not written");
        session.now.reason = Some(*number);
    }
}

/// A place for a text.
#[derive(Debug)]
pub(crate) struct Room {
    bytes: Vec<u8>,
    is_null: bool,
    capacity: usize,
}

/// What is behind a place for a text, and stays there.
const BEHIND: u8 = 0xaa;

impl Drawn for Buffer {
    type Held = Room;

    fn draw(session: &mut Session<'_>, _: &str) -> Room {
        let (is_null, capacity, room) = match session.byte() {
            255 => (true, 100, 0),
            254 => (false, usize::MAX, 0),
            253 => (true, usize::MAX, 0),
            byte => (false, usize::from(byte) * 16, usize::from(byte) * 16),
        };
        session.now.wrong |= capacity == usize::MAX;
        Room {
            bytes: vec![BEHIND; room + 8],
            is_null,
            capacity,
        }
    }

    fn pass(held: &mut Room) -> *mut c_char {
        if held.is_null {
            null_mut()
        } else {
            held.bytes.as_mut_ptr().cast()
        }
    }

    fn length(held: &Room) -> usize {
        held.capacity
    }

    fn after(held: Room, _: &mut Session<'_>, answer: u64) {
        let room = held.bytes.len() - 8;
        let (text, behind) = held.bytes.split_at(room);
        assert!(behind.iter().all(|byte| *byte == BEHIND), "written behind");
        if room == 0 {
            return;
        }
        let end = text.iter().position(|byte| *byte == 0);
        let end = end.unwrap_or_else(|| unreachable!("no NUL at the end of a text"));
        let (text, _) = text.split_at(end);
        assert!(core::str::from_utf8(text).is_ok(), "a cut character");
        let length = usize::try_from(answer).unwrap_or(usize::MAX);
        assert!(
            end <= length && (length >= room || end == length),
            "{end}, {length}"
        );
    }
}
