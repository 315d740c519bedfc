//! What is believed of an ID token (OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde_json::{Map, Value};

use super::identity::{ProviderKind, WebIdentity};
use super::provider::ProviderOptions;
use crate::iam::is_session_name;
use crate::types::Timestamp;

/// The longest token that is looked at, in bytes (AWS: "WebIdentityToken").
const TOKEN_BYTES_MAX: usize = 20_000;

/// The claim that says who is behind the sessions of who has the token (AWS: "Specifying a source identity with
/// AssumeRoleWithWebIdentity").
const SOURCE_IDENTITY_CLAIM: &str = "https://aws.amazon.com/source_identity";

/// How far clocks may be apart, in seconds.
const LEEWAY_SECS: u64 = 60;

/// Signatures that only the holder of a private key makes.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Why a token stands for nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// It is none, or not for this deployment.
    #[error("{0}")]
    Invalid(String),
    /// Its time is over.
    #[error("Token expired")]
    Expired,
    /// Its provider cannot be asked.
    #[error("the identity provider cannot be used: {0}")]
    Unreachable(String),
}

pub(super) fn unreadable(_: jsonwebtoken::errors::Error) -> TokenRefused {
    invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
}

fn invalid(words: &str) -> TokenRefused {
    TokenRefused::Invalid(words.into())
}

/// Who says to have made a token. Nothing of it is believed yet.
pub(super) fn issuer_of(token: &str) -> Result<String, TokenRefused> {
    let claims = || {
        let payload = token.split('.').nth(1).filter(|_| token.len() <= TOKEN_BYTES_MAX)?;
        let claims: Map<String, Value> =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        Some(claims.get("iss")?.as_str()?.trim_end_matches('/').to_owned())
    };
    claims().ok_or_else(|| {
        invalid(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        )
    })
}

/// Verifies a token with the keys of its provider.
pub(super) fn verify(
    token: &str,
    head: &Header,
    keys: &JwkSet,
    of: &ProviderOptions,
    now: Timestamp,
) -> Result<WebIdentity, TokenRefused> {
    if !ALGORITHMS.contains(&head.alg) {
        return Err(invalid("The ID Token is signed with an algorithm that is not taken"));
    }
    let claims = signed_claims(token, head, keys);
    let mut claims = claims.ok_or_else(|| invalid("The signature of the ID Token does not hold"))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let time = |name: &str| claims.get(name).and_then(Value::as_f64);
    if text("iss").map(|issuer| issuer.trim_end_matches('/')) != Some(of.issuer.as_str()) {
        return Err(invalid("Incorrect token issuer"));
    }
    let is_audience = match claims.get("aud") {
        Some(Value::String(audience)) => *audience == of.client_id,
        Some(Value::Array(all)) => {
            let named = all.iter().any(|audience| audience.as_str() == Some(&of.client_id));
            named && (all.len() == 1 || text("azp") == Some(&of.client_id))
        }
        _ => false,
    };
    if !is_audience || text("azp").is_some_and(|party| party != of.client_id) {
        return Err(invalid("Incorrect token audience"));
    }
    let (now, leeway) = (now.as_secs() as f64, LEEWAY_SECS as f64);
    let expires = time("exp").ok_or_else(|| invalid("The ID Token does not say when it ends"))?;
    if expires + leeway <= now {
        return Err(TokenRefused::Expired);
    }
    if time("nbf").into_iter().chain(time("iat")).any(|from| from > now + leeway) {
        return Err(invalid("The ID Token is not good yet"));
    }
    let subject = text("sub").filter(|subject| !subject.is_empty());
    let subject = subject.ok_or_else(|| invalid("The ID Token names no subject"))?.to_owned();
    let (nonce, roles) = (text("nonce").map(str::to_owned), roles(claims.get(&of.roles_claim)));
    let source_identity = text(SOURCE_IDENTITY_CLAIM).map(str::to_owned);
    if source_identity.as_ref().is_some_and(|name| !is_session_name(name)) {
        return Err(invalid(
            "The source identity of the ID Token has other than 2 to 64 letters, digits and _+=,.@-",
        ));
    }
    // Others for whom the token is good too are no business of conditions.
    claims.insert("aud".into(), of.client_id.clone().into());
    let kind = ProviderKind::OpenIdConnect;
    let provider = of.place().to_owned();
    Ok(WebIdentity { kind, provider, subject, nonce, source_identity, roles, claims })
}

/// The claims of a token that one of these keys signed.
pub(super) fn signed_claims(token: &str, head: &Header, keys: &JwkSet) -> Option<Map<String, Value>> {
    candidates(keys, head).find_map(|key| claims_of(token, key, head.alg))
}

/// The keys that may have signed: the one that is named, else all.
fn candidates<'a>(keys: &'a JwkSet, head: &Header) -> impl Iterator<Item = &'a Jwk> {
    let named = head.kid.clone();
    let signs =
        |key: &&Jwk| key.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
    keys.keys.iter().filter(move |key| named.is_none() || key.common.key_id == named).filter(signs)
}

/// The claims of a token, if this key signed it with this algorithm. Times are looked at by who asks.
fn claims_of(token: &str, key: &Jwk, algorithm: Algorithm) -> Option<Map<String, Value>> {
    let own = key.common.key_algorithm.map(|own| own.to_string());
    if own.is_some_and(|own| own != format!("{algorithm:?}")) {
        return None;
    }
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let key = DecodingKey::from_jwk(key).ok()?;
    jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation).ok().map(|token| token.claims)
}

/// Names in a list, or in a text with commas or spaces between.
fn roles(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::Array(names)) => {
            names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
        }
        Some(Value::String(names)) => {
            let names = names.split([',', ' ']).filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::EncodingKey;
    use serde_json::json;

    use super::*;

    /// A key pair of Ed25519 for tests alone: PKCS#8 of the seed, and its public key.
    const PRIVATE: [u8; 48] = {
        let mut key = [0; 48];
        let head =
            [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
        let mut at = 0;
        while at < 48 {
            key[at] = if at < 16 { head[at] } else { at as u8 };
            at += 1;
        }
        key
    };

    fn public() -> String {
        use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&PRIVATE).unwrap();
        URL_SAFE_NO_PAD.encode(pair.public_key().as_ref())
    }

    fn keys() -> JwkSet {
        let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "one", "use": "sig", "alg": "EdDSA", "x": public()});
        serde_json::from_value(json!({"keys": [key]})).unwrap()
    }

    fn options() -> ProviderOptions {
        ProviderOptions {
            id: "test".into(),
            issuer: "https://id.example.com/realm".into(),
            client_id: "holdfast".into(),
            client_secret: None,
            roles_claim: "groups".into(),
            scopes: String::new(),
        }
    }

    const NOW: u64 = 1_900_000_000;

    fn good() -> Value {
        json!({
            "iss": "https://id.example.com/realm", "aud": "holdfast", "sub": "anna", "exp": NOW + 300, "iat": NOW,
            "nonce": "n", "groups": ["readers", "writers"], "email": "anna@example.com", "amr": ["pwd", "otp"],
        })
    }

    fn sign(head: Header, claims: &Value) -> String {
        jsonwebtoken::encode(&head, claims, &EncodingKey::from_ed_der(&PRIVATE)).unwrap()
    }

    fn told(claims: &Value) -> Result<WebIdentity, TokenRefused> {
        let head = Header { kid: Some("one".into()), ..Header::new(Algorithm::EdDSA) };
        verify(&sign(head.clone(), claims), &head, &keys(), &options(), Timestamp::from_millis(NOW * 1000))
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = good();
        claims[name] = value;
        claims
    }

    #[test]
    fn a_good_token_tells_who_and_what_conditions_see() {
        let who = told(&good()).unwrap();
        assert_eq!((who.subject.as_str(), who.session_name().as_str()), ("anna", "anna@example.com"));
        assert_eq!(
            (who.roles.as_slice(), who.nonce.as_deref()),
            (&["readers".to_owned(), "writers".into()][..], Some("n"))
        );
        let keys: Vec<_> = who.condition_keys().collect();
        for (name, value) in
            [("aud", "holdfast"), ("sub", "anna"), ("amr", "otp"), ("email", "anna@example.com")]
        {
            let key = (format!("id.example.com/realm:{name}"), value.to_owned());
            assert!(keys.contains(&key), "{key:?}");
        }
        assert_eq!(told(&with("groups", json!("a, b c"))).unwrap().roles, ["a", "b", "c"]);
        let several = told(&{
            let mut claims = with("aud", json!(["other", "holdfast"]));
            claims["azp"] = json!("holdfast");
            claims
        });
        assert!(several.is_ok(), "{several:?}");
    }

    #[test]
    fn a_name_for_a_session_is_made_of_what_may_stand_in_one() {
        let mut claims = with("sub", json!("auth0|5f 7c/ä"));
        claims["email"] = json!("ä@example.com");
        assert_eq!(told(&claims).unwrap().session_name(), "id-auth05f7c");
    }

    #[test]
    fn a_token_that_is_for_others_or_not_now_is_refused() {
        let refused = [
            ("iss", json!("https://id.example.com/other")),
            ("aud", json!("other")),
            ("aud", json!(["holdfast", "other"])),
            ("aud", json!(7)),
            ("azp", json!("other")),
            ("nbf", json!(NOW + 120)),
            ("iat", json!(NOW + 120)),
            ("exp", json!("soon")),
            ("sub", json!("")),
            ("sub", Value::Null),
        ];
        for (name, value) in refused {
            let refused = told(&with(name, value.clone()));
            assert!(matches!(refused, Err(TokenRefused::Invalid(_))), "{name} {value}: {refused:?}");
        }
        assert_eq!(told(&with("exp", json!(NOW - 61))), Err(TokenRefused::Expired));
        assert!(told(&with("exp", json!(NOW - 59))).is_ok(), "clocks may be apart");
    }

    #[test]
    fn only_a_key_of_the_provider_for_signatures_is_believed() {
        let now = Timestamp::from_millis(NOW * 1000);
        let head = Header { kid: Some("one".into()), ..Header::new(Algorithm::EdDSA) };
        let token = sign(head.clone(), &good());
        let mut changed = keys();
        changed.keys[0].common.public_key_use = Some(PublicKeyUse::Encryption);
        assert!(verify(&token, &head, &changed, &options(), now).is_err());
        let mut changed = keys();
        changed.keys[0].common.key_id = Some("two".into());
        assert!(verify(&token, &head, &changed, &options(), now).is_err());
        let unnamed = Header::new(Algorithm::EdDSA);
        assert!(verify(&sign(unnamed.clone(), &good()), &unnamed, &changed, &options(), now).is_ok());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let other = format!("{signed}.{}", signature.chars().rev().collect::<String>());
        assert!(verify(&other, &head, &keys(), &options(), now).is_err());
    }

    #[test]
    fn a_public_key_is_no_shared_secret_and_no_signature_is_none() {
        let now = Timestamp::from_millis(NOW * 1000);
        let head = Header { kid: Some("one".into()), ..Header::new(Algorithm::HS256) };
        let key = EncodingKey::from_secret(public().as_bytes());
        let token = jsonwebtoken::encode(&head, &good(), &key).unwrap();
        assert!(verify(&token, &head, &keys(), &options(), now).is_err());
        let none =
            format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), token.split('.').nth(1).unwrap());
        assert_eq!(issuer_of(&none).as_deref(), Ok("https://id.example.com/realm"));
        assert!(jsonwebtoken::decode_header(&none).is_err());
        for nonsense in ["", "a", "a.b.c", "..", &"a".repeat(30_000)] {
            assert!(issuer_of(nonsense).is_err(), "{nonsense}");
        }
    }
}
