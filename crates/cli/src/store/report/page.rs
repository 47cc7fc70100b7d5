//! The frame of the page: its head, what is at a glance, and its sections.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mutual_trust::admin::Severity;
use mutual_trust::admin::file::SealState;
use mutual_trust::certificate::Timestamp;
use mutual_trust::store::Slot;
use rustls::crypto::hash::HashAlgorithm;

use super::facts::{Facts, month};
use super::html::{Html, State, count};
use super::weak::{self, Weakness};
use super::{changes, ends, lists, nodes, peers};
use crate::facts::clock_lines;
use crate::ours;

const STYLE: &str = include_str!("report.css");

/// The page may load nothing and run nothing; the one style that it uses is named by its hash.
fn policy() -> String {
    const NAMES: [(HashAlgorithm, &str); 3] = [
        (HashAlgorithm::SHA256, "sha256"),
        (HashAlgorithm::SHA384, "sha384"),
        (HashAlgorithm::SHA512, "sha512"),
    ];
    let provider = ours::provider();
    let mut suites = provider.cipher_suites.iter();
    let hash = suites.find_map(|suite| {
        let hash = suite.tls13()?.common.hash_provider;
        let mut names = NAMES.iter();
        let (_, name) = names.find(|(known, _)| *known == hash.algorithm())?;
        let hash = STANDARD.encode(hash.hash(STYLE.as_bytes()));
        Some(format!("'{name}-{hash}'"))
    });
    let style = hash.unwrap_or_else(|| String::from("'unsafe-inline'"));
    format!("default-src 'none'; style-src {style}; base-uri 'none'; form-action 'none'")
}

/// What a page came to.
pub(super) struct Page {
    pub(super) html: String,
    pub(super) weaknesses: usize,
}

/// Writes the page.
pub(super) fn page(facts: &Facts<'_>) -> Page {
    let mut html = Html::at(facts.now());
    let weaknesses = weak::found(facts);
    html.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    let policy = policy();
    html.open(
        "meta",
        &[
            ("http-equiv", "Content-Security-Policy"),
            ("content", &policy),
        ],
    );
    html.raw("\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.raw("<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n");
    let title = format!("Trust store {}", facts.folder);
    html.element("title", &[], &title);
    // The hash is over these bytes: nothing stands between the tags but them.
    html.raw("<style>");
    html.raw(STYLE);
    html.raw(
        "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#glance\">Skip to the summary</a>\n",
    );
    header(facts, &mut html);
    html.raw("<main>\n");
    glance(facts, &weaknesses, &mut html);
    navigation(facts, &mut html);
    ends::lost(facts, &mut html);
    ends::timeline(facts, &mut html);
    nodes::nodes(facts, &mut html);
    peers::servers(facts, &mut html);
    peers::groups(facts, &mut html);
    peers::renewals(facts, &mut html);
    peers::clients(facts, &mut html);
    peers::authorities(facts, &mut html);
    lists::own(facts, &mut html);
    lists::revocation(facts, &mut html);
    lists::blocks(facts, &mut html);
    weak::weaknesses(&weaknesses, &mut html);
    changes::changes(facts, &mut html);
    html.raw("</main>\n");
    let made = format!(
        "Made by mutual-trust {}. The page loads nothing and runs no script. It shows what was installed then; the store itself decides.",
        env!("CARGO_PKG_VERSION")
    );
    html.element("footer", &[], &made);
    html.raw("</body>\n</html>\n");
    Page {
        html: html.finish(),
        weaknesses: weaknesses.len(),
    }
}

/// Which store, and when.
fn header(facts: &Facts<'_>, html: &mut Html) {
    html.raw("<header>\n<h1>Trust store ");
    html.name(&facts.folder);
    html.raw("</h1>\n<dl>\n");
    let mut fact = |name: &str, text: &str| {
        html.element("dt", &[], name);
        html.raw("<dd>");
        html.name(text);
        html.raw("</dd>\n");
    };
    let at = facts
        .now()
        .map(|now| Timestamp::from_seconds(now).to_string());
    fact(
        "Judged at",
        at.as_deref().unwrap_or("the floor: the clock is not set"),
    );
    fact("Generation", &facts.view.generation().to_string());
    fact("Digest", &facts.load.digest.to_string());
    let seal = match facts.load.seal {
        SealState::None => "none",
        SealState::Verified => "verified: the store was written by programs with the key",
        SealState::NotVerified | _ => "not verified: no key was named",
    };
    fact("Seal", seal);
    fact("Policy", &facts.policy_words);
    let clock = match facts.is_named {
        true => String::from("not asked: the time of the report was named"),
        false => clock_lines(facts.view, facts.clock).join("; "),
    };
    fact("Clock", &clock);
    for membership in facts.memberships {
        let fault = membership.fault.as_deref();
        let fault = fault.map_or(String::new(), |fault| format!("; {fault}"));
        fact("Fleet", &format!("{}{fault}", membership.text));
    }
    html.raw("</dl>\n</header>\n");
}

/// The sections of the page.
fn navigation(facts: &Facts<'_>, html: &mut Html) {
    html.raw("<nav aria-label=\"Sections\"><ul>\n");
    let has_groups = facts.view.groups().next().is_some();
    let has_authorities = facts.entries.iter().any(|entry| entry.slot() != Slot::Pin);
    let all: [(bool, &str, &str); 13] = [
        (true, "#lost", "Left with nothing"),
        (true, "#ends", "What ends"),
        (true, "#servers", "Servers"),
        (facts.nodes.is_some(), "#nodes", "Fleet"),
        (has_groups, "#groups", "Groups"),
        (true, "#renewals", "Renewals and drift"),
        (true, "#clients", "Clients"),
        (has_authorities, "#authorities", "Authorities"),
        (!facts.own.is_empty(), "#own", "Our own"),
        (true, "#revocation", "Revocation lists"),
        (true, "#blocks", "Blocks"),
        (true, "#weak", "Weaknesses"),
        (true, "#changes", "Last changes"),
    ];
    for (_, place, name) in all.iter().filter(|(is_there, ..)| *is_there) {
        html.raw("<li>");
        html.element("a", &[("href", place)], name);
        html.raw("</li>");
    }
    html.raw("</ul></nav>\n");
}

/// What needs attention, and how much there is.
fn glance(facts: &Facts<'_>, weaknesses: &[Weakness], html: &mut Html) {
    html.section("glance", "At a glance", "");
    html.raw("<ul class=\"glance\">\n");
    let mut card = |state: State, word: &str, text: &str| {
        html.raw("<li>");
        html.state(state, word);
        html.text(text);
        html.raw("</li>\n");
    };
    let servers = facts.view.servers().count();
    let refused = facts.without.len();
    if refused > 0 {
        let text = format!(
            "{} refused whatever it presents",
            count(refused, "server is", "servers are")
        );
        card(State::Bad, "Refused", &text);
    } else {
        let text = format!("{} can be accepted", count(servers, "server", "servers"));
        card(State::Good, "Servers", &text);
    }
    let (lost, more) = facts.lost();
    let soon = facts.now().map(|now| now.saturating_add(month()));
    let is_soon = |end: i64| soon.is_none_or(|soon| end < soon);
    let near = lost.iter().filter(|lost| is_soon(lost.ends)).count();
    if near > 0 {
        let text = format!(
            "{} left with nothing within 30 days",
            count(near.saturating_add(more), "server is", "servers are")
        );
        card(State::Urgent, "Left with nothing", &text);
    }
    let ended = facts.count(Severity::Ended);
    if ended > 0 {
        let text = format!(
            "{} still installed",
            count(ended, "thing has ended and is", "things have ended and are")
        );
        card(State::Bad, "Ended", &text);
    }
    let ending = facts
        .count(Severity::Critical)
        .saturating_add(facts.count(Severity::Warning));
    if ending > 0 {
        let text = format!(
            "{} within 30 days",
            count(ending, "thing ends", "things end")
        );
        card(State::Warn, "Ends soon", &text);
    } else {
        card(State::Good, "Ends", "nothing ends within 30 days");
    }
    for fault in facts
        .memberships
        .iter()
        .filter_map(|one| one.fault.as_deref())
    {
        card(State::Bad, "Fleet", fault);
    }
    match facts.nodes {
        None => {}
        Some(nodes) if !nodes.need_attention() => {
            card(State::Good, "Fleet", "all nodes have the bundle");
        }
        Some(nodes) if nodes.behind() == 0 => {
            card(State::Urgent, "Fleet", "more nodes report than are read");
        }
        Some(nodes) => {
            let behind = nodes.behind();
            let text = count(behind, "node needs attention", "nodes need attention");
            card(State::Urgent, "Fleet", &text);
        }
    }
    if weaknesses.is_empty() {
        card(State::Good, "Weaknesses", "none found");
    } else {
        let text = count(weaknesses.len(), "kind of weakness", "kinds of weaknesses");
        card(State::Warn, "Weaknesses", &text);
    }
    let of = |slot: Slot| {
        facts
            .entries
            .iter()
            .filter(|entry| entry.slot() == slot)
            .count()
    };
    let text = [
        count(servers, "server", "servers"),
        count(of(Slot::Pin), "pin", "pins"),
        count(of(Slot::Authority), "authority", "authorities"),
        count(of(Slot::Intermediate), "intermediate", "intermediates"),
        count(
            facts.view.crls().count(),
            "revocation list",
            "revocation lists",
        ),
        count(facts.view.blocks().count(), "block", "blocks"),
    ];
    html.raw("<li><span class=\"state\">Installed</span>");
    html.text(&text.join(", "));
    html.raw("</li>\n</ul>\n</section>\n");
}
