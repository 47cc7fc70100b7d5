//! Servers, groups and clients: what each is asked, and by which rule.

use mutual_trust::ServerId;
use mutual_trust::admin::{Peer, deciding, unusable};
use mutual_trust::certificate::Timestamp;
use mutual_trust::store::{Claim, Entry, Scope, Server, Slot, TrustSource};

use super::facts::Facts;
use super::html::{Html, State, count, grouped};
use crate::facts::terms;
use crate::output::identified;

/// How many servers, groups, clients and CAs are shown.
const MAX_SHOWN: usize = 60;
/// How many entries, names and members are named for one of them.
const MAX_NAMED: usize = 6;

/// The rule by which a server is judged.
fn rule(server: &Server, level: TrustSource) -> &'static str {
    match (server.claim(), level) {
        (Claim::Migrating { .. }, _) => "P3",
        (_, TrustSource::OwnAuthorities | TrustSource::AnyServerAuthorities) => "P4",
        (_, TrustSource::Nothing) => "P6",
        // The pins, also where none is left.
        _ => "P2",
    }
}

/// The servers, the worst first.
pub(super) fn servers(facts: &Facts<'_>, html: &mut Html) {
    let all = facts.servers();
    let about = "What each must present to be accepted, and the rule that says so. Those that need attention are first.";
    html.section("servers", "Servers", about);
    if all.is_empty() {
        html.raw("<p>There is no server.</p></section>\n");
        return;
    }
    let heads = ["Server", "Names", "Asked", "Accepted now", "State"];
    html.table("Servers", &heads);
    for (server, state, end) in all.iter().take(MAX_SHOWN) {
        row(facts, server, *state, *end, html);
    }
    html.table_end();
    html.more(all.len().saturating_sub(MAX_SHOWN), "more servers");
    html.raw("</section>\n");
}

fn row(facts: &Facts<'_>, server: &Server, state: State, end: Option<i64>, html: &mut Html) {
    let decides = deciding(facts.view, facts.policy, facts.clock, server);
    html.row(|html| {
        html.name(server.id().as_str());
        if let Some(group) = server.group() {
            let text = format!(" in group {group}");
            html.soft(&text);
        }
    });
    html.cell("Names", |html| {
        let names: Vec<String> = server.names().map(ToString::to_string).collect();
        listed(&names, "none: reached by its id alone", html);
        let expected: Vec<String> = server.expected_names().map(ToString::to_string).collect();
        if !expected.is_empty() {
            html.raw("<span class=\"soft\">chains are checked for</span> ");
            listed(&expected, "", html);
        }
    });
    html.cell("Asked", |html| {
        html.text(&decides.level.to_string());
        if let Claim::Migrating { until } = server.claim() {
            html.raw(", else the authorities until ");
            html.time(until);
        }
        let rule = format!(" (rule {})", rule(server, decides.level));
        html.soft(&rule);
    });
    html.cell("Accepted now", |html| {
        html.raw("<ul class=\"asked\">");
        for key in decides.usable.iter().take(MAX_NAMED) {
            html.raw("<li>");
            facts.entry(key, html);
            html.raw("</li>");
        }
        html.more_items(decides.usable.len().saturating_sub(MAX_NAMED));
        if let Some(reason) = decides.refused {
            html.element("li", &[], &format!("nothing: {}", reason.meaning()));
        }
        for one in decides.unusable.items().iter().take(MAX_NAMED) {
            html.raw("<li><span class=\"soft\">not</span> ");
            facts.entry(&one.entry, html);
            html.soft(&format!(" [{}]", one.reason));
            html.raw("</li>");
        }
        html.raw("</ul>");
    });
    html.cell("State", |html| {
        let word = match state {
            State::Bad => "refused",
            State::Urgent => "ends soon",
            State::Warn => "migrates",
            State::Good => "can be accepted",
        };
        html.state(state, word);
        if let Some(end) = end.filter(|_| state != State::Bad) {
            html.raw("<br><span class=\"soft\">left with nothing</span> ");
            html.seconds(end);
        }
    });
    html.row_end();
}

/// Names beside each other, at most a few.
fn listed(names: &[String], none: &'static str, html: &mut Html) {
    if names.is_empty() {
        html.soft(none);
    }
    for (index, name) in names.iter().take(MAX_NAMED).enumerate() {
        if index > 0 {
            html.raw(", ");
        }
        html.name(name);
    }
    let more = names.len().saturating_sub(MAX_NAMED);
    if more > 0 {
        html.text(&format!(" and {} more", grouped(more)));
    }
}

/// The groups.
pub(super) fn groups(facts: &Facts<'_>, html: &mut Html) {
    let all: Vec<_> = facts.view.groups().collect();
    if all.is_empty() {
        return;
    }
    html.section(
        "groups",
        "Groups",
        "Servers that share pins. A member with pins of its own is asked for those.",
    );
    html.table("Groups", &["Group", "Members", "Pins"]);
    for group in all.iter().take(MAX_SHOWN) {
        html.row(|html| html.name(group.id().as_str()));
        html.cell("Members", |html| {
            let members: Vec<String> = group.members().map(ToString::to_string).collect();
            listed(&members, "none", html);
        });
        let scope = Scope::Group(group.id().clone());
        let pins = facts.entries_of(|entry| *entry.scope() == scope);
        html.cell("Pins", |html| entries(facts, &pins, html));
        html.row_end();
    }
    html.table_end();
    html.more(all.len().saturating_sub(MAX_SHOWN), "more groups");
    html.raw("</section>\n");
}

/// Entries below each other, each with its state if it accepts nothing.
fn entries(facts: &Facts<'_>, all: &[&Entry], html: &mut Html) {
    html.raw("<ul class=\"asked\">");
    if all.is_empty() {
        html.raw("<li class=\"soft\">none</li>");
    }
    for entry in all.iter().take(MAX_NAMED) {
        html.raw("<li>");
        facts.entry(&entry.key(), html);
        if let Some(why) = why_not(facts, entry) {
            html.raw(" ");
            html.state(State::Bad, &why);
        }
        html.raw("</li>");
    }
    html.more_items(all.len().saturating_sub(MAX_NAMED));
    html.raw("</ul>");
}

fn why_not(facts: &Facts<'_>, entry: &Entry) -> Option<String> {
    let why = unusable(facts.view, facts.policy, facts.clock, entry)?;
    Some(why.reason.to_string())
}

/// When an entry ends: its certificate, or the end that was set.
fn end_of(entry: &Entry) -> Option<i64> {
    let certificate = entry.certificate();
    let not_after = certificate.map(|one| one.validity().not_after().seconds());
    let set = entry.options().end();
    let set = set.map(|end| Timestamp::from(end).seconds());
    not_after.into_iter().chain(set).min()
}

/// Entries of a slot as a table, those that accept nothing first, then the earliest end.
fn table(
    facts: &Facts<'_>,
    caption: &str,
    (what, whose): (&'static str, &'static str),
    all: Vec<&Entry>,
    html: &mut Html,
) {
    let mut judged: Vec<(bool, i64, &Entry, Option<String>)> = all
        .into_iter()
        .map(|entry| {
            let why = why_not(facts, entry);
            (why.is_none(), end_of(entry).unwrap_or(i64::MAX), entry, why)
        })
        .collect();
    judged.sort_by_key(|(is_good, end, entry, _)| (*is_good, *end, entry.fingerprint()));
    html.table(caption, &[what, "For", "Ends", "Terms", "State"]);
    for (_, end, entry, why) in judged.iter().take(MAX_SHOWN) {
        html.row(|html| facts.entry(&entry.key(), html));
        html.cell("For", |html| {
            html.text(&super::facts::for_whom(&entry.key()))
        });
        html.cell("Ends", |html| match end {
            &i64::MAX => html.soft("not known"),
            end => html.seconds(*end),
        });
        html.cell("Terms", |html| {
            // Who installed it stands among the changes.
            let terms = terms(entry);
            html.text(&if terms.is_empty() {
                String::from("as it is")
            } else {
                terms.join("; ")
            });
        });
        html.cell("State", |html| match why {
            Some(why) => html.state(State::Bad, why),
            None => html.state(State::Good, "counts"),
        });
        html.row_end();
    }
    html.table_end();
    html.more(judged.len().saturating_sub(MAX_SHOWN), whose);
}

/// Clients, and what they are accepted by.
pub(super) fn clients(facts: &Facts<'_>, html: &mut Html) {
    let all =
        facts.entries_of(|entry| *entry.scope() == Scope::Clients && entry.slot() == Slot::Pin);
    let about = "A client that presents one of these certificates is accepted (rule P7). Chains are judged by the authorities for clients.";
    html.section("clients", "Clients", about);
    if all.is_empty() {
        html.raw("<p>No client is pinned.</p>\n");
    } else {
        table(
            facts,
            "Pins of clients",
            ("Client", "more clients"),
            all,
            html,
        );
    }
    html.raw("</section>\n");
}

/// Authorities and intermediates.
pub(super) fn authorities(facts: &Facts<'_>, html: &mut Html) {
    let all = facts.entries_of(|entry| entry.slot() != Slot::Pin);
    if all.is_empty() {
        return;
    }
    let about = "Each authority can vouch for every peer that it is for. An intermediate completes chains and ends none.";
    html.section("authorities", "Authorities and intermediates", about);
    table(
        facts,
        "Authorities and intermediates",
        ("Certificate", "more certificates"),
        all,
        html,
    );
    html.raw("</section>\n");
}

/// Peers with more than one pin: one certificate is being replaced by another.
pub(super) fn renewals(facts: &Facts<'_>, html: &mut Html) {
    let mut held: Vec<(&Scope, Vec<&Entry>)> = Vec::new();
    // Entries of a scope stand together.
    for entry in facts.entries.iter().copied() {
        let is_of_servers = matches!(entry.scope(), Scope::Server(_) | Scope::Group(_));
        if entry.slot() != Slot::Pin || !is_of_servers {
            continue;
        }
        match held.last_mut() {
            Some((scope, entries)) if *scope == entry.scope() => entries.push(entry),
            _ => held.push((entry.scope(), vec![entry])),
        }
    }
    held.retain(|(_, entries)| entries.len() > 1);
    let about = "Peers with more than one pin: each of them is accepted. Remove the old one after the peer presents the new one. What a server presented when connect last reached it is noted beside the store; recorded refusals stand among the last changes.";
    html.section("renewals", "Renewals and drift", about);
    if facts.seen.is_none() {
        html.paragraph(
            "about",
            "What servers presented cannot be read: the file peers-seen is damaged.",
        );
    }
    if held.is_empty() {
        html.raw("<p>No server holds more than one pin.</p></section>\n");
        return;
    }
    html.table("Peers with more than one pin", &["Peer", "Pins"]);
    for (scope, pins) in held.iter().take(MAX_SHOWN) {
        html.row(|html| html.name(&scope.to_string()));
        html.cell("Pins", |html| {
            html.text(&count(pins.len(), "pin", "pins"));
            entries(facts, pins, html);
            presented(facts, scope, html);
        });
        html.row_end();
    }
    html.table_end();
    html.more(held.len().saturating_sub(MAX_SHOWN), "more peers");
    html.raw("</section>\n");
}

/// What the servers of a scope presented when they were last reached.
fn presented(facts: &Facts<'_>, scope: &Scope, html: &mut Html) {
    let ids: Vec<&ServerId> = match scope {
        Scope::Server(id) => vec![id],
        Scope::Group(id) => {
            let group = facts.view.group(id);
            group.map_or_else(Vec::new, |group| group.members().collect())
        }
        Scope::AnyServer | Scope::Clients | Scope::Everyone => Vec::new(),
    };
    for id in ids.iter().take(MAX_NAMED) {
        let seen = facts
            .seen
            .and_then(|seen| seen.last(&Peer::Server((*id).clone())));
        let text = match seen {
            Some(seen) => {
                let at = seen.at().map(|at| Timestamp::from(at).to_string());
                let at = at.unwrap_or_else(|| String::from("an unknown time"));
                format!(" presented {} at {at}", identified(seen.fingerprint()))
            }
            None => String::from(" was not seen"),
        };
        html.open("p", &[("class", "more")]);
        html.text("server ");
        html.name(id.as_str());
        html.text(&text);
        html.close("p");
    }
    html.more(ids.len().saturating_sub(MAX_NAMED), "more servers");
}
