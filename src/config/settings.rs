//! What flags, variables and the file say, before it is understood.
//!
//! One struct is all three: a variable `HOLDFAST_CONSOLE_ADDRESS` and a key `console_address` are read
//! by the parser of the flag `--console-address`, so that none of them can know a word the others do not.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, Command, FromArgMatches};
use serde::{Deserialize, Serialize, Serializer};

use super::ConfigError;
use super::error::Nearest;
use crate::iam::Secret;

/// The variables of the process, taken once.
pub type Environment = BTreeMap<String, String>;

/// The file that is read when it exists and none was named.
const FILE_DEFAULT: &str = "holdfast.toml";

/// Every setting, each of them possibly not said.
#[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Drive folders; patterns like ./data/drive{1...4} are expanded [default: ./data/drive{1...4}]
    #[arg(value_name = "DRIVE", value_delimiter = ',')]
    pub drives: Vec<String>,

    /// TOML file with the same names as these flags, `_` for `-` [default: ./holdfast.toml if it exists]
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,

    /// Address to serve on [default: 127.0.0.1:9000, for a node 127.0.0.1:9100]
    #[arg(long, value_name = "IP:PORT")]
    pub address: Option<String>,

    /// Address of console, admin API and metrics; `off` for none [default: 127.0.0.1:9001]
    #[arg(long, value_name = "IP:PORT")]
    pub console_address: Option<String>,

    /// Address where buckets with a website configuration are served to anybody, by their host [default: none]
    #[arg(long, value_name = "IP:PORT")]
    pub website_address: Option<String>,

    /// Domain for websites, BUCKET.DOMAIN, on every address; may be repeated [default: none]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub website_domain: Vec<String>,

    /// Bucket to make at start; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub bucket: Vec<String>,

    /// Region that clients sign for [default: local; us-east-1 is accepted too]
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,

    /// Domain for virtual-host addressing, BUCKET.DOMAIN; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub domain: Vec<String>,

    /// Believe signature version 2 too, for clients that know no other: on or off [default: off]
    #[arg(long, value_name = "on|off", num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    pub signature_v2: Option<String>,

    /// Take encryption keys of clients (SSE-C) without TLS too: on or off [default: off]
    #[arg(long, value_name = "on|off", num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    pub sse_c_over_http: Option<String>,
    /// What new buckets are like: acls (ACLs can be used) or closed (no ACLs, nothing public, as on AWS) [default: acls]
    #[arg(long, value_name = "acls|closed")]
    pub new_buckets: Option<String>,

    /// URL by which clients reach this server, shown to them [default: from --address]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,

    /// Certificate chain in PEM form; S3, console and admin API are then served over TLS alone
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of --tls-cert in PEM form
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Folder of certificates by host name: NAME.crt with NAME.key, or folders as of certbot and Kubernetes
    #[arg(long, value_name = "DIR")]
    pub tls_folder: Option<PathBuf>,

    /// Authorities and certificates, in PEM form, that are believed beside those of the system: by client commands, and by a
    /// server that talks to webhooks or a key service
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,

    /// Folder for credentials and for a gateway's database [default: .holdfast beside the first drive; for a gateway ./data/gateway]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,

    /// Storage node of a gateway; may be repeated
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    pub node: Vec<String>,

    /// What fails together with this node: its rack, room or site; shards are spread over zones [default: none]
    #[arg(long, value_name = "NAME")]
    pub zone: Option<String>,

    /// Secret that gateways and nodes share; prefer the file or the variable, others can see flags
    #[arg(long, value_name = "TEXT")]
    #[serde(serialize_with = "hidden")]
    pub cluster_secret: Option<Secret>,

    /// File with the cluster secret
    #[arg(long, value_name = "FILE")]
    pub cluster_secret_file: Option<PathBuf>,

    /// Access key of root [default: random, made at the first start]
    #[arg(long, value_name = "TEXT")]
    pub root_access_key: Option<String>,

    /// File with the access key of root
    #[arg(long, value_name = "FILE")]
    pub root_access_key_file: Option<PathBuf>,

    /// Secret key of root; prefer the file or the variable, others can see flags
    #[arg(long, value_name = "TEXT")]
    #[serde(serialize_with = "hidden")]
    pub root_secret_key: Option<Secret>,

    /// File with the secret key of root
    #[arg(long, value_name = "FILE")]
    pub root_secret_key_file: Option<PathBuf>,

    /// Key of 64 hexadecimal digits under which encryption keys are sealed; prefer the file or the variable [default: random, made at the first start]
    #[arg(long, value_name = "HEX")]
    #[serde(serialize_with = "hidden")]
    pub encryption_key: Option<Secret>,

    /// File with the encryption key
    #[arg(long, value_name = "FILE")]
    pub encryption_key_file: Option<PathBuf>,

    /// Key service for SSE-KMS, the transit engine of Vault or OpenBao: its http or https URL [default: none]
    #[arg(long, value_name = "URL")]
    pub kms_url: Option<String>,

    /// Token for the key service; prefer the file or the variable, others can see flags
    #[arg(long, value_name = "TEXT")]
    #[serde(serialize_with = "hidden")]
    pub kms_token: Option<Secret>,

    /// File with the token for the key service, read again when it is no longer believed
    #[arg(long, value_name = "FILE")]
    pub kms_token_file: Option<PathBuf>,

    /// Role for the key service (AppRole), instead of a token
    #[arg(long, value_name = "TEXT")]
    pub kms_role_id: Option<String>,

    /// File with the secret id of the role
    #[arg(long, value_name = "FILE")]
    pub kms_secret_id_file: Option<PathBuf>,

    /// Where the transit engine is mounted [default: transit]
    #[arg(long, value_name = "PATH")]
    pub kms_mount: Option<String>,

    /// Key of the key service for those who ask for SSE-KMS and name none [default: holdfast]
    #[arg(long, value_name = "NAME")]
    pub kms_key: Option<String>,

    /// Seconds that a data key of the key service is remembered; 0 asks for it each time [default: 300]
    #[arg(long, value_name = "SECONDS")]
    pub kms_remember: Option<String>,

    /// Where buckets may send events: a name and an http or https URL; may be repeated. Buckets name it by arn:holdfast:sqs::ID:webhook
    #[arg(long, value_name = "ID=URL", value_delimiter = ',')]
    pub webhook: Vec<String>,

    /// File with the token that a webhook is shown as `Authorization: Bearer`; may be repeated
    #[arg(long, value_name = "ID=FILE", value_delimiter = ',')]
    pub webhook_token_file: Vec<String>,

    /// Identity provider (OpenID Connect) whom roles may trust and whose people sign in to the console: a name and its URL; may be repeated
    #[arg(long, value_name = "ID=ISSUER_URL", value_delimiter = ',')]
    pub oidc: Vec<String>,

    /// What this deployment is called at an identity provider; may be repeated
    #[arg(long, value_name = "ID=CLIENT_ID", value_delimiter = ',')]
    pub oidc_client: Vec<String>,

    /// File with the client's secret at an identity provider, where it has one; may be repeated
    #[arg(long, value_name = "ID=FILE", value_delimiter = ',')]
    pub oidc_secret_file: Vec<String>,

    /// Claim of an identity provider that names roles for those who sign in to the console [default: roles]
    #[arg(long, value_name = "ID=CLAIM", value_delimiter = ',')]
    pub oidc_roles_claim: Vec<String>,

    /// Scopes asked of an identity provider beside openid, with + between [default: profile+email]
    #[arg(long, value_name = "ID=SCOPES", value_delimiter = ',')]
    pub oidc_scopes: Vec<String>,

    /// Directory whose people take roles and sign in to the console by name and password: its ldaps URL, or an ldap URL on which TLS begins (StartTLS) [default: none]
    #[arg(long, value_name = "URL")]
    pub ldap_url: Option<String>,

    /// Speak to an ldap URL without TLS, so that passwords pass the network in the clear: on or off [default: off]
    #[arg(long, value_name = "on|off", num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    pub ldap_plain: Option<String>,

    /// Entry of the directory that looks people and groups up
    #[arg(long, value_name = "DN")]
    pub ldap_bind_dn: Option<String>,

    /// Its password; prefer the file or the variable, others can see flags
    #[arg(long, value_name = "TEXT")]
    #[serde(serialize_with = "hidden")]
    pub ldap_bind_password: Option<Secret>,

    /// File with its password
    #[arg(long, value_name = "FILE")]
    pub ldap_bind_password_file: Option<PathBuf>,

    /// Entry below which people are
    #[arg(long, value_name = "DN")]
    pub ldap_user_base: Option<String>,

    /// What finds the entry of one, %s being the name that was given [default: (uid=%s)]
    #[arg(long, value_name = "FILTER")]
    pub ldap_user_filter: Option<String>,

    /// Attribute with the name that people are called by in ARNs and logs [default: uid]
    #[arg(long, value_name = "ATTRIBUTE")]
    pub ldap_name_attribute: Option<String>,

    /// Entry below which groups are
    #[arg(long, value_name = "DN")]
    pub ldap_group_base: Option<String>,

    /// What finds the groups of one, %d being the DN of the entry, %s the value of the name attribute [default: (member=%d)]
    #[arg(long, value_name = "FILTER")]
    pub ldap_group_filter: Option<String>,

    /// Attribute with a group's name [default: cn]
    #[arg(long, value_name = "ATTRIBUTE")]
    pub ldap_group_attribute: Option<String>,

    /// Role of a group, by the names of both; may be repeated [default: each group has the role of its name]
    #[arg(long, value_name = "GROUP=ROLE", value_delimiter = ',')]
    pub ldap_role: Vec<String>,

    /// Requests to S3 of a second that each access key may make; more get SlowDown [default: none]
    #[arg(long, value_name = "NUMBER")]
    pub key_requests_per_second: Option<String>,

    /// Requests to S3 that each access key may have under way; more get SlowDown [default: none]
    #[arg(long, value_name = "NUMBER")]
    pub key_requests_at_once: Option<String>,

    /// File to which the audit log is written, a JSON line a request; full ones are kept as FILE.1 to FILE.9 [default: none]
    #[arg(long, value_name = "FILE")]
    pub audit_file: Option<PathBuf>,

    /// Webhook, by the name that --webhook gives it, to which the audit log is sent [default: none]
    #[arg(long, value_name = "ID")]
    pub audit_webhook: Option<String>,

    /// Seconds after which access logs are written into the buckets that they go to [default: 300]
    #[arg(long, value_name = "SECONDS")]
    pub access_log_interval: Option<String>,

    /// Seconds that a day of lifecycle rules lasts, fewer than of a real one to try rules out [default: 86400]
    #[arg(long, value_name = "SECONDS")]
    pub lifecycle_day: Option<String>,

    /// Parity of a storage class, as data and parity shards or `bucket` for that of the bucket; may be repeated
    /// [default: REDUCED_REDUNDANCY one parity shard less than the bucket, others as the bucket]
    #[arg(long, value_name = "CLASS=K+M", value_delimiter = ',')]
    pub storage_class: Vec<String>,

    /// error, warn, info, debug, trace, or a filter like info,holdfast::s3=debug [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,

    /// auto, text or json; auto is text on a terminal [default: auto]
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,

    /// What counts of all these, and where it was said.
    #[arg(skip)]
    #[serde(skip)]
    pub effective: Vec<EffectiveSetting>,
}

/// A setting that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveSetting {
    /// Its name, as in the file.
    pub name: String,
    /// Its value; none where it is a secret or has none.
    pub value: Option<String>,
    /// Where it was said: `flag`, `variable`, `file` or `default`.
    pub origin: &'static str,
}

/// A secret is said to be there, and not what it is.
fn hidden<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| HIDDEN).serialize(serializer)
}

/// What stands for a secret.
const HIDDEN: &str = "(hidden)";

impl Settings {
    /// Joins flags with the variables and the file, and returns notices for the operator beside them.
    pub fn gather(flags: Self, environment: &Environment) -> Result<(Self, Vec<String>), ConfigError> {
        let (variables, notices) = Self::from_environment(environment)?;
        let named = flags.config.clone().or_else(|| variables.config.clone());
        let file = match named {
            Some(path) => Self::from_file(&path)?,
            None if Path::new(FILE_DEFAULT).exists() => Self::from_file(Path::new(FILE_DEFAULT))?,
            None => Self::default(),
        };
        let effective = Self::effective([("flag", &flags), ("variable", &variables), ("file", &file)]);
        let settings = flags.over(variables).over(file);
        Ok((Self { effective, ..settings }, notices))
    }

    /// What counts, by the sources in the order in which they are believed.
    fn effective(sources: [(&'static str, &Self); 3]) -> Vec<EffectiveSetting> {
        let said = sources.map(|(origin, source)| (origin, serde_json::to_value(source).unwrap_or_default()));
        let command = Self::augment_args(Command::new("settings"));
        let arguments =
            command.get_arguments().filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version"));
        let setting = |argument: &clap::Arg| {
            let name = argument.get_id().to_string();
            let found =
                said.iter().find_map(|(origin, said)| Some((*origin, shown(&name, said.get(&name)?)?)));
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            let default = help.split_once("[default: ").and_then(|(_, rest)| rest.split_once(']'));
            let (origin, value) = found
                .unwrap_or_else(|| ("default", default.map(|(text, _)| text.to_owned()).unwrap_or_default()));
            let value = Some(value).filter(|value| !value.is_empty() && value != HIDDEN);
            EffectiveSetting { name, value, origin }
        };
        arguments.map(setting).collect()
    }

    /// Names of all settings as the file and the variables spell them.
    pub fn names() -> Vec<String> {
        let command = Self::augment_args(Command::new("settings"));
        let ids = command.get_arguments().map(|arg| arg.get_id().to_string());
        ids.filter(|id| !matches!(id.as_str(), "help" | "version")).collect()
    }

    fn from_environment(environment: &Environment) -> Result<(Self, Vec<String>), ConfigError> {
        let names = Self::names();
        let mut arguments: Vec<OsString> = vec!["variables".into()];
        let mut positional = Vec::new();
        let mut notices = Vec::new();
        for (variable, value) in environment.iter().filter(|(_, value)| !value.is_empty()) {
            let Some(name) = variable.strip_prefix("HOLDFAST_").map(str::to_lowercase) else { continue };
            if name == "drives" {
                positional.push(value.into());
            } else if names.contains(&name) {
                arguments.push(format!("--{}={value}", name.replace('_', "-")).into());
            } else {
                let nearest = Nearest::of(&name, names.iter().map(String::as_str));
                notices.push(format!("the variable {variable} is not a setting and is ignored{nearest}"));
            }
        }
        arguments.push("--".into());
        arguments.extend(positional);
        let command = Self::augment_args(Command::new("variables"));
        let parsed = command.try_get_matches_from(arguments).and_then(|m| Self::from_arg_matches(&m));
        // Every value is a text, and the names were checked: the parser has nothing to refuse.
        let mut settings =
            parsed.map_err(|_| ConfigError::Missing("the HOLDFAST_ variables cannot be read"))?;
        notices.extend(settings.take_minio_names(environment));
        Ok((settings, notices))
    }

    /// `MINIO_ROOT_USER` and `MINIO_ROOT_PASSWORD` count where nothing else names the credentials.
    fn take_minio_names(&mut self, environment: &Environment) -> Vec<String> {
        let mut notices = Vec::new();
        let given = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        let mut notice = |old: &str, new: &str| notices.push(format!("{old} is understood as {new}"));
        if self.root_access_key.is_none() && self.root_access_key_file.is_none() {
            if let Some(user) = given("MINIO_ROOT_USER") {
                self.root_access_key = Some(user.clone());
                notice("MINIO_ROOT_USER", "HOLDFAST_ROOT_ACCESS_KEY");
            } else if let Some(path) = given("MINIO_ROOT_USER_FILE") {
                self.root_access_key_file = Some(path.into());
                notice("MINIO_ROOT_USER_FILE", "HOLDFAST_ROOT_ACCESS_KEY_FILE");
            }
        }
        if self.root_secret_key.is_none() && self.root_secret_key_file.is_none() {
            if let Some(password) = given("MINIO_ROOT_PASSWORD") {
                self.root_secret_key = Some(Secret::new(password));
                notice("MINIO_ROOT_PASSWORD", "HOLDFAST_ROOT_SECRET_KEY");
            } else if let Some(path) = given("MINIO_ROOT_PASSWORD_FILE") {
                self.root_secret_key_file = Some(path.into());
                notice("MINIO_ROOT_PASSWORD_FILE", "HOLDFAST_ROOT_SECRET_KEY_FILE");
            }
        }
        notices
    }

    fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::FileUnreadable { path: path.to_owned(), source })?;
        Self::from_toml(&text, path)
    }

    fn from_toml(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let malformed = |error: toml::de::Error| ConfigError::FileMalformed {
            path: path.to_owned(),
            detail: error.to_string().trim_end().to_owned(),
        };
        let table: toml::Table = text.parse().map_err(malformed)?;
        let mut names = Self::names();
        names.retain(|name| name != "config");
        if let Some(key) = table.keys().find(|key| !names.contains(key)) {
            let nearest = Nearest::of(key, names.iter().map(String::as_str));
            return Err(ConfigError::UnknownKey { path: path.to_owned(), key: key.clone(), nearest });
        }
        toml::from_str(text).map_err(malformed)
    }

    /// What this says, and where it says nothing, what `below` says.
    fn over(self, below: Self) -> Self {
        let list = |own: Vec<String>, other: Vec<String>| if own.is_empty() { other } else { own };
        // The two forms of one secret come from the same source.
        let root_access = self.root_access_key.is_some() || self.root_access_key_file.is_some();
        let root_secret = self.root_secret_key.is_some() || self.root_secret_key_file.is_some();
        let cluster = self.cluster_secret.is_some() || self.cluster_secret_file.is_some();
        let encryption = self.encryption_key.is_some() || self.encryption_key_file.is_some();
        let kms = self.kms_token.is_some()
            || self.kms_token_file.is_some()
            || self.kms_role_id.is_some()
            || self.kms_secret_id_file.is_some();
        let ldap = self.ldap_bind_password.is_some() || self.ldap_bind_password_file.is_some();
        // So do a certificate and its key.
        let pair = self.tls_cert.is_some() || self.tls_key.is_some();
        Self {
            drives: list(self.drives, below.drives),
            config: self.config.or(below.config),
            address: self.address.or(below.address),
            console_address: self.console_address.or(below.console_address),
            website_address: self.website_address.or(below.website_address),
            website_domain: list(self.website_domain, below.website_domain),
            bucket: list(self.bucket, below.bucket),
            region: self.region.or(below.region),
            domain: list(self.domain, below.domain),
            signature_v2: self.signature_v2.or(below.signature_v2),
            sse_c_over_http: self.sse_c_over_http.or(below.sse_c_over_http),
            new_buckets: self.new_buckets.or(below.new_buckets),
            public_url: self.public_url.or(below.public_url),
            tls_cert: if pair { self.tls_cert } else { below.tls_cert },
            tls_key: if pair { self.tls_key } else { below.tls_key },
            tls_folder: self.tls_folder.or(below.tls_folder),
            tls_ca: self.tls_ca.or(below.tls_ca),
            state: self.state.or(below.state),
            node: list(self.node, below.node),
            zone: self.zone.or(below.zone),
            cluster_secret: if cluster { self.cluster_secret } else { below.cluster_secret },
            cluster_secret_file: if cluster { self.cluster_secret_file } else { below.cluster_secret_file },
            root_access_key: if root_access { self.root_access_key } else { below.root_access_key },
            root_access_key_file: if root_access {
                self.root_access_key_file
            } else {
                below.root_access_key_file
            },
            root_secret_key: if root_secret { self.root_secret_key } else { below.root_secret_key },
            root_secret_key_file: if root_secret {
                self.root_secret_key_file
            } else {
                below.root_secret_key_file
            },
            encryption_key: if encryption { self.encryption_key } else { below.encryption_key },
            encryption_key_file: if encryption {
                self.encryption_key_file
            } else {
                below.encryption_key_file
            },
            kms_url: self.kms_url.or(below.kms_url),
            kms_token: if kms { self.kms_token } else { below.kms_token },
            kms_token_file: if kms { self.kms_token_file } else { below.kms_token_file },
            kms_role_id: if kms { self.kms_role_id } else { below.kms_role_id },
            kms_secret_id_file: if kms { self.kms_secret_id_file } else { below.kms_secret_id_file },
            kms_mount: self.kms_mount.or(below.kms_mount),
            kms_key: self.kms_key.or(below.kms_key),
            kms_remember: self.kms_remember.or(below.kms_remember),
            webhook: list(self.webhook, below.webhook),
            webhook_token_file: list(self.webhook_token_file, below.webhook_token_file),
            oidc: list(self.oidc, below.oidc),
            oidc_client: list(self.oidc_client, below.oidc_client),
            oidc_secret_file: list(self.oidc_secret_file, below.oidc_secret_file),
            oidc_roles_claim: list(self.oidc_roles_claim, below.oidc_roles_claim),
            oidc_scopes: list(self.oidc_scopes, below.oidc_scopes),
            ldap_url: self.ldap_url.or(below.ldap_url),
            ldap_plain: self.ldap_plain.or(below.ldap_plain),
            ldap_bind_dn: self.ldap_bind_dn.or(below.ldap_bind_dn),
            ldap_bind_password: if ldap { self.ldap_bind_password } else { below.ldap_bind_password },
            ldap_bind_password_file: if ldap {
                self.ldap_bind_password_file
            } else {
                below.ldap_bind_password_file
            },
            ldap_user_base: self.ldap_user_base.or(below.ldap_user_base),
            ldap_user_filter: self.ldap_user_filter.or(below.ldap_user_filter),
            ldap_name_attribute: self.ldap_name_attribute.or(below.ldap_name_attribute),
            ldap_group_base: self.ldap_group_base.or(below.ldap_group_base),
            ldap_group_filter: self.ldap_group_filter.or(below.ldap_group_filter),
            ldap_group_attribute: self.ldap_group_attribute.or(below.ldap_group_attribute),
            ldap_role: list(self.ldap_role, below.ldap_role),
            key_requests_per_second: self.key_requests_per_second.or(below.key_requests_per_second),
            key_requests_at_once: self.key_requests_at_once.or(below.key_requests_at_once),
            audit_file: self.audit_file.or(below.audit_file),
            audit_webhook: self.audit_webhook.or(below.audit_webhook),
            access_log_interval: self.access_log_interval.or(below.access_log_interval),
            lifecycle_day: self.lifecycle_day.or(below.lifecycle_day),
            storage_class: list(self.storage_class, below.storage_class),
            log_level: self.log_level.or(below.log_level),
            log_format: self.log_format.or(below.log_format),
            effective: Vec::new(),
        }
    }
}

/// A value as text; none where nothing was said. What stands behind `?` in a URL may be a secret.
fn shown(name: &str, value: &serde_json::Value) -> Option<String> {
    let plain = |text: &str| match name {
        "webhook" | "kms_url" => text.split('?').next().unwrap_or_default().to_owned(),
        _ => text.to_owned(),
    };
    match value {
        serde_json::Value::String(text) => Some(plain(text)),
        serde_json::Value::Array(all) if !all.is_empty() => {
            Some(all.iter().filter_map(|one| one.as_str()).map(plain).collect::<Vec<_>>().join(","))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn flags_win_over_variables_and_variables_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("some.toml");
        std::fs::write(&file, "region = \"file\"\nlog_level = \"file\"\naddress = \"file\"\n").unwrap();
        let variables = environment(&[
            ("HOLDFAST_CONFIG", file.to_str().unwrap()),
            ("HOLDFAST_REGION", "variable"),
            ("HOLDFAST_LOG_LEVEL", "variable"),
            ("HOLDFAST_BUCKET", "one,two"),
            ("HOLDFAST_DRIVES", "/a,/b"),
        ]);
        let flags = Settings { region: Some("flag".into()), ..Settings::default() };
        let (settings, notices) = Settings::gather(flags, &variables).unwrap();
        assert_eq!(settings.region.as_deref(), Some("flag"));
        assert_eq!(settings.log_level.as_deref(), Some("variable"));
        assert_eq!(settings.address.as_deref(), Some("file"));
        assert_eq!(settings.bucket, ["one", "two"]);
        assert_eq!(settings.drives, ["/a", "/b"]);
        assert!(notices.is_empty(), "{notices:?}");
    }

    #[test]
    fn what_counts_is_told_with_where_it_was_said_and_without_secrets() {
        let variables = environment(&[
            ("HOLDFAST_REGION", "variable"),
            ("HOLDFAST_ROOT_SECRET_KEY", "hush-hush"),
            ("HOLDFAST_WEBHOOK", "a=http://host/path?token=hush"),
        ]);
        let flags = Settings { log_level: Some("debug".into()), ..Settings::default() };
        let (settings, _) = Settings::gather(flags, &variables).unwrap();
        let of = |name: &str| settings.effective.iter().find(|setting| setting.name == name).unwrap();
        let told = |name: &str| (of(name).value.as_deref(), of(name).origin);
        assert_eq!(told("region"), (Some("variable"), "variable"));
        assert_eq!(told("log_level"), (Some("debug"), "flag"));
        assert_eq!(told("root_secret_key"), (None, "variable"));
        assert_eq!(told("webhook"), (Some("a=http://host/path"), "variable"));
        assert_eq!(told("log_format"), (Some("auto"), "default"));
        assert_eq!(told("zone"), (Some("none"), "default"));
        assert!(!format!("{:?}", settings.effective).contains("hush"));
    }

    #[test]
    fn an_unknown_key_names_the_nearest_one() {
        let error = Settings::from_toml("adress = \"x\"", Path::new("h.toml")).unwrap_err().to_string();
        assert!(error.contains("`adress`") && error.contains("`address`"), "{error}");
        let error = Settings::from_toml("region = 7", Path::new("h.toml")).unwrap_err().to_string();
        assert!(error.contains("region"), "{error}");
    }

    #[test]
    fn every_setting_can_stand_in_the_file() {
        let text =
            Settings::names().into_iter().filter(|name| name != "config").map(|name| match name.as_str() {
                "drives" | "bucket" | "domain" | "node" | "webhook" | "webhook_token_file"
                | "website_domain" | "storage_class" | "oidc" | "oidc_client" | "oidc_secret_file"
                | "oidc_roles_claim" | "oidc_scopes" | "ldap_role" => {
                    format!("{name} = [\"x\"]\n")
                }
                _ => format!("{name} = \"x\"\n"),
            });
        let settings = Settings::from_toml(&text.collect::<String>(), Path::new("h.toml")).unwrap();
        assert_eq!(settings.console_address.as_deref(), Some("x"));
        assert_eq!(settings.root_secret_key, Some(Secret::new("x")));
    }

    #[test]
    fn an_unknown_variable_is_noticed_with_the_nearest_name() {
        let (_, notices) =
            Settings::gather(Settings::default(), &environment(&[("HOLDFAST_REGOIN", "x")])).unwrap();
        assert!(notices[0].contains("HOLDFAST_REGOIN") && notices[0].contains("`region`"), "{notices:?}");
    }

    #[test]
    fn minio_names_are_understood_with_a_notice_and_yield_to_own_names() {
        let old = [("MINIO_ROOT_USER", "olduser"), ("MINIO_ROOT_PASSWORD", "oldpassword")];
        let (settings, notices) = Settings::gather(Settings::default(), &environment(&old)).unwrap();
        assert_eq!(settings.root_access_key.as_deref(), Some("olduser"));
        assert_eq!(notices.len(), 2);
        let both =
            [old[0], old[1], ("HOLDFAST_ROOT_ACCESS_KEY", "new"), ("HOLDFAST_ROOT_SECRET_KEY", "newsecret")];
        let (settings, notices) = Settings::gather(Settings::default(), &environment(&both)).unwrap();
        assert_eq!(settings.root_access_key.as_deref(), Some("new"));
        assert!(notices.is_empty());
    }
}
