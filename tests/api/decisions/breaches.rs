//! Chains that each break one rule of the profiles (rule C1).

use mutual_trust::certificate::Certificate;
use rcgen::{
    CidrSubnet, DnType, DnValue, GeneralSubtree, KeyPair, KeyUsagePurpose, NameConstraints,
    SanType, SigningKey, string::Ia5String,
};

use super::support::der::{self, Body, Der, OCTETS, OID, SEQUENCE, bytes, parts};
use super::support::pki::{Made, Spec, spec};
use super::world::KMS;

/// authorityInfoAccess and subjectInfoAccess (RFC 5280 sections 4.2.2.1 and 4.2.2.2).
pub const AIA: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01];
pub const SIA: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x0b];
/// Attributes of names: commonName, countryName, serialNumber, emailAddress, domainComponent.
pub const CN: &[u8] = &[0x55, 4, 3];
const COUNTRY: &[u8] = &[0x55, 4, 6];
const NUMBER: &[u8] = &[0x55, 4, 5];
pub const EMAIL: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];
const DC: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 0x19];
/// Types of strings.
pub const UTF8: u8 = 0x0c;
const NUMERIC: u8 = 0x12;
pub const PRINTABLE: u8 = 0x13;
pub const IA5: u8 = 0x16;
const BMP: u8 = 0x1e;
/// `anyPolicy`, a policy of some CA, and what qualifies policies: a practice statement, a user notice.
const ANY_POLICY: &[u8] = &[0x55, 0x1d, 0x20, 0];
const POLICY: &[u8] = &[0x2a, 3, 4];
const CPS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 2, 1];
const NOTICE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 2, 2];
const TRUE: [u8; 1] = [0xff];

/// Root, intermediate and leaf.
pub type Chain = [Certificate; 3];

/// One way to break one rule, and the rules that break with it.
pub struct Breach {
    pub rule: &'static str,
    pub also: &'static [&'static str],
    pub chain: Chain,
}

pub fn as_it_is(spec: Spec) -> Spec {
    spec
}

pub fn no_edit(_: &mut Der) {}

/// A chain of certificates made by `make`, each edited and signed again before the next is made below it.
pub fn chain(make: [fn(Spec) -> Spec; 3], edit: [fn(&mut Der); 3]) -> Chain {
    let root = make[0](spec("root").ca()).self_signed();
    let intermediate = make[1](spec("I").ca()).signed_by(&root);
    let leaf = make[2](spec("leaf").dns(KMS)).signed_by(&intermediate);
    [
        again(&root, &root.key, edit[0]),
        again(&intermediate, &root.key, edit[1]),
        again(&leaf, &intermediate.key, edit[2]),
    ]
}

/// The certificate edited, and signed again.
pub fn again(made: &Made, issuer: &KeyPair, edit: impl FnOnce(&mut Der)) -> Certificate {
    let mut tree = der::tree(&made.certificate());
    edit(&mut tree);
    let signature = issuer.sign(&tree.at(&[0]).write()).unwrap();
    *tree.at(&[2]).content() = [vec![0], signature].concat();
    Certificate::from_der(&tree.write()).unwrap()
}

pub fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Der {
    let mut fields = vec![bytes(OID, oid)];
    if critical {
        fields.push(bytes(0x01, &TRUE));
    }
    fields.push(bytes(OCTETS, value));
    parts(SEQUENCE, fields)
}

/// Marks an extension critical, or takes the mark away.
pub fn turn(tree: &mut Der, last: u8) {
    let fields = tree.extension(last).list();
    if fields.len() == 3 {
        fields.remove(1);
    } else {
        fields.insert(1, bytes(0x01, &TRUE));
    }
}

pub fn without(tree: &mut Der, last: u8) {
    let oid = Body::Bytes(vec![0x55, 0x1d, last]);
    tree.extensions()
        .retain_mut(|extension| extension.at(&[0]).body != oid);
}

/// Permits names of one form alone, of which there are none below.
pub fn constrain(tree: &mut Der, form: u8, base: &[u8]) {
    let subtree = parts(SEQUENCE, vec![bytes(form, base)]);
    let value = parts(SEQUENCE, vec![parts(0xa0, vec![subtree])]);
    let extension = extension(&[0x55, 0x1d, 30], true, &value.write());
    tree.extensions().push(extension);
}

pub fn permits_dot(spec: Spec) -> Spec {
    spec.permit_dns(".example")
}

pub fn subnet(mask: [u8; 4]) -> GeneralSubtree {
    GeneralSubtree::IpAddress(CidrSubnet::V4([192, 0, 2, 0], mask))
}

pub fn mail(base: &str) -> GeneralSubtree {
    GeneralSubtree::Rfc822Name(base.to_owned())
}

/// With an e-mail address beside the other names.
pub fn mailbox(spec: Spec, address: &str) -> Spec {
    spec.params(|params| {
        let address = SanType::Rfc822Name(address.try_into().unwrap());
        params.subject_alt_names.push(address);
    })
}

/// Adds an extension below 2.5.29 that is not critical.
pub fn with(tree: &mut Der, last: u8, value: &Der) {
    let extension = extension(&[0x55, 0x1d, last], false, &value.write());
    tree.extensions().push(extension);
}

pub fn seq(list: Vec<Der>) -> Der {
    parts(SEQUENCE, list)
}

pub fn oid(content: &[u8]) -> Der {
    bytes(OID, content)
}

/// A distinguished name of parts of one attribute: its identifier, its type, its value.
pub fn name(attributes: &[(&[u8], u8, &[u8])]) -> Der {
    let set = |(id, tag, value): &(&[u8], u8, &[u8])| parts(0x31, vec![attribute(id, *tag, value)]);
    seq(attributes.iter().map(set).collect())
}

fn attribute(id: &[u8], tag: u8, value: &[u8]) -> Der {
    seq(vec![oid(id), bytes(tag, value)])
}

/// Replaces the subject by one attribute.
fn subject(tree: &mut Der, id: &[u8], tag: u8, value: &[u8]) {
    *tree.field(5) = name(&[(id, tag, value)]);
}

/// Adds a subject alternative name to those of a leaf.
fn also_named(tree: &mut Der, more: &Der) {
    let value = tree.extension_value(17);
    let mut names = Der::read(value);
    names.list().push(more.clone());
    *value = names.write();
}

/// Adds fields to the authority key identifier.
pub fn in_aki(tree: &mut Der, more: Vec<Der>) {
    let value = tree.extension_value(35);
    let mut fields = Der::read(value);
    fields.list().extend(more);
    *value = fields.write();
}

/// Replaces the end of the validity period.
pub fn ends(tree: &mut Der, tag: u8, text: &[u8]) {
    tree.field(4).list()[1] = bytes(tag, text);
}

/// A URI as a `GeneralName`.
pub fn uri(text: &str) -> Der {
    bytes(0x86, text.as_bytes())
}

/// The place of a list in a distribution point.
pub fn at_uri(text: &str) -> Der {
    parts(0xa0, vec![parts(0xa0, vec![uri(text)])])
}

pub fn policy(id: &[u8], qualifiers: Vec<Der>) -> Der {
    let mut fields = vec![oid(id)];
    if !qualifiers.is_empty() {
        fields.push(seq(qualifiers));
    }
    seq(fields)
}

pub fn qualifier(id: &[u8], value: Der) -> Der {
    seq(vec![oid(id), value])
}

/// With an e-mail address in the subject.
fn mail_in_subject(spec: Spec, address: &str) -> Spec {
    spec.params(|params| {
        let kind = DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]);
        let address = Ia5String::try_from(address).unwrap();
        let name = &mut params.distinguished_name;
        name.push(kind, DnValue::Ia5String(address));
    })
}

fn excludes(spec: Spec, subtrees: Vec<GeneralSubtree>) -> Spec {
    spec.params(|params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: Vec::new(),
            excluded_subtrees: subtrees,
        });
    })
}

/// Breaks a rule in the certificate with this number: 0 root, 1 intermediate, 2 leaf.
fn edited(rule: &'static str, place: usize, edit: fn(&mut Der)) -> Breach {
    let mut edits: [fn(&mut Der); 3] = [no_edit; 3];
    edits[place] = edit;
    Breach {
        rule,
        also: &[],
        chain: chain([as_it_is; 3], edits),
    }
}

fn made(rule: &'static str, place: usize, make: fn(Spec) -> Spec) -> Breach {
    let mut makes: [fn(Spec) -> Spec; 3] = [as_it_is; 3];
    makes[place] = make;
    Breach {
        rule,
        also: &[],
        chain: chain(makes, [no_edit; 3]),
    }
}

impl Breach {
    fn also(mut self, rules: &'static [&'static str]) -> Self {
        self.also = rules;
        self
    }
}

#[rustfmt::skip]
pub fn breaches() -> Vec<Breach> {
    let nameless: fn(Spec) -> Spec = |_| spec("").ca();
    vec![
        edited("serial-positive", 2, |t| *t.field(1).content() = vec![0]),
        edited("serial-positive", 1, |t| *t.field(1).content() = vec![0x80, 1]),
        edited("authority-serial-positive", 0, |t| *t.field(1).content() = vec![0]),
        edited("serial-minimal", 2, |t| *t.field(1).content() = vec![0, 1]),
        edited("serial-minimal", 0, |t| *t.field(1).content() = vec![0, 0, 1]),
        // What is not in the alphabet of its type: in the subject, in a name among the alternative ones.
        edited("name-strings", 2, |t| subject(t, CN, PRINTABLE, b"a@b")),
        edited("name-strings", 2, |t| subject(t, CN, UTF8, &[0xc3])),
        edited("name-strings", 2, |t| subject(t, CN, BMP, &[0, b'a', 0])),
        edited("name-strings", 2, |t| subject(t, DC, IA5, &[0xe4])),
        // x121Address
        edited("name-strings", 2, |t| subject(t, &[0x55, 4, 24], NUMERIC, b"1a")),
        edited("name-strings", 2, |t| also_named(t, &parts(0xa4, vec![name(&[(CN, PRINTABLE, b"a@b")])]))),
        edited("name-attributes", 2, |t| subject(t, EMAIL, UTF8, b"a@kms1.example")),
        edited("name-attributes", 2, |t| subject(t, COUNTRY, PRINTABLE, b"DEU")),
        edited("name-attributes", 2, |t| subject(t, COUNTRY, PRINTABLE, b"D")),
        edited("name-attributes", 2, |t| subject(t, NUMBER, UTF8, b"1")),
        edited("name-attributes", 2, |t| subject(t, CN, UTF8, &[b'a'; 65])),
        edited("name-attributes", 2, |t| subject(t, CN, UTF8, b"")),
        edited("name-attributes", 2, |t| subject(t, CN, IA5, b"a")),
        edited("name-order", 2, |t| *t.field(5) = seq(vec![parts(0x31, vec![attribute(CN, UTF8, b"b"), attribute(CN, UTF8, b"a")])])),
        edited("time-type", 2, |t| ends(t, 0x18, b"20460517000000Z")),
        edited("time-type", 0, |t| ends(t, 0x18, b"20491231235959Z")),
        // Of the certificates below an authority, the path builder refuses such times itself.
        edited("time-form", 0, |t| ends(t, 0x18, b"20500101000000.5Z")),
        edited("time-form", 0, |t| ends(t, 0x18, b"205001010000Z")),
        edited("time-form", 0, |t| ends(t, 0x17, b"4901010000Z")),
        edited("time-form", 0, |t| ends(t, 0x17, b"490101000000+0500")),
        edited("time-form", 0, |t| ends(t, 0x18, b"20351231235959.999Z")).also(&["time-type"]),
        edited("defaults-left-out", 2, |t| t.extension(35).list().insert(1, bytes(1, &[0]))),
        edited("defaults-left-out", 2, |t| *t.extension_value(19) = vec![0x30, 3, 1, 1, 0]),
        edited("defaults-left-out", 0, |t| t.extension(14).list().insert(1, bytes(1, &[0]))),
        edited("aki-issuer-and-serial", 2, |t| in_aki(t, vec![bytes(0x82, &[5])])),
        edited("aki-issuer-and-serial", 1, |t| in_aki(t, vec![parts(0xa1, vec![uri("urn:ca")])])),
        edited("aki-issuer-and-serial", 0, |t| in_aki(t, vec![bytes(0x82, &[5])])),
        edited("aki-form", 2, |t| in_aki(t, vec![parts(0xa1, vec![bytes(0x87, &[127, 0, 0, 1, 2])]), bytes(0x82, &[5])])),
        edited("aki-form", 2, |t| in_aki(t, vec![parts(0xa1, vec![uri("urn:ca")]), bytes(0x82, &[0, 5])])),
        edited("key-usage-form", 2, |t| *t.extension_value(15) = vec![3, 2, 5, 0x80]),
        edited("key-usage-form", 2, |t| *t.extension_value(15) = vec![3, 3, 7, 0x80, 0]),
        // Bits 9 and 10 have no name.
        edited("key-usage-form", 2, |t| *t.extension_value(15) = vec![3, 3, 5, 0x80, 0x60]),
        made("digital-signature", 2, |s| s.key_usage(&[KeyUsagePurpose::KeyEncipherment])),
        made("digital-signature", 2, |s| s.key_usage(&[KeyUsagePurpose::KeyAgreement, KeyUsagePurpose::CrlSign])),
        edited("policies-form", 2, |t| with(t, 32, &seq(vec![]))),
        edited("policies-form", 2, |t| with(t, 32, &seq(vec![seq(vec![])]))),
        edited("policies-form", 2, |t| with(t, 32, &seq(vec![parts(0x31, vec![oid(POLICY)])]))),
        edited("policies-form", 2, |t| with(t, 32, &seq(vec![seq(vec![bytes(OCTETS, POLICY)])]))),
        edited("policies-form", 2, |t| with(t, 32, &seq(vec![seq(vec![oid(POLICY), seq(vec![])])]))),
        edited("policies-form", 2, |t| with(t, 32, &seq(vec![seq(vec![oid(POLICY), seq(vec![qualifier(CPS, bytes(IA5, b"urn:a"))]), seq(vec![])])]))),
        edited("policies-form", 2, |t| with(t, 32, &seq(vec![policy(POLICY, vec![seq(vec![oid(CPS)])])]))),
        edited("policies-form", 2, |t| with(t, 32, &seq(vec![policy(POLICY, vec![qualifier(CPS, bytes(UTF8, b"urn:a"))])]))),
        edited("policies-form", 2, |t| with(t, 32, &seq(vec![policy(POLICY, vec![qualifier(NOTICE, bytes(UTF8, b"a"))])]))),
        edited("policies-form", 2, |t| with(t, 32, &seq(vec![policy(POLICY, vec![qualifier(NOTICE, seq(vec![bytes(PRINTABLE, b"a")]))])]))),
        edited("policies-form", 2, |t| with(t, 32, &seq(vec![policy(POLICY, vec![qualifier(NOTICE, seq(vec![bytes(UTF8, b"")]))])]))),
        edited("policies-form", 2, |t| with(t, 32, &seq(vec![policy(POLICY, vec![qualifier(NOTICE, seq(vec![bytes(UTF8, &[b'a'; 201])]))])]))),
        edited("policies-form", 2, |t| with(t, 32, &seq(vec![policy(POLICY, vec![qualifier(NOTICE, seq(vec![seq(vec![bytes(UTF8, b"a")])]))])]))),
        edited("policies-form", 2, |t| t.extensions().push(extension(&[0x55, 0x1d, 32], false, &[0x30, 5, 0x30, 3, 6, 1, 0x2a, 0])) ),
        edited("policies-unique", 2, |t| with(t, 32, &seq(vec![policy(POLICY, vec![]), policy(ANY_POLICY, vec![]), policy(POLICY, vec![])]))),
        edited("any-policy-qualifiers", 2, |t| with(t, 32, &seq(vec![policy(ANY_POLICY, vec![qualifier(&[0x2b, 6, 1, 5, 5, 7, 2, 5], bytes(IA5, b"urn:a"))])]))),
        edited("policy-mappings-form", 1, |t| with(t, 33, &seq(vec![]))),
        edited("policy-mappings-form", 1, |t| with(t, 33, &seq(vec![seq(vec![oid(POLICY)])]))),
        edited("policy-mappings-form", 1, |t| with(t, 33, &seq(vec![seq(vec![oid(POLICY), oid(&[0x2a]), oid(&[0x2b])])]))),
        edited("policy-mappings-form", 1, |t| with(t, 33, &seq(vec![seq(vec![oid(POLICY), bytes(OCTETS, &[0x2a])])]))),
        edited("policy-mappings-any", 1, |t| with(t, 33, &seq(vec![seq(vec![oid(ANY_POLICY), oid(POLICY)])]))),
        edited("policy-mappings-any", 1, |t| with(t, 33, &seq(vec![seq(vec![oid(POLICY), oid(ANY_POLICY)])]))),
        edited("issuer-names-form", 2, |t| with(t, 18, &seq(vec![]))),
        edited("issuer-names-form", 2, |t| with(t, 18, &seq(vec![bytes(0x87, &[127, 0, 0])]))),
        // GeneralName ends with [8], and a DNS name is one string.
        edited("issuer-names-form", 2, |t| with(t, 18, &seq(vec![bytes(0x89, b"x")]))),
        edited("issuer-names-form", 2, |t| with(t, 18, &seq(vec![parts(0xa2, vec![bytes(IA5, b"kms1.example")])]))),
        edited("directory-attributes-form", 2, |t| with(t, 9, &seq(vec![]))),
        edited("directory-attributes-form", 2, |t| with(t, 9, &seq(vec![seq(vec![oid(CN), parts(0x31, vec![])])]))),
        edited("directory-attributes-form", 2, |t| with(t, 9, &seq(vec![seq(vec![oid(CN), seq(vec![bytes(UTF8, b"a")])])]))),
        edited("path-length-form", 0, |t| *t.extension_value(19) = vec![0x30, 7, 1, 1, 0xff, 2, 2, 0, 3]),
        // A CA without a key usage asserts no keyCertSign.
        made("path-length-of-ca", 0, |s| s.path_len(3).key_usage(&[])).also(&["ca-key-usage"]),
        // Of a mailbox, of a host, of a domain; excluded, and outside of what is permitted; further down the path.
        Breach { chain: chain([|s| excludes(s, vec![mail("excluded.example")]), |s| mail_in_subject(s, "a@Excluded.example"), as_it_is], [no_edit; 3]), rule: "name-constraints-email", also: &[] },
        Breach { chain: chain([|s| excludes(s, vec![mail(".excluded.example")]), |s| mail_in_subject(s, "a@b.excluded.example"), as_it_is], [no_edit; 3]), rule: "name-constraints-email", also: &[] },
        Breach { chain: chain([|s| excludes(s, vec![mail("a@excluded.example")]), |s| mail_in_subject(s, "a@excluded.example"), as_it_is], [no_edit; 3]), rule: "name-constraints-email", also: &[] },
        Breach { chain: chain([|s| permits(s, vec![mail("permitted.example"), mail("other.example")]), |s| mail_in_subject(s, "a@excluded.example"), as_it_is], [no_edit; 3]), rule: "name-constraints-email", also: &[] },
        Breach { chain: chain([|s| excludes(s, vec![mail("excluded.example")]), |s| mail_in_subject(s, "nobody"), as_it_is], [no_edit; 3]), rule: "name-constraints-email", also: &[] },
        edited("policy-constraints-form", 1, |t| with(t, 36, &seq(vec![]))).also(&["policy-constraints-critical"]),
        edited("policy-constraints-form", 1, |t| with(t, 36, &seq(vec![bytes(0x80, &[0xff])]))).also(&["policy-constraints-critical"]),
        edited("policy-constraints-form", 1, |t| with(t, 36, &seq(vec![bytes(0x81, &[0, 1])]))).also(&["policy-constraints-critical"]),
        edited("policy-constraints-form", 1, |t| with(t, 36, &seq(vec![bytes(0x81, &[1]), bytes(0x80, &[1])]))).also(&["policy-constraints-critical"]),
        edited("crl-points-form", 2, |t| with(t, 31, &seq(vec![]))),
        edited("crl-points-form", 2, |t| with(t, 31, &seq(vec![seq(vec![])]))),
        edited("crl-points-form", 2, |t| with(t, 31, &seq(vec![seq(vec![at_uri("urn:a")]), seq(vec![bytes(0x81, &[7, 0xff, 0x80])])]))),
        edited("crl-points-form", 2, |t| with(t, 31, &seq(vec![seq(vec![parts(0xa0, vec![])])]))),
        edited("crl-points-form", 2, |t| with(t, 31, &seq(vec![seq(vec![parts(0xa0, vec![parts(0xa0, vec![])])])]))),
        edited("crl-points-form", 2, |t| with(t, 31, &seq(vec![seq(vec![at_uri("relative")])]))),
        edited("crl-points-form", 2, |t| with(t, 31, &seq(vec![seq(vec![at_uri("urn:a")]), seq(vec![at_uri("urn:a"), bytes(0x81, &[0, 0x80])])]))),
        // An attribute of a relative name has a value.
        edited("crl-points-form", 2, |t| with(t, 31, &seq(vec![seq(vec![parts(0xa0, vec![parts(0xa1, vec![seq(vec![oid(CN)])])])])]))),
        // The signer of the list: not by a URI, not with the name of the issuer; of two names, a relative one is of neither.
        edited("crl-points-form", 2, |t| with(t, 31, &seq(vec![seq(vec![at_uri("urn:a"), parts(0xa2, vec![uri("urn:a")])])]))),
        edited("crl-points-form", 2, |t| {
            let issuer = t.field(3).clone();
            with(t, 31, &seq(vec![seq(vec![at_uri("urn:a"), parts(0xa2, vec![parts(0xa4, vec![issuer])])])]));
        }),
        edited("crl-points-form", 2, |t| {
            let signers = ["a", "b"].map(|text| parts(0xa4, vec![name(&[(CN, UTF8, text.as_bytes())])]));
            let relative = parts(0xa0, vec![parts(0xa1, vec![attribute(CN, UTF8, b"c")])]);
            with(t, 31, &seq(vec![seq(vec![relative, parts(0xa2, signers.to_vec())])]));
        }),
        edited("crl-points-reasons", 2, |t| with(t, 31, &seq(vec![seq(vec![at_uri("urn:a"), bytes(0x81, &[6, 0x40])])]))),
        edited("inhibit-any-policy-form", 1, |t| with(t, 54, &bytes(2, &[0xff]))).also(&["inhibit-any-policy-critical"]),
        edited("inhibit-any-policy-form", 1, |t| with(t, 54, &bytes(2, &[0, 0]))).also(&["inhibit-any-policy-critical"]),
        edited("freshest-crl-form", 2, |t| with(t, 46, &seq(vec![seq(vec![])]))),
        edited("sia-form", 2, |t| t.extensions().push(extension(&SIA, false, &[0x30, 0]))),
        edited("sia-form", 1, |t| t.extensions().push(extension(&SIA, false, &[0x30, 8, 0x30, 6, 6, 1, 1, 0x87, 1, 1]))),
        edited("serial-length", 1, |t| *t.field(1).content() = vec![1; 21]),
        edited("serial-length", 0, |t| *t.field(1).content() = vec![1; 21]),
        made("issuer-present", 0, nameless).also(&["ca-subject-present", "san-critical"]),
        made("ca-subject-present", 1, nameless).also(&["issuer-present", "san-critical"]),
        Breach { chain: chain([as_it_is, as_it_is, |_| spec("").dns(KMS)], [no_edit, no_edit, |t| turn(t, 17)]), rule: "san-critical", also: &[] },
        made("aki-present", 2, Spec::no_authority_key_id),
        made("aki-present", 1, Spec::no_authority_key_id),
        // Of the certificates below an authority, the path builder refuses this itself.
        edited("aki-not-critical", 0, |t| turn(t, 35)),
        edited("aki-names-issuer", 2, |t| t.extension_value(35)[6] ^= 1),
        edited("ski-present", 1, |t| without(t, 14)),
        edited("ski-present", 0, |t| without(t, 14)),
        edited("ski-not-critical", 0, |t| turn(t, 14)),
        made("ca-key-usage", 1, |s| s.key_usage(&[])),
        made("ca-key-usage", 0, |s| s.key_usage(&[])),
        // In its DER form (X.690 section 11.2.2), and in one that tools write.
        edited("key-usage-not-empty", 2, |t| *t.extension_value(15) = vec![3, 1, 0]).also(&["digital-signature"]),
        edited("key-usage-not-empty", 2, |t| *t.extension_value(15) = vec![3, 2, 7, 0]).also(&["key-usage-form", "digital-signature"]),
        made("leaf-no-cert-sign", 2, |s| s.key_usage(&[KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign])),
        edited("policy-constraints-critical", 1, |t| t.extensions().push(extension(&[0x55, 0x1d, 36], false, &[0x30, 3, 0x80, 1, 0]))),
        edited("inhibit-any-policy-critical", 1, |t| t.extensions().push(extension(&[0x55, 0x1d, 54], false, &[2, 1, 0]))),
        edited("aia-form", 2, |t| t.extensions().push(extension(&AIA, false, &[0x30, 0]))),
        edited("aia-form", 1, |t| t.extensions().push(extension(&AIA, false, &[0x30, 5, 0x30, 3, 6, 1, 1]))),
        // A method that is no identifier, a place that is no name, a field too much, a set.
        edited("aia-form", 1, |t| t.extensions().push(extension(&AIA, false, &[0x30, 8, 0x30, 6, 4, 1, 1, 0x86, 1, b':']))),
        edited("aia-form", 1, |t| t.extensions().push(extension(&AIA, false, &[0x30, 8, 0x30, 6, 6, 1, 1, 0x0c, 1, b':']))),
        edited("aia-form", 1, |t| t.extensions().push(extension(&AIA, false, &[0x30, 11, 0x30, 9, 6, 1, 1, 0x86, 1, b':', 0x86, 1, b':']))),
        edited("aia-form", 1, |t| t.extensions().push(extension(&AIA, false, &[0x30, 8, 0x31, 6, 6, 1, 1, 0x86, 1, b':']))),
        edited("basic-constraints-critical", 1, |t| turn(t, 19)),
        edited("basic-constraints-critical", 0, |t| turn(t, 19)),
        edited("path-length-of-ca", 2, |t| *t.extension_value(19) = vec![0x30, 3, 2, 1, 0]),
        // Of no CA, whatever else it says of itself.
        Breach { chain: chain([as_it_is, as_it_is, |s| s.key_usage(&[KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign])], [no_edit, no_edit, |t| *t.extension_value(19) = vec![0x30, 3, 2, 1, 0]]), rule: "path-length-of-ca", also: &["leaf-no-cert-sign"] },
        edited("name-constraints-of-ca", 2, |t| t.extensions().push(extension(&[0x55, 0x1d, 30], true, &[0x30, 7, 0xa0, 5, 0x30, 3, 0x82, 1, b'x']))),
        Breach { chain: chain([as_it_is, |s| s.permit_dns("example"), as_it_is], [no_edit, |t| turn(t, 30), no_edit]), rule: "name-constraints-critical", also: &[] },
        made("name-constraints-form", 1, permits_dot),
        made("name-constraints-form", 0, permits_dot),
        // A mask is ones and then zeros.
        made("name-constraints-form", 0, |s| permits(s, vec![subnet([255, 0, 255, 0])])),
        made("name-constraints-form", 1, |s| permits(s, vec![mail("a@b@example")])),
        made("name-constraints-form", 1, |s| permits(s, vec![mail("@example")])),
        made("name-constraints-form", 1, |s| permits(s, vec![mail("a b@example")])),
        edited("name-constraints-form", 0, |t| constrain(t, 0x86, b"example:")),
        // No lists, and an empty one.
        edited("name-constraints-form", 0, |t| t.extensions().push(extension(&[0x55, 0x1d, 30], true, &[0x30, 0]))),
        edited("name-constraints-form", 0, |t| t.extensions().push(extension(&[0x55, 0x1d, 30], true, &[0x30, 2, 0xa0, 0]))),
        edited("name-constraints-form", 0, |t| constrain(t, 0x87, &[0; 9])),
        made("san-form", 2, |s| s.dns("kms_1.example")),
        made("san-form", 2, |s| s.uri("example")),
        edited("san-form", 2, |t| {
            let names = t.extension_value(17);
            names[1] += 7;
            names.extend([0x87, 5, 192, 0, 2, 7, 0]);
        }),
        // Names without anything in them, and a URI without a host where it has an authority.
        edited("san-form", 2, |t| also_named(t, &bytes(0x82, b""))),
        edited("san-form", 2, |t| also_named(t, &bytes(0x82, b" "))),
        edited("san-form", 2, |t| also_named(t, &bytes(0x81, b""))),
        edited("san-form", 2, |t| also_named(t, &parts(0xa4, vec![seq(vec![])]))),
        made("san-form", 2, |s| s.uri("http://")),
        made("san-form", 2, |s| s.uri("urn:")),
        made("san-form", 2, |s| mailbox(s, "nobody")),
        made("san-form", 2, |s| mailbox(s, "a@b@kms1.example")),
    ]
}

/// Permits names of one form, whatever the rest of the chain has.
pub fn permits(spec: Spec, subtrees: Vec<GeneralSubtree>) -> Spec {
    spec.params(|params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: subtrees,
            excluded_subtrees: Vec::new(),
        });
    })
}
