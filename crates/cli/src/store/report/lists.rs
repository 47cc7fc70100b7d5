//! Our own certificates, revocation lists and blocks.

use mutual_trust::store::InstalledCrl;

use super::facts::{Facts, month};
use super::html::{Html, State};
use crate::facts::subject;
use crate::output::{identified, shown};

/// How many lists and blocks are shown.
const MAX_SHOWN: usize = 40;

/// What we present ourselves.
pub(super) fn own(facts: &Facts<'_>, html: &mut Html) {
    if facts.own.is_empty() {
        return;
    }
    html.section(
        "own",
        "Our own certificates",
        "What this system presents to its peers.",
    );
    html.table(
        "Our own certificates",
        &["Certificate", "File", "Ends", "State"],
    );
    for own in facts.own {
        for certificate in own.chain.certificates() {
            let end = certificate.validity().not_after().seconds();
            html.row(|html| {
                html.name(&subject(certificate));
                html.raw(" ");
                html.element("code", &[], &identified(certificate.fingerprint()));
            });
            html.cell("File", |html| html.name(&own.file));
            html.cell("Ends", |html| html.seconds(end));
            html.cell("State", |html| by_end(facts, Some(end), "is valid", html));
            html.row_end();
        }
    }
    html.table_end();
    html.raw("</section>\n");
}

/// The state of something that ends.
fn by_end(facts: &Facts<'_>, end: Option<i64>, good: &str, html: &mut Html) {
    match (end, facts.now()) {
        (Some(end), Some(now)) if end <= now => html.state(State::Bad, "ended"),
        (Some(end), Some(now)) if end < now.saturating_add(month()) => {
            html.state(State::Warn, "ends soon");
        }
        _ => html.state(State::Good, good),
    }
}

/// Revocation lists, and the issuers that are checked.
pub(super) fn revocation(facts: &Facts<'_>, html: &mut Html) {
    let mut lists: Vec<&InstalledCrl> = facts.view.crls().collect();
    let issuers: Vec<_> = facts.view.revocation_checked_issuers().collect();
    let about = "Certificates of a checked issuer need a current list that covers them, else they are refused in chains (rule C4).";
    html.section("revocation", "Revocation lists", about);
    if lists.is_empty() && issuers.is_empty() {
        html.raw("<p>No issuer is checked, and no list is installed.</p></section>\n");
        return;
    }
    let due = |list: &InstalledCrl| list.crl().next_update().map(|time| time.seconds());
    lists.sort_by_key(|list| (due(list).unwrap_or(i64::MAX), list.crl().fingerprint()));
    if !lists.is_empty() {
        html.table(
            "Revocation lists",
            &["Issuer", "List", "Next one due", "State"],
        );
        for list in lists.iter().take(MAX_SHOWN) {
            html.row(|html| html.name(&list.crl().issuer()));
            html.cell("List", |html| {
                html.text(&identified(list.crl().fingerprint()))
            });
            html.cell("Next one due", |html| match due(list) {
                Some(due) => html.seconds(due),
                None => html.soft("not stated"),
            });
            html.cell("State", |html| match list.disabled() {
                Some(why) => html.state(State::Bad, why),
                None => by_end(facts, due(list), "current", html),
            });
            html.row_end();
        }
        html.table_end();
        html.more(lists.len().saturating_sub(MAX_SHOWN), "more lists");
    }
    html.raw("<h3>Checked issuers</h3><ul class=\"plain\">\n");
    for issuer in issuers.iter().take(MAX_SHOWN) {
        html.raw("<li>");
        html.name(&issuer.to_string());
        html.raw("</li>");
    }
    html.raw("</ul>\n");
    html.more(issuers.len().saturating_sub(MAX_SHOWN), "more issuers");
    html.raw("</section>\n");
}

/// What is never accepted.
pub(super) fn blocks(facts: &Facts<'_>, html: &mut Html) {
    let about = "Never accepted, whatever else is installed (rule P1).";
    html.section("blocks", "Blocks", about);
    let all = facts.view.blocks().count();
    if all == 0 {
        html.raw("<p>Nothing is blocked.</p></section>\n");
        return;
    }
    html.raw("<ul class=\"plain\">\n");
    for block in facts.view.blocks().take(MAX_SHOWN) {
        html.raw("<li>");
        html.name(&shown(block));
        html.raw("</li>\n");
    }
    html.raw("</ul>\n");
    html.more(all.saturating_sub(MAX_SHOWN), "more blocks");
    html.raw("</section>\n");
}
