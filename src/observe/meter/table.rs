//! The names of all metrics, with their kinds, units and meanings. `docs/METRICS.md` has the same table with the labels; a
//! test compares both with what is emitted.

use metrics::Unit;

use Kind::{Counter, Gauge};

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

type Row = (&'static str, Kind, Unit, &'static str);

const TABLE: &[Row] = &[
    (
        "mutual_trust_verdicts_total",
        Counter,
        Unit::Count,
        "Verdicts in handshakes.",
    ),
    (
        "mutual_trust_handshakes_total",
        Counter,
        Unit::Count,
        "Handshakes in which the peer presented a certificate: accepted if it also proved that it has the key.",
    ),
    (
        "mutual_trust_observations_dropped_total",
        Counter,
        Unit::Count,
        "Observations that a full queue dropped.",
    ),
    (
        "mutual_trust_publications_total",
        Counter,
        Unit::Count,
        "Snapshots that were put in force.",
    ),
    (
        "mutual_trust_enrolment_events_total",
        Counter,
        Unit::Count,
        "Steps of enrolment.",
    ),
    (
        "mutual_trust_renewals_total",
        Counter,
        Unit::Count,
        "Attempts to renew our own certificate.",
    ),
    (
        "mutual_trust_recorded_timestamp_seconds",
        Gauge,
        Unit::Seconds,
        "When the gauges of the store were last set.",
    ),
    (
        "mutual_trust_generation",
        Gauge,
        Unit::Count,
        "The generation in force.",
    ),
    (
        "mutual_trust_entries",
        Gauge,
        Unit::Count,
        "Installed entries: enabled, ended, or disabled.",
    ),
    (
        "mutual_trust_blocks",
        Gauge,
        Unit::Count,
        "Blocks in force.",
    ),
    (
        "mutual_trust_servers",
        Gauge,
        Unit::Count,
        "Servers in the store.",
    ),
    (
        "mutual_trust_servers_usable",
        Gauge,
        Unit::Count,
        "Servers that an installed entry can accept now.",
    ),
    (
        "mutual_trust_crls",
        Gauge,
        Unit::Count,
        "Installed revocation lists.",
    ),
    (
        "mutual_trust_crl_issuers_without_list",
        Gauge,
        Unit::Count,
        "Issuers whose certificates are all refused: they are checked, and no list is installed.",
    ),
    (
        "mutual_trust_entry_not_after_timestamp_seconds",
        Gauge,
        Unit::Seconds,
        "The notAfter of the installed certificate.",
    ),
    (
        "mutual_trust_entry_end_timestamp_seconds",
        Gauge,
        Unit::Seconds,
        "The first second at which the entry accepts nothing: after its certificate with its grace, or at the end that was set.",
    ),
    (
        "mutual_trust_migration_end_timestamp_seconds",
        Gauge,
        Unit::Seconds,
        "When the server must present a pin again.",
    ),
    (
        "mutual_trust_crl_next_update_timestamp_seconds",
        Gauge,
        Unit::Seconds,
        "The nextUpdate of the issuer's revocation list; of several scopes, the earliest.",
    ),
    (
        "mutual_trust_items_omitted",
        Gauge,
        Unit::Count,
        "Items of a metric that have no series, because there are too many.",
    ),
    (
        "mutual_trust_presented_not_after_timestamp_seconds",
        Gauge,
        Unit::Seconds,
        "The notAfter of the certificate with which the server was last accepted.",
    ),
    (
        "mutual_trust_server_accepted_timestamp_seconds",
        Gauge,
        Unit::Seconds,
        "When the server was last accepted.",
    ),
    (
        "mutual_trust_identity_not_after_timestamp_seconds",
        Gauge,
        Unit::Seconds,
        "The notAfter of our own certificate, and the earliest of the issuers that we present.",
    ),
    (
        "mutual_trust_renewal_success_timestamp_seconds",
        Gauge,
        Unit::Seconds,
        "When our own certificate was last renewed.",
    ),
    (
        "mutual_trust_healthy",
        Gauge,
        Unit::Count,
        "1 if nothing of the store needs attention, else 0.",
    ),
    (
        "mutual_trust_fault",
        Gauge,
        Unit::Count,
        "1 for each fault that needs attention, else 0.",
    ),
    (
        "mutual_trust_unsaved_blocks",
        Gauge,
        Unit::Count,
        "Blocks in force that a restart would lose.",
    ),
    (
        "mutual_trust_source_healthy",
        Gauge,
        Unit::Count,
        "1 if the followed source was taken over, else 0.",
    ),
    (
        "mutual_trust_source_success_timestamp_seconds",
        Gauge,
        Unit::Seconds,
        "When a poll last found the source whole and in force.",
    ),
    (
        "mutual_trust_source_failing_timestamp_seconds",
        Gauge,
        Unit::Seconds,
        "Since when the source fails.",
    ),
    (
        "mutual_trust_enrolment_open",
        Gauge,
        Unit::Count,
        "1 while unknown clients can wait, else 0.",
    ),
    (
        "mutual_trust_enrolment_pending",
        Gauge,
        Unit::Count,
        "Clients that wait for a decision.",
    ),
];

/// Tells the recorder the unit and the meaning of each metric, which exporters show as help.
///
/// Call it once, after the recorder is installed. The names, labels and meanings are in `docs/METRICS.md`.
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub fn describe_metrics() {
    for (name, kind, unit, meaning) in TABLE {
        match kind {
            Counter => metrics::describe_counter!(*name, *unit, *meaning),
            Gauge => metrics::describe_gauge!(*name, *unit, *meaning),
        }
    }
}
