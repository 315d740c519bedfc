//! The command line: what `holdfast` can be asked to do, and what it says to people.

mod admin;
mod banner;
mod commands;
mod doctor;
mod environment;
mod figures;
mod health;
mod invocation;
mod manual;
mod progress;
mod recover;
mod serve;
mod terminal;
mod trust;

pub use commands::main;
