//! The command without the features `http` and `etcd`: files and folders need no link.

use clap::Args;

/// Nothing is needed.
#[derive(Args, Debug)]
pub(crate) struct LinkArguments {}
