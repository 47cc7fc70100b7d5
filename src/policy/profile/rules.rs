//! The table of the rules.

use super::form::Form;
use super::{ChainProfile, extensions, fields, names};
use crate::certificate::Certificate;

/// What a profile does about a certificate that breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileAction {
    /// The certificate ends no path and stands in none.
    Refuse,
    /// It is accepted, and the verdict carries a warning.
    Warn,
}

impl ProfileAction {
    pub(super) fn is_refusal(self) -> bool {
        self == Self::Refuse
    }
}

/// One thing that RFC 5280 asks of a certificate of a chain.
pub struct ProfileRule {
    name: &'static str,
    clause: &'static str,
    demand: &'static str,
    strict: ProfileAction,
    harmless: &'static str,
    holds: fn(&Form<'_>, Option<&Certificate>) -> bool,
}

impl ProfileRule {
    /// A short name that does not change.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The section of RFC 5280.
    pub const fn clause(&self) -> &'static str {
        self.clause
    }

    /// What is asked, as part of a sentence.
    pub const fn demand(&self) -> &'static str {
        self.demand
    }

    /// Why it is safe to accept a certificate that breaks it.
    pub const fn harmless(&self) -> &'static str {
        self.harmless
    }

    /// What a profile does about a certificate that breaks it.
    pub const fn action(&self, profile: ChainProfile) -> ProfileAction {
        match profile {
            ChainProfile::Compatible => ProfileAction::Warn,
            ChainProfile::Strict => self.strict,
        }
    }

    pub(super) fn holds(&self, form: &Form<'_>, issuer: Option<&Certificate>) -> bool {
        (self.holds)(form, issuer)
    }
}

impl core::fmt::Debug for ProfileRule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ProfileRule")
            .field("name", &self.name)
            .field("clause", &self.clause)
            .finish_non_exhaustive()
    }
}

macro_rules! rules {
    ($( $name:literal, $clause:literal, $strict:ident, $holds:expr, $demand:literal, $harmless:literal; )*) => {
        &[$( ProfileRule {
            name: $name,
            clause: $clause,
            demand: $demand,
            strict: ProfileAction::$strict,
            harmless: $harmless,
            holds: $holds,
        }, )*]
    };
}

/// Every rule; each certificate of a path is held to all of them.
pub(in crate::policy) const RULES: &[ProfileRule] = rules! {
    "serial-positive", "4.1.2.2", Refuse, fields::serial_positive,
        "the serial number of a certificate below an authority is positive",
        "Serial numbers only name certificates, in blocks and revocation lists, and are compared byte by byte.";
    "authority-serial-positive", "4.1.2.2", Warn, fields::authority_serial_positive,
        "the serial number of an authority is positive",
        "Public CAs have roots with the number 0, and RFC 5280 asks to be prepared for it.";
    "serial-length", "4.1.2.2", Refuse, fields::serial_length,
        "the serial number has at most 20 octets",
        "Serial numbers only name certificates, and the limits hold longer ones.";
    "issuer-present", "4.1.2.4", Refuse, fields::issuer_present,
        "the issuer is not empty",
        "The signature, not the name, says who issued it; an empty name matches no CA with a name.";
    "ca-subject-present", "4.1.2.6", Refuse, fields::ca_subject_present,
        "the subject of a CA is not empty",
        "The signature, not the name, says who issued what is below.";
    "san-critical", "4.1.2.6", Refuse, names::san_critical,
        "without a subject, there are subject alternative names and they are critical",
        "The subject is never read for a name, so the subject alternative names always count.";
    "aki-present", "4.2.1.1", Refuse, extensions::aki_present,
        "the authority key identifier is there with a keyIdentifier, but in a certificate that signed itself",
        "It only helps to find the issuer; the signature says who that is.";
    "aki-not-critical", "4.2.1.1", Refuse, extensions::aki_not_critical,
        "the authority key identifier is not critical",
        "It is understood whether it is critical or not.";
    "aki-names-issuer", "4.2.1.1", Refuse, extensions::aki_names_issuer,
        "the authority key identifier is the subject key identifier of the issuer",
        "It only helps to find the issuer; the signature says who that is.";
    "ski-present", "4.2.1.2", Refuse, extensions::ski_present,
        "a CA has a subject key identifier",
        "It only helps to find an issuer; the signature says who that is.";
    "ski-not-critical", "4.2.1.2", Refuse, extensions::ski_not_critical,
        "the subject key identifier is not critical",
        "It is understood whether it is critical or not.";
    "ca-key-usage", "4.2.1.3", Refuse, extensions::ca_key_usage,
        "a CA has a key usage",
        "basicConstraints says that it is a CA, and a key usage that is there must allow it to sign certificates.";
    "key-usage-not-empty", "4.2.1.3", Refuse, extensions::key_usage_not_empty,
        "a key usage asserts at least one use",
        "Of a CA it is refused in any case; of an end entity, a TLS handshake shows what its key does.";
    "leaf-no-cert-sign", "4.2.1.9", Refuse, extensions::leaf_no_cert_sign,
        "only a CA may sign certificates by its key usage",
        "A certificate that is no CA by basicConstraints issues none, whatever its key usage.";
    "policy-constraints-critical", "4.2.1.11", Refuse, extensions::policy_constraints_critical,
        "policy constraints are critical",
        "No policy is demanded of a chain, so that a constraint on policies changes nothing.";
    "inhibit-any-policy-critical", "4.2.1.14", Refuse, extensions::inhibit_any_policy_critical,
        "inhibitAnyPolicy is critical",
        "No policy is demanded of a chain.";
    "aia-form", "4.2.2.1", Refuse, extensions::aia_form,
        "the authority information access names at least one method and place",
        "Nothing reads it.";
    "basic-constraints-critical", "4.2.1.9", Refuse, extensions::basic_constraints_critical,
        "the basicConstraints of a CA are critical",
        "They are read whether they are critical or not.";
    "path-length-of-ca", "4.2.1.9", Warn, extensions::path_length_of_ca,
        "only a CA that may sign certificates has a path length",
        "The path length of what issues nothing limits nothing.";
    "name-constraints-of-ca", "4.2.1.10", Refuse, names::constraints_of_ca,
        "only a CA has name constraints",
        "What issues nothing constrains nothing.";
    "name-constraints-critical", "4.2.1.10", Refuse, names::constraints_critical,
        "name constraints are critical",
        "They are applied whether they are critical or not.";
    "name-constraints-form", "4.2.1.10", Refuse, names::constraints_form,
        "name constraints are not empty, and each has the form of its kind of name",
        "The path builder reads a leading dot as all names of a domain, and refuses a path whose names it has to compare with a base that it cannot read.";
    "san-form", "4.2.1.6", Refuse, names::san_form,
        "each subject alternative name has the form of its kind",
        "Names are compared with those of a server, which are well-formed: a malformed one matches none.";
};
