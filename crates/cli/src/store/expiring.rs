//! `store expiring`: what ends, and which peers depend on it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use mutual_trust::CurrentTime;
use mutual_trust::admin::{
    ExpiryPage, ExpiryReport, OwnCertificates, PeerHistory, Severity, Windows, expiry_page,
    next_change,
};
use mutual_trust::certificate::Timestamp;
use mutual_trust::limits::{CRITICAL_NOTICE, EXPIRY_WARNING};
use pki_types::UnixTime;

use super::make::{Common, now};
use super::scope::{ScopeArguments, Span};
use crate::json::{self, End};
use crate::output::{Failure, Outcome, shown};
use crate::{facts, ours};

/// What is listed.
#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    /// How soon: 30d, 12h, 2w
    #[arg(long, value_name = "SPAN", default_value = "30d")]
    within: Span,
    /// A chain of our own, or the folder of our identity, to be listed as well
    #[arg(long, value_name = "CHAIN|FOLDER")]
    own: Vec<PathBuf>,
    #[command(flatten)]
    scope: ScopeArguments,
    /// List at most so many, the earliest ends; without this option, 256 of each severity
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Leave out so many at the beginning: --limit 100 --from 100 is the second page
    #[arg(long, value_name = "N", default_value_t = 0, requires = "limit")]
    from: usize,
    /// End with 0 also if something has ended or is critical
    #[arg(long)]
    exit_zero: bool,
}

/// Lists what ends within a time. What has ended or is critical is no good end of the call, for scripts.
pub(super) fn run(common: &Common, arguments: &Arguments) -> Result<Outcome, Failure> {
    let store = common.look()?;
    let view = store.contents();
    let (policy, now) = (common.policy(), now());
    let Span(notice) = arguments.within;
    let windows = Windows::new(
        notice,
        notice.min(EXPIRY_WARNING),
        notice.min(CRITICAL_NOTICE),
    )?;
    let mut own = Vec::new();
    for path in &arguments.own {
        for (file, chain) in ours::chains(path)? {
            own.push(OwnCertificates::new(&file.display().to_string(), &chain));
        }
    }
    let mut page = ExpiryPage::default();
    (page.server, page.scope) = arguments.scope.selected(view)?;
    (page.from, page.limit) = (arguments.from, arguments.limit);
    let seen = PeerHistory::new();
    let report = expiry_page(view, &policy, &seen, now, &windows, &own, &page);
    let mut text = shown(&report);
    let next = next_change(view, &policy, &seen, now);
    if let Some(next) = &next {
        text.push_str(&format!("\nlook again: {}", shown(next)));
    }
    let (servers, few) = facts::usable_servers(view, &policy, now);
    let then = match now {
        CurrentTime::Known(now) => {
            let end = now.as_secs().saturating_add(notice.as_secs());
            CurrentTime::Known(UnixTime::since_unix_epoch(Duration::from_secs(end)))
        }
        CurrentTime::Unset => CurrentTime::Unset,
    };
    let (at_end, few_then) = facts::usable_servers(view, &policy, then);
    if let Some(few) = &few {
        text.push_str(&format!("\nwarning: {few}"));
    } else if let (Some(few), CurrentTime::Known(then)) = (few_then, then) {
        let then = Timestamp::from(then);
        text.push_str(&format!("\nwarning: at {then}, {few}"));
    }
    let items = report.items().iter().map(|item| End {
        subject: facts::text(&item.subject),
        severity: fact(item.severity),
        ends: Timestamp::from(item.ends).to_string(),
        in_grace: item.in_grace,
        dependents: facts::text(&item.dependents),
    });
    let expiring = json::Expiring {
        items: items.collect(),
        more: more(&report),
        clock: facts::clock(view, now),
        worst: report.worst().map(fact),
        next_change: next.map(|next| Timestamp::from(next.at()).to_string()),
        servers,
        usable_servers_at_end: at_end.usable,
    };
    let code = match report.worst() {
        Some(Severity::Ended) => Some("Ended"),
        Some(Severity::Critical) => Some("Critical"),
        _ => None,
    };
    let code = code.filter(|_| !arguments.exit_zero).map(str::to_owned);
    Ok(Outcome::of(text, &expiring).or_refused(code))
}

const fn fact(severity: Severity) -> json::Severity {
    match severity {
        Severity::Notice => json::Severity::Notice,
        Severity::Warning => json::Severity::Warning,
        Severity::Critical => json::Severity::Critical,
        // One that a newer library adds is told as the worst.
        Severity::Ended | _ => json::Severity::Ended,
    }
}

/// How many items are not listed.
fn more(report: &ExpiryReport) -> usize {
    let all = [
        Severity::Notice,
        Severity::Warning,
        Severity::Critical,
        Severity::Ended,
    ];
    let more = all.iter().map(|severity| report.more(*severity));
    more.fold(0, usize::saturating_add)
}
