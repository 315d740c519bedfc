//! The signature of a form's policy: over the policy's base64 alone, with the key of a day and region.

use subtle::ConstantTimeEq;

use super::claim::{ALGORITHM, Credential, Malformed, Service};
use super::encoding::parse_hex;
use super::key::SigningSecret;
use super::time::AmzTime;

/// What a form says of its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyClaim {
    /// Whose signature it is said to be.
    pub access_key: String,
    /// The region of the scope.
    pub region: String,
    day: String,
    signature: [u8; 32],
}

impl PolicyClaim {
    /// Reads the values of `x-amz-algorithm`, `x-amz-credential`, `x-amz-date` and `x-amz-signature`.
    pub fn parse(algorithm: &str, credential: &str, date: &str, signature: &str) -> Result<Self, Malformed> {
        if algorithm != ALGORITHM {
            return Err(Malformed::Algorithm);
        }
        let credential = Credential::parse(credential)?;
        if credential.service != Service::S3 {
            return Err(Malformed::Service);
        }
        let time = AmzTime::parse(date).ok_or(Malformed::Date)?;
        if credential.day != time.day() {
            return Err(Malformed::Day);
        }
        Ok(Self {
            access_key: credential.access_key.into(),
            region: credential.region.into(),
            day: credential.day.into(),
            signature: parse_hex(signature.as_bytes()).ok_or(Malformed::Fields)?,
        })
    }

    /// True where the owner of `secret` signed `policy`, which is in base64 as the form has it.
    pub fn signs(&self, policy: &str, secret: &SigningSecret) -> bool {
        let expected = secret.with_key(&self.day, &self.region, |key| key.sign(policy.as_bytes()));
        expected.ct_eq(&self.signature).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Secret;

    /// "Example: browser-based upload using HTTP POST (using AWS Signature Version 4)" of the S3 API reference.
    #[test]
    fn example_of_the_api_reference_holds() {
        let policy = concat!(
            "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2N",
            "GV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcm",
            "VhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N",
            "1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFt",
            "ei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogI",
            "CAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0",
            "VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEE",
            "yNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9"
        );
        let credential = "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request";
        let signature = "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e";
        let claim = PolicyClaim::parse(ALGORITHM, credential, "20151229T000000Z", signature).unwrap();
        let secret = |text: &str| SigningSecret::new(Secret::new(text));
        let own = secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        assert!(claim.signs(policy, &own));
        assert!(!claim.signs(policy, &secret("another secret")));
        assert!(!claim.signs(&policy[4..], &own));
    }

    #[test]
    fn fields_that_cannot_be_read_are_refused_by_kind() {
        let good = ("AK/20151229/us-east-1/s3/aws4_request", "20151229T000000Z", "00".repeat(32));
        let parse = |algorithm, credential, date, signature: &str| {
            PolicyClaim::parse(algorithm, credential, date, signature).map(drop)
        };
        assert_eq!(parse(ALGORITHM, good.0, good.1, &good.2), Ok(()));
        assert_eq!(parse("AWS4", good.0, good.1, &good.2), Err(Malformed::Algorithm));
        assert_eq!(parse(ALGORITHM, "AK", good.1, &good.2), Err(Malformed::Credential));
        assert_eq!(parse(ALGORITHM, good.0, "2015", &good.2), Err(Malformed::Date));
        assert_eq!(parse(ALGORITHM, good.0, "20151230T000000Z", &good.2), Err(Malformed::Day));
        assert_eq!(parse(ALGORITHM, good.0, good.1, "00"), Err(Malformed::Fields));
    }
}
