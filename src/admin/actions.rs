//! What policies call the operations of the admin API.

use super::route::Route;

/// An action that policies of the first account's users and roles may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AdminAction {
    Status,
    ListDrives,
    ChangeDrives,
    ListNodes,
    ChangeNodes,
    Rebalance,
    Scrub,
    Heal,
    ListBuckets,
    SetParity,
    SetSearch,
    SetQuota,
    ListEncryptionKeys,
    ChangeEncryptionKeys,
    ListRisk,
    ListEvents,
    ListAccounts,
    ChangeAccounts,
    ListKeys,
    ChangeKeys,
    ListRequests,
    History,
    Settings,
    ImportIam,
}

impl AdminAction {
    /// All of them.
    pub(super) const ALL: [Self; 24] = [
        Self::Status,
        Self::ListDrives,
        Self::ChangeDrives,
        Self::ListNodes,
        Self::ChangeNodes,
        Self::Rebalance,
        Self::Scrub,
        Self::Heal,
        Self::ListBuckets,
        Self::SetParity,
        Self::SetSearch,
        Self::SetQuota,
        Self::ListEncryptionKeys,
        Self::ChangeEncryptionKeys,
        Self::ListRisk,
        Self::ListEvents,
        Self::ListAccounts,
        Self::ChangeAccounts,
        Self::ListKeys,
        Self::ChangeKeys,
        Self::ListRequests,
        Self::History,
        Self::Settings,
        Self::ImportIam,
    ];

    /// Its name in policies.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Status => "admin:Status",
            Self::ListDrives => "admin:ListDrives",
            Self::ChangeDrives => "admin:ChangeDrives",
            Self::ListNodes => "admin:ListNodes",
            Self::ChangeNodes => "admin:ChangeNodes",
            Self::Rebalance => "admin:Rebalance",
            Self::Scrub => "admin:Scrub",
            Self::Heal => "admin:Heal",
            Self::ListBuckets => "admin:ListBuckets",
            Self::SetParity => "admin:SetParity",
            Self::SetSearch => "admin:SetSearch",
            Self::SetQuota => "admin:SetQuota",
            Self::ListEncryptionKeys => "admin:ListEncryptionKeys",
            Self::ChangeEncryptionKeys => "admin:ChangeEncryptionKeys",
            Self::ListRisk => "admin:ListRisk",
            Self::ListEvents => "admin:ListEvents",
            Self::ListAccounts => "admin:ListAccounts",
            Self::ChangeAccounts => "admin:ChangeAccounts",
            Self::ListKeys => "admin:ListKeys",
            Self::ChangeKeys => "admin:ChangeKeys",
            Self::ListRequests => "admin:ListRequests",
            Self::History => "admin:History",
            Self::Settings => "admin:Settings",
            Self::ImportIam => "admin:ImportIAM",
        }
    }
}

impl Route {
    /// The action that a caller must have; none for what S3 decides.
    pub(super) fn action(&self) -> Option<AdminAction> {
        Some(match self {
            // Whether the URL may be used is asked when it is.
            Self::Presign => return None,
            Self::Requests(_) | Self::Request(_) => AdminAction::ListRequests,
            Self::History => AdminAction::History,
            Self::Settings => AdminAction::Settings,
            Self::Status => AdminAction::Status,
            Self::Drives => AdminAction::ListDrives,
            Self::AddDrive | Self::ChangeDrive(..) => AdminAction::ChangeDrives,
            Self::Nodes => AdminAction::ListNodes,
            Self::AddNode | Self::ChangeNode(..) => AdminAction::ChangeNodes,
            Self::Rebalance => AdminAction::Rebalance,
            Self::Scrub => AdminAction::Scrub,
            Self::Heal => AdminAction::Heal,
            Self::Buckets => AdminAction::ListBuckets,
            Self::SetParity(_) => AdminAction::SetParity,
            Self::SetSearch(_) => AdminAction::SetSearch,
            Self::SetQuota(_) => AdminAction::SetQuota,
            Self::Keyring => AdminAction::ListEncryptionKeys,
            Self::CreateEncryptionKey | Self::ChangeEncryptionKey(..) | Self::DeleteEncryptionKey(_) => {
                AdminAction::ChangeEncryptionKeys
            }
            Self::Risk(_) => AdminAction::ListRisk,
            Self::Events => AdminAction::ListEvents,
            Self::Accounts => AdminAction::ListAccounts,
            Self::AddAccount | Self::RemoveAccount(_) => AdminAction::ChangeAccounts,
            Self::Keys => AdminAction::ListKeys,
            Self::AddKey | Self::ChangeKey(..) => AdminAction::ChangeKeys,
            Self::ImportMinioIam { .. } => AdminAction::ImportIam,
        })
    }
}
