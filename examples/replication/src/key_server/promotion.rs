//! A secondary takes the place of the primary.
//!
//! An administrator decides it. Two machines that cannot see each other would both decide it for themselves.

use std::fs;

use mutual_trust::admin::bundle::{BundleKey, FleetMember, Part, Publication};

use super::KeyServer;
use super::publisher::Publisher;
use crate::Outcome;
use crate::console::causes;
use crate::taking::newest;

/// The file that says that this server is the primary, so that it goes on after a restart.
const PRIMARY: &str = "primary";

impl KeyServer {
    pub(super) fn become_primary(&mut self, publisher: Publisher) -> Outcome<()> {
        fs::write(self.folder.path(PRIMARY), "")?;
        self.publisher = Some(publisher);
        Ok(())
    }

    /// Goes on where this server ended. On the first start there is nothing to go on with.
    pub(super) fn go_on(&mut self) -> Outcome<()> {
        if self.folder.path(PRIMARY).exists() {
            let (set, signer) = (self.folder.store("set")?, self.signer()?);
            let last = Publisher::last(&self.folder)?.ok_or("the last publication is lost")?;
            let mut publisher = Publisher::new(set, signer, &self.folder, last)?;
            // What was changed just before it ended may not be published yet. Keys are served also if it cannot be.
            if let Err(error) = publisher.publish() {
                eprintln!("not published: {}", causes(&*error));
            }
            self.publisher = Some(publisher);
        }
        if self.member.is_joined()? {
            self.follow()?;
            self.mirror()?;
        }
        Ok(())
    }

    /// Publishes from now on. The next key set names the key of this server, and those that are given: not that of the old
    /// primary.
    pub(super) fn promote(&mut self, others: &[BundleKey]) -> Outcome<String> {
        if self.publisher.is_some() {
            return Err("this server is the primary".into());
        }
        let bytes = self.member.newest()?;
        let last = Publication::read(&bytes)?;
        let (id, ids) = (self.id.clone(), self.site.group());
        // The set is what was published last, whole: nothing that was installed on this machine alone, or left over from a
        // promotion that was interrupted.
        if self.folder.path("set").exists() {
            fs::remove_dir_all(self.folder.path("set"))?;
        }
        let mut set = self.folder.store("set")?;
        let key_set = newest(&last)?;
        // This server has verified it: no administrator has to read it out.
        let digest = key_set.digest();
        let mut member = FleetMember::join(&mut set, key_set, digest, Part::All)?;
        let _ = member.take_over(&bytes, &mut set)?;
        // What came from the fleet is changed here from now on.
        member.leave(&mut set)?;
        set.change(|set| {
            if let Some(old) = ids.first() {
                let _ = set.set_secondaries(old, [])?;
            }
            let _ = set.set_server_order([id.clone()])?;
            set.set_secondaries(&id, ids.iter().filter(|other| **other != id).cloned())
        })?;
        let mut publisher = Publisher::new(set, self.signer()?, &self.folder, last)?;
        let sequence = publisher.promote(others)?;
        let key_set = publisher.key_set()?.version();
        self.become_primary(publisher)?;
        Ok(format!("sequence={sequence} key-set={key_set}"))
    }

    /// What the primary does from time to time.
    pub(super) fn tend(&mut self) -> Outcome<()> {
        self.retire_if_replaced()?;
        match &mut self.publisher {
            Some(publisher) if publisher.is_due() => publisher.publish().map(drop),
            _ => Ok(()),
        }
    }

    /// If another server was promoted while this one was away, it is a secondary from now on. Nothing that it would publish
    /// is taken any more.
    pub(super) fn retire_if_replaced(&mut self) -> Outcome<()> {
        let Some(publisher) = &self.publisher else {
            return Ok(());
        };
        let known = self.member.state().map_or(0, |state| state.keys_version);
        if known > publisher.key_set()?.version() {
            fs::remove_file(self.folder.path(PRIMARY))?;
            self.publisher = None;
            fs::remove_dir_all(self.folder.path("set"))?;
        }
        Ok(())
    }
}
