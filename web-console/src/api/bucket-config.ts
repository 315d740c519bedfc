/** The documents that configure a bucket, each read into a value and written back. */
import { ApiError } from "./error";
import { send } from "./http";
import { documentHeaders, readTags, s3Path, type Tags, writeTags } from "./s3";
import { childOf, childrenOf, flagOf, numberOf, parseXml, textOf, writeXml, type XmlElement } from "./xml";

/** Codes by which S3 says that there is no such document. */
const ABSENT =
  /^(NoSuch\w+|ServerSideEncryptionConfigurationNotFoundError|ObjectLockConfigurationNotFoundError|OwnershipControlsNotFoundError)$/;

/** The text of a document; undefined where there is none. */
async function read(bucket: string, subresource: string): Promise<string | undefined> {
  try {
    return await (await send(s3Path(bucket, undefined, { [subresource]: "" }))).text();
  } catch (error) {
    if (error instanceof ApiError && error.status === 404 && ABSENT.test(error.code) && error.code !== "NoSuchBucket")
      return undefined;
    throw error;
  }
}

async function readXml(bucket: string, subresource: string): Promise<Element | undefined> {
  const text = await read(bucket, subresource);
  return text === undefined ? undefined : parseXml(text);
}

async function write(bucket: string, subresource: string, body: string): Promise<void> {
  await send(s3Path(bucket, undefined, { [subresource]: "" }), { method: "PUT", body, headers: documentHeaders(body) });
}

async function remove(bucket: string, subresource: string): Promise<void> {
  await send(s3Path(bucket, undefined, { [subresource]: "" }), { method: "DELETE" });
}

// Versioning

export type Versioning = "Off" | "Enabled" | "Suspended";

export async function getVersioning(bucket: string): Promise<Versioning> {
  const root = await readXml(bucket, "versioning");
  return ((root && textOf(root, "Status")) || "Off") as Versioning;
}

export const putVersioning = (bucket: string, status: "Enabled" | "Suspended") =>
  write(bucket, "versioning", writeXml(["VersioningConfiguration", [["Status", status]]]));

// Encryption

export interface Encryption {
  algorithm: "" | "AES256" | "aws:kms";
  keyId: string;
  bucketKey: boolean;
}

export async function getEncryption(bucket: string): Promise<Encryption> {
  const root = await readXml(bucket, "encryption");
  const rule = root && childOf(root, "Rule");
  const how = "ApplyServerSideEncryptionByDefault";
  return {
    algorithm: ((rule && textOf(rule, `${how}/SSEAlgorithm`)) || "") as Encryption["algorithm"],
    keyId: rule ? textOf(rule, `${how}/KMSMasterKeyID`) : "",
    bucketKey: rule ? flagOf(rule, "BucketKeyEnabled") : false,
  };
}

export async function putEncryption(bucket: string, { algorithm, keyId, bucketKey }: Encryption): Promise<void> {
  if (algorithm === "") return remove(bucket, "encryption");
  const isKms = algorithm === "aws:kms";
  const how: XmlElement = [
    "ApplyServerSideEncryptionByDefault",
    [["SSEAlgorithm", algorithm], isKms && keyId ? ["KMSMasterKeyID", keyId] : null],
  ];
  const rule: XmlElement = ["Rule", [how, isKms ? ["BucketKeyEnabled", bucketKey] : null]];
  await write(bucket, "encryption", writeXml(["ServerSideEncryptionConfiguration", [rule]]));
}

// Object Lock

export interface ObjectLock {
  enabled: boolean;
  /** What new versions get; none where `days` is 0. */
  mode: "GOVERNANCE" | "COMPLIANCE";
  days: number;
  years: number;
}

export async function getObjectLock(bucket: string): Promise<ObjectLock> {
  const root = await readXml(bucket, "object-lock");
  const rule = root && childOf(root, "Rule/DefaultRetention");
  return {
    enabled: root !== undefined && textOf(root, "ObjectLockEnabled") === "Enabled",
    mode: ((rule && textOf(rule, "Mode")) || "GOVERNANCE") as ObjectLock["mode"],
    days: rule ? numberOf(rule, "Days") : 0,
    years: rule ? numberOf(rule, "Years") : 0,
  };
}

export async function putObjectLock(bucket: string, { mode, days, years }: ObjectLock): Promise<void> {
  const span: XmlElement = years > 0 ? ["Years", years] : ["Days", days];
  const rule: XmlElement | null =
    days > 0 || years > 0 ? ["Rule", [["DefaultRetention", [["Mode", mode], span]]]] : null;
  const body = writeXml(["ObjectLockConfiguration", [["ObjectLockEnabled", "Enabled"], rule]]);
  await write(bucket, "object-lock", body);
}

// Policy

export const getPolicy = async (bucket: string): Promise<string> => (await read(bucket, "policy")) ?? "";

export const putPolicy = (bucket: string, policy: string): Promise<void> =>
  policy.trim() === "" ? remove(bucket, "policy") : write(bucket, "policy", policy);

// Public access block

export const PUBLIC_ACCESS_BLOCKS = [
  "BlockPublicAcls",
  "IgnorePublicAcls",
  "BlockPublicPolicy",
  "RestrictPublicBuckets",
] as const;
export type PublicAccessBlock = Record<(typeof PUBLIC_ACCESS_BLOCKS)[number], boolean>;

export async function getPublicAccessBlock(bucket: string): Promise<PublicAccessBlock> {
  const root = await readXml(bucket, "publicAccessBlock");
  const entries = PUBLIC_ACCESS_BLOCKS.map((name) => [name, root ? flagOf(root, name) : false]);
  return Object.fromEntries(entries) as PublicAccessBlock;
}

export async function putPublicAccessBlock(bucket: string, block: PublicAccessBlock): Promise<void> {
  if (Object.values(block).every((on) => !on)) return remove(bucket, "publicAccessBlock");
  const settings = PUBLIC_ACCESS_BLOCKS.map((name) => [name, block[name]] as const);
  await write(bucket, "publicAccessBlock", writeXml(["PublicAccessBlockConfiguration", settings]));
}

// Tags

export async function getBucketTags(bucket: string): Promise<Tags> {
  const root = await readXml(bucket, "tagging");
  return root ? readTags(root) : {};
}

export const putBucketTags = (bucket: string, tags: Tags): Promise<void> =>
  Object.keys(tags).length === 0 ? remove(bucket, "tagging") : write(bucket, "tagging", writeTags(tags));

// CORS

export interface CorsRule {
  origins: string[];
  methods: string[];
  headers: string[];
  exposed: string[];
  maxAgeSeconds: number;
}

export async function getCors(bucket: string): Promise<CorsRule[]> {
  const root = await readXml(bucket, "cors");
  return root ? readCors(root) : [];
}

export function readCors(root: Element): CorsRule[] {
  const texts = (rule: Element, name: string) => childrenOf(rule, name).map((child) => child.textContent ?? "");
  return childrenOf(root, "CORSRule").map((rule) => ({
    origins: texts(rule, "AllowedOrigin"),
    methods: texts(rule, "AllowedMethod"),
    headers: texts(rule, "AllowedHeader"),
    exposed: texts(rule, "ExposeHeader"),
    maxAgeSeconds: numberOf(rule, "MaxAgeSeconds"),
  }));
}

export async function putCors(bucket: string, rules: readonly CorsRule[]): Promise<void> {
  if (rules.length === 0) return remove(bucket, "cors");
  const each = (name: string, texts: string[]) => texts.map((text): XmlElement => [name, text]);
  const listed = rules.map(
    (rule): XmlElement => [
      "CORSRule",
      [
        ...each("AllowedOrigin", rule.origins),
        ...each("AllowedMethod", rule.methods),
        ...each("AllowedHeader", rule.headers),
        ...each("ExposeHeader", rule.exposed),
        rule.maxAgeSeconds > 0 ? ["MaxAgeSeconds", rule.maxAgeSeconds] : null,
      ],
    ],
  );
  await write(bucket, "cors", writeXml(["CORSConfiguration", listed]));
}

// Logging

export interface Logging {
  targetBucket: string;
  targetPrefix: string;
}

export async function getLogging(bucket: string): Promise<Logging> {
  const root = await readXml(bucket, "logging");
  const on = root && childOf(root, "LoggingEnabled");
  return { targetBucket: on ? textOf(on, "TargetBucket") : "", targetPrefix: on ? textOf(on, "TargetPrefix") : "" };
}

export async function putLogging(bucket: string, { targetBucket, targetPrefix }: Logging): Promise<void> {
  const on: XmlElement | null = targetBucket
    ? [
        "LoggingEnabled",
        [
          ["TargetBucket", targetBucket],
          ["TargetPrefix", targetPrefix],
        ],
      ]
    : null;
  await write(bucket, "logging", writeXml(["BucketLoggingStatus", [on]]));
}

// Website

export interface Website {
  index: string;
  error: string;
}

export async function getWebsite(bucket: string): Promise<Website> {
  const root = await readXml(bucket, "website");
  return {
    index: root ? textOf(root, "IndexDocument/Suffix") : "",
    error: root ? textOf(root, "ErrorDocument/Key") : "",
  };
}

export async function putWebsite(bucket: string, { index, error }: Website): Promise<void> {
  if (!index) return remove(bucket, "website");
  const body = writeXml([
    "WebsiteConfiguration",
    [["IndexDocument", [["Suffix", index]]], error ? ["ErrorDocument", [["Key", error]]] : null],
  ]);
  await write(bucket, "website", body);
}

// Notifications

export interface Notification {
  id: string;
  queue: string;
  events: string[];
  prefix: string;
  suffix: string;
}

export async function getNotifications(bucket: string): Promise<Notification[]> {
  const root = await readXml(bucket, "notification");
  return root ? readNotifications(root) : [];
}

export function readNotifications(root: Element): Notification[] {
  return childrenOf(root, "QueueConfiguration").map((queue) => {
    const key = childOf(queue, "Filter/S3Key");
    const rules = key ? childrenOf(key, "FilterRule") : [];
    const ruleOf = (name: string) => rules.find((rule) => textOf(rule, "Name").toLowerCase() === name);
    const filterOf = (name: string) => {
      const rule = ruleOf(name);
      return rule ? textOf(rule, "Value") : "";
    };
    return {
      id: textOf(queue, "Id"),
      queue: textOf(queue, "Queue"),
      events: childrenOf(queue, "Event").map((event) => event.textContent ?? ""),
      prefix: filterOf("prefix"),
      suffix: filterOf("suffix"),
    };
  });
}

export async function putNotifications(bucket: string, list: readonly Notification[]): Promise<void> {
  const rule = (name: string, value: string): XmlElement | null =>
    value
      ? [
          "FilterRule",
          [
            ["Name", name],
            ["Value", value],
          ],
        ]
      : null;
  const queues = list.map(
    ({ id, queue, events, prefix, suffix }): XmlElement => [
      "QueueConfiguration",
      [
        id ? ["Id", id] : null,
        ["Queue", queue],
        ...events.map((event): XmlElement => ["Event", event]),
        prefix || suffix ? ["Filter", [["S3Key", [rule("prefix", prefix), rule("suffix", suffix)]]]] : null,
      ],
    ],
  );
  await write(bucket, "notification", writeXml(["NotificationConfiguration", queues]));
}
