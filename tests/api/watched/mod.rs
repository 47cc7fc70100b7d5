//! The numbers of the feature `metrics`: what counts, what a gauge shows, and that a peer creates no series.

mod counters;
mod gauges;
mod page;
mod recorder;
