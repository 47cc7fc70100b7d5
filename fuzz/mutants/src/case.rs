//! A case: a shape, and changes of it.

use crate::exceptions;
use crate::judges::{self, Judged, Ours};
use crate::mutate;
use crate::random::Random;
use crate::world::{Shape, World};

/// A case, drawn from a seed.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) shape: Shape,
    /// The seed of each change.
    pub(crate) changes: Vec<u64>,
}

impl Case {
    pub(crate) fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let shape = Shape::draw(&mut random);
        // Most have one change: its consequence is not hidden behind that of another.
        let count = *random.one(&[1, 1, 1, 1, 1, 1, 1, 2, 2, 3]);
        let changes = (0..count).map(|_| random.next()).collect();
        Self { shape, changes }
    }

    /// The changed world, and what was changed.
    pub(crate) fn world(&self) -> (World, Vec<String>) {
        let mut world = self.shape.world();
        let mut texts = Vec::new();
        for seed in &self.changes {
            let mut random = Random::new(*seed);
            // A place that is not there is drawn again.
            let drawn = (0..20).find_map(|_| {
                let mut changed = world.clone();
                let text = mutate::change(&mut changed, &mut random)?;
                Some((changed, text))
            });
            if let Some((changed, text)) = drawn {
                world = changed;
                texts.push(text);
            }
        }
        (world, texts)
    }

    pub(crate) fn judge(&self) -> Answers {
        let (world, _) = self.world();
        Answers::of(&world)
    }

    /// With the fewest changes that are still a finding.
    pub(crate) fn reduced(mut self) -> Self {
        let mut at = 0;
        while at < self.changes.len() && self.changes.len() > 1 {
            let mut fewer = self.clone();
            fewer.changes.remove(at);
            if fewer.judge().finding().is_some() {
                self = fewer;
            } else {
                at += 1;
            }
        }
        self
    }
}

/// What all judges say of a case.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    pub(crate) ours: Ours,
    pub(crate) others: [Judged; 3],
}

impl Answers {
    pub(crate) fn of(world: &World) -> Self {
        let signed = world.signed();
        Self {
            ours: judges::ours(&signed),
            others: judges::others(&signed),
        }
    }

    /// The profile in which the library accepts what at least two others refuse for a reason that is not excepted.
    ///
    /// In the profile Compatible, a breach of RFC 5280 that the library warns of and that Strict refuses is none: the
    /// table of `ChainProfile` says of each rule why its breach is harmless.
    pub(crate) fn finding(&self) -> Option<&'static str> {
        let refused = |profile| {
            let all = judges::OTHERS.iter().zip(&self.others);
            let counted = all.filter(|(judge, judged)| {
                let why = judged.as_ref().err();
                why.is_some_and(|why| exceptions::reason(profile, judge, why).is_none())
            });
            counted.count() >= 2
        };
        if self.ours.strict.is_ok() && refused("strict") {
            return Some("strict");
        }
        let warned = self.ours.strict.is_err() && !self.ours.warned.is_empty();
        (self.ours.compatible.is_ok() && !warned && refused("compatible")).then_some("compatible")
    }
}
