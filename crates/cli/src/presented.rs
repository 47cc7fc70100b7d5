//! What a server learned of our identity on a link, and what its refusal says of it.

use mutual_trust::certificate::{SystemClock, TimeSource};
use mutual_trust::identity::IdentityAdvice;
use mutual_trust::tls::ClientAuthFailures;
use mutual_trust::{Certificate, Fingerprint, Identity};
use rustls::AlertDescription;

use crate::facts;
use crate::json::OurIdentity;
use crate::output::{Failure, identified};

/// Our identity before a link.
pub(crate) struct Ours {
    certificate: Certificate,
    advice: Vec<IdentityAdvice>,
    is_temporary: bool,
}

/// Our identity on a link.
pub(crate) struct Presented {
    ours: Ours,
    /// The server asked for a client certificate.
    is_asked: bool,
    /// The server got it.
    is_sent: bool,
    /// Why none could be sent.
    unsent: Option<String>,
    /// Whether the server took it, as far as the link shows.
    is_accepted: Option<bool>,
    /// Whether that was recorded in the folder of our identity, or why not.
    recorded: Result<bool, String>,
}

impl Ours {
    pub(crate) fn new(identity: &Identity, is_temporary: bool) -> Self {
        Self {
            certificate: identity.certificate().clone(),
            // The server judges by the present time, whatever time our verdict is asked for.
            advice: identity.advice(SystemClock::new().now()),
            is_temporary,
        }
    }

    /// `is_reached` says whether our end came to send its part of the handshake.
    pub(crate) fn on_link(
        self,
        failures: &ClientAuthFailures,
        is_reached: bool,
        is_accepted: Option<bool>,
    ) -> Presented {
        let is_asked = failures.requests() > 0;
        let unsent = failures.last().map(|why| why.to_string());
        let is_sent = is_asked && is_reached && failures.count() == 0;
        Presented {
            ours: self,
            is_asked,
            is_sent,
            unsent,
            is_accepted: is_accepted.filter(|_| is_sent),
            recorded: Ok(false),
        }
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.certificate.fingerprint()
    }
}

/// Advice that matters even if this server takes the certificate: all peers refuse it for that, now or soon.
fn is_of_time(advice: &IdentityAdvice) -> bool {
    matches!(
        advice,
        IdentityAdvice::Expired { .. }
            | IdentityAdvice::ExpiresSoon { .. }
            | IdentityAdvice::NotYetValid { .. }
    )
}

impl Presented {
    /// Records that the server took our certificate, if it did. The link is what it is, also if that fails.
    pub(crate) fn recorded(
        mut self,
        record: impl FnOnce(Fingerprint) -> Result<bool, Failure>,
    ) -> Self {
        if self.is_accepted == Some(true) && !self.ours.is_temporary {
            let done = record(self.ours.fingerprint());
            self.recorded = done.map_err(|failure| failure.message().to_owned());
        }
        self
    }

    /// Who we are, and what the server learned of it.
    pub(crate) fn lines(&self, is_refused: bool) -> Vec<String> {
        let certificate = &self.ours.certificate;
        let mut lines = Vec::new();
        if self.ours.is_temporary {
            let text =
                "note: without --identity, this link used a temporary one, which no server knows";
            lines.push(String::from(text));
        } else {
            lines.push(format!(
                "we are: {} ({}), valid {}",
                identified(certificate.fingerprint()),
                facts::subject(certificate),
                certificate.validity()
            ));
            let advice = self.ours.advice.iter();
            let shown = advice.filter(|advice| is_refused || is_of_time(advice));
            lines.extend(shown.map(|advice| format!("  note: {advice}")));
        }
        if !self.is_asked {
            lines.push(String::from(
                "warning: the server did not ask for our certificate: it does not know who we are",
            ));
        } else if let Some(why) = &self.unsent {
            lines.push(format!("warning: our certificate was not sent: {why}"));
        }
        match &self.recorded {
            Ok(false) => {}
            Ok(true) => lines.push(String::from(
                "recorded: the server accepted our next certificate",
            )),
            Err(why) => lines.push(format!(
                "warning: that the server accepted our next certificate was not recorded: {why}"
            )),
        }
        lines
    }

    /// Our certificate, as an administrator of the server looks for it.
    pub(crate) fn words(&self) -> String {
        let certificate = &self.ours.certificate;
        format!(
            "{}, SHA-256 {}",
            facts::subject(certificate),
            certificate.fingerprint()
        )
    }

    /// Whether our certificate does not say that it is for clients.
    pub(crate) fn lacks_client_auth(&self) -> bool {
        let lacks = |advice: &IdentityAdvice| {
            matches!(
                advice,
                IdentityAdvice::NotForClients | IdentityAdvice::ClientAuthNotStated
            )
        };
        self.ours.advice.iter().any(lacks)
    }

    pub(crate) fn fact(&self) -> OurIdentity {
        let validity = self.ours.certificate.validity();
        let advice = self.ours.advice.iter();
        OurIdentity {
            fingerprint: self.ours.certificate.fingerprint().to_string(),
            temporary: self.ours.is_temporary,
            not_before: facts::time(validity.not_before()),
            not_after: facts::time(validity.not_after()),
            advice: advice.map(ToString::to_string).collect(),
            asked: self.is_asked,
            sent: self.is_sent,
            accepted: self.is_accepted,
            recorded: self.recorded == Ok(true),
        }
    }

    /// What to do after the server refused us.
    pub(crate) fn remedy(&self, alert: Option<AlertDescription>) -> String {
        if !self.is_asked {
            let text = "read the server's log: it did not ask for our certificate, so it refuses something else";
            return String::from(text);
        }
        if self.ours.is_temporary {
            return String::from("name our certificate and key with --identity and --key");
        }
        if self.unsent.is_some() {
            return String::from(
                "present an identity with a key of a kind that the server accepts",
            );
        }
        let validity = self.ours.certificate.validity();
        for advice in &self.ours.advice {
            match advice {
                IdentityAdvice::Expired { .. } => {
                    return format!("renew our certificate: {advice}");
                }
                IdentityAdvice::NotYetValid { .. } => {
                    return format!("compare the clocks, or wait: {advice}");
                }
                _ => {}
            }
        }
        if alert == Some(AlertDescription::CertificateExpired) {
            return format!(
                "compare the server's clock with ours: our certificate is valid {validity}"
            );
        }
        format!(
            "ask the server's administrator to install our certificate, SHA-256 {}, and to read the server's log",
            self.ours.certificate.fingerprint()
        )
    }
}

/// What an alert says (RFC 8446 section 6.2), as far as it says anything.
pub(crate) fn meaning(alert: AlertDescription) -> &'static str {
    let known = [
        (
            AlertDescription::CertificateExpired,
            "it says that our certificate has expired or is not valid yet",
        ),
        (
            AlertDescription::CertificateRevoked,
            "it says that our certificate is revoked",
        ),
        (
            AlertDescription::CertificateRequired,
            "it says that it needs a client certificate",
        ),
        (
            AlertDescription::UnknownCA,
            "it says that it knows no issuer of our certificate; some servers say so of a certificate that is not installed",
        ),
        (
            AlertDescription::UnsupportedCertificate,
            "it says that it does not take this kind of certificate: its usage or its key",
        ),
        (
            AlertDescription::BadCertificate,
            "it says that our certificate cannot be used; some servers say so if it is missing or not valid yet",
        ),
        (
            AlertDescription::CertificateUnknown,
            "it says that it does not accept our certificate, and not why",
        ),
        (
            AlertDescription::AccessDenied,
            "it says that our certificate is valid and not authorised",
        ),
        (
            AlertDescription::DecryptError,
            "it says that a signature of our handshake is wrong",
        ),
        (
            AlertDescription::UnrecognisedName,
            "it says that it does not serve the name that was sent (--server-name)",
        ),
    ];
    let found = known.iter().find(|(known, _)| *known == alert);
    found.map_or("which does not say why", |(_, text)| text)
}
