import { afterEach, expect, it } from "vitest";
import { ApiError } from "@/api/error";
import { chooseLanguage } from "@/i18n";
import { messageOf } from "./Notice";

afterEach(() => chooseLanguage("en"));

it("an answer without a sentence is told by its status", () => {
  expect(messageOf(new ApiError("", 403))).toBe("You may not see this.");
  expect(messageOf(new ApiError("", 404))).toBe("There is no such thing here, or no longer.");
  expect(messageOf(new ApiError("", 418))).toBe("The server answered with the status 418.");
});

it("an error is told in the reader's language where its code is known, with the server's own words where these say more", async () => {
  const known = new ApiError("The specified bucket does not exist", 404, "NoSuchBucket");
  const detailed = new ApiError("Group with name a already exists.", 409, "EntityAlreadyExists");
  const unknown = new ApiError("Something new", 400, "BrandNew");
  expect(messageOf(known)).toBe("The specified bucket does not exist");
  await chooseLanguage("zh");
  expect(messageOf(known)).toBe("没有这个存储桶。");
  expect(messageOf(detailed)).toBe("同名的已经存在：Group with name a already exists.");
  expect(messageOf(unknown)).toBe("Something new");
});
