//! Access control lists in requests and answers: canned ones, headers of grants and documents.

use hyper::HeaderMap;

use crate::iam::Iam;
use crate::types::{
    Acl, BucketName, CanonicalId, Grant, Grantee, ObjectAccess, Ownership, Permission, PublicAccessBlock,
};

use super::actions::Action;
use super::auth::Call;
use super::error::{Code, Error, Result};
use super::headers::text;
use super::xml_read::Element;
use super::xml_write::XmlWriter;

const CANNED: &str = "x-amz-acl";

const GRANT_HEADERS: [(&str, Permission); 5] = [
    ("x-amz-grant-full-control", Permission::FullControl),
    ("x-amz-grant-read", Permission::Read),
    ("x-amz-grant-read-acp", Permission::ReadAcp),
    ("x-amz-grant-write", Permission::Write),
    ("x-amz-grant-write-acp", Permission::WriteAcp),
];

const GROUPS: [(&str, Grantee); 3] = [
    ("http://acs.amazonaws.com/groups/global/AllUsers", Grantee::AllUsers),
    ("http://acs.amazonaws.com/groups/global/AuthenticatedUsers", Grantee::AuthenticatedUsers),
    ("http://acs.amazonaws.com/groups/s3/LogDelivery", Grantee::LogDelivery),
];

const PERMISSIONS: [(&str, Permission); 5] = [
    ("FULL_CONTROL", Permission::FullControl),
    ("READ", Permission::Read),
    ("WRITE", Permission::Write),
    ("READ_ACP", Permission::ReadAcp),
    ("WRITE_ACP", Permission::WriteAcp),
];

/// What a list belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owners {
    /// Whose the bucket or object is.
    pub(super) owner: CanonicalId,
    /// Whose the bucket of an object is.
    pub(super) bucket_owner: CanonicalId,
}

impl Owners {
    /// The list that everything has of which nothing else is said.
    pub(super) fn private(self) -> Acl {
        Acl { grants: vec![full_control(self.owner)] }
    }

    /// The same, as it is kept: not at all.
    pub(super) fn kept(self, acl: Acl) -> Option<Acl> {
        Some(acl).filter(|acl| *acl != self.private())
    }
}

fn full_control(account: CanonicalId) -> Grant {
    Grant { grantee: Grantee::Account(account), permission: Permission::FullControl }
}

/// Whether the headers ask for a list.
pub(super) fn is_asked(headers: &HeaderMap) -> bool {
    text(headers, CANNED).is_some() || GRANT_HEADERS.iter().any(|(name, _)| text(headers, name).is_some())
}

/// The list that the headers ask for.
pub(super) fn of_headers(iam: &Iam, headers: &HeaderMap, owners: Owners) -> Result<Option<Acl>> {
    let mut grants = Vec::new();
    for (name, permission) in GRANT_HEADERS {
        for grantee in text(headers, name).into_iter().flat_map(|header| header.split(',')) {
            let (kind, value) = grantee
                .split_once('=')
                .ok_or_else(|| Error::argument(name, grantee.to_owned(), "Argument format not recognized"))?;
            let value = value.trim().trim_matches('"');
            grants.push(Grant { grantee: grantee_of(iam, kind.trim(), value)?, permission });
        }
    }
    match (text(headers, CANNED), grants.is_empty()) {
        (Some(_), false) => {
            Err(Error::request("Specifying both Canned ACLs and Header Grants is not allowed"))
        }
        (Some(canned), true) => self::canned(canned, owners).map(Some),
        (None, true) => Ok(None),
        (None, false) => bounded(grants).map(Some),
    }
}

fn bounded(grants: Vec<Grant>) -> Result<Acl> {
    if grants.len() > Acl::GRANTS_MAX { Err(Code::MalformedAcl.into()) } else { Ok(Acl { grants }) }
}

/// AWS: "Canned ACL".
fn canned(name: &str, owners: Owners) -> Result<Acl> {
    let to = |grantee, permission| Grant { grantee, permission };
    let more = match name {
        "private" | "aws-exec-read" => vec![],
        "public-read" => vec![to(Grantee::AllUsers, Permission::Read)],
        "public-read-write" => {
            vec![to(Grantee::AllUsers, Permission::Read), to(Grantee::AllUsers, Permission::Write)]
        }
        "authenticated-read" => vec![to(Grantee::AuthenticatedUsers, Permission::Read)],
        "bucket-owner-read" | "bucket-owner-full-control" if owners.owner == owners.bucket_owner => vec![],
        "bucket-owner-read" => vec![to(Grantee::Account(owners.bucket_owner), Permission::Read)],
        "bucket-owner-full-control" => vec![full_control(owners.bucket_owner)],
        "log-delivery-write" => {
            vec![to(Grantee::LogDelivery, Permission::Write), to(Grantee::LogDelivery, Permission::ReadAcp)]
        }
        other => {
            return Err(Error::argument(
                CANNED,
                other.to_owned(),
                "The canned ACL you specified is not known",
            ));
        }
    };
    Ok(Acl { grants: [vec![full_control(owners.owner)], more].concat() })
}

fn grantee_of(iam: &Iam, kind: &str, value: &str) -> Result<Grantee> {
    match kind {
        "id" => {
            let id = CanonicalId::parse(value).filter(|id| iam.by_canonical_id(id).is_some());
            let invalid = || Error::argument("CanonicalUser/ID", value.to_owned(), "Invalid id");
            id.map(Grantee::Account).ok_or_else(invalid)
        }
        "emailAddress" => {
            let account = iam.by_email(value).map(|account| Grantee::Account(account.canonical_id));
            account.ok_or_else(|| Code::UnresolvableGrantByEmailAddress.into())
        }
        "uri" => {
            let group = GROUPS.iter().find(|(uri, _)| *uri == value).map(|(_, group)| *group);
            group.ok_or_else(|| Error::argument("Group/URI", value.to_owned(), "Invalid group uri"))
        }
        other => Err(Error::argument("Grantee", other.to_owned(), "Argument format not recognized")),
    }
}

/// Reads `<AccessControlPolicy>`. Its owner must be the one that there is: a list gives nothing away.
pub(super) fn parse(iam: &Iam, document: &[u8], owner: CanonicalId) -> Result<Acl> {
    let malformed = || Error::new(Code::MalformedAcl);
    let policy = Element::parse(document, "AccessControlPolicy").map_err(|_| malformed())?;
    let named = policy.child("Owner").and_then(|owner| owner.child_text("ID")).ok_or_else(malformed)?;
    if CanonicalId::parse(named.trim()) != Some(owner) {
        return Err(Code::AccessDenied.into());
    }
    let list = policy.child("AccessControlList").ok_or_else(malformed)?;
    if list.children.len() > Acl::GRANTS_MAX {
        return Err(malformed());
    }
    let grant = |element: &Element| {
        let grantee = element.child("Grantee").filter(|_| element.name == "Grant").ok_or_else(malformed)?;
        let kinds = [("ID", "id"), ("EmailAddress", "emailAddress"), ("URI", "uri")];
        let named = kinds.iter().find_map(|(name, kind)| Some((*kind, grantee.child_text(name)?.trim())));
        let (kind, value) = named.ok_or_else(malformed)?;
        let permission = element.child_text("Permission").map(str::trim).unwrap_or_default();
        let permission = PERMISSIONS.iter().find(|(name, _)| *name == permission).ok_or_else(malformed)?.1;
        Ok(Grant { grantee: grantee_of(iam, kind, value)?, permission })
    };
    Ok(Acl { grants: list.children.iter().map(grant).collect::<Result<_>>()? })
}

/// The document of a list.
pub(super) fn document(call: &Call<'_>, owner: CanonicalId, acl: &Acl) -> Vec<u8> {
    let mut xml = XmlWriter::new(1024);
    xml.open_root("AccessControlPolicy");
    xml.open("Owner");
    account(&mut xml, call, owner);
    xml.close("Owner");
    xml.open("AccessControlList");
    for grant in &acl.grants {
        xml.raw("<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=");
        match grant.grantee {
            Grantee::Account(id) => {
                xml.raw("\"CanonicalUser\">");
                account(&mut xml, call, id);
            }
            group => {
                xml.raw("\"Group\">");
                let uri = GROUPS.iter().find(|(_, known)| *known == group).map_or("", |(uri, _)| uri);
                xml.element("URI", uri);
            }
        }
        xml.raw("</Grantee>");
        let name = PERMISSIONS.iter().find(|(_, known)| *known == grant.permission);
        xml.element("Permission", name.map_or("", |(name, _)| name));
        xml.raw("</Grant>");
    }
    xml.close("AccessControlList");
    xml.close("AccessControlPolicy");
    xml.finish()
}

fn account(xml: &mut XmlWriter, call: &Call<'_>, id: CanonicalId) {
    xml.number("ID", id);
    xml.element("DisplayName", &call.account(id).name);
}

impl Call<'_> {
    /// Whose a new object will be, and what its headers grant to whom.
    pub(super) fn new_object_access(&self, headers: &HeaderMap, bucket: &BucketName) -> Result<ObjectAccess> {
        let rules = self.rules(bucket);
        let bucket_owner = self.bucket_owner(bucket);
        let writer = self.principal().account().map_or(bucket_owner, |account| account.canonical_id);
        let canned = text(headers, CANNED);
        let is_asked = is_asked(headers);
        let hands_over = canned == Some("bucket-owner-full-control");
        match rules.ownership {
            Ownership::BucketOwnerEnforced if is_asked && !hands_over => {
                return Err(Code::AccessControlListNotSupported.into());
            }
            Ownership::BucketOwnerEnforced => return Ok(ObjectAccess::default()),
            Ownership::BucketOwnerPreferred if hands_over => return Ok(ObjectAccess::default()),
            Ownership::BucketOwnerPreferred | Ownership::ObjectWriter => {}
        }
        let owner = Some(writer).filter(|writer| *writer != bucket_owner);
        if !is_asked {
            return Ok(ObjectAccess { owner, acl: None });
        }
        let owners = Owners { owner: writer, bucket_owner };
        let acl = of_headers(self.iam(), headers, owners)?;
        self.refuse_public(acl.as_ref(), rules.block, Action::PutObject)?;
        Ok(ObjectAccess { owner, acl: acl.and_then(|acl| owners.kept(acl)) })
    }

    /// Refuses a list that opens something to everybody where that is blocked.
    pub(super) fn refuse_public(
        &self,
        acl: Option<&Acl>,
        block: PublicAccessBlock,
        action: Action,
    ) -> Result<()> {
        if block.block_public_acls && acl.is_some_and(Acl::is_public) {
            return Err(self.blocked(action, "public ACLs are prevented by the BlockPublicAcls setting"));
        }
        Ok(())
    }

    /// `AccessDenied` by a setting of Block Public Access.
    pub(super) fn blocked(&self, action: Action, because: &str) -> Error {
        Error::with_message(
            Code::AccessDenied,
            format!(
                "User: {} is not authorized to perform: {} because {because} in S3 Block Public Access.",
                self.principal().arn(),
                action.name()
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;
    use crate::iam::Credentials;
    use crate::types::Secret;

    fn iam() -> Iam {
        Iam::new(Credentials { access_key: "AK".into(), secret: Secret::new("hush") })
    }

    fn owners() -> Owners {
        Owners { owner: CanonicalId([1; 32]), bucket_owner: CanonicalId([2; 32]) }
    }

    fn asked(pairs: &[(&'static str, &str)]) -> Result<Option<Acl>, Code> {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        of_headers(&iam(), &pairs.iter().map(pair).collect(), owners()).map_err(|error| error.code)
    }

    #[test]
    fn canned_lists_grant_what_aws_says() {
        let owner = full_control(owners().owner);
        let all = |permission| Grant { grantee: Grantee::AllUsers, permission };
        for (name, expected) in [
            ("private", vec![]),
            ("public-read", vec![all(Permission::Read)]),
            ("public-read-write", vec![all(Permission::Read), all(Permission::Write)]),
            (
                "authenticated-read",
                vec![Grant { grantee: Grantee::AuthenticatedUsers, permission: Permission::Read }],
            ),
            ("bucket-owner-full-control", vec![full_control(owners().bucket_owner)]),
        ] {
            let acl = asked(&[(CANNED, name)]).unwrap().unwrap();
            assert_eq!(acl.grants, [vec![owner], expected].concat(), "{name}");
        }
        assert_eq!(asked(&[(CANNED, "public")]), Err(Code::InvalidArgument));
        assert_eq!(asked(&[]), Ok(None));
        assert_eq!(owners().kept(owners().private()), None);
    }

    #[test]
    fn headers_of_grants_name_accounts_addresses_and_groups() {
        let first = iam().first().canonical_id;
        let all = "uri=\"http://acs.amazonaws.com/groups/global/AllUsers\"";
        let acl = asked(&[("x-amz-grant-read", &format!("id={first}, {all}"))]).unwrap().unwrap();
        let grants = [Grantee::Account(first), Grantee::AllUsers]
            .map(|grantee| Grant { grantee, permission: Permission::Read });
        assert_eq!(acl.grants, grants);
        for (value, code) in [
            ("id=12", Code::InvalidArgument),
            (&*format!("id={}", CanonicalId([9; 32])), Code::InvalidArgument),
            ("emailAddress=nobody@example.com", Code::UnresolvableGrantByEmailAddress),
            ("uri=http://example.com", Code::InvalidArgument),
            ("name=x", Code::InvalidArgument),
            ("x", Code::InvalidArgument),
        ] {
            assert_eq!(asked(&[("x-amz-grant-write-acp", value)]), Err(code), "{value}");
        }
        assert_eq!(asked(&[(CANNED, "private"), ("x-amz-grant-read", all)]), Err(Code::InvalidRequest));
        let many = vec![all; Acl::GRANTS_MAX + 1].join(",");
        assert_eq!(asked(&[("x-amz-grant-read", &many)]), Err(Code::MalformedAcl));
    }

    #[test]
    fn documents_are_whole_or_malformed() {
        let owner = owners().owner;
        let read = |list: &str| {
            let document =
                format!("<AccessControlPolicy><Owner><ID>{owner}</ID></Owner>{list}</AccessControlPolicy>");
            parse(&iam(), document.as_bytes(), owner).map_err(|error| error.code)
        };
        let grant = |grantee: &str, permission: &str| {
            format!("<Grant><Grantee>{grantee}</Grantee><Permission>{permission}</Permission></Grant>")
        };
        let list = |grants: &str| format!("<AccessControlList>{grants}</AccessControlList>");
        let all = "<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI>";
        assert_eq!(read(&list("")), Ok(Acl { grants: vec![] }));
        let acl = read(&list(&grant(all, "READ_ACP"))).unwrap();
        assert_eq!(acl.grants, [Grant { grantee: Grantee::AllUsers, permission: Permission::ReadAcp }]);
        for (document, code) in [
            (String::new(), Code::MalformedAcl),
            (list(&grant(all, "LOOK")), Code::MalformedAcl),
            (list(&grant("", "READ")), Code::MalformedAcl),
            (list("<Other/>"), Code::MalformedAcl),
            (list(&grant("<ID>12</ID>", "READ")), Code::InvalidArgument),
            (list(&grant(all, "READ").repeat(101)), Code::MalformedAcl),
        ] {
            assert_eq!(read(&document), Err(code), "{document}");
        }
        let foreign = format!(
            "<AccessControlPolicy><Owner><ID>{}</ID></Owner></AccessControlPolicy>",
            CanonicalId([9; 32])
        );
        let refused = parse(&iam(), foreign.as_bytes(), owner).map_err(|error| error.code);
        assert_eq!(refused, Err(Code::AccessDenied));
    }
}
