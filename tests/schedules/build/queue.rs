//! The queue of observations.

use super::copies::{Fault, Model};

const fn fault(name: &'static str, text: &'static str, instead: &'static str) -> Fault {
    Fault {
        name,
        file: "queue",
        text,
        instead,
    }
}

pub(crate) const MODEL: Model = Model {
    name: "queue",
    files: &["observe/queue"],
    swaps: &[
        ("std::sync::", "crate::queue::sync::"),
        ("use crate::certificate::", "use super::certificate::"),
        ("use crate::limits::", "use super::limits::"),
    ],
    faults: &[
        // Two senders find room for one.
        fault(
            "room_looked_at_first",
            "    counter.fetch_update(order, order, take).is_ok()
",
            "    let sum = take(counter.load(order));
    if sum.is_some() {
        counter.fetch_add(amount, order);
    }
    sum.is_some()
",
        ),
        // A reader gives back what was not taken yet.
        fault(
            "room_taken_after_the_sending",
            "        if self.counts.take(&observation) {
            match",
            "        let sent = observation.clone();
        if self.counts.take(&observation) {
            self.counts.give_back(&sent);
            match",
        ),
        fault(
            "room_taken_after_the_sending",
            "                Ok(()) => return,
",
            "                Ok(()) => {
                    self.counts.take(&sent);
                    return;
                }
",
        ),
        fault(
            "room_taken_after_the_sending",
            "                Err(full) => self.counts.give_back(match &full {
                    crate::queue::sync::mpsc::TrySendError::Full(observation)
                    | crate::queue::sync::mpsc::TrySendError::Disconnected(observation) => observation,
                }),
",
            "                Err(_) => {}
",
        ),
        // What does not fit keeps the room that it took.
        fault(
            "room_not_given_back",
            "                Err(full) => self.counts.give_back(match &full {
                    crate::queue::sync::mpsc::TrySendError::Full(observation)
                    | crate::queue::sync::mpsc::TrySendError::Disconnected(observation) => observation,
                }),
",
            "                Err(_) => {}
",
        ),
        // Of two that are dropped at once, one is counted.
        fault(
            "count_read_and_written",
            "        self.counts.dropped.fetch_add(1, Ordering::Relaxed);
",
            "        let dropped = self.counts.dropped.load(Ordering::Relaxed);
        self.counts.dropped.store(dropped + 1, Ordering::Relaxed);
",
        ),
        // A handshake waits for the reader.
        fault(
            "sender_waits",
            "match self.sender.try_send(observation) {",
            "match self.sender.send(observation).map_err(|error| crate::queue::sync::mpsc::TrySendError::Disconnected(error.0)) {",
        ),
        // A look waits for the thread that waits for an observation.
        fault(
            "look_waits",
            "        if let Some(receiver) = &*self.receiver() {
",
            "        let turn = self.free.wait_while(self.receiver(), |place| place.is_none());
        if let Some(receiver) = &*turn.unwrap() {
",
        ),
        // The other readers are not told that there is no sender any more.
        fault(
            "turn_kept_at_the_end",
            "        *self.receiver() = Some(receiver);
        self.free.notify_one();
        found.inspect",
            "        found.as_ref()?;
        *self.receiver() = Some(receiver);
        self.free.notify_one();
        found.inspect",
        ),
        // The next reader looks before it is its turn, and is not told again.
        fault(
            "told_before_the_turn",
            "        *self.receiver() = Some(receiver);
        self.free.notify_one();
        found.inspect",
            "        self.free.notify_one();
        *self.receiver() = Some(receiver);
        found.inspect",
        ),
    ],
};
