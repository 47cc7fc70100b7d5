//! Random sequences of what programs do to files, with polls between them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mutual_trust::limits::MAX_FOLLOWED_BYTES;
use mutual_trust::{Certificate, Fingerprint};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::follow::common::*;

const NAMES: [&str; 3] = ["a.pem", "b.pem", "c.pem"];

static POOL: LazyLock<Vec<Certificate>> =
    LazyLock::new(|| ["one", "two", "three", "four"].map(pin).into());

#[derive(Clone, Debug)]
enum Event {
    /// A file is put in place at once, with the certificates of these bits.
    Put(usize, u8),
    /// A file is written in place, and only so much of a hundred parts of it.
    Half(usize, u8, usize),
    Remove(usize),
    Rename(usize, usize),
    /// A link to another file is put in place at once.
    Link(usize, u8),
    Dangling(usize),
    Huge(usize),
    Pipe(usize),
    Folder(usize),
    Nobody(usize),
    /// Something that is not read.
    Other,
    Poll,
}

fn event() -> impl Strategy<Value = Event> {
    let (name, bits) = (0..NAMES.len(), 1..16_u8);
    prop_oneof![
        6 => (name.clone(), bits.clone()).prop_map(|(name, bits)| Event::Put(name, bits)),
        3 => (name.clone(), bits.clone(), 0..100_usize)
            .prop_map(|(name, bits, part)| Event::Half(name, bits, part)),
        3 => name.clone().prop_map(Event::Remove),
        2 => (name.clone(), name.clone()).prop_map(|(from, to)| Event::Rename(from, to)),
        2 => (name.clone(), bits).prop_map(|(name, bits)| Event::Link(name, bits)),
        1 => name.clone().prop_map(Event::Dangling),
        1 => name.clone().prop_map(Event::Huge),
        1 => name.clone().prop_map(Event::Pipe),
        1 => name.clone().prop_map(Event::Folder),
        1 => name.prop_map(Event::Nobody),
        1 => Just(Event::Other),
        12 => Just(Event::Poll),
    ]
}

fn text(bits: u8) -> String {
    let chosen = POOL
        .iter()
        .enumerate()
        .filter(|(at, _)| bits >> at & 1 == 1);
    chosen
        .map(|(_, certificate)| certificate.to_pem())
        .collect()
}

struct Files<'a> {
    world: &'a World,
    count: usize,
}

impl Files<'_> {
    fn at(&self, name: usize) -> PathBuf {
        self.world.path("pins").join(NAMES[name])
    }

    fn clear(&self, name: usize) {
        let path = self.at(name);
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir(&path).unwrap();
        } else {
            let _ = fs::remove_file(&path);
        }
    }

    fn put(&self, name: usize, content: &str) {
        let temporary = self.world.path(".new");
        fs::write(&temporary, content).unwrap();
        if self.at(name).is_dir() {
            self.clear(name);
        }
        fs::rename(temporary, self.at(name)).unwrap();
    }

    /// Does what the event says.
    fn make(&mut self, event: &Event) {
        self.count += 1;
        match *event {
            Event::Put(name, bits) => self.put(name, &text(bits)),
            Event::Half(name, bits, part) => {
                self.clear(name);
                let text = text(bits);
                fs::write(self.at(name), &text[..text.len() * part / 100]).unwrap();
            }
            Event::Remove(name) => self.clear(name),
            Event::Rename(from, to) if from != to && self.at(from).is_file() => {
                self.clear(to);
                fs::rename(self.at(from), self.at(to)).unwrap();
            }
            Event::Rename(..) | Event::Poll => {}
            Event::Link(name, bits) => {
                let (target, link) = (format!(".target-{}", self.count), self.world.path(".link"));
                fs::write(self.world.path("pins").join(&target), text(bits)).unwrap();
                symlink(target, &link).unwrap();
                if self.at(name).is_dir() {
                    self.clear(name);
                }
                fs::rename(link, self.at(name)).unwrap();
            }
            Event::Dangling(name) => {
                self.clear(name);
                symlink("nowhere", self.at(name)).unwrap();
            }
            Event::Huge(name) => {
                self.clear(name);
                let length = u64::try_from(MAX_FOLLOWED_BYTES).unwrap() + 1;
                fs::File::create(self.at(name))
                    .unwrap()
                    .set_len(length)
                    .unwrap();
            }
            Event::Pipe(name) => {
                self.clear(name);
                let _ = Command::new("mkfifo").arg(self.at(name)).status();
            }
            Event::Folder(name) => {
                self.clear(name);
                fs::create_dir(self.at(name)).unwrap();
            }
            Event::Nobody(name) => self.put(name, "trust nobody\n"),
            Event::Other => {
                let name = format!("pins/{}.log", self.count);
                fs::write(self.world.path(&name), "no certificate").unwrap();
            }
        }
    }

    /// The files at this moment, by what the file system tells of them. Two events can leave them as they were.
    fn states(&self) -> Vec<String> {
        let of = |found: fs::Metadata| {
            let (modified, changed) = (found.mtime_nsec(), found.ctime_nsec());
            let seconds = (found.mtime(), found.ctime());
            format!(
                "{} {} {seconds:?} {modified} {changed}",
                found.ino(),
                found.len()
            )
        };
        // A link that leads nowhere is not the same as no link.
        let both = |path: PathBuf| {
            let (link, file) = (fs::symlink_metadata(&path), fs::metadata(&path));
            format!("{:?} {:?}", link.map(of).ok(), file.map(of).ok())
        };
        (0..NAMES.len()).map(|name| both(self.at(name))).collect()
    }

    /// What the folder says is trusted; nothing if it is not to be applied.
    fn content(&self) -> Option<BTreeSet<Fingerprint>> {
        let mut all = BTreeSet::new();
        let (mut files, mut nobody) = (0, false);
        for name in 0..NAMES.len() {
            let path = self.at(name);
            if path.symlink_metadata().is_err() {
                continue;
            }
            let found = fs::metadata(&path).ok()?;
            let limit = u64::try_from(MAX_FOLLOWED_BYTES).unwrap();
            if !found.is_file() || found.len() > limit {
                return None;
            }
            files += 1;
            let text = fs::read(&path).unwrap();
            if text == b"trust nobody\n" {
                nobody = true;
                continue;
            }
            let certificates = Certificate::many_from_pem(&text).ok()?;
            all.extend(certificates.iter().map(Certificate::fingerprint));
        }
        (files > 0 && (all.is_empty() || !nobody)).then_some(all)
    }
}

fn held(world: &World) -> BTreeSet<Fingerprint> {
    world
        .entries()
        .iter()
        .map(|entry| entry.fingerprint())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No poll hangs. What is in force is what a whole and settled folder said last: nothing goes or comes for a file that is
    /// half-written, missing or no file. In the end the store has what the files have.
    #[test]
    fn the_store_has_what_whole_and_settled_files_say(events in vec(event(), 1..60)) {
        let mut world = World::new("random");
        fs::create_dir(world.path("pins")).unwrap();
        let mut follower = world.follow("pins");
        let mut count = 0;
        let mut last = None;
        let end = [Event::Poll, Event::Poll];
        for event in events.iter().chain(&end) {
            let mut files = Files { world: &world, count };
            files.make(event);
            count = files.count;
            if !matches!(event, Event::Poll) {
                continue;
            }
            let (said, states) = (files.content(), files.states());
            let settled = last.as_ref() == Some(&states);
            last = Some(states);
            let before = held(&world);
            let begin = Instant::now();
            follower.poll(&mut world.store).unwrap();
            prop_assert!(begin.elapsed() < Duration::from_secs(10));
            let after = held(&world);
            match said {
                Some(said) if settled => prop_assert_eq!(after, said),
                Some(_) => prop_assert_eq!(after, before),
                None => {
                    prop_assert_eq!(after, before);
                    prop_assert!(!world.store.health().is_good() || !settled);
                }
            }
        }
    }
}
