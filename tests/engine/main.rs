//! The engine on real drives in temporary folders: what is stored comes back, whatever happens to drives.

mod cluster;
mod faults;
mod objects;
mod setup;
