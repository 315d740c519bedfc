import { expect, test, unique } from "./support/test";

test("drives, work and safety are shown, and a scrub is planned and begun", async ({ console_: page, api }) => {
  const bucket = unique("operate");
  await api.bucket(bucket);
  await api.put(bucket, "large.bin", Buffer.alloc(3_000_000, 1));
  await page.goto("/cluster");
  await expect(page.getByText("All drives are up and every object has its full redundancy.")).toBeVisible();
  await expect(page.getByText(/^Drive \d$/)).toHaveCount(4);
  await page.getByRole("button", { name: "Scrub now" }).click();
  const dialog = page.getByRole("dialog", { name: "Scrub now" });
  await expect(dialog.getByText("what is found bad is rebuilt")).toBeVisible();
  await dialog.getByRole("button", { name: "Do it" }).click();
  await expect(dialog).toBeHidden();
});

test("evening out is planned and begun, and ended while it is under way", async ({ console_: page }) => {
  await page.goto("/cluster");
  await page.getByRole("button", { name: "Even out drives" }).click();
  const begin = page.getByRole("dialog", { name: "Even out drives" });
  await expect(begin.getByText("To move")).toBeVisible();
  const begun = page.waitForResponse((answer) => answer.url().endsWith("/api/v1/rebalance"));
  await begin.getByRole("button", { name: "Do it" }).click();
  expect((await (await begun).json()).started).toBe(true);
  await expect(begin).toBeHidden();

  // So little is done in a moment: what the server says is shown as if it took longer.
  await page.route("**/api/v1/status", async (route) => {
    const answer = await route.fetch();
    const status = await answer.json();
    for (const work of status.work) if (work.name === "rebalance") work.state = "running";
    await route.fulfill({ response: answer, json: status });
  });
  await page.getByRole("button", { name: "End evening out" }).click();
  const end = page.getByRole("dialog", { name: "End evening out" });
  await expect(end.getByText("To move")).toBeVisible();
  const ended = page.waitForResponse((answer) => answer.url().endsWith("/api/v1/rebalance"));
  await end.getByRole("button", { name: "Do it" }).click();
  const { request, status } = await ended.then((answer) => ({ request: answer.request(), status: answer.status() }));
  expect([request.postDataJSON(), status]).toEqual([{ stop: true }, 200]);
});

test("healing is paused for an hour, and goes on when it is told to", async ({ console_: page }) => {
  await page.goto("/cluster");
  await page.getByRole("button", { name: "Pause healing" }).click();
  const pause = page.getByRole("dialog", { name: "Pause healing for an hour" });
  await expect(pause.getByText("unless an object could not bear another loss")).toBeVisible();
  await pause.getByRole("button", { name: "Do it" }).click();
  await expect(page.getByText("paused for 60 more minutes")).toBeVisible();
  await page.getByRole("button", { name: "Heal now" }).click();
  await page.getByRole("dialog", { name: "Heal now" }).getByRole("button", { name: "Do it" }).click();
  await expect(page.getByRole("button", { name: "Pause healing" })).toBeVisible();
});

test("draining a drive shows its plan, and nothing happens without consent", async ({ console_: page }) => {
  await page.goto("/cluster");
  await page.getByRole("button", { name: "Change drive 0" }).click();
  await page.getByRole("menuitem", { name: "Drain" }).click();
  const dialog = page
    .getByRole("dialog", { name: "Drain drive 0" })
    .or(page.getByRole("status", { name: "Messages" }).getByText(/drive/i));
  await expect(dialog.first()).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByText("draining")).toBeHidden();
});

test("an encryption key is made, rotated and disabled", async ({ console_: page }) => {
  const name = unique("key");
  await page.goto("/cluster");
  await page.getByRole("button", { name: "Create a key" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const row = page.getByRole("row", { name: new RegExp(name) });
  await expect(row).toContainText("enabled");
  await row.getByRole("button").click();
  await page.getByRole("menuitem", { name: "Disable" }).click();
  await expect(row).toContainText("disabled");
});

test("the request log follows requests and filters them", async ({ console_: page, api }) => {
  const bucket = unique("logged");
  await api.bucket(bucket);
  await api.put(bucket, "seen.txt", "x");
  await page.goto("/requests");
  const table = page.getByRole("table", { name: "Requests" });
  await page.getByLabel("Bucket", { exact: true }).fill(bucket);
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(table.getByText(`${bucket}/seen.txt`)).toBeVisible();
});

test("a denied request is looked up by its id, with what would have allowed it", async ({
  console_: page,
  api,
  server,
  playwright,
}) => {
  const bucket = unique("why");
  await api.bucket(bucket);
  await api.put(bucket, "secret.txt", "x");
  const anonymous = await playwright.request.newContext();
  const answer = await anonymous.get(`${server.s3}/${bucket}/secret.txt`);
  expect(answer.status()).toBe(403);
  const id = answer.headers()["x-amz-request-id"] ?? "";
  await anonymous.dispose();
  await page.goto("/requests");
  await page.getByLabel("Request id").fill(id);
  await page.getByRole("button", { name: "Look up" }).click();
  const dialog = page.getByRole("dialog", { name: `Request ${id}` });
  await expect(dialog.getByText(/s3:GetObject on .* was denied/)).toBeVisible();
  await expect(dialog.getByText("The smallest permission that would have allowed it:")).toBeVisible();
});

test("charts show requests, latency, throughput and capacity, as lines and as tables", async ({ console_: page }) => {
  test.setTimeout(90_000);
  await page.goto("/activity");
  for (const title of ["Requests", "Latency", "Throughput", "Capacity"]) {
    await expect(page.getByRole("img", { name: `Chart: ${title}` })).toBeVisible({ timeout: 60_000 });
  }
  await page.getByText("As a table").first().click();
  await expect(page.getByRole("table").first()).toBeVisible();
});

test("the server page says who is signed in and what is configured", async ({ console_: page }) => {
  await page.goto("/server");
  await expect(page.getByRole("definition").getByText("testaccesskey")).toBeVisible();
  await expect(page.getByRole("table").getByText("console_address")).toBeVisible();
});
