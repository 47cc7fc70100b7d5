//! Constraints on e-mail addresses, for the address in a subject (RFC 5280 section 4.2.1.10).

use super::attributes::EMAIL_ADDRESS;
use super::form::{Above, Form, parts};
use crate::certificate::Certificate;
use crate::certificate::form::{RFC822_NAME, attributes};

/// The addresses in the subject of a certificate to which constraints on e-mail addresses apply: of one without
/// subject alternative names.
pub(in crate::policy) fn addresses(certificate: &Certificate) -> impl Iterator<Item = &[u8]> {
    let applies = certificate.name_forms().next().is_none();
    let subject = if applies {
        certificate.subject_der()
    } else {
        &[]
    };
    let emails = attributes(subject).filter(|(id, _)| *id == EMAIL_ADDRESS);
    emails.map(|(_, value)| value.content)
}

pub(super) fn constraints_kept(form: &Form<'_>, above: Above<'_>) -> bool {
    // Self-issued certificates between the end entity and the authority are not constrained (section 6.1.3 (b)).
    let is_exempt = form.issues() && form.certificate.is_self_issued();
    is_exempt
        || addresses(form.certificate).all(|address| above.iter().all(|ca| allows(ca, address)))
}

/// Whether the constraints of a CA let it issue for an address.
fn allows(ca: &Certificate, address: &[u8]) -> bool {
    let Some(constraints) = ca.extension(&[0x55, 0x1d, 30]) else {
        return true;
    };
    // permittedSubtrees [0], excludedSubtrees [1]
    let mut bases = [0xa0, 0xa1].map(|tag| {
        parts(constraints.value)
            .filter(move |list| list.tag == tag)
            .flat_map(|list| parts(list.whole))
            .filter_map(|subtree| parts(subtree.whole).next())
            .filter(|base| base.tag == RFC822_NAME)
            .map(|base| base.content)
            .peekable()
    });
    let [permitted, excluded] = &mut bases;
    let is_permitted = permitted.peek().is_none() || permitted.any(|base| is_in(address, base));
    // What is no address is in none that are permitted and may be in all that are excluded.
    let is_excluded = excluded.any(|base| is_in(address, base) || !address.contains(&b'@'));
    is_permitted && !is_excluded
}

/// Whether an address is in a subtree: that mailbox, those of a host, or those of the hosts of a domain.
fn is_in(address: &[u8], base: &[u8]) -> bool {
    let split = |name: &[u8]| name.iter().rposition(|byte| *byte == b'@');
    let Some((local, host)) = split(address)
        .and_then(|at| Some((address.get(..at)?, address.get(at.saturating_add(1)..)?)))
    else {
        return false;
    };
    match split(base).and_then(|at| Some((base.get(..at)?, base.get(at.saturating_add(1)..)?))) {
        Some((base_local, base_host)) => {
            local == base_local && host.eq_ignore_ascii_case(base_host)
        }
        None if base.first() == Some(&b'.') => {
            let end = host.len().checked_sub(base.len());
            let tail = end.and_then(|end| host.get(end..));
            end != Some(0) && tail.is_some_and(|tail| tail.eq_ignore_ascii_case(base))
        }
        None => host.eq_ignore_ascii_case(base),
    }
}

#[cfg(test)]
mod tests {
    use super::is_in;

    #[test]
    fn an_address_is_in_its_mailbox_its_host_and_its_domain() {
        for (base, within) in [
            ("root@a.example", true),
            ("root@A.EXAMPLE", true),
            ("Root@a.example", false),
            ("a.example", true),
            ("A.example", true),
            ("example", false),
            (".example", true),
            (".a.example", false),
            ("a.example.", false),
            (".xample", false),
        ] {
            assert_eq!(is_in(b"root@a.example", base.as_bytes()), within, "{base}");
        }
        assert!(!is_in(b"a.example", b"a.example"));
        // The host stands behind the last @.
        assert!(is_in(b"\"a@b\"@c.example", b"c.example"));
    }
}
