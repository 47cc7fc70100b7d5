//! Calls of handlers that a service has set.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls a handler. A panic in it ends the call and nothing else: the panic hook of the process has reported it.
///
/// A handler is shared and is not changed by a call, so what a panic leaves behind is the handler's own.
pub(crate) fn call(handler: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(handler));
}
