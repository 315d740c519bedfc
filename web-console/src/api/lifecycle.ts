/** Lifecycle rules: what becomes of objects by their age. */
import { ApiError } from "./error";
import { send } from "./http";
import { documentHeaders, s3Path, type Tags } from "./s3";
import { childOf, childrenOf, flagOf, numberOf, parseXml, textOf, writeXml, type XmlElement } from "./xml";

export interface Transition {
  days: number;
  storageClass: string;
}

/** A rule; a number of days that is 0 is not set. */
export interface LifecycleRule {
  id: string;
  enabled: boolean;
  prefix: string;
  tags: Tags;
  /** Bytes that an object must have more, or fewer, than. */
  largerThan: number;
  smallerThan: number;
  expireDays: number;
  expireDate: string;
  removeMarkers: boolean;
  oldVersionDays: number;
  oldVersionsKept: number;
  abortUploadDays: number;
  transitions: Transition[];
  oldTransitions: Transition[];
}

export const newRule = (): LifecycleRule => ({
  id: "",
  enabled: true,
  prefix: "",
  tags: {},
  largerThan: 0,
  smallerThan: 0,
  expireDays: 0,
  expireDate: "",
  removeMarkers: false,
  oldVersionDays: 0,
  oldVersionsKept: 0,
  abortUploadDays: 0,
  transitions: [],
  oldTransitions: [],
});

export async function getLifecycle(bucket: string): Promise<LifecycleRule[]> {
  try {
    const answer = await send(s3Path(bucket, undefined, { lifecycle: "" }));
    return readLifecycle(parseXml(await answer.text()));
  } catch (error) {
    if (error instanceof ApiError && error.code === "NoSuchLifecycleConfiguration") return [];
    throw error;
  }
}

export async function putLifecycle(bucket: string, rules: readonly LifecycleRule[]): Promise<void> {
  const path = s3Path(bucket, undefined, { lifecycle: "" });
  const body = writeLifecycle(rules);
  if (rules.length === 0) await send(path, { method: "DELETE" });
  else await send(path, { method: "PUT", body, headers: documentHeaders(body) });
}

export function readLifecycle(root: Element): LifecycleRule[] {
  return childrenOf(root, "Rule").map((rule) => ({
    id: textOf(rule, "ID"),
    enabled: textOf(rule, "Status") === "Enabled",
    ...readFilter(rule),
    expireDays: numberOf(rule, "Expiration/Days"),
    expireDate: textOf(rule, "Expiration/Date").slice(0, 10),
    removeMarkers: flagOf(rule, "Expiration/ExpiredObjectDeleteMarker"),
    oldVersionDays: numberOf(rule, "NoncurrentVersionExpiration/NoncurrentDays"),
    oldVersionsKept: numberOf(rule, "NoncurrentVersionExpiration/NewerNoncurrentVersions"),
    abortUploadDays: numberOf(rule, "AbortIncompleteMultipartUpload/DaysAfterInitiation"),
    transitions: readTransitions(rule, "Transition", "Days"),
    oldTransitions: readTransitions(rule, "NoncurrentVersionTransition", "NoncurrentDays"),
  }));
}

/** A filter names one condition, or several within `And`; the oldest form has a prefix beside it. */
function readFilter(rule: Element): Pick<LifecycleRule, "prefix" | "tags" | "largerThan" | "smallerThan"> {
  const filter = childOf(rule, "Filter");
  const conditions = (filter && childOf(filter, "And")) ?? filter ?? rule;
  return {
    prefix: textOf(conditions, "Prefix"),
    tags: Object.fromEntries(childrenOf(conditions, "Tag").map((tag) => [textOf(tag, "Key"), textOf(tag, "Value")])),
    largerThan: numberOf(conditions, "ObjectSizeGreaterThan"),
    smallerThan: numberOf(conditions, "ObjectSizeLessThan"),
  };
}

const readTransitions = (rule: Element, name: string, days: string): Transition[] =>
  childrenOf(rule, name).map((element) => ({
    days: numberOf(element, days),
    storageClass: textOf(element, "StorageClass"),
  }));

export function writeLifecycle(rules: readonly LifecycleRule[]): string {
  return writeXml(["LifecycleConfiguration", rules.map(writeRule)]);
}

function writeRule(rule: LifecycleRule): XmlElement {
  const old: XmlElement[] = [];
  if (rule.oldVersionDays > 0) old.push(["NoncurrentDays", rule.oldVersionDays]);
  if (rule.oldVersionsKept > 0) old.push(["NewerNoncurrentVersions", rule.oldVersionsKept]);
  const expiration = writeExpiration(rule);
  return [
    "Rule",
    [
      rule.id ? ["ID", rule.id] : null,
      ["Status", rule.enabled ? "Enabled" : "Disabled"],
      writeFilter(rule),
      ...writeTransitions(rule.transitions, "Transition", "Days"),
      expiration && ["Expiration", [expiration]],
      ...writeTransitions(rule.oldTransitions, "NoncurrentVersionTransition", "NoncurrentDays"),
      old.length > 0 ? ["NoncurrentVersionExpiration", old] : null,
      rule.abortUploadDays > 0
        ? ["AbortIncompleteMultipartUpload", [["DaysAfterInitiation", rule.abortUploadDays]]]
        : null,
    ],
  ];
}

function writeExpiration({ expireDays, expireDate, removeMarkers }: LifecycleRule): XmlElement | null {
  if (expireDays > 0) return ["Days", expireDays];
  if (expireDate) return ["Date", `${expireDate}T00:00:00Z`];
  return removeMarkers ? ["ExpiredObjectDeleteMarker", true] : null;
}

function writeFilter(rule: LifecycleRule): XmlElement {
  const conditions: XmlElement[] = [];
  if (rule.prefix) conditions.push(["Prefix", rule.prefix]);
  for (const [key, value] of Object.entries(rule.tags))
    conditions.push([
      "Tag",
      [
        ["Key", key],
        ["Value", value],
      ],
    ]);
  if (rule.largerThan > 0) conditions.push(["ObjectSizeGreaterThan", rule.largerThan]);
  if (rule.smallerThan > 0) conditions.push(["ObjectSizeLessThan", rule.smallerThan]);
  if (conditions.length === 0) return ["Filter", [["Prefix", ""]]];
  return ["Filter", conditions.length > 1 ? [["And", conditions]] : conditions];
}

const writeTransitions = (transitions: readonly Transition[], name: string, days: string): XmlElement[] =>
  transitions.map((transition) => [
    name,
    [
      [days, transition.days],
      ["StorageClass", transition.storageClass],
    ],
  ]);
