//! The codes of reasons. Their numbers are the library's.

use mutual_trust::ReasonCode;

use crate::argument::{Buffer, U32};
use crate::entry::nothing;
use crate::status::{ARGUMENT, Failed};

fn code(number: u32) -> Result<ReasonCode, Failed> {
    let mut all = ReasonCode::ALL.iter().copied();
    all.find(|reason| reason.number() == number).ok_or(ARGUMENT)
}

entries! { "Reasons";
    /// Whether a verdict with this reason trusts the peer: 1, else 0. 0 for a number that is no reason.
    /// Threads: any.
    fn mt_reason_accepts(reason: U32) -> u32, else nothing {
        Ok(u32::from(code(reason)?.accepts()))
    }

    /// Writes the stable name of a reason, as "PinMatched". Nothing for a number that is no reason.
    /// Returns the length of the whole text.
    /// Threads: any.
    fn mt_reason_name(reason: U32, text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(code(reason)?.code()))
    }

    /// Writes what a reason means, as a sentence. Nothing for a number that is no reason.
    /// Returns the length of the whole text.
    /// Threads: any.
    fn mt_reason_meaning(reason: U32, text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(code(reason)?.meaning()))
    }

    /// Writes what an operator does about a reason in general. Nothing for a number that is no reason.
    /// Returns the length of the whole text.
    /// Threads: any.
    fn mt_reason_remedy(reason: U32, text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(code(reason)?.remedy()))
    }
}
