use super::super::answer::{members, text, texts};
use super::super::caller::{Call, Keys};
use super::super::page::page;
use super::{Answer, authorize_on, document, is_shown, policy_arn_of};
use crate::iam::identities::Holder;

/// What is done with the policies of a user, group or role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operation {
    of: Of,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    User,
    Group,
    Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Put,
    Get,
    Delete,
    List,
    Attach,
    Detach,
    ListAttached,
}

/// The operation of this name: `PutUserPolicy`, `ListAttachedRolePolicies` and their like.
pub(super) fn operation(action: &str) -> Option<Operation> {
    const FORMS: [(&str, &str, What); 7] = [
        ("Put", "Policy", What::Put),
        ("Get", "Policy", What::Get),
        ("Delete", "Policy", What::Delete),
        ("List", "Policies", What::List),
        ("Attach", "Policy", What::Attach),
        ("Detach", "Policy", What::Detach),
        ("ListAttached", "Policies", What::ListAttached),
    ];
    FORMS.iter().find_map(|(before, behind, what)| {
        let of = match action.strip_prefix(before)?.strip_suffix(behind)? {
            "User" => Of::User,
            "Group" => Of::Group,
            "Role" => Of::Role,
            _ => return None,
        };
        Some(Operation { of, what: *what })
    })
}

impl Of {
    /// The parameter that names whom it is about.
    fn parameter(self) -> &'static str {
        match self {
            Self::User => "UserName",
            Self::Group => "GroupName",
            Self::Role => "RoleName",
        }
    }

    fn holder(self, name: &str) -> Holder<'_> {
        match self {
            Self::User => Holder::User(name),
            Self::Group => Holder::Group(name),
            Self::Role => Holder::Role(name),
        }
    }
}

/// Carries it out.
pub(super) async fn run(call: &Call<'_>, action: &str, Operation { of, what }: Operation) -> Answer {
    let holder = of.holder(call.form.required(of.parameter())?);
    let is_about_managed = matches!(what, What::Attach | What::Detach);
    let arn = if is_about_managed { Some(call.form.required("PolicyArn")?) } else { None };
    let keys: Keys =
        arn.map(|arn| ("iam:policyarn".to_owned(), policy_arn_of(call, arn))).into_iter().collect();
    authorize_on(call, &format!("iam:{action}"), holder, keys)?;
    let form = &call.form;
    match what {
        What::Put => {
            let (name, text) = (form.required("PolicyName")?, form.required("PolicyDocument")?);
            call.change(|identities| identities.put_inline(holder, name, text)).await?;
        }
        What::Delete => {
            let name = form.required("PolicyName")?;
            call.change(|identities| identities.delete_inline(holder, name)).await?;
        }
        What::Attach => {
            let arn = form.required("PolicyArn")?;
            call.change(|identities| identities.attach(holder, arn)).await?;
        }
        What::Detach => {
            let arn = form.required("PolicyArn")?;
            call.change(|identities| identities.detach(holder, arn)).await?;
        }
        What::Get => return get(call, of, holder),
        What::List => return list(call, holder),
        What::ListAttached => return list_attached(call, holder),
    }
    Ok(Vec::new())
}

fn get(call: &Call<'_>, of: Of, holder: Holder<'_>) -> Answer {
    let (identities, name) = (call.identities(), call.form.required("PolicyName")?);
    let policy = identities.permissions(holder)?.inline(name)?;
    let whose = text(of.parameter(), call.form.required(of.parameter())?);
    Ok(vec![whose, text("PolicyName", name), document("PolicyDocument", policy.text())])
}

fn list(call: &Call<'_>, holder: Holder<'_>) -> Answer {
    let identities = call.identities();
    let names = identities.permissions(holder)?.inline.keys().map(|name| (name.clone(), name.clone()));
    let (names, more) = page(&call.form, names)?;
    Ok([texts("PolicyNames", names)].into_iter().chain(more).collect())
}

fn list_attached(call: &Call<'_>, holder: Holder<'_>) -> Answer {
    let identities = call.identities();
    let mut shown = Vec::new();
    for arn in &identities.permissions(holder)?.attached {
        let policy = identities.policy(arn)?;
        if is_shown(call, &policy.named.path) {
            shown.push((arn.clone(), vec![text("PolicyName", &policy.named.name), text("PolicyArn", arn)]));
        }
    }
    let (shown, more) = page(&call.form, shown)?;
    Ok([members("AttachedPolicies", shown)].into_iter().chain(more).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_told_by_their_names() {
        assert_eq!(operation("PutUserPolicy"), Some(Operation { of: Of::User, what: What::Put }));
        assert_eq!(operation("ListRolePolicies"), Some(Operation { of: Of::Role, what: What::List }));
        let attached = Operation { of: Of::Group, what: What::ListAttached };
        assert_eq!(operation("ListAttachedGroupPolicies"), Some(attached));
        for other in ["PutPolicy", "GetUser", "ListPolicies", "PutUserPolicies", ""] {
            assert_eq!(operation(other), None, "{other}");
        }
    }
}
