//! The renewal of an identity by a timer.

use std::path::Path;

use mutual_trust::CurrentTime;
use mutual_trust::certificate::{SystemClock, TimeSource, Timestamp};
use mutual_trust::identity::{KeyReader, KeyType, RenewalSchedule};
use mutual_trust::tls::{IdentityFolder, Renewal, RenewalOutcome};

use super::arguments::DueArguments;
use super::{shown, with};
use crate::json::IdentityRenewal;
use crate::output::{Failure, Outcome};
use crate::passphrase::PassphraseArguments;
use crate::{facts, ours, plain};

/// `renew --when-due`.
pub(crate) fn when_due(
    arguments: &DueArguments,
    passphrase: &PassphraseArguments,
    days: u32,
) -> Result<Outcome, Failure> {
    let path = arguments.folder.as_deref();
    let path = path.ok_or_else(|| Failure::new("usage", "name the folder with --folder"))?;
    let schedule = RenewalSchedule::new()
        .with_fraction(arguments.fraction)?
        .with_jitter(arguments.jitter)?;
    let mut renewal = Renewal::new(schedule).with_days(days);
    if let Some(kind) = arguments.rekey {
        renewal = renewal.with_new_key(KeyType::from(kind));
    }
    if let Some(answer) = &arguments.answer {
        renewal = renewal.with_answer(answer);
    }
    if arguments.use_at_once {
        renewal = renewal.with_use_at_once();
    }
    let done = with(path, passphrase, |folder| folder.renew_when_due(&renewal))?;
    renewal_of(path, &done)
}

/// What became of a renewal. One that is late is a refusal, so that a timer fails and a person looks.
pub(super) fn renewal_of(path: &Path, done: &RenewalOutcome) -> Result<Outcome, Failure> {
    let folder = IdentityFolder::new(path, KeyReader::new(), ours::provider());
    let (shown, rotation) = shown(path, &folder.state()?, &[])?;
    let (mut due, mut request, mut not_taken) = (None, None, None);
    let (state, text) = match done {
        RenewalOutcome::NotDue { due: at, .. } => {
            due = Some(facts::time(*at));
            ("not_due", format!("not due: it is on {}", facts::time(*at)))
        }
        RenewalOutcome::Renewed { is_used: true, .. } => (
            "used",
            String::from(
                "renewed: the new certificate is presented to all, and the old one is deleted",
            ),
        ),
        RenewalOutcome::Renewed { .. } => (
            "renewed",
            String::from(
                "renewed: the next certificate is staged\nto do: have it installed at every key server, then activate it there",
            ),
        ),
        RenewalOutcome::Staged { .. } => (
            "staged",
            String::from(
                "staged: a next certificate was staged before, and its rotation is not finished",
            ),
        ),
        RenewalOutcome::Waiting {
            request: file,
            is_new,
            answer,
            ..
        } => {
            request = Some(file.display().to_string());
            not_taken.clone_from(answer);
            let file = plain::path(file);
            let mut text = if *is_new {
                format!("requested: send {file} to the CA")
            } else {
                format!("waiting for the CA's answer to {file}")
            };
            if let Some(why) = answer {
                text.push_str(&format!("\nwarning: the answer was not taken: {why}"));
            }
            (if *is_new { "requested" } else { "waiting" }, text)
        }
        _ => ("unknown", String::from("done")),
    };
    let late = done.is_late();
    let mut text = format!("{text}\n{shown}");
    if late {
        let now = match SystemClock::new().now() {
            CurrentTime::Known(now) => facts::time(Timestamp::from(now)),
            CurrentTime::Unset => String::from("an unset clock"),
        };
        text.push_str(&format!(
            "\nrefused: the renewal is late, at {now}: half of the time for it is over"
        ));
    }
    let renewal = IdentityRenewal {
        state,
        due,
        request,
        answer_not_taken: not_taken,
        late,
        rotation,
    };
    let code = late.then(|| String::from("RenewalLate"));
    Ok(Outcome::of(text, &renewal).or_refused(code))
}
