//! Looks for needles in the memory of another process, by `/proc/PID/maps` and `/proc/PID/mem`.

use std::collections::HashMap;
use std::fs::{File, read_dir, read_to_string};
use std::os::unix::fs::FileExt;

use super::needles::{Kind, Needle, WINDOW};

/// What is read at a time, with an overlap of a window.
const CHUNK: usize = 1 << 20;

/// Bits of the filter before the table.
const FILTER_BITS: u32 = 20;

/// Where in a process a needle was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The heap and other anonymous memory.
    Heap,
    /// The stack, below the stack pointer.
    DeadStack,
    /// The stack, from the stack pointer on.
    Stack,
    /// A mapped file: code, constants, variables.
    File,
}

impl Place {
    pub fn letter(self) -> char {
        match self {
            Self::Heap => 'h',
            Self::DeadStack => 's',
            Self::Stack => 'S',
            Self::File => 'f',
        }
    }
}

/// A stretch of memory that holds a needle, or a piece of it.
#[derive(Clone, Debug)]
pub struct Hit {
    pub kind: Kind,
    pub name: String,
    pub place: Place,
    pub address: u64,
    /// Where in the needle it starts.
    pub offset: usize,
    pub length: usize,
    /// From how many bytes on it counts.
    pub least: usize,
}

/// One look at a process.
#[derive(Debug, Default)]
pub struct Findings {
    pub hits: Vec<Hit>,
    /// Bytes that were read.
    pub bytes: u64,
    /// The stack pointer of the first thread.
    pub pointer: u64,
}

/// Needles, by their windows.
pub struct Index<'a> {
    needles: &'a [Needle],
    windows: HashMap<u64, Vec<(usize, usize)>>,
    filter: Vec<u64>,
}

fn hash(window: u64) -> usize {
    let mixed = window.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> (64 - FILTER_BITS)).unwrap()
}

impl<'a> Index<'a> {
    pub fn new(needles: &'a [Needle]) -> Self {
        let mut windows: HashMap<u64, Vec<(usize, usize)>> = HashMap::new();
        let mut filter = vec![0_u64; 1 << (FILTER_BITS - 6)];
        for (number, needle) in needles.iter().enumerate() {
            for (offset, window) in needle.windows() {
                let bit = hash(window);
                filter[bit / 64] |= 1 << (bit % 64);
                windows.entry(window).or_default().push((number, offset));
            }
        }
        Self {
            needles,
            windows,
            filter,
        }
    }

    /// Adds what `memory`, at `address`, holds. A hit that goes on from the chunk before is extended.
    pub fn search(
        &self,
        memory: &[u8],
        address: u64,
        place: impl Fn(u64) -> Place,
        out: &mut Vec<Hit>,
    ) {
        let Some((first, rest)) = memory.split_at_checked(WINDOW - 1) else {
            return;
        };
        let mut window = 0_u64;
        for byte in first {
            window = window >> 8 | u64::from(*byte) << 56;
        }
        for (index, byte) in rest.iter().enumerate() {
            window = window >> 8 | u64::from(*byte) << 56;
            let bit = hash(window);
            if self.filter[bit / 64] & 1 << (bit % 64) == 0 {
                continue;
            }
            let Some(found) = self.windows.get(&window) else {
                continue;
            };
            let at = address + u64::try_from(index).unwrap();
            for &(number, offset) in found {
                let needle = &self.needles[number];
                let last = out.iter_mut().rev().take(64).find(|hit| {
                    hit.name == needle.name
                        && hit.offset + hit.length == offset + WINDOW - 1
                        && hit.address + u64::try_from(hit.length).unwrap()
                            == at + u64::try_from(WINDOW).unwrap() - 1
                });
                match last {
                    Some(hit) => hit.length += 1,
                    None => out.push(Hit {
                        kind: needle.kind,
                        name: needle.name.clone(),
                        place: place(at),
                        address: at,
                        offset,
                        length: WINDOW,
                        least: needle.least,
                    }),
                }
            }
        }
    }
}

/// The number of separate pieces: needles share windows, and what overlaps is one.
pub fn pieces<'a>(hits: impl IntoIterator<Item = &'a Hit>) -> usize {
    let mut hits: Vec<&Hit> = hits.into_iter().collect();
    hits.sort_by_key(|hit| hit.address);
    let (mut count, mut end) = (0, 0);
    for hit in hits {
        if hit.address >= end {
            count += 1;
        }
        end = end.max(hit.address + u64::try_from(hit.length).unwrap());
    }
    count
}

/// Waits until a thread of a process sleeps in a read, and returns the stack pointer of the first thread.
fn stack_pointer(process: u32) -> u64 {
    // Number of the call (0 is read on x86-64, 63 on AArch64), six arguments, stack pointer, program counter.
    let reads = |text: &str| text.starts_with("0 ") || text.starts_with("63 ");
    loop {
        let tasks = read_dir(format!("/proc/{process}/task")).unwrap();
        let mut calls = tasks.map(|task| read_to_string(task.unwrap().path().join("syscall")));
        if calls.any(|call| reads(&call.unwrap())) {
            let text = read_to_string(format!("/proc/{process}/syscall")).unwrap();
            if let Some(pointer) = text.split_whitespace().nth(7) {
                return u64::from_str_radix(pointer.trim_start_matches("0x"), 16).unwrap();
            }
        }
        std::thread::yield_now();
    }
}

/// Reads all readable memory of a process that waits for us.
///
/// Memory that cannot be written is part of it only if `everything` is asked for: it is that of mapped files, the
/// same at each moment.
pub fn scan(process: u32, index: &Index<'_>, everything: bool) -> Findings {
    let pointer = stack_pointer(process);
    let maps = read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let mut findings = Findings {
        pointer,
        ..Findings::default()
    };
    let mut buffer = vec![0; CHUNK];
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (from, to) = fields.next().unwrap().split_once('-').unwrap();
        let mut at = u64::from_str_radix(from, 16).unwrap();
        let end = u64::from_str_radix(to, 16).unwrap();
        let permissions = fields.next().unwrap();
        let name = fields.nth(3).unwrap_or("");
        // The kernel's own: they hold no memory of the process, and cannot be read so.
        if matches!(name, "[vvar]" | "[vvar_vclock]" | "[vsyscall]") {
            continue;
        }
        if !permissions.starts_with('r') || !everything && !permissions.contains('w') {
            continue;
        }
        let place = |address| match name {
            "[stack]" if address < pointer => Place::DeadStack,
            "[stack]" => Place::Stack,
            name if name.starts_with('/') => Place::File,
            _ => Place::Heap,
        };
        while at < end {
            let size = usize::try_from(end - at).unwrap().min(CHUNK);
            let chunk = &mut buffer[..size];
            memory
                .read_exact_at(chunk, at)
                .unwrap_or_else(|error| panic!("{line}: {error}"));
            index.search(chunk, at, place, &mut findings.hits);
            let overlap = if u64::try_from(size).unwrap() == end - at {
                0
            } else {
                WINDOW - 1
            };
            let step = u64::try_from(size - overlap).unwrap();
            findings.bytes += step;
            at += step;
        }
    }
    findings.hits.retain(|hit| hit.length >= hit.least);
    findings
}
