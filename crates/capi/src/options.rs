//! Options of an entry.

use core::time::Duration;
use std::sync::Mutex;

use mutual_trust::store::{SanPattern, ValidityRule};
use mutual_trust::{EntryOptions, PinMatch};

use crate::argument::{Out, Owned, Ref, Seconds, Text, U32, U64};
use crate::entry::{ignore, status};
use crate::settings::moment;
use crate::status::{ARGUMENT, FAULT, Failed, MATCH_CERTIFICATE, MATCH_KEY, OK, TEXT};

/// Options that are being made. The lock is for programs that share a handle by mistake.
#[derive(Debug)]
pub(crate) struct Options(Mutex<EntryOptions>);

/// The options of a handle, or the usual ones.
pub(crate) fn or_default(options: Option<&Options>) -> Result<EntryOptions, Failed> {
    match options {
        Some(options) => Ok(options.0.lock().map_err(|_| FAULT)?.clone()),
        None => Ok(EntryOptions::new()),
    }
}

impl Options {
    fn change(&self, change: impl FnOnce(EntryOptions) -> EntryOptions) -> Result<u32, Failed> {
        let mut options = self.0.lock().map_err(|_| FAULT)?;
        *options = change(options.clone());
        Ok(OK)
    }
}

entries! { "Options of an entry";
    /// Makes options: no label, no end, match by certificate, no patterns.
    /// Free them with mt_options_free.
    /// Threads: any.
    fn mt_options_new(options: Out<Options>) -> u32, else status {
        options.give(Options(Mutex::new(EntryOptions::new())));
        Ok(OK)
    }

    /// Sets the label, by which a program knows the peer of a pin (mt_verdict_label).
    /// Threads: any.
    fn mt_options_set_label(options: Ref<Options>, label: Text) -> u32, else status {
        options.change(|options| options.with_label(label))
    }

    /// Lets a pin stand for either role, whatever its extended key usage says, with a warning.
    /// Threads: any.
    fn mt_options_set_any_role(options: Ref<Options>) -> u32, else status {
        options.change(EntryOptions::with_any_role)
    }

    /// Sets what a pin matches: MT_MATCH_CERTIFICATE (the default) or MT_MATCH_KEY.
    /// Threads: any.
    fn mt_options_set_match(options: Ref<Options>, matching: U32) -> u32, else status {
        let matching = match matching {
            MATCH_CERTIFICATE => PinMatch::Certificate,
            MATCH_KEY => PinMatch::PublicKey,
            _ => return Err(ARGUMENT),
        };
        options.change(|options| options.with_matching(matching))
    }

    /// Sets when the entry ends, in seconds since 1970. After it, the entry accepts nothing and is still held.
    /// Threads: any.
    fn mt_options_set_end(options: Ref<Options>, seconds: Seconds) -> u32, else status {
        let end = moment(seconds)?;
        options.change(|options| options.with_end(end))
    }

    /// Accepts a pin for so many seconds after the end of its certificate, whatever the policy says.
    /// Threads: any.
    fn mt_options_set_grace(options: Ref<Options>, seconds: U64) -> u32, else status {
        let grace = ValidityRule::Grace(Duration::from_secs(seconds));
        options.change(|options| options.with_validity(grace))
    }

    /// Adds a pattern of names, as "dns:*.arrays.example", one of which clients of an authority must have.
    /// Threads: any.
    fn mt_options_add_name_pattern(options: Ref<Options>, pattern: Text) -> u32, else status {
        let pattern: SanPattern = pattern.parse().map_err(|_| TEXT)?;
        options.change(|options| {
            let mut patterns = options.san_patterns().to_vec();
            patterns.push(pattern);
            options.with_san_patterns(patterns)
        })
    }

    /// Frees options. Entries that were installed with them keep theirs. NULL is nothing to do.
    /// Threads: any, when no other uses them.
    fn mt_options_free(options: Owned<Options>) -> (), else ignore {
        drop(options);
        Ok(())
    }
}
