//! Signed trust sets: key sets, bundles, signatures, publications, and what a node takes of them.

mod common;
mod happy;
