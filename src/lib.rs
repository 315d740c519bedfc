#![doc = include_str!("ARCHITECTURE.md")]

pub mod admin;
pub mod cli;
pub mod config;
pub mod console;
pub mod http;
pub mod object;
pub mod runtime;
pub mod server;
pub mod telemetry;
pub mod types;
