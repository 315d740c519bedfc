//! The commands and their flags.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use super::{admin, doctor, environment, health, manual, recover, serve};
use crate::config::{RoleName, Settings};

/// S3-compatible object store: durable by default, erasure-coded, complete in one binary.
#[derive(Debug, Parser)]
#[command(name = "holdfast", version, propagate_version = true, max_term_width = 110)]
pub(super) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve S3 from local drives: everything in one process
    Serve(Box<Settings>),
    /// Serve drives to gateways over the network
    Node(Box<Settings>),
    /// Serve S3 from the drives of storage nodes
    Gateway(Box<Settings>),
    /// Print the shell commands that point aws-cli and SDKs here: eval "$(holdfast env)"
    Env(Box<Settings>),
    /// Ask a server on this machine whether it is ready; the exit code is the answer
    Health(Box<Settings>),
    /// Check drives, disks, addresses and credentials, with the server running or not; exit code 1 asks for action
    Doctor(Box<doctor::Doctor>),
    /// Rebuild the metadata database from the drives, with the server stopped, and tell what is whole
    Recover(Box<recover::Recover>),
    /// Look at and change a running deployment: status, drives, nodes, rebalance, scrub, objects at risk
    Admin(Box<admin::Admin>),
    /// Print the version
    Version,
    /// Print the completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// Settings of the key service.
const OF_KEY_SERVICE: &[&str] = &[
    "kms_url",
    "kms_token",
    "kms_token_file",
    "kms_role_id",
    "kms_secret_id_file",
    "kms_mount",
    "kms_key",
    "kms_remember",
];

/// Settings that a command has no use for: hidden from its help and refused as its flags.
fn foreign_to(command: &str) -> impl Iterator<Item = &'static str> {
    let of_key_service: &[&str] = match command {
        "node" | "recover" | "env" | "health" => OF_KEY_SERVICE,
        _ => &[],
    };
    foreign_alone(command).iter().chain(of_key_service).copied()
}

fn foreign_alone(command: &str) -> &'static [&'static str] {
    match command {
        "serve" => &["node", "zone", "cluster_secret", "cluster_secret_file"],
        "node" => &[
            "console_address",
            "state",
            "node",
            "bucket",
            "region",
            "domain",
            "signature_v2",
            "sse_c_over_http",
            "new_buckets",
            "public_url",
            "tls_cert",
            "tls_key",
            "tls_folder",
            "tls_ca",
            "root_access_key",
            "root_access_key_file",
            "root_secret_key",
            "root_secret_key_file",
            "encryption_key",
            "encryption_key_file",
            "storage_class",
        ],
        "gateway" => &["drives", "zone"],
        "doctor" => &[
            "zone",
            "bucket",
            "region",
            "domain",
            "signature_v2",
            "sse_c_over_http",
            "new_buckets",
            "public_url",
            "cluster_secret",
            "cluster_secret_file",
            "encryption_key",
            "encryption_key_file",
            "log_level",
            "log_format",
            "storage_class",
        ],
        "recover" => &[
            "address",
            "console_address",
            "bucket",
            "region",
            "domain",
            "signature_v2",
            "sse_c_over_http",
            "new_buckets",
            "public_url",
            "tls_cert",
            "tls_key",
            "tls_folder",
            "tls_ca",
            "state",
            "node",
            "zone",
            "cluster_secret",
            "cluster_secret_file",
            "root_access_key",
            "root_access_key_file",
            "root_secret_key",
            "root_secret_key_file",
            "encryption_key",
            "encryption_key_file",
            "log_level",
            "log_format",
            "storage_class",
        ],
        "env" | "health" => &[
            "bucket",
            "domain",
            "signature_v2",
            "sse_c_over_http",
            "new_buckets",
            "node",
            "zone",
            "cluster_secret",
            "cluster_secret_file",
            "encryption_key",
            "encryption_key_file",
            "log_level",
            "log_format",
            "storage_class",
        ],
        _ => &[],
    }
}

/// The command line with the flags of each command.
pub(super) fn command_line() -> clap::Command {
    let mut command = Cli::command();
    for name in ["serve", "node", "gateway", "env", "health", "doctor", "recover"] {
        command = command.mut_subcommand(name, |sub| {
            foreign_to(name).fold(sub, |sub, id| sub.mut_arg(id, |arg| arg.hide(true)))
        });
    }
    command.after_help(
        "Every flag of serve, node and gateway can be a variable (--console-address is HOLDFAST_CONSOLE_ADDRESS)\n\
         or a key of the TOML file (console_address). Flags win over variables, variables over the file.",
    )
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let matches = command_line().get_matches();
    if let Err(complaint) = refuse_foreign(&matches) {
        eprintln!("holdfast: {complaint}");
        return ExitCode::from(2);
    }
    let cli = match <Cli as clap::FromArgMatches>::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let done = match cli.command {
        Command::Serve(settings) => serve::run(RoleName::Serve, *settings),
        Command::Node(settings) => serve::run(RoleName::Node, *settings),
        Command::Gateway(settings) => serve::run(RoleName::Gateway, *settings),
        Command::Env(settings) => environment::run(*settings),
        Command::Health(settings) => health::run(*settings),
        Command::Doctor(doctor) => doctor::run(*doctor),
        Command::Recover(recover) => recover::run(*recover),
        Command::Admin(admin) => admin::run(*admin),
        Command::Version => {
            println!("holdfast {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut command_line(), "holdfast", &mut std::io::stdout());
            Ok(())
        }
        Command::Man => manual::print(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("holdfast: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn refuse_foreign(matches: &clap::ArgMatches) -> Result<(), String> {
    let Some((command, matches)) = matches.subcommand() else { return Ok(()) };
    let given = |id: &&str| matches.value_source(id) == Some(clap::parser::ValueSource::CommandLine);
    match foreign_to(command).find(given) {
        None => Ok(()),
        Some("drives") => {
            Err(format!("`holdfast {command}` takes no drives; name nodes with --node HOST:PORT"))
        }
        Some(id) => {
            Err(format!("`holdfast {command}` has no use for --{}; leave it out", id.replace('_', "-")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command_line().debug_assert();
    }

    #[test]
    fn a_flag_of_another_role_is_refused_with_a_sentence() {
        let refused = |line: &[&str]| refuse_foreign(&command_line().try_get_matches_from(line).unwrap());
        assert!(refused(&["holdfast", "serve", "--node", "n:1"]).unwrap_err().contains("--node"));
        assert!(refused(&["holdfast", "gateway", "./d1", "--node", "n:1"]).unwrap_err().contains("drives"));
        assert_eq!(refused(&["holdfast", "serve", "./d1", "--bucket", "photos"]), Ok(()));
    }
}
