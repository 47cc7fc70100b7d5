//! A PEM bundle for nginx and OpenSSL.

use mutual_trust::CurrentTime;
use mutual_trust::certificate::Timestamp;
use mutual_trust::store::{Claim, Entry, Scope, Slot};

use super::{Asked, Chosen, Peers, Written, is_for_one, wider};
use crate::output::Failure;
use crate::{facts, plain};

/// The certificates of the peers, each below a comment.
pub(super) fn bundle<'a>(asked: &Asked<'a>, peers: &Peers<'a>) -> Result<Written, Failure> {
    if !is_for_one(peers) && !asked.wider {
        let text = "a bundle for all peers makes each of them acceptable as each other: name one with --server, --group, --any-server or --clients, or add --wider";
        return Err(Failure::new("usage", text));
    }
    let for_several = wider::for_several(asked, peers);
    let Chosen {
        entries,
        mut left_out,
    } = asked.chosen(peers);
    let mut kept: Vec<(&Entry, String)> = Vec::new();
    let mut more_if_wider = false;
    for entry in entries {
        let Some(certificate) = entry.certificate() else {
            let why = "only its fingerprint is known";
            left_out.push((entry.key(), why.to_owned()));
            continue;
        };
        match for_several.or_else(|| wider::why(asked, entry)) {
            Some(why) if !asked.wider => {
                more_if_wider = true;
                left_out.push((entry.key(), why.to_owned()));
            }
            found => {
                let mut lines = about(entry);
                if let Some(why) = found {
                    lines.push(format!("wider: {why}"));
                }
                if !certificate.is_self_issued() && entry.slot() != Slot::Intermediate {
                    lines.push(String::from(
                        "not self-signed: OpenSSL needs -partial_chain to end a chain in it",
                    ));
                }
                kept.push((entry, text(&lines, &certificate.to_pem())));
            }
        }
    }
    let mut head = heading(asked, peers);
    head.extend(facts::seal_line(asked.seal));
    if asked.wider {
        head.push(String::from(
            "WIDER than the store: this bundle accepts peers that the store refuses",
        ));
    }
    let out = left_out.iter().take(super::MAX_NAMED);
    head.extend(out.map(|(key, why)| format!("left out: {key:#}: {why}")));
    let more = left_out.len().saturating_sub(super::MAX_NAMED);
    if more > 0 {
        head.push(format!("left out: {more} more"));
    }
    let mut content = text(&head, "");
    content.extend(kept.iter().map(|(_, section)| section.as_str()));
    Ok(Written {
        content,
        entries: kept.len(),
        left_out,
        more_if_wider,
    })
}

/// Comments, then a section. Readers of PEM pass over lines outside of sections. No comment looks like a boundary, also to
/// readers that search for one anywhere in a line.
fn text(lines: &[String], section: &str) -> String {
    let mut text = String::from("\n");
    for line in lines {
        let line = plain::line(line).replace("--", "- -");
        text.push_str(&format!("# {line}\n"));
    }
    text.push_str(section);
    text
}

fn heading(asked: &Asked<'_>, peers: &Peers<'_>) -> Vec<String> {
    let at = match asked.clock {
        CurrentTime::Known(now) => Timestamp::from(now).to_string(),
        CurrentTime::Unset => String::from("an unknown time"),
    };
    let mut lines = vec![format!(
        "exported by mutual-trust from generation {} at {at}; export again when the store changes",
        asked.view.generation()
    )];
    match peers {
        Peers::Server(server) => {
            let expected: Vec<String> = server.expected_names().map(ToString::to_string).collect();
            let names: Vec<String> = server.names().map(ToString::to_string).collect();
            let names = if expected.is_empty() { names } else { expected };
            let names = if names.is_empty() {
                String::from("the dialled one")
            } else {
                names.join(" or ")
            };
            lines.push(format!(
                "for server {}, asked: {}",
                server.id(),
                asked.view.level(server)
            ));
            if let Claim::Migrating { until } = server.claim() {
                let until = Timestamp::from(until);
                lines.push(format!("it migrates: the authorities count until {until}"));
            }
            lines.push(format!(
                "let the program check the name, {names}: a bundle does not say whose certificate it has"
            ));
        }
        Peers::Scope(Scope::Clients) => lines.push(String::from("for clients")),
        Peers::Scope(scope) => lines.push(format!(
            "for {scope}; let the program check the name of the server"
        )),
        Peers::All => lines.push(String::from("for all peers")),
    }
    lines.push(String::from(
        "accepted: each chain that ends in an authority here, and each pin as it is. Not checked: blocks, patterns, ends that were set, revocation",
    ));
    lines
}

fn about(entry: &Entry) -> Vec<String> {
    let mut lines = vec![format!("{:#}", entry.key())];
    if let Some(label) = entry.options().label() {
        lines.push(format!("label: {label}"));
    }
    if let Some(certificate) = entry.certificate() {
        let validity = certificate.validity();
        let subject = facts::subject(certificate);
        lines.push(format!("{subject}, valid {validity}"));
    }
    if let Some(end) = entry.options().end() {
        let end = Timestamp::from(end);
        lines.push(format!(
            "the store accepts it until {end}, which the other program does not know"
        ));
    }
    lines
}
