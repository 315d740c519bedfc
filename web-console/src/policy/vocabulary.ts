/** The words of policies that the editor offers. `vocabulary.test.ts` holds them against what the server knows. */

const named = (service: string, names: string): string[] => names.split(/\s+/).map((name) => `${service}:${name}`);

/** What is done most comes first; the others follow by the alphabet. */
export const S3_ACTIONS: readonly string[] = named(
  "s3",
  `GetObject PutObject DeleteObject ListBucket GetBucketLocation ListAllMyBuckets
  AbortMultipartUpload BypassGovernanceRetention CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket
  DeleteBucketMetadataTableConfiguration DeleteBucketPolicy DeleteBucketWebsite DeleteObjectTagging DeleteObjectVersion
  DeleteObjectVersionTagging GetAccelerateConfiguration GetAccountPublicAccessBlock GetAnalyticsConfiguration GetBucketAbac
  GetBucketAcl GetBucketCORS GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification
  GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock
  GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration
  GetIntelligentTieringConfiguration GetInventoryConfiguration GetLifecycleConfiguration GetMetricsConfiguration GetObjectAcl
  GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging GetObjectTorrent GetObjectVersion
  GetObjectVersionAcl GetObjectVersionAttributes GetObjectVersionForReplication GetObjectVersionTagging GetObjectVersionTorrent
  GetReplicationConfiguration InitiateReplication ListBucketMultipartUploads ListBucketVersions ListMultipartUploadParts
  ListTagsForResource ObjectOwnerOverrideToBucketOwner PutAccelerateConfiguration PutAccountPublicAccessBlock
  PutAnalyticsConfiguration PutBucketAbac PutBucketAcl PutBucketCORS PutBucketLogging PutBucketNotification
  PutBucketObjectLockConfiguration PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock
  PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration
  PutIntelligentTieringConfiguration PutInventoryConfiguration PutLifecycleConfiguration PutMetricsConfiguration PutObjectAcl
  PutObjectLegalHold PutObjectRetention PutObjectTagging PutObjectVersionAcl PutObjectVersionTagging PutReplicationConfiguration
  ReplicateDelete ReplicateObject ReplicateTags RestoreObject TagResource UntagResource UpdateObjectEncryption`,
);

export const ADMIN_ACTIONS: readonly string[] = named(
  "admin",
  `ChangeAccounts ChangeDrives ChangeEncryptionKeys ChangeKeys ChangeNodes Heal History ImportIAM ListAccounts ListBuckets
  ListDrives ListEncryptionKeys ListEvents ListKeys ListNodes ListRequests ListRisk Rebalance Scrub SetParity SetQuota SetSearch Settings
  Status`,
);

export const IAM_ACTIONS: readonly string[] = named(
  "iam",
  `AddUserToGroup AttachGroupPolicy AttachRolePolicy AttachUserPolicy CreateAccessKey CreateGroup CreatePolicy
  CreatePolicyVersion CreateRole CreateUser DeleteAccessKey DeleteGroup DeleteGroupPolicy DeleteLoginProfile
  DeletePolicy DeletePolicyVersion DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy DeleteUser
  DeleteUserPermissionsBoundary DeleteUserPolicy DetachGroupPolicy DetachRolePolicy DetachUserPolicy
  GetAccessKeyLastUsed GetAccountAuthorizationDetails GetAccountPasswordPolicy GetAccountSummary GetGroup
  GetGroupPolicy GetLoginProfile GetOpenIDConnectProvider GetPolicy GetPolicyVersion GetRole GetRolePolicy GetUser
  GetUserPolicy ListAccessKeys ListAccountAliases ListAttachedGroupPolicies ListAttachedRolePolicies
  ListAttachedUserPolicies ListEntitiesForPolicy ListGroupPolicies ListGroups ListGroupsForUser ListInstanceProfiles
  ListInstanceProfilesForRole ListMFADevices ListOpenIDConnectProviders ListPolicies ListPolicyTags ListPolicyVersions
  ListRolePolicies ListRoleTags ListRoles ListSAMLProviders ListSSHPublicKeys ListServerCertificates
  ListServiceSpecificCredentials ListSigningCertificates ListUserPolicies ListUserTags ListUsers ListVirtualMFADevices
  PutGroupPolicy PutRolePermissionsBoundary PutRolePolicy PutUserPermissionsBoundary PutUserPolicy RemoveUserFromGroup
  SetDefaultPolicyVersion SimulateCustomPolicy SimulatePrincipalPolicy TagPolicy TagRole TagUser UntagPolicy UntagRole
  UntagUser UpdateAccessKey UpdateAssumeRolePolicy UpdateGroup UpdateRole UpdateRoleDescription UpdateUser`,
);

export const TRUST_ACTIONS: readonly string[] = named(
  "sts",
  "AssumeRole AssumeRoleWithWebIdentity AssumeRoleWithLDAPIdentity SetSourceIdentity TagSession",
);

/** Keys that requests to this server have a value for; a slash at the end is followed by the key of a tag. */
export const CONDITION_KEYS: readonly string[] = [
  ..."SourceIp SecureTransport CurrentTime EpochTime username userid PrincipalArn PrincipalAccount PrincipalType PrincipalTag/"
    .concat(" TokenIssueTime MultiFactorAuthPresent Referer RequestedRegion ResourceAccount SourceIdentity UserAgent")
    .split(" ")
    .map((name) => `aws:${name}`),
  ...named(
    "s3",
    `prefix delimiter max-keys VersionId authType signatureversion signatureAge ResourceAccount
    ExistingObjectTag/ RequestObjectTag/ RequestObjectTagKeys if-match if-none-match
    object-lock-mode object-lock-legal-hold object-lock-retain-until-date object-lock-remaining-retention-days
    x-amz-acl x-amz-content-sha256 x-amz-copy-source x-amz-grant-full-control x-amz-grant-read x-amz-grant-read-acp
    x-amz-grant-write x-amz-grant-write-acp x-amz-metadata-directive x-amz-object-ownership x-amz-server-side-encryption
    x-amz-server-side-encryption-aws-kms-key-id x-amz-server-side-encryption-customer-algorithm x-amz-storage-class
    x-amz-tagging-directive x-amz-website-redirect-location`,
  ),
];

export const TRUST_KEYS: readonly string[] = [
  "aws:PrincipalArn",
  "aws:SourceIp",
  "sts:ExternalId",
  "sts:SourceIdentity",
];

export const OPERATORS: readonly string[] = (
  "StringEquals StringNotEquals StringLike StringNotLike StringEqualsIgnoreCase StringNotEqualsIgnoreCase " +
  "IpAddress NotIpAddress Bool Null NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals " +
  "NumericGreaterThan NumericGreaterThanEquals DateEquals DateNotEquals DateLessThan DateLessThanEquals DateGreaterThan " +
  "DateGreaterThanEquals ArnEquals ArnNotEquals ArnLike ArnNotLike BinaryEquals"
).split(" ");
