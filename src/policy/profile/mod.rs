//! What RFC 5280 asks of the certificates of a path beyond what is safe in any case (rule C1).
//!
//! Each demand is a row of [`RULES`]. The profile [`Strict`](ChainProfile::Strict) refuses what breaks one;
//! [`Compatible`](ChainProfile::Compatible) accepts it with a warning, since private PKIs break them, and each row says
//! why that is safe.

mod attributes;
mod email;
mod extensions;
mod fields;
mod form;
mod names;
mod places;
mod plain;
mod policies;
mod rules;
mod strings;
mod times;
mod values;

use super::case::Case;
use super::detail::Rejection;
use super::{Detail, ReasonCode, VerdictWarning};
use crate::certificate::Certificate;
use form::{Above, Form};

pub(super) use email::addresses;
pub(super) use form::Place;
use rules::RULES;
pub use rules::{ChainProfile, ProfileAction, ProfileRule};

/// The rules for one certificate by itself, as far as the policy's profile refuses what breaks them.
pub(super) fn check(
    case: &Case<'_>,
    certificate: &Certificate,
    place: Place,
) -> Result<(), Rejection> {
    if case.policy.chain_profile() == ChainProfile::Compatible {
        // No rule refuses in it: a test holds the table to that.
        return Ok(());
    }
    let form = Form::new(certificate, place);
    match broken(&form, &[]).find(|rule| rule.action(case.policy.chain_profile()).is_refusal()) {
        Some(rule) => Err(refusal(rule)),
        None => Ok(()),
    }
}

/// The rules for a certificate and its issuer, of a whole path from the end entity to the authority.
pub(super) fn check_pairs(case: &Case<'_>, path: &[Certificate]) -> Result<(), Rejection> {
    if case.policy.chain_profile() == ChainProfile::Compatible {
        return Ok(());
    }
    let mut all = forms(path);
    let found = all.find_map(|(form, above)| {
        broken(&form, above).find(|rule| rule.action(case.policy.chain_profile()).is_refusal())
    });
    found.map_or(Ok(()), |rule| Err(refusal(rule)))
}

/// What a path that was accepted breaks.
pub(super) fn warnings(case: &Case<'_>, path: &[Certificate]) -> Vec<VerdictWarning> {
    let mut warnings = Vec::new();
    for (form, above) in forms(path) {
        for rule in broken(&form, above) {
            if !rule.action(case.policy.chain_profile()).is_refusal() {
                warnings.push(rule.warning(form.certificate));
            }
        }
    }
    warnings
}

fn forms(path: &[Certificate]) -> impl Iterator<Item = (Form<'_>, Above<'_>)> {
    path.iter().enumerate().map(|(index, certificate)| {
        let above = path.get(index.saturating_add(1)..).unwrap_or(&[]);
        let place = match (index, above) {
            (0, _) => Place::Leaf,
            (_, [_, ..]) => Place::Intermediate,
            (_, []) => Place::Authority,
        };
        (Form::new(certificate, place), above)
    })
}

fn broken<'a>(form: &'a Form<'_>, above: Above<'a>) -> impl Iterator<Item = &'static ProfileRule> {
    RULES.iter().filter(move |rule| !rule.holds(form, above))
}

fn refusal(rule: &ProfileRule) -> Rejection {
    if !cfg!(feature = "texts") {
        let name = Detail::Text(rule.name().to_owned());
        return (ReasonCode::ProfileViolation, name);
    }
    let why = format!(
        "{}: {} (RFC 5280 section {})",
        rule.name(),
        rule.demand(),
        rule.clause()
    );
    (ReasonCode::ProfileViolation, Detail::Text(why))
}

/// The page of all rules as it must stand in `src/policy/profile.md`.
#[cfg(test)]
fn page() -> String {
    let mut page = String::from(
        "\n| rule | RFC 5280 | what is asked | strict | compatible | why a breach is safe |\n|---|---|---|---|---|---|\n",
    );
    for rule in RULES {
        let shown = |profile| match rule.action(profile) {
            ProfileAction::Refuse => "refuses",
            ProfileAction::Warn => "warns",
        };
        page.push_str(&format!(
            "| `{}` | {} | {} | {} | {} | {} |\n",
            rule.name(),
            rule.clause(),
            rule.demand(),
            shown(ChainProfile::Strict),
            shown(ChainProfile::Compatible),
            rule.harmless()
        ));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_rules_is_what_the_table_says() {
        assert_eq!(
            include_str!("../profile.md"),
            page(),
            "write the page() of this test to src/policy/profile.md"
        );
    }

    #[test]
    fn the_compatible_profile_refuses_nothing_and_says_why() {
        let mut names: Vec<_> = RULES.iter().map(ProfileRule::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
        for rule in RULES {
            assert!(
                !rule.action(ChainProfile::Compatible).is_refusal(),
                "{rule:?}"
            );
            assert!(rule.harmless().ends_with('.'), "{rule:?}");
            assert!(rule.clause().starts_with("4."), "{rule:?}");
        }
    }
}
