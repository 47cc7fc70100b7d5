//! Certificates and lists, as a caller hands them over: PEM or DER.

use mutual_trust::certificate::is_der;
use mutual_trust::{Certificate, Crl};

use crate::argument::{Buffer, Data};
use crate::entry::nothing;
use crate::report::Problem;
use crate::status::MALFORMED;

pub(crate) fn certificate(bytes: &[u8]) -> Result<Certificate, Problem> {
    Ok(if is_der(bytes) {
        Certificate::from_der(bytes)?
    } else {
        Certificate::from_pem(bytes)?
    })
}

pub(crate) fn crl(bytes: &[u8]) -> Result<Crl, Problem> {
    Ok(if is_der(bytes) {
        Crl::from_der(bytes)?
    } else {
        Crl::from_pem(bytes)?
    })
}

entries! { "Certificates";
    /// Writes the SHA-256 fingerprint of a certificate, PEM or DER, as it is read aloud. Nothing if it is malformed.
    /// Returns the length of the whole text.
    /// Threads: any.
    fn mt_certificate_fingerprint(certificate: Data, text/capacity: Buffer) -> usize, else nothing {
        let read = certificate_of(certificate)?;
        Ok(text.put(&read.fingerprint().to_string()))
    }

    /// Writes the subject of a certificate, PEM or DER, as one line. Nothing if it is malformed.
    /// Returns the length of the whole text.
    /// Threads: any.
    fn mt_certificate_subject(certificate: Data, text/capacity: Buffer) -> usize, else nothing {
        let read = certificate_of(certificate)?;
        Ok(text.put(&read.subject()))
    }
}

fn certificate_of(bytes: &[u8]) -> Result<Certificate, u32> {
    certificate(bytes).map_err(|_| MALFORMED)
}
