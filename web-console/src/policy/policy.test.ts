import { describe, expect, it } from "vitest";
import { checkPolicy, explain } from "./document";
import { publicPrefixes, withPublicPrefixes } from "./public";
import { bucketTemplates, identityTemplates, trustTemplate } from "./templates";

describe("policies", () => {
  it("that are not JSON name the line", () => {
    const { faults } = checkPolicy('{\n  "Version": "2012-10-17",\n  "Statement": [}\n', "bucket");
    expect(faults).toHaveLength(1);
    expect(faults[0]?.line).toBe(3);
  });

  it("name what is missing, misspelt or out of place", () => {
    const text = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        { Effect: "Permit", Actions: "s3:GetObject", Principal: "*" },
        { Effect: "Allow", Action: "GetObject", Resource: "*" },
      ],
    });
    const faults = checkPolicy(text, "identity").faults.map((fault) => fault.text);
    expect(faults).toContain("Statement 1: Effect is Allow or Deny.");
    expect(faults).toContain("Statement 1: Actions is not a word of policies.");
    expect(faults).toContain("Statement 1: Principal has no place here: it is about whom it hangs on.");
    expect(faults).toContain("Statement 2: GetObject is not an action such as s3:GetObject.");
  });

  it("of every template are without fault and explained", () => {
    const account = "123456789012";
    for (const { document } of bucketTemplates("photos", account))
      expect(checkPolicy(JSON.stringify(document), "bucket").faults).toEqual([]);
    for (const { document } of identityTemplates())
      expect(checkPolicy(JSON.stringify(document), "identity").faults).toEqual([]);
    const trust = checkPolicy(trustTemplate(account), "trust");
    expect(trust.faults).toEqual([]);
    expect(trust.statements.map((statement) => explain(statement, "trust"))).toEqual([
      `Allows ${account}:root: take this role`,
    ]);
  });

  it("say what they do in a sentence, with their conditions", () => {
    const { statements } = checkPolicy(
      JSON.stringify({
        Version: "2012-10-17",
        Statement: {
          Effect: "Deny",
          Principal: "*",
          NotAction: ["s3:GetObject"],
          Resource: "arn:aws:s3:::photos/*",
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      }),
      "bucket",
    );
    expect(statements.map((statement) => explain(statement, "bucket"))).toEqual([
      "Forbids everybody: everything but s3:GetObject on photos/* if aws:SecureTransport Bool false",
    ]);
  });
});

describe("the switch for public folders", () => {
  const other = {
    Version: "2012-10-17",
    Statement: [{ Sid: "Mine", Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "arn:aws:s3:::b/*" }],
  };

  it("adds and removes its own statement and leaves the others", () => {
    const opened = withPublicPrefixes(JSON.stringify(other), "b", ["public/", ""]);
    expect(publicPrefixes(opened, "b")).toEqual(["public/", ""]);
    expect(JSON.parse(opened).Statement[0]).toEqual(other.Statement[0]);
    const closed = withPublicPrefixes(opened, "b", []);
    expect(JSON.parse(closed)).toEqual(other);
  });

  it("leaves no policy where there was none", () => {
    expect(withPublicPrefixes(withPublicPrefixes("", "b", ["a/"]), "b", [])).toBe("");
  });
});
