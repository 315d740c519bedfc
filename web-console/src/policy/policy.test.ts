import { describe, expect, it } from "vitest";
import { checkPolicy, type PolicyKind } from "./document";
import { publicPrefixes, withPublicPrefixes } from "./public";
import { bucketTemplates, identityTemplates, trustTemplate } from "./templates";
import { explain } from "./words";

/** A document whose statements have what every one needs. */
const document = (...statements: Record<string, unknown>[]) =>
  JSON.stringify(
    {
      Version: "2012-10-17",
      Statement: statements.map((statement) => ({ Effect: "Allow", Principal: "*", ...statement })),
    },
    null,
    1,
  );

const objects = "arn:aws:s3:::photos/*";

describe("policies", () => {
  it("that are not JSON name the line, and what should stand there", () => {
    const { faults } = checkPolicy('{\n  "Version": "2012-10-17",\n  "Statement": [}\n', "bucket");
    expect(faults).toEqual([{ text: "This is not JSON: a value should stand here.", line: 3 }]);
    expect(checkPolicy('{\n  "Version": "2012-10-17",\n}', "bucket").faults).toEqual([
      { text: "This is not JSON: a name in double quotes should stand here.", line: 3 },
    ]);
    expect(checkPolicy('{\n  "Version": "2012-10-17"\n  "Id": "a"\n}', "bucket").faults).toEqual([
      { text: "This is not JSON: a comma, a colon or a bracket is missing, or one too many.", line: 3 },
    ]);
  });

  it("name what is missing, misspelt or out of place, with the line", () => {
    const text = JSON.stringify(
      {
        Version: "2012-10-17",
        Statement: [
          { Effect: "Permit", Actions: "s3:GetObject", Principal: "*" },
          { Effect: "Allow", Action: ["s3:GetObject", "GetObject", "s3:GetObjects"], Resource: "*" },
          { Effect: "Allow", Action: "s3:Put*", Resource: "*", Condition: { StringIs: { "s3:prefix": "a" } } },
        ],
      },
      null,
      1,
    );
    const lines = text.split("\n");
    const faults = checkPolicy(text, "identity").faults.map(({ text, line = 0 }) => [text, lines[line - 1]?.trim()]);
    expect(faults).toContainEqual(["Statement 1: Effect is Allow or Deny.", '"Effect": "Permit",']);
    expect(faults).toContainEqual(["Statement 1: Actions is not a word of policies.", '"Actions": "s3:GetObject",']);
    expect(faults).toContainEqual([
      "Statement 1: Principal has no place here: it is about whom it hangs on.",
      '"Principal": "*"',
    ]);
    expect(faults).toContainEqual(["Statement 1: Action is missing.", "{"]);
    expect(faults).toContainEqual(["Statement 2: GetObject is not an action such as s3:GetObject.", '"GetObject",']);
    expect(faults).toContainEqual(["Statement 2: S3 has no action s3:GetObjects.", '"s3:GetObjects"']);
    expect(faults).toContainEqual(["Statement 3: StringIs is not an operator of conditions.", '"StringIs": {']);
    expect(faults).toHaveLength(8);
  });

  it("take actions with wildcards, and every operator with its prefix and suffix", () => {
    const conditions = { "ForAllValues:StringLikeIfExists": { "s3:RequestObjectTagKeys": "a" } };
    for (const action of ["s3:*", "s3:Get*", "s3:List?ucket", "S3:getobject".toLowerCase(), "sts:AssumeRole"]) {
      const text = document({ Action: action, Resource: objects, Condition: conditions });
      expect(checkPolicy(text, "bucket").faults, action).toEqual([]);
    }
  });

  it("of every template are without fault once names are put in, and explained", () => {
    const account = "123456789012";
    const filled = (template: unknown) =>
      JSON.stringify(template).replaceAll("BUCKET", "photos").replaceAll("NAME", "anna");
    for (const { document } of bucketTemplates("photos", account))
      expect(checkPolicy(filled(document), "bucket").faults).toEqual([]);
    for (const { document } of identityTemplates())
      expect(checkPolicy(filled(document), "identity").faults).toEqual([]);
    const trust = checkPolicy(trustTemplate(account), "trust");
    expect(trust.faults).toEqual([]);
    expect(trust.statements.map((statement) => explain(statement, "trust"))).toEqual([
      `The account ${account} may take this role.`,
    ]);
  });

  it("tell of placeholders of a template that are still in them", () => {
    const [template] = identityTemplates();
    const { faults } = checkPolicy(JSON.stringify(template?.document, null, 1), "identity");
    expect(faults).toHaveLength(1);
    expect(faults[0]?.text).toBe("Statement 1: BUCKET stands for a name that you put in its place.");
  });

  it("say what they do in sentences", () => {
    const said = (statement: Record<string, unknown>, kind: PolicyKind = "bucket") =>
      checkPolicy(document(statement), kind).statements.map((read) => explain(read, kind));
    expect(
      said({ Action: ["s3:GetObject", "s3:ListBucket"], Resource: ["arn:aws:s3:::photos", objects] }, "identity"),
    ).toEqual([
      "Who has this policy may read objects and list objects, on the bucket photos and every object in photos.",
    ]);
    expect(said({ Action: ["s3:Get*", "s3:PutObject", "s3:List*"], Resource: "*" }, "identity")).toEqual([
      "Who has this policy may store objects and use s3:Get* and s3:List*, on everything.",
    ]);
    expect(
      said({
        Effect: "Deny",
        NotAction: ["s3:GetObject"],
        Resource: "arn:aws:s3:::photos/2025/*",
        Condition: {
          Bool: { "aws:SecureTransport": "false" },
          NotIpAddress: { "aws:SourceIp": ["192.0.2.0/24", "::1/128"] },
        },
      }),
    ).toEqual([
      "Nobody may do anything but s3:GetObject, on what begins with photos/2025/, if encryption on the way is false " +
        "and the caller's address is not in 192.0.2.0/24 or ::1/128.",
    ]);
    expect(
      said({
        Principal: undefined,
        NotPrincipal: { AWS: "arn:aws:iam::123456789012:user/anna" },
        Action: "s3:*",
        NotResource: objects,
        Condition: { "ForAnyValue:StringLikeIfExists": { "aws:PrincipalTag/team": "a*" } },
      }),
    ).toEqual([
      "Everybody but the user anna may do everything in S3, on everything but every object in photos, if a value of the caller's " +
        "tag team is like a* (or is not said).",
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
