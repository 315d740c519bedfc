//! What IAM refuses of a new document beyond what is not of the language: typing errors, by which a statement would mean nothing.
//! Documents that are kept already are read as they are.

use super::document::{Policy, PolicyError, Statement};
use super::pattern::Pattern;

/// All that there is to allow in a policy that says who may take a role.
const TRUST_ACTIONS: [&str; 7] = [
    "sts:AssumeRole",
    "sts:AssumeRoleWithLDAPIdentity",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:SetContext",
    "sts:SetSourceIdentity",
    "sts:TagSession",
];

/// Parts of an ARN, of which the last may have colons of its own.
const ARN_PARTS: usize = 6;

type Result = std::result::Result<(), PolicyError>;

impl Policy {
    /// Refuses typing errors in a policy of a user, group or role.
    pub fn check_identity(&self) -> Result {
        for statement in &self.statements {
            check_sid(statement)?;
            check_all(statement.actions().0, has_vendor, |_| {
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".into()
            })?;
            check_all(statement.resources().0, is_arn_or_all, |resource| {
                format!("Resource {resource} must be in ARN format or \"*\".")
            })?;
        }
        Ok(())
    }

    /// Refuses typing errors in a policy that says who may take a role.
    pub fn check_trust(&self) -> Result {
        for statement in &self.statements {
            check_sid(statement)?;
            check_all(statement.actions().0, is_of_trust, |_| {
                "AssumeRole policy may only specify STS AssumeRole actions.".into()
            })?;
        }
        match self.federated().all(is_provider) {
            true => Ok(()),
            false => Err(PolicyError::malformed(
                "Federated principals must be valid domain names or SAML metadata ARNs",
            )),
        }
    }
}

fn check_all(
    patterns: &[Pattern],
    is_right: impl Fn(&Pattern) -> bool,
    words: impl Fn(&str) -> String,
) -> Result {
    let wrong = patterns.iter().find(|pattern| !is_right(pattern));
    wrong.map_or(Ok(()), |wrong| Err(PolicyError::malformed(words(&wrong.outline()))))
}

fn check_sid(statement: &Statement) -> Result {
    match statement.sid.as_deref().unwrap_or_default().bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => Ok(()),
        false => Err(PolicyError::malformed(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        )),
    }
}

/// `*`, or the name of a service before that of the action.
fn has_vendor(action: &Pattern) -> bool {
    let text = action.outline();
    text == "*" || text.split_once(':').is_some_and(|(vendor, name)| !vendor.is_empty() && !name.is_empty())
}

fn is_arn_or_all(resource: &Pattern) -> bool {
    let text = resource.outline();
    text == "*" || (text.starts_with("arn:") && text.split(':').count() >= ARN_PARTS)
}

/// The ARN of a provider, or a domain: the name of one that AWS knows by itself.
fn is_provider(name: &str) -> bool {
    let is_domain =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    name.starts_with("arn:aws:iam::") || (name.contains('.') && is_domain(name))
}

fn is_of_trust(action: &Pattern) -> bool {
    let is_of_sts = action.outline().to_ascii_lowercase().starts_with("sts:");
    is_of_sts && TRUST_ACTIONS.iter().any(|known| action.fits_any_case(known))
}

#[cfg(test)]
mod tests {
    use super::super::Grammar;
    use super::*;

    fn refused(statement: &str, grammar: Grammar) -> Option<String> {
        let document = format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{statement}}}}}"#);
        let policy = Policy::parse(document.as_bytes(), grammar).unwrap();
        let checked = if grammar == Grammar::Trust { policy.check_trust() } else { policy.check_identity() };
        checked.err().map(|error| error.to_string())
    }

    #[test]
    fn actions_have_a_vendor_resources_are_arns_and_sids_alphanumeric() {
        let refused = |statement: &str| refused(statement, Grammar::Identity);
        for right in [
            r#""Action":"*","Resource":"*""#,
            r#""Sid":"","Action":["s3:Get*","S3:*"],"Resource":["arn:aws:s3:::b","arn:aws:s3:::${aws:username}/*"]"#,
            r#""Sid":"One1","NotAction":"iam:*","NotResource":"arn:aws:iam::*:user/a:b""#,
            r#""Action":"s3:GetObject","Resource":"arn:*:s3:*:*:b""#,
        ] {
            assert_eq!(refused(right), None, "{right}");
        }
        for (wrong, words) in [
            (r#""Action":"GetObject","Resource":"*""#, "prefaced by a vendor"),
            (r#""Action":["s3:GetObject",":x"],"Resource":"*""#, "prefaced by a vendor"),
            (r#""NotAction":"s3:","Resource":"*""#, "prefaced by a vendor"),
            (r#""Action":"s3:*","Resource":"b""#, r#"Resource b must be in ARN format or "*"."#),
            (r#""Action":"s3:*","Resource":["*",""]"#, r#"Resource  must be in ARN format or "*"."#),
            (r#""Action":"s3:*","NotResource":"arn:aws:s3::b""#, "must be in ARN format"),
            (r#""Action":"s3:*","Resource":"b/*""#, "must be in ARN format"),
            (r#""Sid":"a b","Action":"s3:*","Resource":"*""#, "must be alpha-numeric"),
            (r#""Sid":"a-b","Action":"s3:*","Resource":"*""#, "must be alpha-numeric"),
        ] {
            let told = refused(wrong).unwrap_or_default();
            assert!(told.contains(words), "{wrong}: {told}");
        }
    }

    #[test]
    fn a_trust_policy_names_providers_by_arn_or_domain() {
        let refused = |provider: &str| {
            let statement = format!(r#""Principal":{{"Federated":"{provider}"}},"Action":"sts:AssumeRole""#);
            refused(&statement, Grammar::Trust).is_some()
        };
        for right in ["accounts.google.com", "arn:aws:iam::123456789012:oidc-provider/id.example.com"] {
            assert!(!refused(right), "{right}");
        }
        for wrong in ["*", "google", "https://id.example.com", "arn:aws:s3:::b", "id.example.com/realm"] {
            assert!(refused(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_trust_policy_names_actions_by_which_roles_are_taken_and_no_others() {
        let refused = |actions: &str| {
            refused(&format!(r#""Principal":"*","Action":{actions}"#), Grammar::Trust).is_some()
        };
        let right = [
            r#""sts:AssumeRole""#,
            r#"["sts:assumerole","sts:TagSession","sts:SetSourceIdentity"]"#,
            r#""sts:AssumeRoleWithWebIdentity""#,
            r#""sts:AssumeRoleWithLDAPIdentity""#,
            r#""sts:Assume*""#,
            r#""sts:*""#,
        ];
        for actions in right {
            assert!(!refused(actions), "{actions}");
        }
        for actions in [
            r#""*""#,
            r#""s3:GetObject""#,
            r#"["sts:AssumeRole","iam:PassRole"]"#,
            r#""sts:GetCallerIdentity""#,
            r#""AssumeRole""#,
        ] {
            assert!(refused(actions), "{actions}");
        }
    }
}
