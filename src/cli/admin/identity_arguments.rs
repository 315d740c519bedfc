//! The words of `holdfast admin user`, `group` and `policy`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// List the users of the account
    List {
        /// Print what the server says of them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a user has: keys, groups, policies
    Show {
        /// Its name
        user: String,
        /// Print what the server says of it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a user and its first access key, whose secret is shown this once
    Add {
        /// Its name
        user: String,
        /// Policy that it gets, by name or ARN; may be repeated
        #[arg(long, value_name = "POLICY")]
        policy: Vec<String>,
        /// Group that it is in; may be repeated
        #[arg(long, value_name = "GROUP")]
        group: Vec<String>,
    },
    /// Remove a user with its access keys and all that it is allowed
    Remove {
        /// Its name
        user: String,
    },
    /// Give a user a policy
    Attach {
        /// Its name
        user: String,
        /// The policy, by name or ARN
        policy: String,
    },
    /// Take a policy from a user
    Detach {
        /// Its name
        user: String,
        /// The policy, by name or ARN
        policy: String,
    },
    /// Make one more access key for a user; its secret is shown this once
    Key {
        /// Its name
        user: String,
    },
    /// Let an access key of a user, or of a program, be used again
    EnableKey {
        /// The access key
        key: String,
    },
    /// Let an access key of a user, or of a program, no longer be used
    DisableKey {
        /// The access key
        key: String,
    },
    /// Remove an access key of a user, or of a program
    RemoveKey {
        /// The access key
        key: String,
    },
    /// Access keys of programs, with a policy of their own and an end
    Service {
        #[command(subcommand)]
        command: ServiceCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ServiceCommand {
    /// List those of a user
    List {
        /// The user's name
        user: String,
    },
    /// Make one; its secret is shown this once
    Add {
        /// The user's name
        user: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// File with the policy that it has at most, of all that its user may
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// When it ends, as 2030-01-31T00:00:00Z
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// Remove one
    Remove {
        /// Its access key
        key: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum GroupCommand {
    /// List the groups of the account
    List {
        /// Print what the server says of them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a group
    Add {
        /// Its name
        group: String,
        /// Policy that its users get, by name or ARN; may be repeated
        #[arg(long, value_name = "POLICY")]
        policy: Vec<String>,
    },
    /// Remove a group that has no users and no policies
    Remove {
        /// Its name
        group: String,
    },
    /// Take a user into a group
    Join {
        /// The group's name
        group: String,
        /// The user's name
        user: String,
    },
    /// Take a user out of a group
    Leave {
        /// The group's name
        group: String,
        /// The user's name
        user: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// List the policies that can be given
    List {
        /// Print what the server says of them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a policy says
    Show {
        /// Its name or ARN
        policy: String,
    },
    /// Make a policy
    Add {
        /// Its name
        policy: String,
        /// File with the document
        file: PathBuf,
    },
    /// Remove a policy that nobody has
    Remove {
        /// Its name or ARN
        policy: String,
    },
    /// Tell what a user, a role or the users of a group could do, without doing it
    Simulate {
        /// A user's name, role/NAME, group/NAME, or an ARN
        principal: String,
        /// Actions, as s3:GetObject
        #[arg(required = true)]
        actions: Vec<String>,
        /// ARN that it is about; may be repeated [default: *]
        #[arg(long, value_name = "ARN")]
        resource: Vec<String>,
        /// Value of a condition key; may be repeated
        #[arg(long, value_name = "KEY=VALUE")]
        context: Vec<String>,
    },
}
