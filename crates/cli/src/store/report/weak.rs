//! What makes the store accept more, or weigh less, than an administrator may think.

use mutual_trust::admin::file::SealState;
use mutual_trust::store::{Claim, CrlIssuer, Entry, Scope, Slot, ValidityRule};
use mutual_trust::{Certificate, PinMatch};

use super::facts::Facts;
use super::html::{Html, State, grouped};
use crate::output::shown;

/// How many examples are named for a weakness.
const MAX_EXAMPLES: usize = 5;

/// A weakness, with some of what has it.
pub(super) struct Weakness {
    state: State,
    what: &'static str,
    why: &'static str,
    examples: Vec<String>,
    count: usize,
}

impl Weakness {
    const fn new(state: State, what: &'static str, why: &'static str) -> Self {
        Self {
            state,
            what,
            why,
            examples: Vec::new(),
            count: 0,
        }
    }

    fn add(&mut self, example: impl FnOnce() -> String) {
        self.count = self.count.saturating_add(1);
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(example());
        }
    }

    fn of(mut self, examples: impl IntoIterator<Item = String>) -> Self {
        examples.into_iter().for_each(|one| self.add(|| one));
        self
    }
}

/// A property of entries that is a weakness.
type Property = fn(&Facts<'_>, &[CrlIssuer], &Entry) -> bool;

/// By entry: how bad it is, what it is, what follows.
const OF_ENTRIES: [(State, &str, &str, Property); 7] = [
    (
        State::Urgent,
        "disabled entries",
        "They are held and accept nothing: install a new certificate for each.",
        |_, _, entry| entry.disabled().is_some(),
    ),
    (
        State::Warn,
        "client authorities without patterns",
        "Every certificate that such a CA issues for clients is accepted, whatever its name is.",
        |_, _, entry| {
            entry.slot() == Slot::Authority
                && *entry.scope() == Scope::Clients
                && entry.options().san_patterns().is_empty()
        },
    ),
    (
        State::Warn,
        "authorities without revocation checks",
        "A certificate that such a CA has revoked is still accepted: install its list.",
        |facts, checked, entry| {
            let is_checked = |one: &Certificate| checked.contains(&CrlIssuer::of(one));
            entry.slot() == Slot::Authority
                && !facts.policy.crl_required()
                && !entry.certificate().is_some_and(is_checked)
        },
    ),
    (
        State::Warn,
        "pins that match by public key",
        "Every certificate of the key is accepted, so that the peer can renew by itself.",
        |_, _, entry| entry.options().matching() == PinMatch::PublicKey,
    ),
    (
        State::Warn,
        "pins with a grace",
        "They are accepted after their end.",
        |_, _, entry| matches!(entry.options().validity(), Some(ValidityRule::Grace(_))),
    ),
    (
        State::Warn,
        "pins for any role",
        "They are accepted although their extended key usage is for another role.",
        |_, _, entry| entry.options().is_any_role(),
    ),
    (
        State::Warn,
        "pins of which only the fingerprint is known",
        "What an installation checks is checked when the peer presents the certificate. Their end is not known.",
        |_, _, entry| entry.certificate().is_none(),
    ),
];

/// What is weak, the worst first.
pub(super) fn found(facts: &Facts<'_>) -> Vec<Weakness> {
    let mut all = of_files(facts);
    let checked: Vec<CrlIssuer> = facts.view.revocation_checked_issuers().collect();
    for (state, what, why, has) in OF_ENTRIES {
        let mut weakness = Weakness::new(state, what, why);
        for entry in &facts.entries {
            if has(facts, &checked, entry) {
                weakness.add(|| {
                    let key = entry.key();
                    let of = super::facts::for_whom(&key);
                    let why = entry
                        .disabled()
                        .map_or(String::new(), |why| format!(": {why}"));
                    format!("{} for {of}{why}", facts.named(&key))
                });
            }
        }
        all.push(weakness);
    }
    let migrating = facts
        .view
        .servers()
        .filter(|server| matches!(server.claim(), Claim::Migrating { .. }));
    all.push(
        Weakness::new(
            State::Warn,
            "servers that migrate",
            "Until the migration ends, an authority can vouch for another key than the pinned one.",
        )
        .of(migrating.map(|server| format!("server {}", server.id()))),
    );
    all.retain(|weakness| weakness.count > 0);
    all.sort_by_key(|weakness| weakness.state);
    all
}

/// What the files and the clock are weak in.
fn of_files(facts: &Facts<'_>) -> Vec<Weakness> {
    let one = |is_so: bool, text: String| is_so.then_some(text);
    let state = facts.view.clock_state(facts.clock);
    let unread = facts
        .view
        .unread_crls()
        .map(|list| format!("list {} of {}", list.fingerprint().short(), list.issuer()));
    vec![
        Weakness::new(
            State::Bad,
            "files that other users can write",
            "Those users can replace the store. Take the right away with chmod go-w.",
        )
        .of(facts.exposed.iter().cloned()),
        Weakness::new(
            State::Urgent,
            "an unverified seal",
            "The store is sealed, and no key was named with --seal-key: it may have been changed by another program.",
        )
        .of(one(facts.load.seal == SealState::NotVerified, facts.folder.clone())),
        Weakness::new(State::Urgent, "the clock", "Ends are judged at the floor if the clock does not count (rule M7).")
            .of(one(!state.is_good(), shown(&state))),
        Weakness::new(
            State::Urgent,
            "an older file that does not belong to the store",
            "The history ends there, and the store cannot be recovered from that file.",
        )
        .of(facts.history.previous.clone()),
        Weakness::new(
            State::Urgent,
            "revocation lists that cannot be read",
            "They prove for no certificate that it is not revoked: install newer ones.",
        )
        .of(unread),
    ]
}

/// The weaknesses.
pub(super) fn weaknesses(all: &[Weakness], html: &mut Html) {
    let about = "Nothing here is an error. Each makes the store accept more, or the files prove less, than the strictest setting.";
    html.section("weak", "Weaknesses", about);
    if all.is_empty() {
        html.raw("<p>");
        html.state(State::Good, "none found");
        html.raw("</p></section>\n");
        return;
    }
    html.table("Weaknesses", &["What", "Why", "Where"]);
    for weakness in all {
        html.row(|html| {
            let text = match weakness.count {
                1 => weakness.what.to_owned(),
                count => format!("{} ({})", weakness.what, grouped(count)),
            };
            html.state(weakness.state, &text);
        });
        html.cell("Why", |html| html.text(weakness.why));
        html.cell("Where", |html| {
            html.raw("<ul class=\"asked\">");
            for example in &weakness.examples {
                html.raw("<li>");
                html.name(example);
                html.raw("</li>");
            }
            html.more_items(weakness.count.saturating_sub(weakness.examples.len()));
            html.raw("</ul>");
        });
        html.row_end();
    }
    html.table_end();
    html.raw("</section>\n");
}
