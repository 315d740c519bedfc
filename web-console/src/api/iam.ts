/** IAM and STS, in their form API. */
import { send } from "./http";
import { childOf, childrenOf, flagOf, parseXml, textOf } from "./xml";

const VERSION = "2010-05-08";

/** Calls an action; answers its result element. */
async function call(action: string, parameters: Record<string, string | number | undefined> = {}): Promise<Element> {
  const body = new URLSearchParams({ Action: action, Version: VERSION });
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) body.append(name, String(value));
  }
  const root = parseXml(await (await send("/api/v1/iam", { method: "POST", body })).text());
  return childOf(root, `${action}Result`) ?? root;
}

/** All members of a list that comes in pages. */
async function listAll<T>(
  action: string,
  parameters: Record<string, string | undefined>,
  list: string,
  read: (member: Element) => T,
): Promise<T[]> {
  const all: T[] = [];
  let marker: string | undefined;
  do {
    const result: Element = await call(action, { ...parameters, Marker: marker });
    all.push(...membersOf(result, list).map(read));
    marker = flagOf(result, "IsTruncated") ? textOf(result, "Marker") : undefined;
  } while (marker);
  return all;
}

const membersOf = (result: Element, list: string): Element[] => {
  const parent = childOf(result, list);
  return parent ? childrenOf(parent, "member") : [];
};

export interface User {
  name: string;
  arn: string;
  created: string;
  boundary: string;
}

const readUser = (member: Element): User => ({
  name: textOf(member, "UserName"),
  arn: textOf(member, "Arn"),
  created: textOf(member, "CreateDate"),
  boundary: textOf(member, "PermissionsBoundary/PermissionsBoundaryArn"),
});

export const listUsers = () => listAll("ListUsers", {}, "Users", readUser);
export const createUser = (name: string) => call("CreateUser", { UserName: name });
export const getUser = async (name: string): Promise<User> => {
  const result = await call("GetUser", { UserName: name });
  return readUser(childOf(result, "User") ?? result);
};

/** Deletes a user with everything that hangs on it. */
export async function deleteUser(name: string): Promise<void> {
  const of = { UserName: name };
  const keys = [...(await listAccessKeys(name)), ...(await listServiceKeys(name))];
  for (const id of new Set(keys.map((key) => key.id))) await call("DeleteAccessKey", { ...of, AccessKeyId: id });
  for (const { arn } of await listAttached("user", name)) await call("DetachUserPolicy", { ...of, PolicyArn: arn });
  for (const policy of await listInline("user", name)) await call("DeleteUserPolicy", { ...of, PolicyName: policy });
  for (const group of await listGroupsOf(name)) await call("RemoveUserFromGroup", { ...of, GroupName: group });
  await call("DeleteUser", of);
}

export interface AccessKey {
  id: string;
  active: boolean;
  created: string;
}

const readAccessKey = (member: Element): AccessKey => ({
  id: textOf(member, "AccessKeyId"),
  active: textOf(member, "Status") === "Active",
  created: textOf(member, "CreateDate"),
});

export const listAccessKeys = (user: string) =>
  listAll("ListAccessKeys", { UserName: user }, "AccessKeyMetadata", readAccessKey);

/** An access key with its secret. */
export interface Pair {
  id: string;
  secret: string;
}

const readPair = (element: Element): Pair => ({
  id: textOf(element, "AccessKeyId"),
  secret: textOf(element, "SecretAccessKey"),
});

/** Makes a pair; its secret is shown this once. */
export async function createAccessKey(user: string): Promise<Pair> {
  const result = await call("CreateAccessKey", { UserName: user });
  return readPair(childOf(result, "AccessKey") ?? result);
}

export const setAccessKeyActive = (user: string, id: string, active: boolean) =>
  call("UpdateAccessKey", { UserName: user, AccessKeyId: id, Status: active ? "Active" : "Inactive" });
export const deleteAccessKey = (user: string, id: string) =>
  call("DeleteAccessKey", { UserName: user, AccessKeyId: id });

/** An access key for a program: bounded by a policy of its own, and with an end. */
export interface ServiceKey extends AccessKey {
  name: string;
  expires: string;
  policy: string;
}

export const listServiceKeys = (user: string) =>
  listAll(
    "ListServiceAccounts",
    { UserName: user },
    "ServiceAccounts",
    (member): ServiceKey => ({
      ...readAccessKey(member),
      name: textOf(member, "ServiceAccountName"),
      expires: textOf(member, "Expires"),
      policy: textOf(member, "PolicyDocument"),
    }),
  );

export interface NewServiceKey {
  name: string;
  /** Empty for all that the user may do. */
  policy: string;
  /** Empty for no end. */
  expires: string;
}

export async function createServiceKey(user: string, { name, policy, expires }: NewServiceKey): Promise<Pair> {
  const result = await call("CreateServiceAccount", {
    UserName: user,
    ServiceAccountName: name,
    PolicyDocument: policy || undefined,
    Expires: expires || undefined,
  });
  return readPair(childOf(result, "ServiceAccount") ?? result);
}

export interface Group {
  name: string;
  arn: string;
  created: string;
}

const readGroup = (member: Element): Group => ({
  name: textOf(member, "GroupName"),
  arn: textOf(member, "Arn"),
  created: textOf(member, "CreateDate"),
});

export const listGroups = () => listAll("ListGroups", {}, "Groups", readGroup);
export const createGroup = (name: string) => call("CreateGroup", { GroupName: name });
export const listMembers = (group: string) => listAll("GetGroup", { GroupName: group }, "Users", readUser);
export const listGroupsOf = (user: string) =>
  listAll("ListGroupsForUser", { UserName: user }, "Groups", (member) => textOf(member, "GroupName"));
export const addToGroup = (user: string, group: string) => call("AddUserToGroup", { UserName: user, GroupName: group });
export const removeFromGroup = (user: string, group: string) =>
  call("RemoveUserFromGroup", { UserName: user, GroupName: group });

/** Deletes a group with everything that hangs on it. */
export async function deleteGroup(name: string): Promise<void> {
  const of = { GroupName: name };
  for (const user of await listMembers(name)) await removeFromGroup(user.name, name);
  for (const { arn } of await listAttached("group", name)) await call("DetachGroupPolicy", { ...of, PolicyArn: arn });
  for (const policy of await listInline("group", name)) await call("DeleteGroupPolicy", { ...of, PolicyName: policy });
  await call("DeleteGroup", of);
}

export interface Role {
  name: string;
  arn: string;
  created: string;
  trust: string;
}

const readRole = (member: Element): Role => ({
  name: textOf(member, "RoleName"),
  arn: textOf(member, "Arn"),
  created: textOf(member, "CreateDate"),
  trust: decodeURIComponent(textOf(member, "AssumeRolePolicyDocument")),
});

export const listRoles = () => listAll("ListRoles", {}, "Roles", readRole);
export const getRole = async (name: string): Promise<Role> => {
  const result = await call("GetRole", { RoleName: name });
  return readRole(childOf(result, "Role") ?? result);
};
export const createRole = (name: string, trust: string) =>
  call("CreateRole", { RoleName: name, AssumeRolePolicyDocument: trust });
export const putTrust = (role: string, trust: string) =>
  call("UpdateAssumeRolePolicy", { RoleName: role, PolicyDocument: trust });

export async function deleteRole(name: string): Promise<void> {
  const of = { RoleName: name };
  for (const { arn } of await listAttached("role", name)) await call("DetachRolePolicy", { ...of, PolicyArn: arn });
  for (const policy of await listInline("role", name)) await call("DeleteRolePolicy", { ...of, PolicyName: policy });
  await call("DeleteRole", of);
}

/** What policies hang on. */
export type EntityKind = "user" | "group" | "role";

const WORDS = { user: "User", group: "Group", role: "Role" } as const;
const nameOf = (kind: EntityKind, name: string) => ({ [`${WORDS[kind]}Name`]: name });

export interface AttachedPolicy {
  name: string;
  arn: string;
}

export const listAttached = (kind: EntityKind, name: string): Promise<AttachedPolicy[]> =>
  listAll(`ListAttached${WORDS[kind]}Policies`, nameOf(kind, name), "AttachedPolicies", (member) => ({
    name: textOf(member, "PolicyName"),
    arn: textOf(member, "PolicyArn"),
  }));
export const attachPolicy = (kind: EntityKind, name: string, arn: string) =>
  call(`Attach${WORDS[kind]}Policy`, { ...nameOf(kind, name), PolicyArn: arn });
export const detachPolicy = (kind: EntityKind, name: string, arn: string) =>
  call(`Detach${WORDS[kind]}Policy`, { ...nameOf(kind, name), PolicyArn: arn });

export const listInline = (kind: EntityKind, name: string): Promise<string[]> =>
  listAll(`List${WORDS[kind]}Policies`, nameOf(kind, name), "PolicyNames", (member) => member.textContent ?? "");
export const getInline = async (kind: EntityKind, name: string, policy: string): Promise<string> => {
  const result = await call(`Get${WORDS[kind]}Policy`, { ...nameOf(kind, name), PolicyName: policy });
  return decodeURIComponent(textOf(result, "PolicyDocument"));
};
export const putInline = (kind: EntityKind, name: string, policy: string, document: string) =>
  call(`Put${WORDS[kind]}Policy`, { ...nameOf(kind, name), PolicyName: policy, PolicyDocument: document });
export const deleteInline = (kind: EntityKind, name: string, policy: string) =>
  call(`Delete${WORDS[kind]}Policy`, { ...nameOf(kind, name), PolicyName: policy });

export interface Policy {
  name: string;
  arn: string;
  attachments: number;
  defaultVersion: string;
  description: string;
}

const readPolicy = (member: Element): Policy => ({
  name: textOf(member, "PolicyName"),
  arn: textOf(member, "Arn"),
  attachments: Number(textOf(member, "AttachmentCount")),
  defaultVersion: textOf(member, "DefaultVersionId"),
  description: textOf(member, "Description"),
});

/** Policies that are there from the beginning cannot be changed. */
export const isBuiltIn = (arn: string): boolean => arn.startsWith("arn:aws:iam::aws:");

export const listPolicies = () => listAll("ListPolicies", {}, "Policies", readPolicy);
export const createPolicy = (name: string, document: string) =>
  call("CreatePolicy", { PolicyName: name, PolicyDocument: document });

/** The document of a policy that counts. */
export async function getPolicyDocument(arn: string): Promise<string> {
  const policy = readPolicy(childOf(await call("GetPolicy", { PolicyArn: arn }), "Policy") as Element);
  const result = await call("GetPolicyVersion", { PolicyArn: arn, VersionId: policy.defaultVersion });
  return decodeURIComponent(textOf(result, "PolicyVersion/Document"));
}

/** Versions that IAM keeps of a policy. */
const POLICY_VERSIONS_MAX = 5;

/** Gives a policy another document; the oldest version makes room where there are too many. */
export async function putPolicyDocument(arn: string, document: string): Promise<void> {
  const versions = await listAll("ListPolicyVersions", { PolicyArn: arn }, "Versions", (member) => ({
    id: textOf(member, "VersionId"),
    isDefault: flagOf(member, "IsDefaultVersion"),
  }));
  if (versions.length >= POLICY_VERSIONS_MAX) {
    const oldest = versions
      .filter(({ isDefault }) => !isDefault)
      .sort((a, b) => versionNumber(a.id) - versionNumber(b.id))[0];
    if (oldest) await call("DeletePolicyVersion", { PolicyArn: arn, VersionId: oldest.id });
  }
  await call("CreatePolicyVersion", { PolicyArn: arn, PolicyDocument: document, SetAsDefault: "true" });
}

const versionNumber = (id: string): number => Number(id.slice(1));

/** Deletes a policy that hangs on nothing. */
export async function deletePolicy(arn: string): Promise<void> {
  const versions = await listAll("ListPolicyVersions", { PolicyArn: arn }, "Versions", (member) => ({
    id: textOf(member, "VersionId"),
    isDefault: flagOf(member, "IsDefaultVersion"),
  }));
  for (const { id, isDefault } of versions) {
    if (!isDefault) await call("DeletePolicyVersion", { PolicyArn: arn, VersionId: id });
  }
  await call("DeletePolicy", { PolicyArn: arn });
}

export interface Simulated {
  action: string;
  resource: string;
  decision: "allowed" | "explicitDeny" | "implicitDeny";
  statements: { policy: string; kind: string }[];
}

/** What the policies of a user, group or role decide about actions on a resource. */
export async function simulate(entityArn: string, actions: readonly string[], resource: string): Promise<Simulated[]> {
  const numbered = actions.map((action, index) => [`ActionNames.member.${index + 1}`, action]);
  const result = await call("SimulatePrincipalPolicy", {
    PolicySourceArn: entityArn,
    "ResourceArns.member.1": resource || "*",
    ...Object.fromEntries(numbered),
  });
  return membersOf(result, "EvaluationResults").map((member) => ({
    action: textOf(member, "EvalActionName"),
    resource: textOf(member, "EvalResourceName"),
    decision: textOf(member, "EvalDecision") as Simulated["decision"],
    statements: membersOf(member, "MatchedStatements").map((statement) => ({
      policy: textOf(statement, "SourcePolicyId"),
      kind: textOf(statement, "SourcePolicyType"),
    })),
  }));
}
