//! Rows about chains (rules C1 to C5).

use mutual_trust::{AuthorityScope, ChainProfile, CurrentTime, EntryOptions, ReasonCode};
use rcgen::{ExtendedKeyUsagePurpose, GeneralSubtree, NameConstraints};

use super::{Row, authority, fixture_authority, itself, row};
use crate::support::der::with_sha1;
use crate::support::link::{Setting, keys_1};
use crate::support::pki::{Made, pki, self_signed, spec};
use crate::support::plain::Credential;
use crate::support::{DAY, NOW, at};

pub(super) fn rows(setting: &Setting) -> Vec<Row> {
    use ReasonCode as R;
    let ca = pki("Example");
    let other = pki("Other");
    let server = || ca.server("kms1.example");
    let sent = || Credential::of(&server(), &[&ca.intermediate]);
    let trusting = |root: &Made| {
        let mut store = setting.listing_server();
        authority(&mut store, root);
        store
    };
    let day = i64::try_from(DAY).unwrap();
    let leaf_of = |issuer: &Made| {
        let leaf = spec("kms1.example").dns("kms1.example").server_auth();
        leaf.signed_by(issuer)
    };
    let below = |issuer: &Made| Credential::of(&leaf_of(issuer), &[issuer]);
    let root = spec("root").ca().self_signed();
    let late = spec("late").ca().valid(day, 100 * day).self_signed();
    let no_ca = spec("no ca").signed_by(&root);
    let narrow = spec("narrow").ca().permit_dns("a.example").self_signed();
    let first = spec("first").ca().path_len(0).signed_by(&root);
    let second = spec("second").ca().signed_by(&first);
    let policies = rcgen::CustomExtension::from_oid_content(
        &[2, 5, 29, 32],
        vec![0x30, 0x08, 0x30, 0x06, 0x06, 0x04, 0x55, 0x1d, 0x20, 0x00],
    );
    let odd = spec("odd").ca().params(|params| {
        let mut policies = policies;
        policies.set_criticality(true);
        params.custom_extensions.push(policies);
    });
    let odd = odd.signed_by(&root);
    let twin = pki("Example");
    let mut forest = setting.listing_server();
    let same = || spec("same").ca().no_authority_key_id().self_signed();
    for _ in 0..102 {
        authority(&mut forest, &same());
    }
    let of_forest = || {
        let leaf = spec("kms1.example").dns("kms1.example").server_auth();
        Credential::of(&leaf.no_authority_key_id().signed_by(&same()), &[])
    };
    let permits = |subtrees: Vec<GeneralSubtree>| {
        let limit = |params: &mut rcgen::CertificateParams| {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: subtrees,
                excluded_subtrees: Vec::new(),
            });
        };
        spec("limited").ca().params(limit).self_signed()
    };
    let directory = permits(vec![GeneralSubtree::DirectoryName(
        rcgen::DistinguishedName::new(),
    )]);
    let name = |number| GeneralSubtree::DnsName(format!("d{number}.example"));
    let many_names = spec("kms1.example").dns("kms1.example").server_auth();
    let many_names = many_names.dns("a.example").dns("b.example");
    let bomb = permits((0..2600).map(name).collect());
    let mut ending = setting.listing_server();
    let options = EntryOptions::new().with_end(at(NOW + DAY));
    let scope = AuthorityScope::Server(keys_1());
    ending
        .install_authority(scope, ca.root.certificate(), options)
        .unwrap();
    let mut blocked = trusting(&ca.root);
    blocked.block(&ca.intermediate.certificate);
    let sha1 = leaf_of(&ca.root);
    let old = spec("kms1.example")
        .dns("kms1.example")
        .server_auth()
        .valid(-9 * day, -day);
    let for_clients = spec("kms1.example").dns("kms1.example").client_auth();
    let any_purpose = spec("kms1.example")
        .dns("kms1.example")
        .extended_key_usage(ExtendedKeyUsagePurpose::Any);
    let mut long = Credential::of(
        &{
            let leaf = spec("kms1.example").dns("kms1.example").server_auth();
            leaf.signed_by(&second)
        },
        &[&second],
    );
    long = long.and(&first.certificate);

    vec![
        row(
            "an unknown issuer",
            R::UnknownIssuer,
            trusting(&other.root),
            sent(),
        ),
        row(
            "a missing intermediate",
            R::UnknownIssuer,
            trusting(&ca.root),
            Credential::of(&server(), &[]),
        ),
        row(
            "a stranger's own certificate",
            R::SelfSignedNotInstalled,
            trusting(&ca.root),
            Credential::of(&self_signed("kms1.example"), &[]),
        ),
        row(
            "a CA as leaf",
            R::CaUsedAsEndEntity,
            trusting(&ca.root),
            itself("openssl-req-default"),
        ),
        row(
            "the authority as leaf",
            R::AuthorityPresentedAsPeer,
            trusting(&ca.root),
            Credential::of(&ca.root, &[]),
        ),
        row(
            "a leaf of version 1",
            R::UnparsableEndEntity,
            fixture_authority(setting, "ca-root"),
            itself("v1-ca-signed"),
        ),
        row(
            "an authority of the same name",
            R::ChainSignatureInvalid,
            trusting(&twin.root),
            sent(),
        ),
        row(
            "a leaf signed with SHA-1",
            R::SignatureAlgorithmUnsupported,
            trusting(&ca.root),
            Credential::of(&sha1, &[]).presenting(with_sha1(&sha1.certificate).der().to_vec()),
        ),
        row(
            "an expired authority",
            R::IssuerExpired,
            fixture_authority(setting, "ca-expired"),
            itself("ca-expired-leaf"),
        ),
        row(
            "an authority not yet valid",
            R::IssuerNotYetValid,
            trusting(&late),
            below(&late),
        ),
        row(
            "an issuer that is no CA",
            R::IssuerCannotSign,
            trusting(&root),
            below(&no_ca),
        ),
        row("one CA too many", R::PathTooLong, trusting(&root), long),
        row(
            "a name outside the CA's",
            R::NameConstraintViolated,
            trusting(&narrow),
            below(&narrow),
        ),
        row(
            "an issuer that the path builder refuses",
            R::PathRefused,
            trusting(&root),
            below(&odd),
        ),
        row(
            "a hundred and two authorities of one name and a leaf that names no key",
            R::TooManyPaths,
            forest,
            of_forest(),
        ),
        row(
            "a CA that constrains directory names",
            R::ConstraintFormUnsupported,
            trusting(&directory),
            Credential::of(&leaf_of(&directory), &[]),
        ),
        row(
            "more constraints than are compared",
            R::TooManyConstraints,
            trusting(&bomb),
            Credential::of(&many_names.signed_by(&bomb), &[]),
        ),
        Row {
            policy: |policy| policy.with_chain_profile(ChainProfile::Strict),
            ..row(
                "a leaf that breaks RFC 5280, with the strict profile",
                R::ProfileViolation,
                trusting(&root),
                Credential::of(
                    &spec("kms1.example")
                        .dns("kms1.example")
                        .no_authority_key_id()
                        .signed_by(&root),
                    &[],
                ),
            )
        },
        row(
            "a certificate for another name",
            R::NameMismatch,
            trusting(&ca.root),
            Credential::of(&ca.server("other.example"), &[&ca.intermediate]),
        ),
        row(
            "an expired leaf",
            R::Expired,
            trusting(&root),
            Credential::of(&old.signed_by(&root), &[]),
        ),
        row(
            "a leaf for clients",
            R::WrongExtendedKeyUsage,
            trusting(&root),
            Credential::of(&for_clients.signed_by(&root), &[]),
        ),
        row(
            "a leaf with anyExtendedKeyUsage alone",
            R::AnyExtendedKeyUsageAlone,
            trusting(&root),
            Credential::of(&any_purpose.signed_by(&root), &[]),
        ),
        row("an authority past its end", R::EntryEnded, ending, sent()).clock(NOW + DAY),
        row("a blocked intermediate", R::Blocked, blocked, sent()),
        Row {
            clock: CurrentTime::Known(at(NOW - 2 * DAY)),
            ..row(
                "a chain by a clock that is below the floor",
                R::ClockBelowFloor,
                trusting(&ca.root),
                sent(),
            )
        },
        Row {
            clock: CurrentTime::Unset,
            ..row(
                "a chain without a clock",
                R::ClockUnset,
                trusting(&ca.root),
                sent(),
            )
        },
    ]
}
