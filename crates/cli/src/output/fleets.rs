//! Errors of fleets, by where they come from.

use mutual_trust::error::{BundleError, MemberError};
use mutual_trust_fleet::{SettingError, TransportError};

use super::Failure;

impl From<&BundleError> for Failure {
    fn from(error: &BundleError) -> Self {
        Self::of("fleet", error)
    }
}

impl From<&MemberError> for Failure {
    fn from(error: &MemberError) -> Self {
        if let MemberError::Bundle(inner) = error {
            return inner.into();
        }
        if let MemberError::Durable(inner) = error {
            return inner.into();
        }
        let failure = Self::of("fleet", error);
        let is_state = matches!(
            error,
            MemberError::StateLost { .. }
                | MemberError::StateDamaged { .. }
                | MemberError::StateNotSealed { .. }
                | MemberError::StateOld { .. }
        );
        if is_state {
            let text = format!("{} (`fleet join --again SEQUENCE`)", failure.message());
            return Self::new(failure.kind(), text);
        }
        failure
    }
}

impl From<&TransportError> for Failure {
    fn from(error: &TransportError) -> Self {
        Self::of("transport", error)
    }
}

by_reference! {
    BundleError,
    MemberError,
    TransportError,
}

impl From<SettingError> for Failure {
    fn from(error: SettingError) -> Self {
        Self::of("setting", &error)
    }
}
