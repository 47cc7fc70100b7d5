//! A picture of a chain: the authority or the pin at the top, the peer's own certificate at the bottom.

use mutual_trust::store::Slot;
use mutual_trust::{Certificate, Verdict};

use crate::facts::subject;
use crate::output::{identified, shown};

/// Draws the presented certificates as far as they are a chain, and the path of an accepted verdict.
pub(crate) fn picture(verdict: &Verdict, presented: &[Certificate]) -> String {
    let Some((leaf, others)) = presented.split_first() else {
        return String::new();
    };
    let path = verdict.path();
    let mut rows: Vec<String> = Vec::new();
    let mut used = vec![leaf.fingerprint()];
    match path {
        [_, issuers @ ..] if !issuers.is_empty() => {
            for (height, certificate) in issuers.iter().enumerate() {
                let from = if height.saturating_add(1) == issuers.len() {
                    "installed authority"
                } else if presented.contains(certificate) {
                    "presented"
                } else {
                    "installed intermediate"
                };
                used.push(certificate.fingerprint());
                rows.push(row(certificate, from));
            }
        }
        _ => {
            let mut last = leaf;
            // At most as many steps as certificates: they can name each other in a circle.
            for _ in others {
                let issuer = others.iter().find(|other| {
                    other.subject_der() == last.issuer_der() && !used.contains(&other.fingerprint())
                });
                let Some(issuer) = issuer else { break };
                used.push(issuer.fingerprint());
                rows.push(row(issuer, "presented"));
                last = issuer;
            }
            let pinned = verdict.decided_by().map(|by| by.key());
            if let Some(key) = pinned.filter(|key| key.slot == Slot::Pin) {
                rows.clear();
                used.truncate(1);
                rows.push(format!("installed {}", shown(&key)));
            } else if last.issuer_der() != last.subject_der() {
                rows.push(format!("? {} (its issuer, not presented)", last.issuer()));
            }
        }
    }
    rows.reverse();
    rows.push(row(leaf, "presented as its own"));
    let lines = rows.iter().enumerate().map(|(depth, row)| match depth {
        0 => row.clone(),
        _ => format!("{}└─ {row}", "   ".repeat(depth.saturating_sub(1))),
    });
    let mut lines: Vec<String> = lines.collect();
    let beside = others
        .iter()
        .filter(|other| !used.contains(&other.fingerprint()));
    lines.extend(beside.map(|other| format!("{} ", row(other, "presented beside, not used"))));
    let shown = lines.iter().map(|line| format!("  {}", line.trim_end()));
    format!("chain:\n{}", shown.collect::<Vec<String>>().join("\n"))
}

fn row(certificate: &Certificate, from: &str) -> String {
    format!(
        "{} [{from}] {} to {}",
        subject(certificate),
        identified(certificate.fingerprint()),
        crate::facts::time(certificate.validity().not_after()),
    )
}
