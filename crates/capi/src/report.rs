//! What a call did, or why it did not.

use core::ffi::c_char;
use std::error::Error;

use mutual_trust::error::{
    CertificateError, CrlError, DurableError, EnrolmentError, SettingError, StoreError,
};
use mutual_trust::store;

use crate::argument::{Buffer, Giving, Owned, Ref, U32};
use crate::entry::{ignore, nothing};
use crate::status::{
    ARGUMENT, BUSY, DAMAGED, DISK, ENROLMENT, EXISTS, Failed, MALFORMED, NO_STORE, NOT_SAVED, OK,
    REFUSED, ROLLED_BACK, meaning,
};

/// What a call did, or why it did not.
#[derive(Debug)]
pub(crate) struct Report {
    text: String,
    generation: u64,
}

/// Why a call failed, with its text.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: Failed,
    text: String,
}

impl Problem {
    pub(crate) fn new(status: Failed, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { status, text }
    }

    /// With the causes of the error, outermost first.
    pub(crate) fn of(status: Failed, error: &dyn Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        Self { status, text }
    }
}

/// A status without more to say.
impl From<Failed> for Problem {
    fn from(status: Failed) -> Self {
        Self::new(status, "an argument of the call cannot be used")
    }
}

impl From<DurableError> for Problem {
    fn from(error: DurableError) -> Self {
        let status = match &error {
            DurableError::Locked { .. } => BUSY,
            DurableError::NoStore { .. } => NO_STORE,
            DurableError::Exists { .. } => EXISTS,
            DurableError::File { .. } => DAMAGED,
            DurableError::RolledBack { .. } | DurableError::Replaced { .. } => ROLLED_BACK,
            DurableError::NotSaved(_) => NOT_SAVED,
            DurableError::Store(_) => REFUSED,
            _ => DISK,
        };
        Self::of(status, &error)
    }
}

/// The status of each kind of error of the library.
macro_rules! statuses {
    ($($error:ty => $status:ident),* $(,)?) => { $(
        impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                Self::of($status, &error)
            }
        }
    )* };
}

statuses! {
    CertificateError => MALFORMED,
    CrlError => MALFORMED,
    EnrolmentError => ENROLMENT,
    SettingError => ARGUMENT,
    StoreError => REFUSED,
}

/// What a call says when it succeeds.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) generation: u64,
}

impl Said {
    /// What a change did, and what is in force after it. A store may count further while it writes a change (the floor of
    /// its clock), and the report was made before that.
    pub(crate) fn changed(report: &store::Report, generation: u64) -> Self {
        let counted = |generation| format!(" (generation {generation})");
        let (before, after) = (counted(report.generation()), counted(generation));
        let text = report.to_string().replacen(&before, &after, 1);
        Self { text, generation }
    }
}

/// Ends a call: gives the report, if the caller wants one, and returns the status.
pub(crate) fn finish(
    place: &Giving<'_, Report>,
    result: Result<Said, Problem>,
) -> Result<u32, Failed> {
    match result {
        Ok(Said { text, generation }) => {
            place.give(Report { text, generation });
            Ok(OK)
        }
        Err(Problem { status, text }) => {
            let generation = 0;
            place.give(Report { text, generation });
            Err(status)
        }
    }
}

/// A text of this library for a call that failed.
fn text_of(failed: Failed) -> *const c_char {
    meaning(failed).as_ptr()
}

entries! { "Reports";
    /// What a status means, one line that ends with a NUL. It belongs to the library: never free it. Never NULL. A call that
    /// fails because of an argument (MT_NULL, MT_ARGUMENT, MT_TEXT) mostly gives no report: then this text is all there is.
    /// Threads: any, also at the same time.
    fn mt_status_text(status: U32) -> *const c_char, else text_of {
        Ok(meaning(status).as_ptr())
    }

    /// Writes what a call did, line by line: first what became of it, then what follows from it, with warnings. If the
    /// call failed, why. Nothing for NULL, as after a call that gave no report: see mt_status_text.
    /// Returns the length of the whole text.
    /// Threads: any, also at the same time.
    fn mt_report_text(report: Ref<Report>, text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(&report.text))
    }

    /// The generation of the store after the call. 0 if the call failed.
    /// Threads: any, also at the same time.
    fn mt_report_generation(report: Ref<Report>) -> u64, else nothing {
        Ok(report.generation)
    }

    /// Frees a report. NULL is nothing to do.
    /// Threads: any, when no other uses it.
    fn mt_report_free(report: Owned<Report>) -> (), else ignore {
        drop(report);
        Ok(())
    }
}
