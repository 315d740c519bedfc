/** The part of a bucket's policy that lets everybody read folders, which a switch turns on and off. */
import { textsOf } from "./document";

const SID = "ConsolePublicRead";

interface Document {
  Version?: string;
  Statement?: Record<string, unknown>[] | Record<string, unknown>;
}

const parsed = (policy: string): Document => (policy.trim() === "" ? {} : (JSON.parse(policy) as Document));

const statementsOf = ({ Statement }: Document): Record<string, unknown>[] =>
  Statement === undefined ? [] : Array.isArray(Statement) ? Statement : [Statement];

/** The prefixes that the switch has opened. */
export function publicPrefixes(policy: string, bucket: string): string[] {
  const from = `arn:aws:s3:::${bucket}/`;
  return statementsOf(parsed(policy))
    .filter(({ Sid }) => Sid === SID)
    .flatMap(({ Resource }) => textsOf(Resource))
    .map((resource) => resource.slice(from.length).replace(/\*$/, ""));
}

/** The policy with these prefixes open to everybody, all else as it was; empty where nothing is left. */
export function withPublicPrefixes(policy: string, bucket: string, prefixes: readonly string[]): string {
  const document = parsed(policy);
  const others = statementsOf(document).filter(({ Sid }) => Sid !== SID);
  const opened = {
    Sid: SID,
    Effect: "Allow",
    Principal: "*",
    Action: "s3:GetObject",
    Resource: prefixes.map((prefix) => `arn:aws:s3:::${bucket}/${prefix}*`),
  };
  const statements = prefixes.length > 0 ? [...others, opened] : others;
  if (statements.length === 0) return "";
  return JSON.stringify({ Version: "2012-10-17", ...document, Statement: statements }, null, 2);
}
