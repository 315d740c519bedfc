//! The command line: what `holdfast` can be asked to do, and what it says to people.

mod banner;
mod commands;
mod environment;
mod health;
mod invocation;
mod manual;
mod serve;

pub use commands::main;
