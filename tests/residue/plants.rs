//! The proof that the search sees: needles that are planted must be found.

use crate::keys::Fixture;
use crate::needles::{self, Needle};
use crate::runner::{Case, Message};
use crate::scan::{Index, Place, scan};

/// Keeps what an allocator writes into a free block away from the first needle.
const MARGIN: usize = 64;

/// Plants every needle of a key, as a whole and as one window: on the heap, in freed blocks, on the dead stack.
pub fn are_found(kind: &str, fixture: &Fixture) {
    let all = needles::of_fixture(fixture);
    let index = Index::new(&all);
    let whole: Vec<&[u8]> = all.iter().map(|needle| &needle.bytes[..]).collect();
    let pieces: Vec<&[u8]> = all.iter().map(one_window).collect();
    for planted in [whole, pieces] {
        let mut bytes = vec![0; MARGIN];
        for needle in &planted {
            bytes.extend_from_slice(needle);
            // Not what follows in any needle.
            bytes.push(0);
        }
        let mut case = Case::start(&["plant", "-", "-", "-", "-", "-"]);
        let mut moments = 0;
        while let Message::Moment(moment) = case.next() {
            let found = scan(case.process(), &index, true);
            let place = match moment.as_str() {
                "start" => None,
                "dead stack" => Some(Place::DeadStack),
                _ => Some(Place::Heap),
            };
            for needle in &all {
                let mut hits = found.hits.iter().filter(|hit| hit.name == needle.name);
                match place {
                    None => assert!(hits.next().is_none(), "{kind}: {} without key", needle.name),
                    Some(place) => assert!(
                        hits.any(|hit| hit.place == place),
                        "{kind}: {}, planted on {place:?}, is not found",
                        needle.name
                    ),
                }
            }
            moments += 1;
            case.go_on();
            // First for the heap, then for the stack.
            if moment == "start" || moment == "freed" {
                case.send(&bytes);
            }
        }
        assert_eq!(moments, 4);
    }
}

/// The first and shortest piece of a needle that counts.
fn one_window(needle: &Needle) -> &[u8] {
    let (offset, _) = needle.windows().next().unwrap();
    &needle.bytes[offset..offset + needle.least]
}
