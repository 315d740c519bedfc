import { describe, expect, it } from "vitest";
import { completionAt, type Surroundings } from "./completion";
import type { PolicyKind } from "./document";

const around = (kind: PolicyKind): Surroundings => ({ kind, buckets: ["photos"], account: "123456789012" });

/** What is offered where `|` stands, and what of the text an option would take the place of. */
function at(marked: string, kind: PolicyKind = "bucket") {
  const caret = marked.indexOf("|");
  const text = marked.replace("|", "");
  const completion = completionAt(text, caret, around(kind));
  return completion && { ...completion, replaced: text.slice(completion.from, completion.to) };
}

const statement = (inner: string) => `{"Version": "2012-10-17", "Statement": [{${inner}`;

describe("what may stand at the caret", () => {
  it("is an action, by its beginning or by a part of it", () => {
    expect(at(statement('"Action": "s3:getobj|'))?.options.slice(0, 2)).toEqual(["s3:GetObject", "s3:GetObjectAcl"]);
    expect(at(statement('"Action": ["s3:GetObject", "tagging|"]}]}'))?.options).toContain("s3:PutObjectTagging");
    expect(at(statement('"Action": "|'), "trust")?.options).toContain("sts:AssumeRole");
    expect(at(statement('"Action": "admin:|'))).toBeUndefined();
    expect(at(statement('"Action": "admin:|'), "identity")?.options).toContain("admin:Status");
  });

  it("takes the place of the whole text between the quotes, and ends it where nothing does", () => {
    expect(at(statement('"Action": "s3:Put|Object"}]}'))).toMatchObject({ replaced: "s3:PutObject", isOpen: false });
    expect(at(statement('"Action": "s3:Put|\n}]}'))).toMatchObject({ replaced: "s3:Put", isOpen: true });
  });

  it("is a word of a statement that its kind of policy has", () => {
    expect(at('{"|')?.options).toEqual(["Version", "Id", "Statement"]);
    expect(at(statement('"|'))?.options).toContain("Principal");
    expect(at(statement('"|'), "identity")?.options).not.toContain("Principal");
    expect(at(statement('"|'), "trust")?.options).not.toContain("Resource");
    expect(at('{"Statement": {"Effect": "|')?.options).toEqual(["Allow", "Deny"]);
  });

  it("is an operator, a condition key or a value of a condition", () => {
    expect(at(statement('"Condition": {"Str|'))?.options).toContain("StringLike");
    expect(at(statement('"Condition": {"StringLike": {"pref|'))?.options).toEqual(["s3:prefix"]);
    expect(at(statement('"Condition": {"Bool": {"aws:SecureTransport": "|'))?.options).toEqual(["true", "false"]);
    expect(at(statement('"Condition": {"StringLike": {"s3:prefix": "|'))).toBeUndefined();
  });

  it("is a bucket that is there, and whom the account has", () => {
    expect(at(statement('"Resource": "|'))?.options).toEqual(["arn:aws:s3:::photos", "arn:aws:s3:::photos/*"]);
    expect(at(statement('"Resource": "|'), "identity")?.options[0]).toBe("*");
    expect(at(statement('"Principal": {"AWS": ["root|'))?.options).toEqual(["arn:aws:iam::123456789012:root"]);
  });

  it("is nothing outside of quotes, behind a fault, and once it is typed out", () => {
    expect(at(statement('"Action": |'))).toBeUndefined();
    expect(at(`{"Statement" [{"Action": "s3:|`)).toBeUndefined();
    expect(at(statement('"Effect": "Deny|"'))).toBeUndefined();
  });
});
