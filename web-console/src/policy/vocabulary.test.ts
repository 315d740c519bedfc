import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ADMIN_ACTIONS, CONDITION_KEYS, IAM_ACTIONS, OPERATORS, S3_ACTIONS } from "./vocabulary";

const serverSource = (path: string) => readFileSync(`${import.meta.dirname}/../../../src/${path}`, "utf8");
const found = (source: string, pattern: RegExp) => [...source.matchAll(pattern)].map(([, name]) => name ?? "");

describe("the words that the editor offers", () => {
  it("have every action of S3 that the server knows, and no other", () => {
    const table = /\nactions! \{([\s\S]*?)\n\}/.exec(serverSource("s3/actions.rs"))?.[1] ?? "";
    const variants = found(table, /(\w+),/g);
    expect(variants.length).toBeGreaterThan(90);
    expect([...S3_ACTIONS].sort()).toEqual(variants.map((name) => `s3:${name}`).sort());
  });

  it("have every action of the admin API, and no other", () => {
    const names = found(serverSource("admin/actions.rs"), /=> "(admin:\w+)"/g);
    expect([...ADMIN_ACTIONS].sort()).toEqual(names.sort());
  });

  it("have every operation of IAM but those of service accounts, which go by the rights on access keys", () => {
    const operations = found(serverSource("query_api/iam/mod.rs"), /^ +"(\w+)" =>/gm);
    const missing = operations.filter((name) => !IAM_ACTIONS.includes(`iam:${name}`));
    expect(missing).toEqual(["CreateServiceAccount", "ListServiceAccounts"]);
  });

  it("have condition keys and operators that the server takes", () => {
    const keys = serverSource("s3/condition_keys.rs");
    for (const key of CONDITION_KEYS) expect(keys).toContain(`"${key.toLowerCase().replace("/", "")}"`);
    const operators = serverSource("iam/policy/condition.rs");
    for (const operator of OPERATORS) {
      const name = operator.toLowerCase().replace(/^(numeric|date)/, "");
      expect(operators).toContain(`"${name}"`);
    }
  });
});
