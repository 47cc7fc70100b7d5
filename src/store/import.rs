//! Checks on a certificate before it is installed (rules I2, I4 and I6).

use super::{EntryOptions, Scope, Slot, StoreWarning, TrustStore};
use crate::certificate::form::unprocessed;
use crate::certificate::{Certificate, CurrentTime, KeyPolicy, Role, SignatureCheck, seconds};
use crate::limits::CLOCK_TOLERANCE;
use crate::store::error::{StoreError, UnusablePinReason};

impl TrustStore {
    /// Judges a certificate for a slot and scope. Returns the warnings for the report. `own`: what its own signature is,
    /// if that has been found already.
    pub(super) fn check_import(
        &self,
        slot: Slot,
        scope: &Scope,
        certificate: &Certificate,
        options: &EntryOptions,
        own: Option<OwnSignature>,
    ) -> Result<Vec<StoreWarning>, StoreError> {
        options.check(slot, scope, false)?;
        if let Some(selector) = self.data.data().blocks.find(certificate) {
            return Err(StoreError::Blocked(Box::new(selector.clone())));
        }
        let mut warnings = Vec::new();
        self.check_key(slot, certificate)?;
        let own = own.unwrap_or_else(|| OwnSignature::of(self.key_policy(), certificate));
        own.check(certificate, &mut warnings)?;
        check_use(slot, scope, certificate, options, &mut warnings)?;
        if slot != Slot::Pin {
            warn_of_constraints(certificate, &mut warnings);
        }
        if slot == Slot::Pin {
            if certificate.is_ca() {
                warnings.push(StoreWarning::PinIsCa);
            }
            if certificate
                .key_usage()
                .is_some_and(|usage| !usage.digital_signature())
            {
                warnings.push(StoreWarning::NoDigitalSignature);
            }
        }
        self.warn_of_dates(certificate, &mut warnings);
        Ok(warnings)
    }

    /// Judges an installed certificate at loading: whether this version, its key policy and its provider accept it
    /// (rule I8). Its signature was verified over the same bytes at installation. Blocks and dates are checked when a
    /// peer is judged.
    #[cfg(feature = "admin")]
    pub(super) fn check_loaded(
        &self,
        slot: Slot,
        scope: &Scope,
        certificate: &Certificate,
        options: &EntryOptions,
    ) -> Result<(), StoreError> {
        options.check_loaded(slot, scope, false)?;
        self.check_key(slot, certificate)?;
        check_use(slot, scope, certificate, options, &mut Vec::new())
    }

    fn check_key(&self, slot: Slot, certificate: &Certificate) -> Result<(), StoreError> {
        if slot != Slot::Pin {
            check_issuer(certificate)?;
        }
        let keys = self.key_policy();
        keys.check(certificate).map_err(StoreError::Key)
    }

    fn warn_of_dates(&self, certificate: &Certificate, warnings: &mut Vec<StoreWarning>) {
        let validity = certificate.validity();
        let (now, known) = match (self.now(), self.data.floor()) {
            (CurrentTime::Known(now), _) => (seconds(now), true),
            (CurrentTime::Unset, Some(floor)) => (seconds(floor), false),
            (CurrentTime::Unset, None) => return,
        };
        let tolerance = i64::try_from(CLOCK_TOLERANCE.as_secs()).unwrap_or(0);
        if validity.not_after().seconds() < now {
            warnings.push(StoreWarning::Expired {
                not_after: validity.not_after(),
            });
        } else if known && validity.not_before().seconds() > now.saturating_add(tolerance) {
            warnings.push(StoreWarning::NotYetValid {
                not_before: validity.not_before(),
            });
        }
    }
}

/// What the signature of a certificate under its own key is.
#[derive(Clone, Copy)]
pub(super) enum OwnSignature {
    /// It was signed by another key, which is not judged here.
    None,
    Of(SignatureCheck),
}

impl OwnSignature {
    pub(super) fn of(keys: &KeyPolicy, certificate: &Certificate) -> Self {
        if certificate.names_own_key() != Some(true) {
            return Self::None;
        }
        let own_key = certificate.subject_public_key_info();
        Self::Of(keys.check_signature(own_key, certificate))
    }

    /// A self-signed certificate must have a signature that verifies, if the provider has the algorithm (rule I4). The
    /// signature on an authority is no part of path validation (RFC 5280 section 6.1). So an algorithm that the provider
    /// lacks, such as SHA-1, is no reason to refuse it.
    fn check(
        self,
        certificate: &Certificate,
        warnings: &mut Vec<StoreWarning>,
    ) -> Result<(), StoreError> {
        match self {
            Self::None | Self::Of(SignatureCheck::Verified) => Ok(()),
            Self::Of(SignatureCheck::Wrong) => Err(StoreError::WrongSelfSignature),
            Self::Of(SignatureCheck::Unsupported) => {
                let algorithm = certificate.signature_algorithm_name();
                warnings.push(StoreWarning::SelfSignatureUnsupported { algorithm });
                Ok(())
            }
        }
    }
}

/// An authority or intermediate must be able to issue (rule I2).
fn check_issuer(certificate: &Certificate) -> Result<(), StoreError> {
    if certificate.version() != 3 {
        return Err(StoreError::RoleNotStated {
            version: certificate.version(),
        });
    }
    if !certificate.is_ca() {
        return Err(StoreError::NotCa);
    }
    if certificate
        .key_usage()
        .is_some_and(|usage| !usage.key_cert_sign())
    {
        return Err(StoreError::NoKeyCertSign);
    }
    Ok(())
}

/// The extended key usage must allow the peer's role (rule I6).
pub(super) fn check_role(
    slot: Slot,
    scope: &Scope,
    certificate: &Certificate,
    options: &EntryOptions,
    warnings: &mut Vec<StoreWarning>,
) -> Result<(), StoreError> {
    let Some(usage) = certificate.extended_key_usage() else {
        return Ok(());
    };
    let never = |role| StoreError::CanNeverMatch {
        why: UnusablePinReason::ExtendedKeyUsage { role },
    };
    let Some(role) = scope.role() else {
        // An intermediate is used for servers and clients. webpki does not read anyExtendedKeyUsage in a path.
        return if usage.server_auth || usage.client_auth {
            Ok(())
        } else {
            Err(never(Role::Server))
        };
    };
    if usage.allows(role) {
        return Ok(());
    }
    if slot == Slot::Pin && options.is_any_role() {
        warnings.push(StoreWarning::RoleWaived);
        return Ok(());
    }
    Err(never(role))
}

/// The certificate must be usable in its slot and scope (rule I6).
fn check_use(
    slot: Slot,
    scope: &Scope,
    certificate: &Certificate,
    options: &EntryOptions,
    warnings: &mut Vec<StoreWarning>,
) -> Result<(), StoreError> {
    check_role(slot, scope, certificate, options, warnings)?;
    check_critical(slot, certificate)?;
    let readable = match slot {
        Slot::Pin => true,
        Slot::Authority => certificate.is_readable_as_anchor(),
        Slot::Intermediate => certificate.is_readable_in_path(),
    };
    if !readable {
        return Err(StoreError::CanNeverMatch {
            why: UnusablePinReason::Unreadable,
        });
    }
    Ok(())
}

fn check_critical(slot: Slot, certificate: &Certificate) -> Result<(), StoreError> {
    let unknown = match slot {
        Slot::Pin => certificate.unknown_critical_in_pin(),
        Slot::Authority | Slot::Intermediate => certificate.unknown_critical_in_ca(),
    };
    match unknown {
        None => Ok(()),
        Some(oid) => Err(StoreError::CanNeverMatch {
            why: UnusablePinReason::CriticalExtension { oid },
        }),
    }
}

/// Forms of name constraints that the path builder does not process, each once.
fn warn_of_constraints(certificate: &Certificate, warnings: &mut Vec<StoreWarning>) {
    let forms = certificate.constraints();
    for form in forms.filter_map(|subtree| unprocessed(subtree.form)) {
        let warning = StoreWarning::ConstraintForm { form };
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
}
