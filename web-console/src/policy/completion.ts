/** What may be written where the caret is in a policy. */
import type { PolicyKind } from "./document";
import { type Path, placesIn } from "./json-places";
import {
  ADMIN_ACTIONS,
  CONDITION_KEYS,
  IAM_ACTIONS,
  OPERATORS,
  S3_ACTIONS,
  TRUST_ACTIONS,
  TRUST_KEYS,
} from "./vocabulary";

/** What of the deployment a policy may name. */
export interface Surroundings {
  kind: PolicyKind;
  buckets: readonly string[];
  account: string;
}

export interface Completion {
  /** The text that an option takes the place of, within its quotes. */
  from: number;
  to: number;
  options: readonly string[];
  /** The quote that ends it is missing yet. */
  isOpen: boolean;
}

/** More would not be read; who looks for another types on. */
const OPTIONS_MAX = 40;

/** The options for the name or value that the caret is in; undefined where it is in none, or nothing is known to fit. */
export function completionAt(text: string, caret: number, around: Surroundings): Completion | undefined {
  const { fault } = placesIn(text.slice(0, caret));
  if (!fault?.expected || text[fault.at] !== '"') return undefined;
  const from = fault.at + 1;
  const rest = /^(?:[^"\\\n]|\\.)*/.exec(text.slice(caret))?.[0] ?? "";
  const isOpen = text[caret + rest.length] !== '"';
  const to = isOpen ? caret : caret + rest.length;
  const known = fault.expected === "name" ? namesAt(fault.path, around) : valuesAt(fault.path, around);
  const options = fitting(known, text.slice(from, caret));
  return options.length > 0 ? { from, to, options, isOpen } : undefined;
}

/** Those that begin with what is typed, then those that have it within. One that is typed out is no help. */
function fitting(options: readonly string[], typed: string): readonly string[] {
  const wanted = typed.toLowerCase();
  const begins = options.filter((option) => option.toLowerCase().startsWith(wanted));
  const within = options.filter((option) => option.toLowerCase().includes(wanted) && !begins.includes(option));
  return [...begins, ...within].filter((option) => option !== typed).slice(0, OPTIONS_MAX);
}

/** The path within a statement; undefined elsewhere. A single statement may stand without its list. */
function withinStatement(path: Path): Path | undefined {
  const [first, second] = path;
  if (first !== "Statement") return undefined;
  return typeof second === "number" ? path.slice(2) : path.slice(1);
}

function namesAt(path: Path, { kind }: Surroundings): readonly string[] {
  if (path.length === 0) return ["Version", "Id", "Statement"];
  const inside = withinStatement(path);
  if (!inside) return [];
  const [word, operator, more] = inside;
  if (word === undefined) return wordsOf(kind);
  if (word === "Condition" && operator === undefined) return OPERATORS;
  if (word === "Condition" && more === undefined) return kind === "trust" ? TRUST_KEYS : CONDITION_KEYS;
  if (isOneOf(word, "Principal", "NotPrincipal")) return kind === "trust" ? ["AWS", "Federated"] : ["AWS"];
  return [];
}

/** The words of a statement, in the order in which they are usually written. */
function wordsOf(kind: PolicyKind): readonly string[] {
  const principal = kind === "identity" ? [] : ["Principal", "NotPrincipal"];
  const resource = kind === "trust" ? [] : ["Resource", "NotResource"];
  return ["Sid", "Effect", ...principal, "Action", "NotAction", ...resource, "Condition"];
}

function valuesAt(path: Path, around: Surroundings): readonly string[] {
  if (path[0] === "Version") return ["2012-10-17"];
  const [word, operator] = withinStatement(path) ?? [];
  if (word === "Effect") return ["Allow", "Deny"];
  if (isOneOf(word, "Action", "NotAction")) return actionsOf(around.kind);
  if (isOneOf(word, "Resource", "NotResource")) return resourcesOf(around);
  if (isOneOf(word, "Principal", "NotPrincipal")) return principalsOf(around);
  if (word === "Condition" && isOneOf(operator, "Bool", "Null")) return ["true", "false"];
  return [];
}

const isOneOf = (word: string | number | undefined, ...words: string[]): boolean => words.some((one) => one === word);

function actionsOf(kind: PolicyKind): readonly string[] {
  if (kind === "trust") return TRUST_ACTIONS;
  const s3 = ["s3:*", ...S3_ACTIONS];
  return kind === "bucket" ? s3 : [...s3, "iam:*", ...IAM_ACTIONS, "admin:*", ...ADMIN_ACTIONS, ...TRUST_ACTIONS];
}

function resourcesOf({ kind, buckets }: Surroundings): readonly string[] {
  const arns = buckets.flatMap((bucket) => [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`]);
  return kind === "identity" ? ["*", ...arns] : arns;
}

function principalsOf({ account }: Surroundings): readonly string[] {
  const within = `arn:aws:iam::${account}`;
  return ["*", `${within}:root`, `${within}:user/`, `${within}:role/`];
}
