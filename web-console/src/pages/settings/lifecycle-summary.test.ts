import { expect, it } from "vitest";
import { newRule } from "@/api/lifecycle";
import { summarize } from "./lifecycle-summary";

it("says of whom and what in plain sentences", () => {
  const rule = {
    ...newRule(),
    prefix: "logs/",
    tags: { kind: "log" },
    largerThan: 1024,
    expireDays: 1,
    oldVersionDays: 30,
    oldVersionsKept: 3,
    abortUploadDays: 7,
  };
  expect(summarize(rule)).toEqual([
    "For objects with keys that begin with “logs/” and the tag kind=log and more than 1 KiB:",
    "1 day after they were stored they are deleted.",
    "Old versions are removed 30 days after they were replaced; the newest 3 of them stay.",
    "Uploads that are not finished after 7 days end.",
  ]);
});

it("says that a rule is off, and that an empty one does nothing", () => {
  expect(summarize(newRule())).toEqual(["This rule does nothing yet."]);
  expect(summarize({ ...newRule(), enabled: false, expireDays: 2 })[0]).toBe("Switched off. For all objects:");
});
