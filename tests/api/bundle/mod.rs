//! Signed trust sets: key sets, bundles, signatures, publications, and what a node takes of them.

pub mod common;
mod elsewhere;
mod forms;
mod happy;
mod parts;
mod refused;
mod rotation;
