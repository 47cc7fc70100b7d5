//! Plain webpki, with the authority as a trust anchor.

use core::time::Duration;

use pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{
    BorrowedCertRevocationList, CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy, anchor_from_trusted_cert,
};

use super::Judged;
use crate::world::{ADDRESS, HOST, NOW, Part, Signed};

pub(super) fn judge(world: &Signed) -> Judged {
    verify(world).map_err(|error| format!("{error:?}"))
}

fn verify(world: &Signed) -> Result<(), webpki::Error> {
    let root = CertificateDer::from(world.der(Part::Root).expect("there is one"));
    let anchor = anchor_from_trusted_cert(&root)?;
    let leaf = CertificateDer::from(world.der(Part::Leaf).expect("there is one"));
    let leaf = EndEntityCert::try_from(&leaf)?;
    let middle = world.der(Part::Middle).map(CertificateDer::from);
    let sent: Vec<CertificateDer<'_>> = middle.into_iter().collect();
    let lists = world.lists();
    let lists = lists
        .iter()
        .map(|(_, list)| Ok(BorrowedCertRevocationList::from_der(list)?.into()))
        .collect::<Result<Vec<CertRevocationList<'_>>, webpki::Error>>()?;
    let lists: Vec<&CertRevocationList<'_>> = lists.iter().collect();
    let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
        options
            .with_depth(RevocationCheckDepth::Chain)
            .with_status_policy(UnknownStatusPolicy::Deny)
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .build()
    });
    let provider = rustls::crypto::ring::default_provider();
    let algorithms = provider.signature_verification_algorithms.all;
    let anchors = std::slice::from_ref(&anchor);
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let usage = KeyUsage::server_auth();
    leaf.verify_for_usage(algorithms, anchors, &sent, now, usage, revocation, None)?;
    let name = if world.by_address { ADDRESS } else { HOST };
    let name = ServerName::try_from(name).expect("a name");
    leaf.verify_is_valid_for_subject_name(&name)
}
