//! Providers of identities, as the configuration has them: IAM shows them and changes none.

use super::super::answer::{members, text, texts};
use super::super::caller::Call;
use super::Answer;
use crate::iam::identities::IdentityError;

/// ListOpenIDConnectProviders.
pub(super) fn list(call: &Call<'_>) -> Answer {
    call.authorize("iam:ListOpenIDConnectProviders", "*")?;
    let providers = call.iam.federation().open_id_providers();
    let arns = providers.map(|provider| vec![text("Arn", provider.arn(&call.account.id))]);
    Ok(vec![members("OpenIDConnectProviderList", arns)])
}

/// GetOpenIDConnectProvider.
pub(super) fn get(call: &Call<'_>) -> Answer {
    let arn = call.form.required("OpenIDConnectProviderArn")?;
    call.authorize("iam:GetOpenIDConnectProvider", arn)?;
    let provider = call.iam.federation().open_id_providers().find(|it| it.arn(&call.account.id) == arn);
    let missing = || IdentityError::NoSuchEntity(format!("OpenIDConnect Provider not found for arn {arn}"));
    let provider = provider.ok_or_else(missing)?;
    Ok(vec![text("Url", provider.place()), texts("ClientIDList", [provider.client_id.clone()])])
}
