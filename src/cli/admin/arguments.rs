//! The words of `holdfast admin`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::identity_arguments::{GroupCommand, PolicyCommand, UserCommand};
use crate::config::Settings;
use crate::iam::Secret;
use crate::types::{BucketQuota, InvalidQuota};

/// See the module's head.
#[derive(Debug, Args)]
pub(crate) struct Admin {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: AdminCommand,
}

/// Which server, and as whom. All of it is found by itself in the folder where the server was started.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Connection {
    /// Address or URL of the server's console [default: of the server that was started last with this state folder]
    #[arg(long, global = true, value_name = "IP:PORT", help_heading = "Connection")]
    console_address: Option<String>,

    /// Certificates to trust beside those of the system, in PEM form
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection")]
    tls_ca: Option<PathBuf>,

    /// The server's state folder, which has its credentials [default: .holdfast beside the first drive]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Connection")]
    state: Option<PathBuf>,

    /// TOML file of the server [default: ./holdfast.toml if it exists]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection")]
    config: Option<PathBuf>,

    /// Access key of root
    #[arg(long, global = true, value_name = "TEXT", help_heading = "Connection")]
    root_access_key: Option<String>,

    /// File with the access key of root
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection")]
    root_access_key_file: Option<PathBuf>,

    /// Secret key of root; prefer the file or the variable, others can see flags
    #[arg(long, global = true, value_name = "TEXT", help_heading = "Connection")]
    root_secret_key: Option<Secret>,

    /// File with the secret key of root
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection")]
    root_secret_key_file: Option<PathBuf>,
}

impl Connection {
    /// The same as settings of a server.
    pub(super) fn settings(self) -> Settings {
        Settings {
            console_address: self.console_address,
            tls_ca: self.tls_ca,
            state: self.state,
            config: self.config,
            root_access_key: self.root_access_key,
            root_access_key_file: self.root_access_key_file,
            root_secret_key: self.root_secret_key,
            root_secret_key_file: self.root_secret_key_file,
            ..Settings::default()
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Show health, drives, redundancy and background work; on a terminal anew each second
    Status {
        /// Print the server's answer as JSON
        #[arg(long)]
        json: bool,
        /// Print once and end, also on a terminal
        #[arg(long)]
        once: bool,
    },
    /// List, add, drain, remove and replace drives
    Drive {
        #[command(subcommand)]
        command: DriveCommand,
    },
    /// List, add, drain and remove storage nodes
    Node {
        #[command(subcommand)]
        command: NodeCommand,
    },
    /// List buckets, and give them a parity, a quota or a search index
    Bucket {
        #[command(subcommand)]
        command: BucketCommand,
    },
    /// List, make, rotate, enable, disable and delete the keys that objects are encrypted under
    Keyring {
        #[command(subcommand)]
        command: KeyringCommand,
    },
    /// List, add and remove accounts
    Account {
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// List, add, switch off and remove access keys of accounts
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// List, show, make and remove users of the account, their access keys and those of programs
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// List, make and remove groups of users
    Group {
        #[command(subcommand)]
        command: GroupCommand,
    },
    /// List, show, make, remove and try out policies
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Take over users, groups, policies and service accounts of another server
    Import {
        #[command(subcommand)]
        command: ImportCommand,
    },
    /// Tell why a request of late was denied
    Why {
        /// The id that its answer named: x-amz-request-id
        request_id: String,
        /// Print the server's answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Even out how full the drives are
    Rebalance {
        /// End what is under way
        #[arg(long)]
        stop: bool,
        #[command(flatten)]
        flags: ChangeFlags,
    },
    /// Tell how far the reading of all shards is, or begin it now
    Scrub {
        /// Read every shard now, without waiting for its turn
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        flags: ChangeFlags,
    },
    /// Tell how far healing is, begin it now, or pause it for some time
    Heal {
        /// Rebuild what is missing now, and end a pause
        #[arg(long)]
        now: bool,
        /// Pause for so many minutes, a day at most; objects that could not bear another loss are healed all the same
        #[arg(long, value_name = "MINUTES", conflicts_with = "now", value_parser = clap::value_parser!(u64).range(1..=1440))]
        pause: Option<u64>,
        #[command(flatten)]
        flags: ChangeFlags,
    },
    /// Show who is told of changes, what waits for them, and how deliveries go
    Events {
        /// Print the server's answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// List the objects that the loss of one more drive could cost
    Risk(RiskArguments),
}

#[derive(Debug, Subcommand)]
pub(super) enum ImportCommand {
    /// Take over what a MinIO server has, with its secrets; what is here already is left alone
    MinioIam {
        /// The archive that `mc admin cluster iam export` wrote
        file: PathBuf,
        /// Only tell what would be done
        #[arg(long)]
        dry_run: bool,
        /// Print the server's answer as JSON
        #[arg(long)]
        json: bool,
    },
}

/// How a change is made.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ChangeFlags {
    /// Only tell what would be done
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print the server's answer as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Wait until it is done, with a progress bar
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) wait: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum DriveCommand {
    /// List the drives
    List {
        /// Print the server's answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a drive to the deployment
    Add {
        /// Folder of the drive; for a gateway HOST:PORT:/FOLDER
        location: String,
        #[command(flatten)]
        flags: ChangeFlags,
    },
    /// Move all that a drive holds to others
    Drain {
        /// The drive's slot, as `drive list` shows it
        slot: u16,
        #[command(flatten)]
        flags: ChangeFlags,
    },
    /// Take a drive out of the deployment
    Remove {
        /// The drive's slot, as `drive list` shows it
        slot: u16,
        #[command(flatten)]
        flags: ChangeFlags,
    },
    /// Put another drive in a slot
    Replace {
        /// The slot, as `drive list` shows it
        slot: u16,
        /// Folder of the new drive; for a gateway HOST:PORT:/FOLDER
        location: String,
        #[command(flatten)]
        flags: ChangeFlags,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum NodeCommand {
    /// List the storage nodes
    List {
        /// Print the server's answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Add all blank drives that a storage node lists to the deployment
    Add {
        /// HOST:PORT
        address: String,
        #[command(flatten)]
        flags: ChangeFlags,
    },
    /// Move all that a node holds to others, then let its drives go
    Drain {
        /// HOST:PORT
        address: String,
        #[command(flatten)]
        flags: ChangeFlags,
    },
    /// Give up a node that is lost; what it held is rebuilt on others
    Remove {
        /// HOST:PORT
        address: String,
        #[command(flatten)]
        flags: ChangeFlags,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum BucketCommand {
    /// List the buckets, their quotas, their parity, and what is to be encoded anew
    List {
        /// Print the server's answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a bucket a parity: new objects have it at once, the others are encoded anew in the background
    Parity {
        /// The bucket's name
        bucket: String,
        /// Data and parity shards as 4+2, or `default` for the deployment's
        #[arg(value_name = "K+M")]
        parity: String,
        #[command(flatten)]
        flags: ChangeFlags,
    },
    /// Make a bucket searchable, with an index that is built in the background, or end that
    Search {
        /// The bucket's name
        bucket: String,
        /// Whether it can be searched
        searched: Switch,
    },
    /// Bound the bytes that a bucket may hold, all versions together; writes beyond are refused
    Quota {
        /// The bucket's name
        bucket: String,
        /// A number of bytes as 500GB or 10GiB, or `none` for any number
        #[arg(value_name = "SIZE")]
        quota: WantedQuota,
    },
}

/// A number of bytes, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WantedQuota(pub(super) Option<u64>);

impl std::str::FromStr for WantedQuota {
    type Err = InvalidQuota;

    fn from_str(text: &str) -> Result<Self, InvalidQuota> {
        let quota = if text == "none" { None } else { Some(text.parse::<BucketQuota>()?.bytes) };
        Ok(Self(quota))
    }
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

/// What to do with named encryption keys.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum KeyringCommand {
    /// List the keys
    List {
        /// Print the server's answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a key, which clients name as x-amz-server-side-encryption-aws-kms-key-id
    Create {
        /// Its name
        id: String,
    },
    /// Give a key a new version, which encrypts new objects; what older versions encrypted stays readable
    Rotate {
        /// Its name
        id: String,
    },
    /// Let a key be used again
    Enable {
        /// Its name
        id: String,
    },
    /// Let a key no longer be used: objects under it can neither be written nor read until it is enabled
    Disable {
        /// Its name
        id: String,
    },
    /// Have a key deleted after some days, in which it cannot be used but be kept after all; then objects under it are lost
    Delete {
        /// Its name
        id: String,
        /// Days until then, from 7 to 30
        #[arg(long, default_value_t = 30)]
        days: u64,
    },
    /// Keep a key that was to be deleted; it is disabled then
    Keep {
        /// Its name
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// List the accounts
    List {
        /// Print the server's answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make an account and its first access key, whose secret is shown this once
    Add {
        /// Its name
        name: String,
        /// Its address, by which ACLs may name it
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// Print the server's answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove an account that owns no bucket, and its access keys
    Remove {
        /// Its 12 digits, as `account list` shows them
        account: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// List the access keys of accounts; that of the configuration is not among them
    List {
        /// Print the server's answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make one more access key for an account; its secret is shown this once
    Add {
        /// The account's 12 digits, as `account list` shows them
        account: String,
        /// Print the server's answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Have an access key believed no longer
    Disable {
        /// The access key
        key: String,
    },
    /// Have an access key believed again
    Enable {
        /// The access key
        key: String,
    },
    /// Remove an access key
    Remove {
        /// The access key
        key: String,
    },
}

/// Which page of the objects at risk.
#[derive(Debug, Clone, Args)]
pub(super) struct RiskArguments {
    /// Go on after the last page: the text that it ended with
    #[arg(long, value_name = "TEXT")]
    pub(super) after: Option<String>,
    /// Most objects to list
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    pub(super) max: usize,
    /// Print the server's answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}
