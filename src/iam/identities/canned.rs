use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::{ManagedPolicy, Named, PolicyText, PolicyVersion};
use crate::types::Timestamp;

/// Names and what they allow: actions and resources, in JSON. The first are known from MinIO, the others from AWS.
const POLICIES: [(&str, &str, &str); 11] = [
    ("readonly", r#"["s3:GetBucketLocation","s3:GetObject"]"#, "arn:aws:s3:::*"),
    ("readwrite", r#""s3:*""#, "arn:aws:s3:::*"),
    ("writeonly", r#""s3:PutObject""#, "arn:aws:s3:::*"),
    ("diagnostics", r#"["admin:Status","admin:History","admin:Settings","admin:List*"]"#, "*"),
    ("admin", r#"["admin:*","iam:*","kms:*","s3:*","sts:*"]"#, "*"),
    ("consoleAdmin", r#"["admin:*","iam:*","kms:*","s3:*","sts:*"]"#, "*"),
    ("AdministratorAccess", r#""*""#, "*"),
    ("AmazonS3FullAccess", r#"["s3:*","s3-object-lambda:*"]"#, "*"),
    ("AmazonS3ReadOnlyAccess", r#"["s3:Describe*","s3:Get*","s3:List*"]"#, "*"),
    ("IAMFullAccess", r#""iam:*""#, "*"),
    (
        "IAMReadOnlyAccess",
        r#"["iam:GenerateCredentialReport","iam:Get*","iam:List*","iam:SimulateCustomPolicy","iam:SimulatePrincipalPolicy"]"#,
        "*",
    ),
];

static CANNED: LazyLock<BTreeMap<String, Arc<ManagedPolicy>>> = LazyLock::new(|| {
    let made = POLICIES.iter().map(|(name, actions, resource)| {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":{actions},"Resource":"{resource}"}}]}}"#
        );
        let document = PolicyText::new(text).expect("canned policies are of the language");
        let created = Timestamp::default();
        let named = Named { name: (*name).into(), path: "/".into(), id: format!("ANPA{name}"), created };
        let policy = ManagedPolicy {
            named,
            description: None,
            tags: BTreeMap::new(),
            versions: vec![PolicyVersion { number: 1, document, created }],
            default: 1,
            next: 2,
            updated: created,
        };
        (format!("arn:aws:iam::aws:policy/{name}"), Arc::new(policy))
    });
    made.collect()
});

/// All policies that are there from the beginning, by their ARNs.
pub fn canned_policies() -> impl Iterator<Item = (&'static str, &'static Arc<ManagedPolicy>)> {
    CANNED.iter().map(|(arn, policy)| (arn.as_str(), policy))
}

/// One of them.
pub(super) fn canned(arn: &str) -> Option<&'static Arc<ManagedPolicy>> {
    CANNED.get(arn)
}
