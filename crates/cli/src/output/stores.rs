//! Errors of stores and folders, by where they come from.

use mutual_trust::error::{DurableError, FolderError, GuardedError, StoreFileError, WriteError};

use super::Failure;
use crate::plain;

impl From<&WriteError> for Failure {
    fn from(error: &WriteError) -> Self {
        match error {
            WriteError::Exists { path, .. } => {
                Self::new("write/Exists", plain::exists(path, "choose another name"))
            }
            _ => Self::of("write", error),
        }
    }
}

impl From<&DurableError> for Failure {
    fn from(error: &DurableError) -> Self {
        if let DurableError::BackupNotWritten(inner) = error {
            return inner.into();
        }
        if let DurableError::Store(inner) = error {
            return Self::of("store", inner);
        }
        if matches!(error, DurableError::Unwritable(StoreFileError::Sealed)) {
            let text = "the store is sealed: name the file of the seal's key with --seal-key";
            return Self::new("durable/Sealed", text);
        }
        if let DurableError::BackupSealed { path, .. } = error {
            let text = format!(
                "the backup {} is sealed: name the file of its seal's key with --seal-key; a store that is not sealed takes it after `store seal` with that key",
                plain::path(path)
            );
            return Self::new("durable/BackupSealed", text);
        }
        let is_locked = matches!(error, DurableError::Locked { .. });
        let mut failure = Self::of("durable", error);
        if is_locked {
            failure
                .message
                .push_str("; --wait SECONDS waits longer for it");
        }
        failure
    }
}

by_reference! {
    DurableError,
    WriteError,
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        if let FolderError::Rotation(inner) = &error {
            return Self::of("rotation", inner);
        }
        if let FolderError::Identity(inner) = error {
            return inner.into();
        }
        Self::of("folder", &error)
    }
}

impl From<GuardedError> for Failure {
    fn from(error: GuardedError) -> Self {
        if let GuardedError::Durable(inner) = error {
            return inner.into();
        }
        Self::of("plan", &error)
    }
}
