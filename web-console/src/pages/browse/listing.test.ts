import { expect, it, vi } from "vitest";
import { listObjects } from "@/api/s3";
import { Listing } from "./listing";

vi.mock("@/api/s3", () => ({ listObjects: vi.fn() }));

const PLACE = { bucket: "b", prefix: "", begins: "", deleted: false };
const page = (key: string) => ({ objects: [{ key, size: 1, modified: "" }], folders: [], next: undefined });

it("a listing that was stopped is begun again, and what was stopped is not shown", async () => {
  const answers: ((key: string) => void)[] = [];
  vi.mocked(listObjects).mockImplementation(
    () => new Promise((resolve) => answers.push((key) => resolve(page(key) as never))),
  );
  const listing = new Listing(PLACE);
  const first = listing.more();
  listing.stop();
  const second = listing.more();
  answers[0]?.("stopped");
  await first;
  expect(listing.state.get()).toMatchObject({ rows: [], loading: true, complete: false });
  answers[1]?.("shown");
  await second;
  expect(listing.state.get()).toMatchObject({ rows: [{ key: "shown" }], loading: false, complete: true });
});
