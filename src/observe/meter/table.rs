//! The names of all metrics, with their kinds and meanings. `docs/METRICS.md` has the same table with the labels; a
//! test compares both with what is emitted.

use metrics::Unit;

use crate::certificate::Role;

use Kind::{Counter, Gauge};

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

type Row = (&'static str, Kind, &'static str);

const TABLE: &[Row] = &[
    (
        "mutual_trust_verdicts_total",
        Counter,
        "Verdicts in handshakes.",
    ),
    (
        "mutual_trust_handshakes_total",
        Counter,
        "Handshakes in which the peer presented a certificate: accepted if it also proved that it has the key.",
    ),
    (
        "mutual_trust_observations_dropped_total",
        Counter,
        "Observations that a full queue dropped.",
    ),
    (
        "mutual_trust_publications_total",
        Counter,
        "Snapshots that were put in force.",
    ),
    (
        "mutual_trust_enrolment_events_total",
        Counter,
        "Steps of enrolment.",
    ),
    (
        "mutual_trust_renewals_total",
        Counter,
        "Attempts to renew our own certificate.",
    ),
    (
        "mutual_trust_recorded_timestamp_seconds",
        Gauge,
        "When the gauges of the store were last set.",
    ),
    ("mutual_trust_generation", Gauge, "The generation in force."),
    (
        "mutual_trust_entries",
        Gauge,
        "Installed entries: enabled, ended, or disabled.",
    ),
    ("mutual_trust_blocks", Gauge, "Blocks in force."),
    ("mutual_trust_servers", Gauge, "Servers in the store."),
    (
        "mutual_trust_servers_usable",
        Gauge,
        "Servers that an installed entry can accept now.",
    ),
    ("mutual_trust_crls", Gauge, "Installed revocation lists."),
    (
        "mutual_trust_crl_issuers_without_list",
        Gauge,
        "Issuers whose certificates are all refused: they are checked, and no list is installed.",
    ),
    (
        "mutual_trust_entry_not_after_timestamp_seconds",
        Gauge,
        "The notAfter of the installed certificate.",
    ),
    (
        "mutual_trust_entry_end_timestamp_seconds",
        Gauge,
        "The first second at which the entry accepts nothing: after its certificate with its grace, or at the end that was set.",
    ),
    (
        "mutual_trust_migration_end_timestamp_seconds",
        Gauge,
        "When the server must present a pin again.",
    ),
    (
        "mutual_trust_crl_next_update_timestamp_seconds",
        Gauge,
        "The nextUpdate of the issuer's revocation list; of several scopes, the earliest.",
    ),
    (
        "mutual_trust_items_omitted",
        Gauge,
        "Items of a metric that have no series, because there are too many.",
    ),
    (
        "mutual_trust_presented_not_after_timestamp_seconds",
        Gauge,
        "The notAfter of the certificate with which the server was last accepted.",
    ),
    (
        "mutual_trust_server_accepted_timestamp_seconds",
        Gauge,
        "When the server was last accepted.",
    ),
    (
        "mutual_trust_identity_not_after_timestamp_seconds",
        Gauge,
        "The notAfter of our own certificate, and the earliest of the issuers that we present.",
    ),
    (
        "mutual_trust_renewal_success_timestamp_seconds",
        Gauge,
        "When our own certificate was last renewed.",
    ),
    (
        "mutual_trust_healthy",
        Gauge,
        "1 if nothing of the store needs attention, else 0.",
    ),
    (
        "mutual_trust_fault",
        Gauge,
        "1 for each fault that needs attention, else 0.",
    ),
    (
        "mutual_trust_unsaved_blocks",
        Gauge,
        "Blocks in force that a restart would lose.",
    ),
    (
        "mutual_trust_source_healthy",
        Gauge,
        "1 if the followed source was taken over, else 0.",
    ),
    (
        "mutual_trust_source_success_timestamp_seconds",
        Gauge,
        "When a poll last found the source whole and in force.",
    ),
    (
        "mutual_trust_source_failing_timestamp_seconds",
        Gauge,
        "Since when the source fails.",
    ),
    (
        "mutual_trust_enrolment_open",
        Gauge,
        "1 while unknown clients can wait, else 0.",
    ),
    (
        "mutual_trust_enrolment_pending",
        Gauge,
        "Clients that wait for a decision.",
    ),
];

/// Tells the recorder the meaning of each metric, which exporters show as help, and the unit of times. The counters of
/// handshakes begin with zero, so that the first refusal is a rise.
///
/// Call it once, after the recorder is installed. The names, labels and meanings are in `docs/METRICS.md`.
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub fn describe_metrics() {
    for (name, kind, meaning) in TABLE {
        // A count has no unit: exporters can add the unit to the name.
        match (kind, name.ends_with("_seconds")) {
            (Counter, _) => metrics::describe_counter!(*name, *meaning),
            (Gauge, false) => metrics::describe_gauge!(*name, *meaning),
            (Gauge, true) => metrics::describe_gauge!(*name, Unit::Seconds, *meaning),
        }
    }
    for role in [Role::Server, Role::Client] {
        for is_accepted in [true, false] {
            super::handshakes(role, is_accepted).increment(0);
        }
    }
}
