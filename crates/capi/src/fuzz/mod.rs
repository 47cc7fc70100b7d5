//! Calls of the interface that bytes choose, for the fuzz target `c_calls`. A feature of its own, and no interface.
//!
//! The macro of `entry` hands each function to [`Call`], with arguments that `draw` makes by their kinds. So a new function
//! is called without a line here. The pointers are as the header demands: NULL, or to memory with the length that goes with
//! them; a handle is freed once, and not used afterwards.

mod draw;
mod handles;

use core::any::TypeId;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) use draw::Drawn;

use crate::peer::Peer;
use crate::status::FAULT;

/// Longer sequences only repeat themselves.
const CALLS: usize = 64;

/// What calls are made of besides the bytes: what is worth being passed.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the fuzz package alone makes one"
)]
pub struct World {
    /// Certificates, lists, keys of seals, store files.
    pub data: Vec<Vec<u8>>,
    /// Ids, names, addresses, fingerprints.
    pub texts: Vec<String>,
    /// A folder that is empty, in which stores are made.
    pub folder: PathBuf,
    /// When the certificates are valid, in seconds since 1970.
    pub now: i64,
}

/// One function of the interface.
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) call: fn(&mut Session<'_>),
}

/// Where a sequence of calls stands.
pub(crate) struct Session<'a> {
    world: &'a World,
    bytes: &'a [u8],
    /// Handles that were given out, by their type.
    handles: HashMap<TypeId, Vec<*mut ()>>,
    /// Whether handles are drawn for the call that frees them all.
    ends: bool,
    /// Of the call that runs.
    now: Now,
    /// The peers that were judged, and whether the answer was yes.
    judged: HashMap<*mut (), bool>,
    accepted: bool,
}

/// What is known of the call that runs.
#[derive(Default)]
struct Now {
    /// Whether a pointer is NULL that must not be, or a length cannot be.
    wrong: bool,
    /// The handles and numbers that it takes.
    peer: Option<*mut ()>,
    number: u32,
    /// What it gave.
    reason: Option<u32>,
}

/// Panics of the interface, which turns them into an answer.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A panic was caught.
pub(crate) fn panicked() {
    PANICS.fetch_add(1, Ordering::SeqCst);
}

/// An answer as a number.
pub(crate) trait Answer {
    fn number(self) -> u64;
}

impl Answer for u32 {
    fn number(self) -> u64 {
        self.into()
    }
}

impl Answer for u64 {
    fn number(self) -> u64 {
        self
    }
}

impl Answer for usize {
    fn number(self) -> u64 {
        u64::try_from(self).unwrap_or(u64::MAX)
    }
}

/// A text of the library, which is always there.
impl Answer for *const core::ffi::c_char {
    fn number(self) -> u64 {
        assert!(!self.is_null());
        0
    }
}

impl Answer for () {
    fn number(self) -> u64 {
        0
    }
}

/// A place of a function that stays when others come.
fn place(name: &str) -> u16 {
    let mut hash: u32 = 0x811c_9dc5;
    for byte in name.bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    let [high, low, more, most] = hash.to_be_bytes();
    u16::from_be_bytes([high ^ more, low ^ most])
}

/// All functions, by their places.
fn calls() -> Vec<(u16, Call)> {
    let sections = [
        crate::library::calls(),
        crate::settings::calls(),
        crate::store::calls(),
        crate::live::calls(),
        crate::policy::calls(),
        crate::judge::calls(),
        crate::peer::calls(),
        crate::verdict::calls(),
        crate::reasons::calls(),
        crate::report::calls(),
        crate::certificates::calls(),
        crate::options::calls(),
        crate::admin::calls(),
        crate::servers::calls(),
        crate::blocks::calls(),
        crate::listing::calls(),
        crate::enrolment::calls(),
    ];
    let all = sections.into_iter().flatten();
    let mut all: Vec<_> = all.map(|call| (place(call.name), call)).collect();
    all.sort_by_key(|(place, call)| (*place, call.name));
    // Two that have the same place stand beside each other.
    let mut next = 0;
    for (place, _) in &mut all {
        *place = next.max(*place);
        next = place.saturating_add(1);
    }
    all
}

impl Session<'_> {
    fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((first, rest)) => {
                self.bytes = rest;
                *first
            }
            None => 0,
        }
    }

    fn two(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// Compares an answer with what must hold of every answer. `status`: whether it is one.
    pub(crate) fn ends(&mut self, name: &str, answer: u64, status: bool) {
        let now = core::mem::take(&mut self.now);
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "{name} panics");
        assert!(!status || answer != u64::from(FAULT), "{name} is at fault");
        // A call without a handle or memory that it needs does nothing.
        if now.wrong {
            assert_eq!(status, answer != 0, "{name} with a wrong pointer");
        }
        let yes = answer == 1;
        match name {
            "mt_judge_server" | "mt_judge_client" | "mt_peer_judge" => {
                assert!(answer <= 1, "{name}");
                if let Some(reason) = now.reason {
                    assert_eq!(yes, (1..100).contains(&reason), "{name}: {reason}");
                }
                if let Some(peer) = now.peer {
                    self.judged.insert(peer, yes);
                }
                self.accepted |= yes;
            }
            "mt_peer_begin" => {
                self.judged.extend(now.peer.map(|peer| (peer, false)));
            }
            // Yes, if and only if this handshake was judged so, and is no resumed one.
            "mt_peer_finished" => {
                let judged = now.peer.and_then(|peer| self.judged.get(&peer)).copied();
                let trusted = judged == Some(true) && now.number == 0;
                assert_eq!(yes, trusted, "{name}");
                if let (Some(peer), true) = (now.peer, now.number != 0) {
                    self.judged.insert(peer, false);
                }
            }
            "mt_peer_recheck" => assert!(answer <= 1, "{name}"),
            "mt_peer_free" => {
                self.judged.extend(now.peer.map(|peer| (peer, false)));
            }
            _ => {}
        }
    }
}

/// Makes the calls that `bytes` choose, and frees what is left. Returns whether a peer was accepted.
///
/// # Panics
/// If something does not hold.
pub fn run(bytes: &[u8], world: &World) -> bool {
    let calls = calls();
    let mut session = Session {
        world,
        bytes,
        handles: HashMap::new(),
        ends: false,
        now: Now::default(),
        judged: HashMap::new(),
        accepted: false,
    };
    for _ in 0..CALLS {
        if session.bytes.is_empty() {
            break;
        }
        let place = session.two();
        let next = calls.iter().find(|(other, _)| *other >= place);
        if let Some((_, call)) = next.or(calls.first()) {
            (call.call)(&mut session);
        }
    }
    session.ends = true;
    session.bytes = &[];
    while session.handles.values().any(|handles| !handles.is_empty()) {
        let left = session.left();
        for (_, call) in calls
            .iter()
            .filter(|(_, call)| call.name.ends_with("_free"))
        {
            (call.call)(&mut session);
        }
        assert!(session.left() < left, "a handle that no function frees");
    }
    session.accepted
}

impl Session<'_> {
    fn left(&self) -> usize {
        self.handles.values().map(Vec::len).sum()
    }

    fn is_peer<T: 'static>() -> bool {
        TypeId::of::<T>() == TypeId::of::<Peer>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_function_is_called_and_has_a_place_of_its_own() {
        let calls = calls();
        let places: BTreeSet<u16> = calls.iter().map(|(place, _)| *place).collect();
        assert_eq!(places.len(), calls.len());
        let sections = crate::header::sections();
        let functions = sections.iter().flat_map(|section| &section.functions);
        let functions: BTreeSet<&str> = functions.map(|function| function.name).collect();
        let called: BTreeSet<&str> = calls.iter().map(|(_, call)| call.name).collect();
        assert_eq!(called, functions);
    }
}
