//! Which server is tried next, and when: each rule by itself, every small world, and long random ones.

mod every_world;
mod outcomes;
mod random_worlds;
mod rules;
mod world;
