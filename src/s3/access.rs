//! The gate: whether a caller may do something, asked once an operation knows what.
//!
//! [`Call::authorize`] is for whatever is decided by the names of bucket and key, [`Call::open_object`] for an object that is
//! there, whose own owner, ACL and tags count. A caller that may not list a bucket does not learn whether a key is in it.

use std::borrow::Cow;
use std::sync::Arc;

use hyper::HeaderMap;

use crate::iam::policy::{self, Decision, Named, Policies, Reason, Request, Resource};
use crate::iam::{Account, Iam, Principal, granted};
use crate::object::{BucketAccess, BucketRules, OpenObject, UploadRef};
use crate::types::{
    AccountId, Acl, BucketName, CanonicalId, DecidingStatement, ObjectKey, Ownership, Permission, Properties,
    PublicAccessBlock, Tags, VersionId,
};

use super::actions::{Action, Level};
use super::auth::Call;
use super::condition_keys::{NewBucket, RequestContext, RequestKeys};
use super::error::{Code, Error, Result};
use super::headers::text;
use super::ops::name_version;
use super::permissions;

/// A bucket of which nothing is set.
static PRIVATE: BucketAccess = BucketAccess {
    owner: None,
    policy: None,
    acl: None,
    block: PublicAccessBlock {
        block_public_acls: false,
        ignore_public_acls: false,
        block_public_policy: false,
        restrict_public_buckets: false,
    },
    ownership: Ownership::ObjectWriter,
    requester_pays: false,
};

/// What of a bucket counts for its gate.
#[derive(Debug)]
pub(super) struct Rules(Option<Arc<BucketRules>>);

impl std::ops::Deref for Rules {
    type Target = BucketAccess;

    fn deref(&self) -> &BucketAccess {
        self.0.as_ref().map_or(&PRIVATE, |rules| &rules.access)
    }
}

/// Who owns what a listing shows.
#[derive(Debug)]
pub(super) struct ListedOwners<'a> {
    iam: &'a Iam,
    bucket_owner: Arc<Account>,
    /// Everything is the bucket's owner's.
    enforced: bool,
}

impl ListedOwners<'_> {
    /// The account of one object's owner.
    pub(super) fn of(&self, owner: Option<CanonicalId>) -> Arc<Account> {
        match owner.filter(|_| !self.enforced) {
            None => self.bucket_owner.clone(),
            Some(owner) => self.iam.by_canonical_id(&owner).unwrap_or_else(|| Arc::new(Account::gone(owner))),
        }
    }
}

/// One question to the gate.
struct Question<'q> {
    action: Action,
    resource: Resource<'q>,
    rules: &'q BucketAccess,
    /// The object that it is about, where that is there.
    object: Option<&'q Properties>,
    /// What the request asks for.
    context: RequestContext<'q>,
}

impl<'q> Question<'q> {
    /// The bucket that it is about and that bucket's policy, where it has one.
    fn bucket_policy(&self) -> Option<(&'q str, &'q policy::Policy)> {
        let bucket = match self.resource {
            Resource::Bucket(bucket) | Resource::Object(bucket, _) => Some(bucket),
            Resource::Service | Resource::Other(_) => None,
        };
        bucket.zip(self.rules.policy.as_ref())
    }
}

impl Call<'_> {
    /// What counts for the gate of a bucket; one that is not there is private.
    pub(super) fn rules(&self, bucket: &BucketName) -> Rules {
        Rules(self.engine().bucket_rules(bucket))
    }

    /// Whose a bucket is.
    pub(super) fn bucket_owner(&self, bucket: &BucketName) -> CanonicalId {
        self.owner_of(&self.rules(bucket))
    }

    fn owner_of(&self, rules: &BucketAccess) -> CanonicalId {
        rules.owner.unwrap_or(self.iam().first().canonical_id)
    }

    /// The account of an owner; one that is gone is known by its id alone.
    pub(super) fn account(&self, owner: CanonicalId) -> Arc<Account> {
        self.iam().by_canonical_id(&owner).unwrap_or_else(|| Arc::new(Account::gone(owner)))
    }

    /// The account of each owner of a listing's objects in a bucket. Most are the bucket's own.
    pub(super) fn owners(&self, bucket: &BucketName) -> ListedOwners<'_> {
        let rules = self.rules(bucket);
        let enforced = rules.ownership == Ownership::BucketOwnerEnforced;
        ListedOwners { iam: self.iam(), bucket_owner: self.account(self.owner_of(&rules)), enforced }
    }

    /// Refuses unless the caller may do this.
    pub(super) fn authorize(&self, action: Action, resource: Resource<'_>) -> Result<()> {
        self.authorize_in(action, resource, self.context())
    }

    /// What the headers of the request ask for.
    pub(super) fn context(&self) -> RequestContext<'_> {
        RequestContext::of_headers(self.headers())
    }

    /// Refuses unless the caller may do this by a request that asks for that.
    pub(super) fn authorize_in(
        &self,
        action: Action,
        resource: Resource<'_>,
        context: RequestContext<'_>,
    ) -> Result<()> {
        let rules = match resource {
            Resource::Service | Resource::Other(_) => Rules(None),
            Resource::Bucket(bucket) | Resource::Object(bucket, _) => Rules(self.engine().rules_of(bucket)),
        };
        self.decide(&Question { action, resource, rules: &rules, object: None, context })
    }

    /// Refuses what a request for a new object asks for beside its bytes, unless the caller may do that.
    pub(super) fn authorize_description(
        &self,
        resource: Resource<'_>,
        context: RequestContext<'_>,
    ) -> Result<()> {
        permissions::of_description(&context)
            .try_for_each(|action| self.authorize_in(action, resource, context))
    }

    /// Refuses an upload by a form, whose fields are the headers, unless the caller may do that. Its tags may
    /// stand in a field of their own.
    pub(super) fn authorize_form(
        &self,
        (headers, tags): (&HeaderMap, Option<&Tags>),
        (bucket, key): (&BucketName, &ObjectKey),
    ) -> Result<()> {
        self.check_expected_owner(bucket)?;
        let resource = Resource::Object(bucket.as_str(), key.as_str());
        let context =
            RequestContext { tags, creates_object: Some(true), ..RequestContext::of_headers(headers) };
        self.authorize_in(Action::PutObject, resource, context)?;
        self.authorize_description(resource, context)
    }

    /// Refuses to make a bucket unless the caller may do that: it will be the caller's, whose account is returned.
    pub(super) fn authorize_new_bucket(&self, bucket: &BucketName, asked: &NewBucket) -> Result<CanonicalId> {
        let account = self.principal().account().ok_or(Code::AccessDenied)?.canonical_id;
        let rules = BucketAccess { owner: Some(account), ..BucketAccess::default() };
        let resource = Resource::Bucket(bucket.as_str());
        let context = RequestContext { new_bucket: Some(asked), ..self.context() };
        let described = permissions::of_bucket_description(self.headers(), asked);
        std::iter::once(Action::CreateBucket).chain(described).try_for_each(|action| {
            self.decide(&Question { action, resource, rules: &rules, object: None, context })
        })?;
        Ok(account)
    }

    /// Refuses who could do this to no key of a bucket, whatever the document says: no ACL grants it, only a policy does.
    pub(super) fn authorize_some(&self, action: Action, bucket: &BucketName) -> Result<()> {
        let rules = self.rules(bucket);
        if rules.policy.is_some() || self.principal().is_of(&self.owner_of(&rules)) {
            return Ok(());
        }
        self.authorize(action, Resource::Object(bucket.as_str(), "*"))
    }

    /// `MethodNotAllowed` for who is of another account than the bucket.
    pub(super) fn refuse_strangers(&self, bucket: &BucketName) -> Result<()> {
        let is_own = self.principal().is_of(&self.bucket_owner(bucket));
        if is_own { Ok(()) } else { Err(Code::MethodNotAllowed.into()) }
    }

    /// Refuses unless the caller may do this to an upload in progress. The account that began it may, where nothing denies it;
    /// its users need a policy, because of an upload the account alone is known.
    pub(super) async fn authorize_upload(&self, action: Action, upload: &UploadRef) -> Result<()> {
        let resource = Resource::Object(upload.bucket.as_str(), upload.key.as_str());
        let Err(refusal) = self.authorize(action, resource) else { return Ok(()) };
        let rules = self.rules(&upload.bucket);
        let question = Question { action, resource, rules: &rules, object: None, context: self.context() };
        self.refuse_denied(&question)?;
        let is_root = matches!(self.principal(), Principal::Root(_));
        let is_roots = |owner| is_root && self.principal().is_of(&owner);
        match self.engine().head_upload(upload).await {
            Ok(info) if info.owner.is_some_and(is_roots) => Ok(()),
            Ok(_) | Err(_) => Err(refusal),
        }
    }

    /// Whether the caller asks to pass by a retention in governance mode, and may.
    pub(super) fn bypasses_governance(&self, bucket: &BucketName, key: &ObjectKey) -> bool {
        let resource = Resource::Object(bucket.as_str(), key.as_str());
        super::lock::bypasses_governance(self.headers())
            && self.authorize(Action::BypassGovernanceRetention, resource).is_ok()
    }

    /// Opens an object that the caller may do this to.
    pub(super) async fn open_object(
        &self,
        action: Action,
        place: (&BucketName, &ObjectKey),
        version: Option<VersionId>,
    ) -> Result<OpenObject> {
        self.open_object_in(action, place, version, self.context()).await
    }

    /// Opens an object that the caller may do this to by a request that asks for that.
    pub(super) async fn open_object_in(
        &self,
        action: Action,
        (bucket, key): (&BucketName, &ObjectKey),
        version: Option<VersionId>,
        context: RequestContext<'_>,
    ) -> Result<OpenObject> {
        let action = if version.is_some() { action.of_version() } else { action };
        let resource = Resource::Object(bucket.as_str(), key.as_str());
        let rules = self.rules(bucket);
        let question = |object| Question { action, resource, rules: &rules, object, context };
        match self.engine().open(bucket, key, version).await {
            Ok(opened) => {
                self.decide(&question(Some(&opened.info().properties)))?;
                Ok(opened)
            }
            Err(error) => {
                let error = name_version(error, key.as_str(), version);
                if is_absence(error.code) {
                    self.refuse_denied(&question(None))?;
                    self.authorize(Action::ListBucket, Resource::Bucket(bucket.as_str()))?;
                }
                Err(error)
            }
        }
    }

    /// Refuses unless the caller may do this to an object, if that is there: what is not is found out by what is done to it.
    pub(super) async fn authorize_if_there(
        &self,
        action: Action,
        place: (&BucketName, &ObjectKey),
        version: Option<VersionId>,
        context: RequestContext<'_>,
    ) -> Result<()> {
        match self.open_object_in(action, place, version, context).await {
            Err(error) if is_absence(error.code) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Refuses a change on the condition of a tag unless the caller may read the object that has it, or not (AWS: "Enforce
    /// conditional deletes on Amazon S3 buckets").
    pub(super) async fn authorize_etag_condition(
        &self,
        place: (&BucketName, &ObjectKey),
        version: Option<VersionId>,
    ) -> Result<()> {
        self.authorize_if_there(Action::GetObject, place, version, self.context()).await
    }

    /// Also asks for another action on an object that is open.
    pub(super) fn also(
        &self,
        action: Action,
        (bucket, key): (&BucketName, &ObjectKey),
        object: &OpenObject,
        version: Option<VersionId>,
    ) -> Result<()> {
        let action = if version.is_some() { action.of_version() } else { action };
        let resource = Resource::Object(bucket.as_str(), key.as_str());
        let (rules, object) = (self.rules(bucket), Some(&object.info().properties));
        self.decide(&Question { action, resource, rules: &rules, object, context: self.context() })
    }

    /// Refuses if the bucket is not of the account that the client expects.
    pub(super) fn check_expected_owner(&self, bucket: &BucketName) -> Result<()> {
        self.check_owner("x-amz-expected-bucket-owner", bucket)
    }

    /// Refuses if a copy's source is not of the account that the client expects.
    pub(super) fn check_expected_source_owner(&self, bucket: &BucketName) -> Result<()> {
        self.check_owner("x-amz-source-expected-bucket-owner", bucket)
    }

    fn check_owner(&self, header: &'static str, bucket: &BucketName) -> Result<()> {
        let Some(expected) = text(self.headers(), header) else { return Ok(()) };
        let expected = AccountId::parse(expected).ok_or(Code::InvalidBucketOwner)?;
        self.engine().metadata().bucket(bucket.as_str()).map_err(crate::object::Error::from)?;
        let owner = self.account(self.bucket_owner(bucket));
        if owner.id == expected { Ok(()) } else { Err(Code::AccessDenied.into()) }
    }

    fn decide(&self, question: &Question<'_>) -> Result<()> {
        let decided = self.decision(question, |decision| {
            if decision.allowed {
                self.note_allowed(|| self.allowed_by_what(question, &decision.reason));
            }
            (!decision.allowed).then(|| self.explained_denial(question, &decision.reason))
        });
        match decided {
            Some(refusal) => Err(refusal),
            None if question.rules.requester_pays => self.check_requester_pays(question),
            None => Ok(()),
        }
    }

    /// Refuses others than the owner's account who do not say that they pay (AWS: "Using Requester Pays buckets").
    fn check_requester_pays(&self, question: &Question<'_>) -> Result<()> {
        let pays = text(question.context.headers, "x-amz-request-payer") == Some("requester");
        let is_signed = *self.principal() != Principal::Anonymous;
        let is_own = self.principal().is_of(&self.owner_of(question.rules));
        if is_own || (is_signed && pays) { Ok(()) } else { Err(Code::AccessDenied.into()) }
    }

    /// Whether the caller pays for a request to this bucket.
    pub(super) fn is_charged(&self, bucket: &BucketName) -> bool {
        let rules = self.rules(bucket);
        rules.requester_pays && !self.principal().is_of(&self.owner_of(&rules))
    }

    /// Refuses what a policy denies outright.
    fn refuse_denied(&self, question: &Question<'_>) -> Result<()> {
        let decided = self.decision(question, |decision| {
            matches!(decision.reason, Reason::Denied(..))
                .then(|| self.explained_denial(question, &decision.reason))
        });
        decided.map_or(Ok(()), Err)
    }

    fn decision<T>(&self, question: &Question<'_>, then: impl FnOnce(Decision<'_>) -> T) -> T {
        let Question { action, resource, rules, object, context } = *question;
        let bucket_owner = match (resource, self.principal().account()) {
            // One's own buckets.
            (Resource::Service, Some(account)) => account.canonical_id,
            _ => self.owner_of(rules),
        };
        // Of what describes an object, only the ACL is its own owner's; tags and locks are the bucket's.
        let is_its_own = action.permission().is_some() && rules.ownership != Ownership::BucketOwnerEnforced;
        let own = object.filter(|_| is_its_own).and_then(|object| object.access.owner);
        let owner = own.unwrap_or(bucket_owner);
        let owner_account = || self.account(bucket_owner).id.clone();
        let keys = RequestKeys { call: self, context, object, resource_account: &owner_account };
        let grants = self.grants();
        let (identity, session) = (borrowed(&grants.identity), borrowed(&grants.session));
        let policies = Policies {
            identity: &identity,
            boundary: grants.boundary.as_deref(),
            session: &session,
            bucket: rules.policy.as_ref(),
            bucket_is_restricted: rules.block.restrict_public_buckets
                && rules.policy.as_ref().is_some_and(policy::Policy::is_public),
            acl: self.granted(question),
        };
        let request = Request {
            principal: self.principal(),
            action: action.name(),
            resource,
            bucket_owner: &bucket_owner,
            owner: &owner,
            keys: &keys,
        };
        then(policy::decide(&request, &policies))
    }

    /// What the ACL grants: that of the object for what is done to an object that is there, else the bucket's.
    fn granted(&self, question: &Question<'_>) -> Option<Named> {
        let Question { action, rules, object, .. } = question;
        if rules.ownership == Ownership::BucketOwnerEnforced {
            return None;
        }
        let (acl, wanted) = match (action.level(), object) {
            (Level::Service, _) => return None,
            (Level::Object, Some(object)) => (object.access.acl.as_ref(), action.permission()),
            // Who may store an object may describe it.
            (Level::Object, None) if *action == Action::PutObjectAcl => {
                (rules.acl.as_ref(), Some(Permission::Write))
            }
            (Level::Object, None) => {
                (rules.acl.as_ref(), action.permission().filter(|wanted| *wanted == Permission::Write))
            }
            (Level::Bucket, _) => (rules.acl.as_ref(), action.permission()),
        };
        let acl = acl.map(|acl| without_public(acl, rules.block.ignore_public_acls))?;
        granted(&acl, self.principal(), wanted?)
    }

    /// What allows it, in names that administrators know.
    fn allowed_by_what(&self, question: &Question<'_>, reason: &Reason<'_>) -> DecidingStatement {
        self.iam().explain_allowed(self.principal(), reason, question.bucket_policy())
    }

    /// The refusal, with what administrators are told.
    fn explained_denial(&self, question: &Question<'_>, reason: &Reason<'_>) -> Error {
        let refusal = self.denial(question, reason);
        if refusal.code != Code::AccessDenied {
            return refusal;
        }
        let asked = (question.action.name(), question.resource.arn());
        refusal.because(self.iam().explain(self.principal(), asked, reason, question.bucket_policy()))
    }

    /// The refusal, in the words of AWS. Who is of another account learns nothing more.
    fn denial(&self, question: &Question<'_>, reason: &Reason<'_>) -> Error {
        let Question { action, resource, rules, .. } = question;
        if let Resource::Bucket(bucket) | Resource::Object(bucket, _) = resource
            && question.context.new_bucket.is_none()
            && let Err(error) = self.engine().metadata().bucket(bucket)
        {
            return Error::from(crate::object::Error::from(error)).detail("BucketName", (*bucket).to_owned());
        }
        let stranger = matches!(self.principal(), Principal::Anonymous)
            || !(matches!(resource, Resource::Service) || self.principal().is_of(&self.owner_of(rules)));
        if stranger {
            return Code::AccessDenied.into();
        }
        self.not_authorized(*action, *resource, &reason.because(action.name()))
    }

    /// `AccessDenied` that names caller, action and resource.
    pub(super) fn not_authorized(&self, action: Action, resource: Resource<'_>, because: &str) -> Error {
        Error::with_message(
            Code::AccessDenied,
            format!(
                "User: {} is not authorized to perform: {} on resource: \"{}\" {because}",
                self.principal().arn(),
                action.name(),
                resource.arn()
            ),
        )
    }
}

/// Whether an error says that an object is not there.
fn is_absence(code: Code) -> bool {
    matches!(code, Code::NoSuchKey | Code::NoSuchVersion | Code::MethodNotAllowed)
}

fn borrowed(policies: &[Arc<policy::Policy>]) -> Vec<&policy::Policy> {
    policies.iter().map(Arc::as_ref).collect()
}

fn without_public(acl: &Acl, ignored: bool) -> Cow<'_, Acl> {
    if !ignored || !acl.is_public() {
        return Cow::Borrowed(acl);
    }
    let kept = acl.grants.iter().filter(|grant| !grant.grantee.is_public());
    Cow::Owned(Acl { grants: kept.copied().collect() })
}
