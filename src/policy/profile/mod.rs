//! What RFC 5280 asks of the certificates of a path beyond what is safe in any case (rule C1).
//!
//! Each demand is a row of [`RULES`]. The profile [`Strict`](ChainProfile::Strict) refuses what breaks one;
//! [`Compatible`](ChainProfile::Compatible) accepts it with a warning, since private PKIs break them, and each row says
//! why that is safe.

mod extensions;
mod fields;
mod form;
mod names;
mod rules;

use super::decide::Case;
use super::issuers::Place;
use super::timing::Fall;
use super::{Detail, ReasonCode, VerdictWarning};
use crate::certificate::Certificate;
use form::Form;

pub(super) use rules::RULES;
pub use rules::{ProfileAction, ProfileRule};

/// How closely the certificates of a chain are held to RFC 5280 (rule C1).
///
/// Both profiles stand on top of the path builder, and a path that the profile refuses is passed over for another.
///
#[doc = include_str!("../profile.md")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChainProfile {
    /// What is safe is accepted, with a warning for each thing that breaks RFC 5280. The default: private PKIs break
    /// it in ways that harm nobody, and a system must reach its keys.
    #[default]
    Compatible,
    /// Whatever RFC 5280 does not allow is refused.
    Strict,
}

impl ChainProfile {
    /// Every rule that the profiles know, in the order in which they are asked.
    pub const fn rules() -> &'static [ProfileRule] {
        RULES
    }
}

/// The rules for one certificate by itself, as far as the policy's profile refuses what breaks them.
pub(super) fn check(case: &Case<'_>, certificate: &Certificate, place: Place) -> Result<(), Fall> {
    if case.policy.profile == ChainProfile::Compatible {
        // No rule refuses in it: a test holds the table to that.
        return Ok(());
    }
    let form = Form::new(certificate, place);
    match broken(&form, None).find(|rule| rule.action(case.policy.profile).is_refusal()) {
        Some(rule) => Err(refusal(rule)),
        None => Ok(()),
    }
}

/// The rules for a certificate and its issuer, of a whole path from the end entity to the authority.
pub(super) fn check_pairs(case: &Case<'_>, path: &[Certificate]) -> Result<(), Fall> {
    if case.policy.profile == ChainProfile::Compatible {
        return Ok(());
    }
    let mut all = forms(path);
    let found = all.find_map(|(form, issuer)| {
        broken(&form, issuer).find(|rule| rule.action(case.policy.profile).is_refusal())
    });
    found.map_or(Ok(()), |rule| Err(refusal(rule)))
}

/// What a path that was accepted breaks.
pub(super) fn warnings(case: &Case<'_>, path: &[Certificate]) -> Vec<VerdictWarning> {
    let mut warnings = Vec::new();
    for (form, issuer) in forms(path) {
        for rule in broken(&form, issuer) {
            if !rule.action(case.policy.profile).is_refusal() {
                warnings.push(VerdictWarning::Profile {
                    rule: rule.name(),
                    fingerprint: form.certificate.fingerprint(),
                });
            }
        }
    }
    warnings
}

fn forms(path: &[Certificate]) -> impl Iterator<Item = (Form<'_>, Option<&Certificate>)> {
    path.iter().enumerate().map(|(index, certificate)| {
        let issuer = path.get(index.saturating_add(1));
        let place = match (index, issuer) {
            (0, _) => Place::Leaf,
            (_, Some(_)) => Place::Intermediate,
            (_, None) => Place::Authority,
        };
        (Form::new(certificate, place), issuer)
    })
}

fn broken<'a>(
    form: &'a Form<'_>,
    issuer: Option<&'a Certificate>,
) -> impl Iterator<Item = &'static ProfileRule> {
    RULES.iter().filter(move |rule| !rule.holds(form, issuer))
}

fn refusal(rule: &ProfileRule) -> Fall {
    let why = format!(
        "{}: {} (RFC 5280 section {})",
        rule.name(),
        rule.demand(),
        rule.clause()
    );
    (ReasonCode::BreaksProfile, Detail::Text(why))
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
