//! What was decided about a peer.

use std::sync::Arc;

use crate::argument::{Buffer, Owned, Ref, Size};
use crate::entry::{ignore, nothing};
use crate::json::Object;
use crate::status::{Failed, NOT_FOUND};

/// A verdict. It never changes.
#[derive(Debug)]
pub(crate) struct Verdict(Arc<mutual_trust::Verdict>);

impl Verdict {
    pub(crate) fn new(verdict: Arc<mutual_trust::Verdict>) -> Self {
        Self(verdict)
    }
}

fn nth<T>(items: impl IntoIterator<Item = T>, index: usize) -> Result<T, Failed> {
    items.into_iter().nth(index).ok_or(NOT_FOUND)
}

/// Everything a program may want to log, on one line.
fn json(verdict: &mutual_trust::Verdict) -> String {
    let mut object = Object::new();
    object.boolean("accepted", verdict.is_accepted());
    object.text("reason", verdict.reason().code());
    object.number("number", verdict.reason().number().into());
    object.text("rule", &verdict.rule().to_string());
    object.text("meaning", verdict.reason().meaning());
    let remedy = (!verdict.is_accepted()).then(|| verdict.remedy());
    object.optional("to_do", remedy.as_deref());
    let detail = verdict.detail().to_string();
    object.optional(
        "detail",
        Some(detail.as_str()).filter(|text| !text.is_empty()),
    );
    object.text("role", &verdict.role().to_string());
    object.optional(
        "server",
        verdict.server().map(ToString::to_string).as_deref(),
    );
    object.optional(
        "dialled",
        verdict.dialled().map(ToString::to_string).as_deref(),
    );
    object.optional(
        "presented",
        verdict.presented().map(|one| one.to_string()).as_deref(),
    );
    let peer = verdict.peer();
    object.optional("label", peer.as_ref().and_then(|peer| peer.label()));
    object.texts("names", peer.iter().flat_map(|peer| peer.names()));
    object.texts(
        "warnings",
        verdict.warnings().iter().map(ToString::to_string),
    );
    object.number("generation", verdict.generation());
    object.end()
}

entries! { "The verdict";
    /// Whether the peer may be trusted: 1, else 0. It is no answer about the link: after a 1, the handshake can fail, and the
    /// peer can refuse us.
    /// Threads: any, also at the same time.
    fn mt_verdict_is_accepted(verdict: Ref<Verdict>) -> u32, else nothing {
        Ok(u32::from(verdict.0.is_accepted()))
    }

    /// The number of the reason, MT_REASON_.... 0 for NULL.
    /// Threads: any, also at the same time.
    fn mt_verdict_reason(verdict: Ref<Verdict>) -> u32, else nothing {
        Ok(verdict.0.reason().number())
    }

    /// Writes the rule behind it, as "P2".
    /// Returns the length of the whole text.
    /// Threads: any, also at the same time.
    fn mt_verdict_rule(verdict: Ref<Verdict>, text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(&verdict.0.rule().to_string()))
    }

    /// Writes the label of the pin that decided, by which a program knows the peer. Nothing if a chain decided, if the pin
    /// has no label, or if the peer is refused.
    /// Returns the length of the whole text. Compare it only if the answer is below the capacity: else it was cut.
    /// Threads: any, also at the same time.
    fn mt_verdict_label(verdict: Ref<Verdict>, text/capacity: Buffer) -> usize, else nothing {
        let peer = verdict.0.peer();
        Ok(text.put(peer.as_ref().and_then(|peer| peer.label()).unwrap_or("")))
    }

    /// How many names a chain vouches for. 0 for a pin, and for a refusal.
    /// Threads: any, also at the same time.
    fn mt_verdict_name_count(verdict: Ref<Verdict>) -> usize, else nothing {
        Ok(verdict.0.peer().map_or(0, |peer| peer.names().len()))
    }

    /// Writes a name that a chain vouches for, counted from 0, as "dns:array-7.example".
    /// Returns the length of the whole text. Compare it only if the answer is below the capacity: else it was cut.
    /// Threads: any, also at the same time.
    fn mt_verdict_name(verdict: Ref<Verdict>, index: Size, text/capacity: Buffer) -> usize, else nothing {
        let peer = verdict.0.peer().ok_or(NOT_FOUND)?;
        Ok(text.put(nth(peer.names(), index)?))
    }

    /// Writes the id of the server that was expected. Nothing for a client, and if the name belongs to none.
    /// Returns the length of the whole text. Compare it only if the answer is below the capacity: else it was cut.
    /// Threads: any, also at the same time.
    fn mt_verdict_server(verdict: Ref<Verdict>, text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(&verdict.0.server().map(ToString::to_string).unwrap_or_default()))
    }

    /// Writes the SHA-256 fingerprint of the certificate that was presented. Nothing if it is hidden, as in enrolment.
    /// Returns the length of the whole text. Compare it only if the answer is below the capacity: else it was cut.
    /// Threads: any, also at the same time.
    fn mt_verdict_fingerprint(verdict: Ref<Verdict>, text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(&verdict.0.presented().map(|one| one.to_string()).unwrap_or_default()))
    }

    /// How many warnings there are.
    /// Threads: any, also at the same time.
    fn mt_verdict_warning_count(verdict: Ref<Verdict>) -> usize, else nothing {
        Ok(verdict.0.warnings().len())
    }

    /// Writes a warning, counted from 0.
    /// Returns the length of the whole text.
    /// Threads: any, also at the same time.
    fn mt_verdict_warning(verdict: Ref<Verdict>, index: Size, text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(&nth(verdict.0.warnings(), index)?.to_string()))
    }

    /// The generation of the store by which it was decided. 0 for NULL.
    /// Threads: any, also at the same time.
    fn mt_verdict_generation(verdict: Ref<Verdict>) -> u64, else nothing {
        Ok(verdict.0.generation())
    }

    /// Writes what to do about it, in this case. What a peer presented may stand in it.
    /// Returns the length of the whole text.
    /// Threads: any, also at the same time.
    fn mt_verdict_remedy(verdict: Ref<Verdict>, text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(&verdict.0.remedy()))
    }

    /// Writes the verdict for an operator, several lines: the reason, what was expected and presented, what to do. Never
    /// send it to the peer.
    /// Returns the length of the whole text.
    /// Threads: any, also at the same time.
    fn mt_verdict_text(verdict: Ref<Verdict>, text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(&verdict.0.to_string()))
    }

    /// Writes the verdict as one object of JSON, on one line. Further members may come.
    /// Returns the length of the whole text.
    /// Threads: any, also at the same time.
    fn mt_verdict_json(verdict: Ref<Verdict>, text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(&json(&verdict.0)))
    }

    /// Frees a verdict. NULL is nothing to do.
    /// Threads: any, when no other uses it.
    fn mt_verdict_free(verdict: Owned<Verdict>) -> (), else ignore {
        drop(verdict);
        Ok(())
    }
}
