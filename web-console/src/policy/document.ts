/** Policy documents: what is in them, and what is wrong with them before the server is asked. */
import { t } from "@/i18n";
import { lineAt, type Path, type Places, placesIn } from "./json-places";
import { OPERATORS, S3_ACTIONS } from "./vocabulary";

export interface Statement {
  effect: string;
  principals: string[];
  notPrincipals: string[];
  actions: string[];
  notActions: string[];
  resources: string[];
  notResources: string[];
  conditions: Condition[];
}

export interface Condition {
  operator: string;
  key: string;
  values: string[];
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

/** What stands in templates for something that only their user knows. */
const PLACEHOLDERS = /\b(?:BUCKET|NAME)\b/;

/** Of a bucket, a role's trust, or of users, groups and roles. */
export type PolicyKind = "bucket" | "identity" | "trust";

/** A document with its lines indented; one that is no JSON stays as it is. */
export function indented(document: string): string {
  try {
    return JSON.stringify(JSON.parse(document), null, 2);
  } catch {
    return document;
  }
}

/** Reads a document and names what is wrong with it. */
export function checkPolicy(text: string, kind: PolicyKind): Checked {
  const places = placesIn(text);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { statements: [], faults: [notJson(text, places)] };
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
    const path = Array.isArray(given) ? ["Statement", index] : ["Statement"];
    const add = (fault: string, within: Path = []) => {
      const line = places.lineOf([...path, ...within]) ?? places.lineOf(path);
      faults.push({ text: t("Statement {n}: {fault}", { n: index + 1, fault }), line });
    };
    checkStatement(statement, kind, add);
  });
  faults.sort((one, other) => (one.line ?? 0) - (other.line ?? 0));
  return { statements: list.filter(isRecord).map(readStatement), faults };
}

function notJson(text: string, { fault }: Places): Fault {
  if (!fault) return { text: t("This is not JSON.") };
  const missing = {
    name: t("This is not JSON: a name in double quotes should stand here."),
    value: t("This is not JSON: a value should stand here."),
    none: t("This is not JSON: a comma, a colon or a bracket is missing, or one too many."),
  }[fault.expected ?? "none"];
  return { text: missing, line: lineAt(text, fault.at) };
}

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Called with each fault of a statement, and where in the statement it is. */
type Add = (fault: string, within?: Path) => void;

function checkStatement(statement: unknown, kind: PolicyKind, add: Add): void {
  if (!isRecord(statement)) {
    add(t("is an object in braces."));
    return;
  }
  if (statement.Effect !== "Allow" && statement.Effect !== "Deny") add(t("Effect is Allow or Deny."), ["Effect"]);
  if (statement.Action === undefined && statement.NotAction === undefined) add(t("Action is missing."));
  const principal = ["Principal", "NotPrincipal"].find((word) => statement[word] !== undefined);
  if (kind !== "identity" && !principal) add(t("Principal is missing: whom it is about."));
  if (kind === "identity" && principal)
    add(t("Principal has no place here: it is about whom it hangs on."), [principal]);
  const hasResource = statement.Resource !== undefined || statement.NotResource !== undefined;
  if (kind !== "trust" && !hasResource) add(t("Resource is missing."));
  for (const word of Object.keys(statement)) {
    if (!KNOWN_WORDS.has(word)) add(t("{word} is not a word of policies.", { word }), [word]);
  }
  for (const word of ["Action", "NotAction"]) checkActions(statement, word, add);
  for (const word of ["Resource", "NotResource", "Principal", "NotPrincipal"]) checkPlaceholders(statement, word, add);
  checkOperators(statement.Condition, add);
}

/** Each text of a word of a statement, with its place: a word may have one, or a list. */
function eachText(statement: Json, word: string, visit: (text: string, within: Path) => void): void {
  const value = statement[word];
  if (Array.isArray(value)) value.forEach((text, index) => void visit(String(text), [word, index]));
  else if (typeof value === "string") visit(value, [word]);
}

function checkActions(statement: Json, word: string, add: Add): void {
  eachText(statement, word, (action, within) => {
    if (action !== "*" && !/^[a-z0-9-]+:[A-Za-z0-9*?]+$/.test(action))
      add(t("{action} is not an action such as s3:GetObject.", { action }), within);
    else if (action.startsWith("s3:") && !S3_ACTIONS.some((known) => fits(action, known)))
      add(t("S3 has no action {action}.", { action }), within);
  });
}

/** Whether a pattern with `*` and `?` fits a name, whatever the case of letters. */
function fits(pattern: string, name: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "i").test(name);
}

function checkPlaceholders(statement: Json, word: string, add: Add): void {
  const found = principalsOf(statement[word]).flatMap((text) => PLACEHOLDERS.exec(text)?.[0] ?? []);
  const [placeholder] = found;
  if (placeholder) add(t("{placeholder} stands for a name that you put in its place.", { placeholder }), [word]);
}

function checkOperators(condition: unknown, add: Add): void {
  if (!isRecord(condition)) return;
  for (const operator of Object.keys(condition)) {
    const plain = operator.replace(/^For(AllValues|AnyValue):/i, "").replace(/IfExists$/i, "");
    if (!OPERATORS.some((known) => known.toLowerCase() === plain.toLowerCase()))
      add(t("{operator} is not an operator of conditions.", { operator }), ["Condition", operator]);
  }
}

/** One text, or a list of them, as a list. */
export function textsOf(value: unknown): string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}

function readStatement(statement: Json): Statement {
  return {
    effect: String(statement.Effect ?? ""),
    principals: principalsOf(statement.Principal),
    notPrincipals: principalsOf(statement.NotPrincipal),
    actions: textsOf(statement.Action),
    notActions: textsOf(statement.NotAction),
    resources: textsOf(statement.Resource),
    notResources: textsOf(statement.NotResource),
    conditions: conditionsOf(statement.Condition),
  };
}

/** Principals stand alone, in a list, or by their kinds in an object. */
function principalsOf(principal: unknown): string[] {
  if (!isRecord(principal)) return textsOf(principal);
  return Object.values(principal).flatMap(textsOf);
}

function conditionsOf(condition: unknown): Condition[] {
  if (!isRecord(condition)) return [];
  return Object.entries(condition).flatMap(([operator, keys]) =>
    isRecord(keys) ? Object.entries(keys).map(([key, value]) => ({ operator, key, values: textsOf(value) })) : [],
  );
}
