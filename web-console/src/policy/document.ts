/** Policy documents: what they say, and what is wrong with them before the server is asked. */
import { t } from "@/i18n";
import { faultyLine } from "./json-fault";

export interface Statement {
  sid: string;
  effect: string;
  principals: string[];
  actions: string[];
  notActions: string[];
  resources: string[];
  conditions: string[];
}

/** A fault, with the line that it is in where that is known. */
export interface Fault {
  text: string;
  line?: number;
}

export interface Checked {
  statements: Statement[];
  faults: Fault[];
}

type Json = Record<string, unknown>;

const KNOWN_WORDS = new Set([
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
]);

/** Of a bucket, a role's trust, or of users, groups and roles. */
export type PolicyKind = "bucket" | "identity" | "trust";

/** Reads a document and names what is wrong with it. */
export function checkPolicy(text: string, kind: PolicyKind): Checked {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { statements: [], faults: [{ text: t("This is not JSON."), line: faultyLine(text) }] };
  }
  if (!isRecord(document)) return { statements: [], faults: [{ text: t("A policy is an object in braces.") }] };
  const given = document.Statement;
  const list = Array.isArray(given) ? given : given === undefined ? [] : [given];
  const faults: Fault[] = [];
  if (list.length === 0) faults.push({ text: t("There is no Statement.") });
  if (document.Version === undefined)
    faults.push({
      text: t('Without "Version": "2012-10-17" the rules of 2008 count, in which variables mean nothing.'),
    });
  list.forEach((statement, index) => {
    for (const fault of faultsOf(statement, kind))
      faults.push({ text: t("Statement {n}: {fault}", { n: index + 1, fault }) });
  });
  return { statements: list.filter(isRecord).map(readStatement), faults };
}

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function faultsOf(statement: unknown, kind: PolicyKind): string[] {
  if (!isRecord(statement)) return [t("is an object in braces.")];
  const faults: string[] = [];
  if (statement.Effect !== "Allow" && statement.Effect !== "Deny") faults.push(t("Effect is Allow or Deny."));
  if (statement.Action === undefined && statement.NotAction === undefined) faults.push(t("Action is missing."));
  const hasPrincipal = statement.Principal !== undefined || statement.NotPrincipal !== undefined;
  if (kind !== "identity" && !hasPrincipal) faults.push(t("Principal is missing: whom it is about."));
  if (kind === "identity" && hasPrincipal) faults.push(t("Principal has no place here: it is about whom it hangs on."));
  const hasResource = statement.Resource !== undefined || statement.NotResource !== undefined;
  if (kind !== "trust" && !hasResource) faults.push(t("Resource is missing."));
  for (const word of Object.keys(statement)) {
    if (!KNOWN_WORDS.has(word)) faults.push(t("{word} is not a word of policies.", { word }));
  }
  for (const action of textsOf(statement.Action)) {
    if (action !== "*" && !/^[a-z0-9-]+:[A-Za-z0-9*?]+$/.test(action))
      faults.push(t("{action} is not an action such as s3:GetObject.", { action }));
  }
  return faults;
}

/** One text, or a list of them, as a list. */
export function textsOf(value: unknown): string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}

function readStatement(statement: Json): Statement {
  return {
    sid: String(statement.Sid ?? ""),
    effect: String(statement.Effect ?? ""),
    principals: principalsOf(statement.Principal),
    actions: textsOf(statement.Action),
    notActions: textsOf(statement.NotAction),
    resources: textsOf(statement.Resource ?? statement.NotResource),
    conditions: conditionsOf(statement.Condition),
  };
}

function principalsOf(principal: unknown): string[] {
  if (!isRecord(principal)) return textsOf(principal);
  return Object.values(principal).flatMap(textsOf);
}

function conditionsOf(condition: unknown): string[] {
  if (!isRecord(condition)) return [];
  return Object.entries(condition).flatMap(([operator, keys]) =>
    isRecord(keys) ? Object.entries(keys).map(([key, value]) => `${key} ${operator} ${textsOf(value).join(", ")}`) : [],
  );
}

/** What a statement does, in a sentence. */
export function explain(statement: Statement, kind: PolicyKind): string {
  const { effect, principals, actions, notActions, resources, conditions } = statement;
  const who =
    kind === "identity"
      ? t("whom it hangs on")
      : principals.includes("*")
        ? t("everybody")
        : principals.map(shortArn).join(", ");
  const what =
    notActions.length > 0
      ? t("everything but {actions}", { actions: notActions.join(", ") })
      : actions.map(actionInWords).join(", ");
  const where = resources.length > 0 ? t("on {resources}", { resources: resources.map(shortArn).join(", ") }) : "";
  const when = conditions.length > 0 ? t("if {conditions}", { conditions: conditions.join(t(" and ")) }) : "";
  const sentence =
    effect === "Deny"
      ? t("Forbids {who}: {what} {where} {when}", { who, what, where, when })
      : t("Allows {who}: {what} {where} {when}", { who, what, where, when });
  return sentence.replace(/\s+/g, " ").trim();
}

const shortArn = (arn: string): string => arn.replace(/^arn:aws:s3:::/, "").replace(/^arn:aws:iam::/, "");

function actionInWords(action: string): string {
  const words: Record<string, string> = {
    "*": t("everything"),
    "s3:*": t("everything of S3"),
    "s3:GetObject": t("read objects"),
    "s3:PutObject": t("store objects"),
    "s3:DeleteObject": t("delete objects"),
    "s3:ListBucket": t("list"),
    "sts:AssumeRole": t("take this role"),
  };
  return words[action] ?? action;
}
