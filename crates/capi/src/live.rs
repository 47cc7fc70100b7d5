//! What is in force.

use core::time::Duration;

use mutual_trust::LiveTrust;
use mutual_trust::admin::file;

use crate::argument::{Data, MaybeOut, Out, Owned, Ref, U32, U64};
use crate::entry::{ignore, nothing, status};
use crate::report::{Problem, Report, Said, finish};
use crate::settings::keys;
use crate::status::{DAMAGED, OK, ROLLED_BACK};

/// The pointer to what is in force. One thread publishes, all read.
#[derive(Debug)]
pub(crate) struct Live(LiveTrust);

impl Live {
    pub(crate) fn new(trust: LiveTrust) -> Self {
        Self(trust)
    }

    pub(crate) fn trust(&self) -> LiveTrust {
        self.0.clone()
    }
}

/// The content of a store file.
fn read(text: &[u8]) -> Result<mutual_trust::TrustSnapshot, Problem> {
    let read = file::read(text, keys(), None);
    let mut file = read.map_err(|error| Problem::of(DAMAGED, &error))?;
    Ok(file.store.snapshot())
}

entries! { "What is in force";
    /// Takes the bytes of a store file, for a system without a file system. They are not sealed: the caller vouches for
    /// them. report may be NULL. Free *live with mt_live_free, and *report with mt_report_free.
    /// Threads: any.
    fn mt_live_from_file(file: Data, live: Out<Live>, report: MaybeOut<Report>) -> u32, else status {
        finish(&report, read(file).map(|snapshot| {
            let generation = snapshot.generation();
            live.give(Live(LiveTrust::new(snapshot)));
            Said { text: "taken".into(), generation }
        }))
    }

    /// Puts the bytes of a newer store file in force, for all who have live. A file of a lower generation is refused.
    /// report may be NULL; free *report with mt_report_free.
    /// Threads: any; a verdict that is being made ends with what it began with.
    fn mt_live_publish_file(live: Ref<Live>, file: Data, report: MaybeOut<Report>) -> u32, else status {
        let published = read(file).and_then(|snapshot| {
            let generation = snapshot.generation();
            let published = live.0.publish(snapshot);
            published.map_err(|error| Problem::of(ROLLED_BACK, &error))?;
            Ok(Said { text: "published".into(), generation })
        });
        finish(&report, published)
    }

    /// The generation in force. 0 for NULL.
    /// Threads: any, also at the same time. It does not wait.
    fn mt_live_generation(live: Ref<Live>) -> u64, else nothing {
        Ok(live.0.current().generation())
    }

    /// Waits until more than this generation is in force, at most so many milliseconds. Returns the generation in force: the
    /// one that was given, if nothing newer came. Wait for more than that the next time. 0 for NULL.
    /// A thread that waits here asks about its open connections when something newer came. Begin with the generation by which
    /// the connection was judged (mt_verdict_generation), or with mt_judge_generation from before the handshake.
    /// Threads: any, also at the same time.
    fn mt_live_wait(live: Ref<Live>, generation: U64, milliseconds: U32) -> u64, else nothing {
        let timeout = Duration::from_millis(milliseconds.into());
        let newer = live.0.wait_newer_than(generation, timeout);
        let now = newer.unwrap_or_else(|| live.0.current());
        Ok(now.generation())
    }

    /// Makes a second handle of the same. Free *copy with mt_live_free.
    /// Threads: any, also at the same time.
    fn mt_live_clone(live: Ref<Live>, copy: Out<Live>) -> u32, else status {
        copy.give(Live(live.trust()));
        Ok(OK)
    }

    /// Frees a handle. Judges that were made of it keep what they need. NULL is nothing to do.
    /// Threads: any, when no other uses the handle.
    fn mt_live_free(live: Owned<Live>) -> (), else ignore {
        drop(live);
        Ok(())
    }
}
