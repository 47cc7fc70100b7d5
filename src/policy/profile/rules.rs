//! The profiles, and the table of their rules.

use super::super::VerdictWarning;
use super::form::{Above, Form};
use super::{email, extensions, fields, names, places, policies, strings, times};
use crate::certificate::Certificate;

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
    /// it harmlessly, and a system must reach its keys.
    #[default]
    Compatible,
    /// Whatever RFC 5280 does not allow is refused, but for one rule that is only a warning here as well:
    /// `authority-serial-positive`. Public CAs have roots with the serial number 0, and "certificate users SHOULD be
    /// prepared to gracefully handle such certificates" (RFC 5280 section 4.1.2.2).
    Strict,
}

impl ChainProfile {
    /// Every rule that the profiles know, in the order in which they are asked.
    #[doc(hidden)]
    pub const fn rules() -> &'static [ProfileRule] {
        RULES
    }
}

/// What a profile does about a certificate that breaks a rule.
#[doc(hidden)]
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
#[doc(hidden)]
pub struct ProfileRule {
    /// The name, the section, and the two sentences, each on a line: one pointer in the table, not four with a relocation
    /// each.
    said: &'static str,
    strict: ProfileAction,
    holds: fn(&Form<'_>, Above<'_>) -> bool,
}

impl ProfileRule {
    /// A short name that does not change.
    pub fn name(&self) -> &'static str {
        self.line(0)
    }

    /// The section of RFC 5280.
    pub fn clause(&self) -> &'static str {
        self.line(1)
    }

    /// What is asked, as part of a sentence. Without the feature `texts`, empty.
    pub fn demand(&self) -> &'static str {
        self.line(2)
    }

    /// Why it is safe to accept a certificate that breaks it. Without the feature `texts`, empty.
    pub fn harmless(&self) -> &'static str {
        self.line(3)
    }

    fn line(&self, number: usize) -> &'static str {
        self.said.split('\n').nth(number).unwrap_or("")
    }

    /// What a profile does about a certificate that breaks it.
    pub const fn action(&self, profile: ChainProfile) -> ProfileAction {
        match profile {
            ChainProfile::Compatible => ProfileAction::Warn,
            ChainProfile::Strict => self.strict,
        }
    }

    pub(super) fn holds(&self, form: &Form<'_>, above: Above<'_>) -> bool {
        (self.holds)(form, above)
    }

    /// What is said of a certificate that breaks it and is accepted.
    pub(super) fn warning(&self, certificate: &Certificate) -> VerdictWarning {
        match self.name() {
            // Said of a pin in the same words (rule M4).
            DIGITAL_SIGNATURE => VerdictWarning::NoDigitalSignature,
            rule => VerdictWarning::Profile {
                rule,
                fingerprint: certificate.fingerprint(),
            },
        }
    }
}

impl core::fmt::Debug for ProfileRule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ProfileRule")
            .field("name", &self.name())
            .field("clause", &self.clause())
            .finish_non_exhaustive()
    }
}

macro_rules! rules {
    ($( $name:literal, $clause:literal, $strict:ident, $holds:expr, $demand:literal, $harmless:literal; )*) => {
        &[$( ProfileRule {
            said: if cfg!(feature = "texts") {
                concat!($name, "\n", $clause, "\n", $demand, "\n", $harmless)
            } else {
                concat!($name, "\n", $clause)
            },
            strict: ProfileAction::$strict,
            holds: $holds,
        }, )*]
    };
}

/// The name of the rule whose breach has a warning of its own.
const DIGITAL_SIGNATURE: &str = "digital-signature";

/// Every rule; each certificate of a path is held to all of them.
pub(in crate::policy) const RULES: &[ProfileRule] = rules! {
    "serial-positive", "4.1.2.2", Refuse, fields::serial_positive,
        "the serial number of a certificate below an authority is positive",
        "Serial numbers only name certificates, in blocks and revocation lists.";
    "authority-serial-positive", "4.1.2.2", Warn, fields::authority_serial_positive,
        "the serial number of an authority is positive",
        "Public CAs have roots with the number 0, and RFC 5280 asks to be prepared for it.";
    "serial-minimal", "4.1.2.2", Refuse, fields::serial_minimal,
        "the serial number is written in the fewest octets",
        "Serial numbers only name certificates, in blocks and revocation lists.";
    "serial-length", "4.1.2.2", Refuse, fields::serial_length,
        "the serial number has at most 20 octets",
        "Serial numbers only name certificates, and the limits hold longer ones.";
    "issuer-present", "4.1.2.4", Refuse, fields::issuer_present,
        "the issuer is not empty",
        "The signature, not the name, says who issued it; an empty name matches no CA with a name.";
    "name-strings", "4.1.2.4", Refuse, strings::alphabets,
        "strings in distinguished names keep to the alphabet of their type",
        "Distinguished names only chain certificates; texts of them are made safe before they are shown.";
    "name-attributes", "4.1.2.4", Refuse, strings::types_and_lengths,
        "attributes of distinguished names have the type and the length that appendix A.1 gives them",
        "Distinguished names only chain certificates; texts of them are made safe before they are shown.";
    "name-order", "4.1.2.4", Refuse, strings::in_order,
        "attributes in one part of a distinguished name stand in the order of DER",
        "Distinguished names only chain certificates.";
    "time-type", "4.1.2.5", Refuse, times::kind,
        "dates from 1950 through 2049 are written as UTCTime",
        "Both types say the same moment.";
    "time-form", "4.1.2.5", Refuse, times::form,
        "dates have seconds without a fraction, in UTC",
        "The moment is read, with its offset; a date that cannot be read is malformed.";
    "ca-subject-present", "4.1.2.6", Refuse, fields::ca_subject_present,
        "the subject of a CA is not empty",
        "The signature, not the name, says who issued what is below.";
    "san-critical", "4.1.2.6", Refuse, names::san_critical,
        "without a subject, there are subject alternative names and they are critical",
        "The subject is never read for a name, so the subject alternative names always count.";
    "defaults-left-out", "4.1", Refuse, extensions::no_default_written,
        "FALSE, the default of critical and cA, is not written (DER)",
        "It says what its absence says.";
    "aki-present", "4.2.1.1", Refuse, extensions::aki_present,
        "the authority key identifier is there with a keyIdentifier, but in a certificate that signed itself",
        "It only helps to find the issuer; the signature says who that is.";
    "aki-not-critical", "4.2.1.1", Refuse, extensions::aki_not_critical,
        "the authority key identifier is not critical",
        "It is understood whether it is critical or not.";
    "aki-names-issuer", "4.2.1.1", Refuse, extensions::aki_names_issuer,
        "the authority key identifier is the subject key identifier of the issuer",
        "It only helps to find the issuer; the signature says who that is.";
    "aki-issuer-and-serial", "4.2.1.1", Refuse, extensions::aki_pair,
        "the authority key identifier has both the name and the number of the issuer's certificate, or neither",
        "It only helps to find the issuer; the signature says who that is.";
    "aki-form", "4.2.1.1", Refuse, extensions::aki_form,
        "the names in the authority key identifier have the form of their kind, its number the fewest octets",
        "They are not read.";
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
    "key-usage-form", "4.2.1.3", Refuse, extensions::key_usage_form,
        "a key usage has only bits that have a name, and none at its end that is 0",
        "The uses that count are read; a bit without a name allows nothing.";
    "digital-signature", "4.2.1.3", Refuse, extensions::digital_signature,
        "the key usage of an end entity, if there is one, allows digital signatures (RFC 8446 section 4.4.2.2)",
        "The key signs the handshake before any peer is trusted by it; the warning is `NoDigitalSignature`.";
    "policies-form", "4.2.1.4", Refuse, policies::form,
        "certificate policies are one or more, and their qualifiers have the form of their kind (texts as in RFC 6818)",
        "No policy is demanded of a chain, and qualifiers are not read.";
    "policies-unique", "4.2.1.4", Refuse, policies::unique,
        "no certificate policy stands there twice",
        "No policy is demanded of a chain.";
    "any-policy-qualifiers", "4.2.1.4", Refuse, policies::any_policy_qualifiers,
        "anyPolicy has no qualifiers but pointers to a practice statement and user notices",
        "Qualifiers are not read.";
    "policy-mappings-form", "4.2.1.5", Refuse, policies::mappings_form,
        "policy mappings are one or more pairs of policies",
        "No policy is demanded of a chain.";
    "policy-mappings-any", "4.2.1.5", Refuse, policies::mappings_without_any,
        "no policy is mapped to or from anyPolicy",
        "No policy is demanded of a chain.";
    "san-form", "4.2.1.6", Refuse, names::san_form,
        "each subject alternative name has the form of its kind",
        "Names are compared with those of a server, which are well-formed: a malformed one matches none.";
    "issuer-names-form", "4.2.1.7", Refuse, names::issuer_names_form,
        "there is at least one issuer alternative name in the extension, and each has the form of its kind",
        "They are not read.";
    "directory-attributes-form", "4.2.1.8", Refuse, places::directory_attributes,
        "subject directory attributes are one or more, each with a value",
        "They are not read.";
    "leaf-no-cert-sign", "4.2.1.9", Refuse, extensions::leaf_no_cert_sign,
        "only a CA may sign certificates by its key usage",
        "A certificate that is no CA by basicConstraints issues none, whatever its key usage.";
    "basic-constraints-critical", "4.2.1.9", Refuse, extensions::basic_constraints_critical,
        "the basicConstraints of a CA are critical",
        "They are read whether they are critical or not.";
    "path-length-of-ca", "4.2.1.9", Refuse, extensions::path_length_of_ca,
        "only a CA that may sign certificates has a path length",
        "The path length of what issues nothing limits nothing.";
    "path-length-form", "4.2.1.9", Refuse, extensions::path_length_form,
        "a path length is 0 or more, in the fewest octets",
        "It is read by its value; one that is negative is malformed.";
    "name-constraints-of-ca", "4.2.1.10", Refuse, names::constraints_of_ca,
        "only a CA has name constraints",
        "What issues nothing constrains nothing.";
    "name-constraints-critical", "4.2.1.10", Refuse, names::constraints_critical,
        "name constraints are critical",
        "They are applied whether they are critical or not.";
    "name-constraints-form", "4.2.1.10", Refuse, names::constraints_form,
        "name constraints are not empty, and each has the form of its kind of name",
        "The path builder reads a leading dot as all names of a domain, and refuses a path whose names it has to compare with a base that it cannot read.";
    "name-constraints-email", "4.2.1.10", Refuse, email::constraints_kept,
        "an e-mail address in the subject of a certificate without subject alternative names is one that the CAs above it may issue for",
        "An address in a subject is never read, and no peer is known by it.";
    "policy-constraints-critical", "4.2.1.11", Refuse, extensions::policy_constraints_critical,
        "policy constraints are critical",
        "No policy is demanded of a chain, so that a constraint on policies changes nothing.";
    "policy-constraints-form", "4.2.1.11", Refuse, policies::constraints_form,
        "policy constraints are not empty, and their numbers are 0 or more, in the fewest octets",
        "No policy is demanded of a chain.";
    "crl-points-form", "4.2.1.13", Refuse, places::crl_points,
        "CRL distribution points are one or more, each with a place or the name of another issuer of lists",
        "No list is fetched; which installed list tells of a certificate is judged by the list and its issuer.";
    "crl-points-reasons", "4.2.1.13", Refuse, places::crl_points_for_all_reasons,
        "one of the CRL distribution points is for all reasons",
        "No list is fetched, and a list for some reasons alone never tells that a certificate is not revoked.";
    "inhibit-any-policy-critical", "4.2.1.14", Refuse, extensions::inhibit_any_policy_critical,
        "inhibitAnyPolicy is critical",
        "No policy is demanded of a chain.";
    "inhibit-any-policy-form", "4.2.1.14", Refuse, policies::inhibit_any_form,
        "inhibitAnyPolicy is 0 or more, in the fewest octets",
        "No policy is demanded of a chain.";
    "freshest-crl-form", "4.2.1.15", Refuse, places::freshest_crl,
        "places of delta lists are one or more, each with a place or the name of another issuer of lists",
        "No list is fetched, and delta lists are not installed.";
    "aia-form", "4.2.2.1", Refuse, places::authority_access,
        "the authority information access names at least one method and place",
        "Nothing reads it.";
    "sia-form", "4.2.2.2", Refuse, places::subject_access,
        "the subject information access names at least one method and place",
        "Nothing reads it.";
};
