//! An attacker who can write to the place of the publications, and has none of the keys.

use mutual_trust_fleet_simulation::draw::Draw;

/// What the attacker puts there: the name of the attack, and bytes made of what was published.
pub fn made(draw: &mut Draw, published: &[Vec<u8>]) -> (&'static str, Vec<u8>) {
    let newest = published.last().unwrap();
    let other = draw.pick(published).clone();
    match draw.below(5) {
        0 => ("replayed", other),
        1 => {
            let length = 1 + draw.below(newest.len() - 1);
            ("truncated", newest[..length].to_vec())
        }
        2 => {
            let mut bytes = newest.clone();
            for _ in 0..=draw.below(3) {
                let at = draw.below(bytes.len());
                bytes[at] ^= 1 << draw.below(8);
            }
            ("flipped", bytes)
        }
        3 => {
            let at = draw.below(newest.len().min(other.len()));
            ("mixed", [&other[..at], &newest[at..]].concat())
        }
        _ => ("extended", [newest.as_slice(), &other].concat()),
    }
}
