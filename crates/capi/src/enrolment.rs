//! Unknown clients that wait for an administrator.

use core::ops::Deref;
use core::time::Duration;
use std::sync::Arc;

use mutual_trust::Fingerprint;
use mutual_trust::admin::{PendingId, PendingPeer};

use crate::admin::parse;
use crate::argument::{Buffer, Maybe, MaybeOut, Out, Owned, Ref, Seconds, Size, Text, U64};
use crate::entry::{ignore, nothing, status};
use crate::options::{Options, or_default};
use crate::report::{Problem, Report, finish};
use crate::settings::Clock;
use crate::status::{ENROLMENT, Failed, NOT_FOUND, OK};
use crate::store::Store;

/// The list of those who wait.
#[derive(Debug)]
pub(crate) struct Enrolment {
    waiting: mutual_trust::Enrolment,
    /// What it reads its time from.
    clock: Arc<Clock>,
}

impl Deref for Enrolment {
    type Target = mutual_trust::Enrolment;

    fn deref(&self) -> &mutual_trust::Enrolment {
        &self.waiting
    }
}

/// Those who waited at one moment.
#[derive(Debug)]
pub(crate) struct Pending(Vec<PendingPeer>);

impl Pending {
    fn peer(&self, index: usize) -> Result<&PendingPeer, Failed> {
        self.0.get(index).ok_or(NOT_FOUND)
    }
}

fn pending_id(number: u64) -> Result<PendingId, Failed> {
    parse(&number.to_string())
}

entries! { "Enrolment";
    /// Makes a closed enrolment, in which no client waits. seconds is its time: MT_TIME_SYSTEM reads the clock of the
    /// operating system each time. Seconds since 1970, as time(NULL), are a clock that stands still until
    /// mt_enrolment_set_time: a window that is open does not close meanwhile. Free *enrolment with mt_enrolment_free.
    /// Threads: any.
    fn mt_enrolment_new(seconds: Seconds, enrolment: Out<Enrolment>) -> u32, else status {
        let clock = Arc::new(Clock::new(seconds)?);
        let waiting = mutual_trust::Enrolment::new(clock.clone());
        enrolment.give(Enrolment { waiting, clock });
        Ok(OK)
    }

    /// Sets the time of an enrolment from now on, for all handles of it: seconds since 1970, a clock that stands still until
    /// the next call; MT_TIME_SYSTEM; or MT_TIME_UNSET.
    /// Threads: any, also at the same time.
    fn mt_enrolment_set_time(enrolment: Ref<Enrolment>, seconds: Seconds) -> u32, else status {
        enrolment.clock.set(seconds)
    }

    /// Makes a second handle of the same enrolment. Free *copy with mt_enrolment_free.
    /// Threads: any, also at the same time.
    fn mt_enrolment_clone(enrolment: Ref<Enrolment>, copy: Out<Enrolment>) -> u32, else status {
        let (waiting, clock) = (enrolment.waiting.clone(), Arc::clone(&enrolment.clock));
        copy.give(Enrolment { waiting, clock });
        Ok(OK)
    }

    /// Lets unknown clients wait for so many seconds, at most count of them. They are still refused.
    /// Threads: any, also at the same time.
    fn mt_enrolment_open(enrolment: Ref<Enrolment>, seconds: U64, count: Size) -> u32, else status {
        let opened = enrolment.open_enrolment(Duration::from_secs(seconds), count);
        opened.map_err(|_| ENROLMENT)?;
        Ok(OK)
    }

    /// Lets no further client wait. Those who wait can still be accepted.
    /// Threads: any, also at the same time.
    fn mt_enrolment_close(enrolment: Ref<Enrolment>) -> u32, else status {
        enrolment.close_enrolment();
        Ok(OK)
    }

    /// Whether an unknown client can wait now: 1, else 0.
    /// Threads: any, also at the same time.
    fn mt_enrolment_is_open(enrolment: Ref<Enrolment>) -> u32, else nothing {
        Ok(u32::from(enrolment.is_open()))
    }

    /// Keeps a place for the client whose certificate has this fingerprint. It is not accepted by that.
    /// Threads: any, also at the same time.
    fn mt_enrolment_expect(enrolment: Ref<Enrolment>, fingerprint: Text) -> u32, else status {
        let fingerprint = parse::<Fingerprint>(fingerprint)?;
        enrolment.expect(fingerprint).map_err(|_| ENROLMENT)?;
        Ok(OK)
    }

    /// Gives the clients that wait now, the longest wait first. Free *pending with mt_pending_free.
    /// Threads: any, also at the same time.
    fn mt_enrolment_pending(enrolment: Ref<Enrolment>, pending: Out<Pending>) -> u32, else status {
        pending.give(Pending(enrolment.pending()));
        Ok(OK)
    }

    /// Installs the certificate of a client that waits as a pin for clients, if fingerprint is that of its certificate.
    /// A person at the client reads it aloud; nothing here shows it. by is the administrator. options may be NULL, with a
    /// label they make the client known by it. report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_enrolment_accept(
        enrolment: Ref<Enrolment>,
        store: Ref<Store>,
        number: U64,
        fingerprint: Text,
        options: Maybe<Options>,
        by: Text,
        report: MaybeOut<Report>,
    ) -> u32, else status {
        let (number, options) = (pending_id(number)?, or_default(options)?);
        let fingerprint = parse::<Fingerprint>(fingerprint)?;
        finish(&report, store.change(|store| {
            enrolment
                .accept_client(number, fingerprint, store, options, by)
                .map_err(Problem::from)
        }))
    }

    /// Rejects a client that waits. by is the administrator.
    /// Threads: any, also at the same time.
    fn mt_enrolment_reject(enrolment: Ref<Enrolment>, number: U64, by: Text) -> u32, else status {
        let rejected = enrolment.reject(pending_id(number)?, by);
        rejected.map_err(|_| ENROLMENT)?;
        Ok(OK)
    }

    /// Frees an enrolment. Peers that were made with it keep it. NULL is nothing to do.
    /// Threads: any, when no other uses it.
    fn mt_enrolment_free(enrolment: Owned<Enrolment>) -> (), else ignore {
        drop(enrolment);
        Ok(())
    }

    /// How many clients waited.
    /// Threads: any, also at the same time.
    fn mt_pending_count(pending: Ref<Pending>) -> usize, else nothing {
        Ok(pending.0.len())
    }

    /// The number of a client that waits, for mt_enrolment_accept; index counts from 0. 0 if there is none.
    /// Threads: any, also at the same time.
    fn mt_pending_number(pending: Ref<Pending>, index: Size) -> u64, else nothing {
        let number = pending.peer(index)?.id.to_string();
        Ok(number.parse().unwrap_or(0))
    }

    /// Writes the IP address of a client that waits.
    /// Returns the length of the whole text.
    /// Threads: any, also at the same time.
    fn mt_pending_address(pending: Ref<Pending>, index: Size, text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(&pending.peer(index)?.address.to_string()))
    }

    /// Writes what helps to recognise a client that waits: subject, issuer, names, validity, kind of key. The peer chose
    /// them. Not its fingerprint.
    /// Returns the length of the whole text.
    /// Threads: any, also at the same time.
    fn mt_pending_text(pending: Ref<Pending>, index: Size, text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(&pending.peer(index)?.presented.to_string()))
    }

    /// Frees a list. NULL is nothing to do.
    /// Threads: any, when no other uses it.
    fn mt_pending_free(pending: Owned<Pending>) -> (), else ignore {
        drop(pending);
        Ok(())
    }
}
