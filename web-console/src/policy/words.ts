/** What a statement of a policy does, in a sentence. */
import { language, t } from "@/i18n";
import type { Condition, PolicyKind, Statement } from "./document";

/** `Everybody may read objects, on every object in photos, if the caller's address is in 192.0.2.0/24.` */
export function explain(statement: Statement, kind: PolicyKind): string {
  const parts = [mayInWords(statement, kind), whereInWords(statement), whenInWords(statement.conditions)];
  const sentence = parts.filter((part) => part !== "").join(t(", "));
  return sentence.charAt(0).toUpperCase() + sentence.slice(1) + t(".");
}

function mayInWords(statement: Statement, kind: PolicyKind): string {
  const isDenied = statement.effect === "Deny";
  const what = whatInWords(statement, isDenied);
  const isEverybody = kind !== "identity" && statement.principals.includes("*");
  if (isEverybody) return isDenied ? t("nobody may {what}", { what }) : t("everybody may {what}", { what });
  const who = whoInWords(statement, kind);
  return isDenied ? t("{who} may not {what}", { who, what }) : t("{who} may {what}", { who, what });
}

const joined = (texts: readonly string[], type: "conjunction" | "disjunction"): string =>
  new Intl.ListFormat(language.get(), { type }).format(texts);

function whoInWords({ principals, notPrincipals }: Statement, kind: PolicyKind): string {
  if (kind === "identity") return t("who has this policy");
  if (notPrincipals.length > 0)
    return t("everybody but {principals}", { principals: joined(notPrincipals.map(principalInWords), "conjunction") });
  return joined(principals.map(principalInWords), "conjunction");
}

function principalInWords(arn: string): string {
  const [, account = "", kind, name = ""] = /^arn:aws:(?:iam|sts)::(\d*):(root|[\w-]+)\/?(.*)$/.exec(arn) ?? [];
  switch (kind) {
    case "root":
      return t("the account {account}", { account });
    case "user":
      return t("the user {name}", { name });
    case "role":
      return t("the role {name}", { name });
    case "oidc-provider":
      return t("people of {provider}", { provider: name });
    default:
      return arn;
  }
}

function whatInWords({ actions, notActions }: Statement, isDenied: boolean): string {
  if (notActions.length > 0) {
    const but = { actions: joined(notActions, "conjunction") };
    return isDenied ? t("do anything but {actions}", but) : t("do everything but {actions}", but);
  }
  const deeds = actions.flatMap((action) => deedOf(action, isDenied) ?? []);
  const others = actions.filter((action) => deedOf(action, isDenied) === undefined);
  if (others.length > 0) deeds.push(t("use {actions}", { actions: joined(others, "conjunction") }));
  return joined(deeds, "conjunction");
}

/** What an action does, where there are words for it. */
function deedOf(action: string, isDenied: boolean): string | undefined {
  const words: Record<string, string> = {
    "*": isDenied ? t("do anything") : t("do everything"),
    "s3:*": isDenied ? t("do anything in S3") : t("do everything in S3"),
    "s3:GetObject": t("read objects"),
    "s3:GetObjectVersion": t("read old versions"),
    "s3:PutObject": t("store objects"),
    "s3:DeleteObject": t("delete objects"),
    "s3:DeleteObjectVersion": t("remove versions for good"),
    "s3:ListBucket": t("list objects"),
    "s3:ListAllMyBuckets": t("see which buckets there are"),
    "sts:AssumeRole": t("take this role"),
    "sts:AssumeRoleWithWebIdentity": t("take this role by single sign-on"),
  };
  return words[action];
}

function whereInWords({ resources, notResources }: Statement): string {
  if (notResources.length > 0)
    return t("on everything but {places}", { places: joined(notResources.map(placeInWords), "conjunction") });
  if (resources.length === 0) return "";
  return t("on {places}", { places: joined(resources.map(placeInWords), "conjunction") });
}

function placeInWords(arn: string): string {
  if (arn === "*") return t("everything");
  const [, bucket, key] = /^arn:aws:s3:::([^/*?]+)(?:\/(.*))?$/.exec(arn) ?? [];
  if (!bucket) return arn;
  if (key === undefined) return t("the bucket {bucket}", { bucket });
  if (key === "*") return t("every object in {bucket}", { bucket });
  if (key.endsWith("*")) return t("what begins with {place}", { place: `${bucket}/${key.slice(0, -1)}` });
  return t("the object {place}", { place: `${bucket}/${key}` });
}

function whenInWords(conditions: readonly Condition[]): string {
  if (conditions.length === 0) return "";
  return t("if {conditions}", { conditions: joined(conditions.map(conditionInWords), "conjunction") });
}

function conditionInWords({ operator, key, values }: Condition): string {
  const [, set, name = "", lenient] = /^(ForAllValues:|ForAnyValue:)?(.*?)(IfExists)?$/i.exec(operator) ?? [];
  const about = { key: keyInWords(key, set), values: joined(values, "disjunction") };
  const words = comparisonInWords(name.toLowerCase(), about);
  return lenient ? t("{condition} (or is not said)", { condition: words }) : words;
}

function keyInWords(key: string, set: string | undefined): string {
  const [name = "", tag = ""] = key.split("/");
  const words: Record<string, string> = {
    "aws:securetransport": t("encryption on the way"),
    "aws:sourceip": t("the caller's address"),
    "aws:username": t("the user's name"),
    "aws:principalarn": t("the caller's ARN"),
    "aws:principaltag": t("the caller's tag {name}", { name: tag }),
    "aws:currenttime": t("the time"),
    "aws:useragent": t("the client's name"),
    "aws:referer": t("the page that leads here"),
    "s3:prefix": t("the prefix that is listed"),
    "s3:existingobjecttag": t("the object's tag {name}", { name: tag }),
    "s3:requestobjecttag": t("the new tag {name}", { name: tag }),
    "s3:x-amz-acl": t("the ACL that is asked for"),
    "s3:x-amz-server-side-encryption": t("the encryption that is asked for"),
    "sts:externalid": t("the external id"),
  };
  const known = words[name.toLowerCase()] ?? key;
  if (!set) return known;
  return /all/i.test(set) ? t("each value of {key}", { key: known }) : t("a value of {key}", { key: known });
}

function comparisonInWords(operator: string, about: { key: string; values: string }): string {
  if (operator === "null") return about.values === "true" ? t("{key} is missing", about) : t("{key} is there", about);
  if (operator === "ipaddress") return t("{key} is in {values}", about);
  if (operator === "notipaddress") return t("{key} is not in {values}", about);
  if (operator.endsWith("notlike")) return t("{key} is not like {values}", about);
  if (operator.endsWith("like")) return t("{key} is like {values}", about);
  if (operator.endsWith("lessthan")) return t("{key} is below {values}", about);
  if (operator.endsWith("lessthanequals")) return t("{key} is at most {values}", about);
  if (operator.endsWith("greaterthan")) return t("{key} is above {values}", about);
  if (operator.endsWith("greaterthanequals")) return t("{key} is at least {values}", about);
  return operator.includes("not") ? t("{key} is not {values}", about) : t("{key} is {values}", about);
}
