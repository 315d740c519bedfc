import { expect, it } from "vitest";
import { Rate } from "./rate";

it("is what the last seconds brought, and falls to nothing when nothing comes", () => {
  const rate = new Rate();
  for (let second = 0; second < 10; second += 1) rate.add(1000, second * 1000);
  expect(rate.perSecond(10_000)).toBeCloseTo(1000, -2);
  expect(rate.perSecond(60_000)).toBe(0);
});
