import { expect, test, unique } from "./support/test";

test("folders open, breadcrumbs lead back, the address keeps the place", async ({ console_: page, api }) => {
  const bucket = unique("browse");
  await api.bucket(bucket);
  for (const key of ["a/b/deep.txt", "a/one.txt", "top.txt"]) await api.put(bucket, key, key);
  await page.goto(`/buckets/${bucket}`);
  await page.getByRole("button", { name: "a/" }).click();
  await page.getByRole("button", { name: "b/" }).click();
  await expect(page.getByRole("button", { name: "deep.txt" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("button", { name: "deep.txt" })).toBeVisible();
  await page.getByRole("navigation", { name: "Folders" }).getByRole("link", { name: "a", exact: true }).click();
  await expect(page.getByRole("button", { name: "one.txt" })).toBeVisible();
});

test("keys with odd characters are shown, opened and downloaded as they are", async ({ console_: page, api }) => {
  const bucket = unique("odd");
  await api.bucket(bucket);
  const names = ["with space & plus+.txt", "ümläut 中文.txt", "percent%20.txt", "quote\"'<b>.txt", "hash#?.txt"];
  for (const name of names) await api.put(bucket, name, `content of ${name}`);
  await page.goto(`/buckets/${bucket}`);
  for (const name of names) {
    await page.getByRole("button", { name, exact: true }).click();
    await expect(page.getByRole("complementary").getByText(`content of ${name}`)).toBeVisible();
  }
  const downloading = page.waitForEvent("download");
  await page.getByRole("complementary").getByRole("button", { name: "Download" }).click();
  expect((await downloading).suggestedFilename()).toMatch(/hash/);
});

test("a list is sorted by size, narrowed to a beginning, and a folder can be made", async ({ console_: page, api }) => {
  const bucket = unique("sort");
  await api.bucket(bucket);
  await api.put(bucket, "a-large.txt", "x".repeat(5000));
  await api.put(bucket, "b-small.txt", "x");
  await page.goto(`/buckets/${bucket}`);
  const rows = page.getByRole("row").filter({ hasText: ".txt" });
  await expect(rows.first()).toContainText("a-large");
  await page.getByRole("columnheader", { name: "Size" }).getByRole("button").click();
  await expect(rows.first()).toContainText("b-small");
  await page.getByLabel("Only names that begin with").fill("a-");
  await page.keyboard.press("Enter");
  await expect(rows).toHaveCount(1);
  await page.getByLabel("Only names that begin with").fill("");
  await page.getByRole("button", { name: "New folder" }).click();
  await page.getByLabel("Name", { exact: true }).fill("made here");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByRole("button", { name: "made here/" })).toBeVisible();
});

test("several objects are selected, copied, moved and deleted, and the deletion is undone", async ({
  console_: page,
  api,
}) => {
  const bucket = unique("many");
  await api.bucket(bucket);
  await api.versioning(bucket);
  for (const key of ["one.txt", "two.txt", "folder/three.txt"]) await api.put(bucket, key, key);
  await page.goto(`/buckets/${bucket}`);
  await page.getByLabel("Select all that are loaded").check();
  await expect(page.getByText("3 selected")).toBeVisible();
  await page.getByRole("button", { name: "Copy or move" }).click();
  await page.getByLabel("Folder", { exact: true }).fill("copies");
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await expect(page.getByRole("button", { name: "copies/" })).toBeVisible();
  await page.getByRole("button", { name: "copies/" }).click();
  await expect(page.getByRole("button", { name: "two.txt" })).toBeVisible();
  await page.getByRole("button", { name: "folder/" }).click();
  await expect(page.getByRole("button", { name: "three.txt" })).toBeVisible();

  await page.goto(`/buckets/${bucket}?prefix=copies/`);
  await page.getByLabel("Select copies/two.txt").check();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("button", { name: "two.txt" })).toBeHidden();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("button", { name: "two.txt" })).toBeVisible();
});

test("a move within a bucket and one to another are undone, versions as they were", async ({ console_: page, api }) => {
  const [bucket, other] = [unique("from"), unique("to")];
  for (const name of [bucket, other]) {
    await api.bucket(name);
    await api.versioning(name);
  }
  for (const key of ["one.txt", "folder/two.txt"]) await api.put(bucket, key, key);
  await api.put(other, "one.txt", "was here before");
  const read = async (name: string, key: string) => {
    const answer = await page.request.get(`/api/v1/s3/${name}/${key}`);
    return answer.ok() ? answer.text() : answer.status();
  };
  const move = async (target: string, prefix: string) => {
    await page.goto(`/buckets/${bucket}`);
    await page.getByLabel("Select all that are loaded").check();
    await page.getByRole("button", { name: "Copy or move" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Bucket").selectOption(target);
    await dialog.getByLabel("Folder", { exact: true }).fill(prefix);
    await dialog.getByLabel("Move: delete it here").check();
    await dialog.getByLabel("Replace objects of the same names").setChecked(target === other);
    await dialog.getByRole("button", { name: "Move", exact: true }).click();
    await expect(page.getByText(`Moved to ${target}/`)).toBeVisible();
  };

  await move(bucket, "moved");
  expect(await read(bucket, "moved/folder/two.txt")).toBe("folder/two.txt");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("button", { name: "one.txt" })).toBeVisible();
  await expect.poll(() => read(bucket, "folder/two.txt")).toBe("folder/two.txt");
  expect(await read(bucket, "moved/one.txt")).toBe(404);

  await move(other, "");
  expect(await read(other, "one.txt")).toBe("one.txt");
  expect(await read(bucket, "one.txt")).toBe(404);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("button", { name: "one.txt" })).toBeVisible();
  await expect.poll(() => read(other, "folder/two.txt")).toBe(404);
  expect(await read(bucket, "one.txt")).toBe("one.txt");
  expect(await read(other, "one.txt")).toBe("was here before");
});

test("a move to a bucket without versions cannot be undone, and no such thing is offered", async ({
  console_: page,
  api,
}) => {
  const [bucket, other] = [unique("from"), unique("plain")];
  await api.bucket(bucket);
  await api.versioning(bucket);
  await api.bucket(other);
  await api.put(bucket, "one.txt", "one");
  await page.goto(`/buckets/${bucket}`);
  await page.getByLabel("Select one.txt").check();
  await page.getByRole("button", { name: "Copy or move" }).click();
  await page.getByRole("dialog").getByLabel("Bucket").selectOption(other);
  await page.getByRole("dialog").getByLabel("Move: delete it here").check();
  await page.getByRole("dialog").getByRole("button", { name: "Move", exact: true }).click();
  await expect(page.getByText(`Moved to ${other}/`)).toBeVisible();
  // At once: the message goes by itself.
  expect(await page.getByRole("button", { name: "Undo" }).count()).toBe(0);
});

test("a deletion that cannot be undone, as versions are suspended, offers no undo", async ({ console_: page, api }) => {
  const bucket = unique("suspended");
  await api.bucket(bucket);
  await api.versioning(bucket);
  await api.put(bucket, "old.txt", "kept as a version");
  await api.versioning(bucket, "Suspended");
  await api.put(bucket, "new.txt", "kept as none");
  await page.goto(`/buckets/${bucket}`);
  await page.getByLabel("Select new.txt").check();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("button", { name: "new.txt" })).toBeHidden();
  await expect(page.getByRole("status", { name: "Messages" }).getByText("Deleted")).toBeVisible();
  // At once: the message goes by itself.
  expect(await page.getByRole("button", { name: "Undo" }).count()).toBe(0);
  await page.goto(`/buckets/${bucket}?deleted=true&object=new.txt`);
  const details = page.getByRole("complementary", { name: "Details of new.txt" });
  await expect(details.getByText("delete marker")).toBeVisible();
  await expect(details.getByRole("button", { name: "Bring the object back" })).toBeHidden();

  await page.goto(`/buckets/${bucket}?object=old.txt`);
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("button", { name: "old.txt" })).toBeHidden();
  await page.goto(`/buckets/${bucket}?deleted=true&object=old.txt`);
  await page.getByRole("button", { name: "Bring the object back" }).click();
  await expect(page.getByRole("tab", { name: "Preview" })).toBeVisible();
});

test("what was deleted is brought back together, folders with all in them", async ({ console_: page, api }) => {
  const bucket = unique("back");
  await api.bucket(bucket);
  await api.versioning(bucket);
  const [gone, never, folded] = ["gone.txt", "never.txt", "folder/deep/a.txt"];
  for (const key of [gone, folded, "kept.txt"]) await api.put(bucket, key, key);
  // Deleted twice, and never there: of these the one comes back and the other cannot.
  for (const key of [gone, gone, never, folded]) await api.remove(bucket, key);
  await page.goto(`/buckets/${bucket}`);
  await page.getByRole("button", { name: "Deleted", exact: true }).click();
  for (const name of [gone, never, "folder/"]) await page.getByLabel(`Select ${name}`).check();
  await expect(page.getByRole("button", { name: "Rename" })).toBeHidden();
  await page.getByRole("button", { name: "Bring back" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Bring back" }).click();
  await expect(page.getByText("2 objects are back")).toBeVisible();
  await expect(page.getByRole("button", { name: never })).toBeVisible();
  await expect(page.getByRole("button", { name: gone })).toBeHidden();
  for (const key of [gone, folded])
    expect(await (await page.request.get(`/api/v1/s3/${bucket}/${key}`)).text()).toBe(key);
});

test("an object is renamed, and that is undone", async ({ console_: page, api }) => {
  const bucket = unique("rename");
  await api.bucket(bucket);
  await api.put(bucket, "before.txt", "content");
  await page.goto(`/buckets/${bucket}`);
  await page.getByLabel("Select before.txt").check();
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByLabel("New name").fill("after.txt");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await expect(page.getByRole("button", { name: "after.txt" })).toBeVisible();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("button", { name: "before.txt" })).toBeVisible();
});

test("a folder is renamed with all in it, not into itself, and that is undone", async ({ console_: page, api }) => {
  const bucket = unique("folder");
  await api.bucket(bucket);
  for (const key of ["before/a.txt", "before/deep/b.txt", "other/a.txt"]) await api.put(bucket, key, key);
  await page.goto(`/buckets/${bucket}`);
  await page.getByLabel("Select before/").check();
  await page.getByRole("button", { name: "Rename" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("New name").fill("before/deep");
  await expect(dialog.getByText("A folder cannot go into itself.")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Rename" })).toBeDisabled();
  await dialog.getByLabel("New name").fill("after");
  await dialog.getByRole("button", { name: "Rename" }).click();
  await expect(page.getByRole("button", { name: "after/" })).toBeVisible();
  await expect(page.getByRole("button", { name: "before/" })).toBeHidden();
  expect(await (await page.request.get(`/api/v1/s3/${bucket}/after/deep/b.txt`)).text()).toBe("before/deep/b.txt");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("button", { name: "before/" })).toBeVisible();
  expect(await (await page.request.get(`/api/v1/s3/${bucket}/before/a.txt`)).text()).toBe("before/a.txt");
});

test("a copy stores nothing over what is there unasked", async ({ console_: page, api }) => {
  const [bucket, other] = [unique("copied"), unique("holding")];
  await api.bucket(bucket);
  await api.bucket(other);
  for (const key of ["a.txt", "b.txt"]) await api.put(bucket, key, "new");
  await api.put(other, "a.txt", "old");
  const contentOf = async (key: string) => (await page.request.get(`/api/v1/s3/${other}/${key}`)).text();
  await page.goto(`/buckets/${bucket}`);
  for (const key of ["a.txt", "b.txt"]) await page.getByLabel(`Select ${key}`).check();
  await page.getByRole("button", { name: "Copy or move" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Bucket").selectOption(other);
  await dialog.getByRole("button", { name: "Copy", exact: true }).click();
  await expect(dialog.getByRole("alert")).toContainText("1 object was left as it is");
  expect([await contentOf("a.txt"), await contentOf("b.txt")]).toEqual(["old", "new"]);
  await dialog.getByLabel("Replace objects of the same names there").check();
  await dialog.getByRole("button", { name: "Copy", exact: true }).click();
  await expect(page.getByText(`Copied to ${other}/`)).toBeVisible();
  expect(await contentOf("a.txt")).toBe("new");
});

test("by keyboard alone one walks through folders, opens, selects and comes back", async ({ console_: page, api }) => {
  const bucket = unique("keys");
  await api.bucket(bucket);
  for (const key of ["a/", "a1/in.txt", "b.txt", "c.txt"]) await api.put(bucket, key, key);
  await page.goto(`/buckets/${bucket}`);
  const grid = page.getByRole("grid", { name: "Objects" });
  await grid.focus();
  // Into an empty folder and back: one goes on where one was.
  await page.keyboard.press("Enter");
  await expect(page.getByText("This folder is empty")).toBeVisible();
  await page.keyboard.press("Backspace");
  await expect(grid).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "in.txt" })).toBeVisible();
  await expect(grid).toBeFocused();
  await page.keyboard.press("Backspace");
  await expect(page.getByRole("button", { name: "b.txt" })).toBeVisible();
  await expect(grid).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press(" ");
  await expect(page.getByLabel("Select b.txt")).toBeChecked();
  await page.keyboard.press("Shift+ArrowDown");
  await expect(page.getByText("2 selected")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByText("2 selected")).toBeHidden();

  // Into the details and back; a dialog that is closed there closes nothing else.
  await page.keyboard.press("Enter");
  const details = page.getByRole("complementary", { name: "Details of c.txt" });
  await expect(details).toBeFocused();
  await details.getByRole("button", { name: "Share" }).press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(details).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(details).toBeHidden();
  await expect(grid).toBeFocused();

  // The headings have keys of their own.
  await page.getByRole("button", { name: "Size" }).press("Enter");
  await expect(page.getByRole("columnheader", { name: "Size" })).toHaveAttribute("aria-sort", "ascending");
});

test("what was moved away is no longer selected", async ({ console_: page, api }) => {
  const bucket = unique("gone");
  await api.bucket(bucket);
  await api.put(bucket, "one.txt", "one");
  await page.goto(`/buckets/${bucket}`);
  await page.getByLabel("Select one.txt").check();
  await page.getByRole("button", { name: "Copy or move" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Folder", { exact: true }).fill("there");
  await dialog.getByLabel("Move: delete it here").check();
  await dialog.getByRole("button", { name: "Move", exact: true }).click();
  await expect(page.getByRole("button", { name: "there/" })).toBeVisible();
  await expect(page.getByText("1 selected")).toBeHidden();
});

test("the tab is named by what it shows", async ({ console_: page, api }) => {
  const bucket = unique("named");
  await api.bucket(bucket);
  await page.goto("/buckets");
  await expect(page).toHaveTitle("Buckets – Holdfast");
  await page.getByRole("link", { name: bucket, exact: true }).click();
  await expect(page).toHaveTitle(`Objects of ${bucket} – Holdfast`);
  await page.getByRole("link", { name: `Settings of ${bucket}` }).click();
  await expect(page).toHaveTitle(`${bucket} · Settings – Holdfast`);
});
