//! What RFC 5280 asks of the certificates of a path beyond what is safe in any case (rule C1).
//!
//! Each demand is a row of [`RULES`]. The profile [`Strict`](ChainProfile::Strict) refuses what breaks one;
//! [`Compatible`](ChainProfile::Compatible) accepts it with a warning, since private PKIs break them, and each row says
//! why that is safe.

mod email;
mod extensions;
mod fields;
mod form;
mod names;
mod places;
mod policies;
mod rules;
mod strings;
mod times;
mod values;

use super::decide::Case;
use super::issuers::Place;
use super::timing::Fall;
use super::{Detail, ReasonCode, VerdictWarning};
use crate::certificate::Certificate;
use form::{Above, Form};

pub(super) use email::addresses;
pub(super) use rules::RULES;
pub use rules::{ProfileAction, ProfileRule};

/// How closely the certificates of a chain are held to RFC 5280 (rule C1).
///
/// Both profiles stand on top of the path builder, and a path that the profile refuses is passed over for another. Pins
/// are held to neither: a pin is trusted for what it is.
///
#[doc = include_str!("../profile.md")]
///
/// No rule is needed for what is refused in both profiles, when a certificate is read or installed, or by the path
/// builder: two signature algorithms (4.1.1.2); extensions in a version before 3, and versions after it (4.1.2.1);
/// below an authority, times in other forms (4.1.2.5.1, 4.1.2.5.2); unique identifiers (4.1.2.8); a list of extensions
/// without one (4.1.2.9); an extension twice, and unknown critical extensions (4.2), which critical policy mappings
/// (4.2.1.5), directory attributes (4.2.1.8), policy constraints (4.2.1.11), inhibitAnyPolicy (4.2.1.14), places of
/// delta lists (4.2.1.15) and information accesses (4.2.2.1, 4.2.2.2) count as; an empty list of alternative names
/// (4.2.1.6); a negative path length (4.2.1.9); a minimum or maximum in name constraints (4.2.1.10); an empty list of
/// purposes, or an empty purpose (4.2.1.12).
///
/// # Security
/// What [`Strict`](Self::Strict) does not ask, although RFC 5280 does:
/// - what no certificate shows: that a serial number or a name is given once (4.1.2.2, 4.1.2.6), that a CA has verified
///   the names, and what lies behind a URI;
/// - that names are UTF8String or PrintableString (4.1.2.4): a CA that used another type before may go on with it, and
///   that cannot be seen;
/// - that an e-mail address in the subject is an alternative name as well (4.1.2.6), since RFC 5280 lets legacy
///   certificates be; constraints on addresses apply to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChainProfile {
    /// What is safe is accepted, with a warning for each thing that breaks RFC 5280. The default: private PKIs break
    /// it in ways that harm no one, and a system must reach its keys.
    #[default]
    Compatible,
    /// Whatever RFC 5280 does not allow is refused, but for one rule that is only a warning here as well:
    /// `authority-serial-positive`. Public CAs have roots with the serial number 0, and "certificate users SHOULD be
    /// prepared to gracefully handle such certificates" (RFC 5280 section 4.1.2.2).
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
    match broken(&form, &[]).find(|rule| rule.action(case.policy.profile).is_refusal()) {
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
    let found = all.find_map(|(form, above)| {
        broken(&form, above).find(|rule| rule.action(case.policy.profile).is_refusal())
    });
    found.map_or(Ok(()), |rule| Err(refusal(rule)))
}

/// What a path that was accepted breaks.
pub(super) fn warnings(case: &Case<'_>, path: &[Certificate]) -> Vec<VerdictWarning> {
    let mut warnings = Vec::new();
    for (form, above) in forms(path) {
        for rule in broken(&form, above) {
            if !rule.action(case.policy.profile).is_refusal() {
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
