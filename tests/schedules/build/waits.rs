//! The pointer to the snapshot in force, and those who wait for it.

use super::copies::{Fault, Model};

pub(crate) const MODEL: Model = Model {
    name: "waits",
    files: &["store/live", "store/waiters"],
    swaps: &[
        ("use std::sync::{", "use crate::waits::sync::{"),
        ("use crate::store::", "use super::"),
    ],
    faults: &[
        // Tasks are woken before there is something new.
        Fault {
            name: "woken_before_the_swap",
            file: "live",
            text: "        let old = self.0.view.replace(view);\n",
            instead: "        self.0.waiters.wake_all();\n        let old = self.0.view.replace(view);\n",
        },
        Fault {
            name: "woken_before_the_swap",
            file: "live",
            text: "        self.0.published.notify_all();\n        self.0.waiters.wake_all();\n",
            instead: "        self.0.published.notify_all();\n",
        },
        // A task looks first and then leaves its waker: what comes between is missed.
        Fault {
            name: "looked_before_the_waker",
            file: "waiters",
            text: "        this.key = Some(this.waiters.put(this.key, context.waker()));\n        match (this.ready)() {\n",
            instead: "        let found = (this.ready)();\n        this.key = Some(this.waiters.put(this.key, context.waker()));\n        match found {\n",
        },
        // Threads are woken before there is something new, and the lock is open in between.
        Fault {
            name: "told_before_the_swap",
            file: "live",
            text: "        // No code that can panic runs under the lock, so a poisoned lock does not affect the number.\n        let generation = self.0.generation.lock();\n        let mut generation = generation.unwrap_or_else(PoisonError::into_inner);\n        if offered <= *generation {",
            instead: "        let generation = self.0.generation.lock();\n        drop(generation);\n        self.0.published.notify_all();\n        let generation = self.0.generation.lock();\n        let mut generation = generation.unwrap_or_else(PoisonError::into_inner);\n        if offered <= *generation {",
        },
        Fault {
            name: "told_before_the_swap",
            file: "live",
            text: "        self.0.published.notify_all();\n        self.0.waiters.wake_all();\n",
            instead: "        self.0.waiters.wake_all();\n",
        },
    ],
};
