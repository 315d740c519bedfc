//! Signing in by a name and a password of a directory.

use std::net::IpAddr;

use hyper::Request;
use hyper::body::Body;

use super::Refusal;
use super::api::StartLdapSession;
use super::service::{Service, json_body, parse};
use super::session::Answer;
use super::sso::SignedIn;
use crate::iam::federation::LoginRefused;
use crate::telemetry::SeenCall;

impl Service {
    /// Signs in with the first of the roles of somebody's groups whose trust policy lets them take it.
    pub(super) async fn sign_in_by_ldap<B>(
        &self,
        request: Request<B>,
        peer: IpAddr,
        seen: &mut SeenCall,
    ) -> Answer
    where
        B: Body<Data: Send> + Send,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let (head, body) = request.into_parts();
        let given: StartLdapSession = parse(&json_body(&head.headers, body).await?)?;
        seen.resource = Some(given.user_name.clone());
        let now = self.engine.now();
        let pair = (given.user_name.as_str(), &given.password);
        let who = self.iam.log_in_by_ldap(pair, peer, now).await.map_err(told)?;
        seen.caller = Some(who.caller_name().into());
        let signed_in = self.sign_in_of(&who, &head, (peer, now)).map_err(Refusal::Denied)?;
        let SignedIn { identity, access_key, sign_in } = signed_in;
        seen.caller = Some(identity.name.clone());
        let caller = self.caller((identity, access_key, Some(sign_in.clone())), &head.headers, (peer, now));
        Ok(self.with_cookie(self.describe(&head, caller), &sign_in))
    }
}

fn told(refused: LoginRefused) -> Refusal {
    match refused {
        LoginRefused::NoDirectory => Refusal::NotFound(refused.to_string()),
        LoginRefused::Throttled(secs) => Refusal::TooManyAttempts(secs),
        LoginRefused::Wrong => Refusal::WrongPassword,
        // What the directory says is for the log alone.
        LoginRefused::Unreachable(_) => Refusal::Unavailable(
            "the directory cannot be asked; try again, and have the operator look for the reason in the log of this server".into(),
        ),
    }
}
