//! The clock, the seal and the counter of a node. The library calls them on its way, so they can note what is on the disk at
//! each of these moments: it is what a crash at this moment leaves.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mutual_trust::CurrentTime;
use mutual_trust::admin::{Counter, Seal, SealKey};
use mutual_trust::certificate::TimeSource;
use mutual_trust_test_support as support;

/// The files of a folder.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a crash leaves behind: the files, and the counter in the hardware.
#[derive(Clone, Debug)]
pub struct Left {
    pub files: Files,
    pub counted: u64,
}

#[derive(Debug)]
struct State {
    /// What the machine's clock shows. `None` if it is not set.
    clock: Option<u64>,
    counted: u64,
    /// Whether moments are noted, and those that were.
    noted: Option<Vec<Left>>,
}

/// The clock, the seal and the counter of one node.
#[derive(Debug)]
pub struct Hooks {
    folder: PathBuf,
    seal: SealKey,
    state: Mutex<State>,
}

pub fn read_folder(folder: &Path) -> Files {
    let mut files = Files::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            let name = entry.file_name().into_string().unwrap();
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}

pub fn write_folder(folder: &Path, files: &Files) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).unwrap();
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

impl Hooks {
    pub fn new(folder: &Path, number: u64) -> Self {
        let key = crate::pool::private_key(9_000 + number);
        Self {
            folder: folder.to_owned(),
            seal: SealKey::new(key).unwrap(),
            state: Mutex::new(State {
                clock: None,
                counted: 0,
                noted: None,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_clock(&self, clock: Option<u64>) {
        self.state().clock = clock;
    }

    /// Notes what is on the disk from now on.
    pub fn note(&self) {
        self.state().noted = Some(Vec::new());
    }

    /// What was noted, each state once.
    pub fn noted(&self) -> Vec<Left> {
        self.state().noted.take().unwrap_or_default()
    }

    /// What is on the disk now.
    pub fn left(&self) -> Left {
        Left {
            files: read_folder(&self.folder),
            counted: self.state().counted,
        }
    }

    /// Puts the machine into the state that a crash left.
    pub fn put_back(&self, left: &Left) {
        write_folder(&self.folder, &left.files);
        self.state().counted = left.counted;
    }

    fn moment(&self) {
        let mut state = self.state();
        let counted = state.counted;
        if let Some(noted) = &mut state.noted {
            let files = read_folder(&self.folder);
            if noted.last().is_none_or(|last| last.files != files) {
                noted.push(Left { files, counted });
            }
        }
    }
}

impl TimeSource for Hooks {
    fn now(&self) -> CurrentTime {
        self.moment();
        match self.state().clock {
            Some(seconds) => CurrentTime::Known(support::at(seconds)),
            None => CurrentTime::Unset,
        }
    }
}

impl Seal for Hooks {
    fn seal(&self, content: &[u8]) -> Vec<u8> {
        self.moment();
        self.seal.seal(content)
    }

    fn verify(&self, content: &[u8], seal: &[u8]) -> bool {
        self.moment();
        self.seal.verify(content, seal)
    }
}

impl Counter for Hooks {
    fn read(&self) -> io::Result<u64> {
        self.moment();
        Ok(self.state().counted)
    }

    fn raise(&self, generation: u64) -> io::Result<()> {
        self.moment();
        let mut state = self.state();
        state.counted = state.counted.max(generation);
        Ok(())
    }
}
