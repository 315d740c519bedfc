/** Every page, on a server with something in it. */
import type { Api } from "./session";

export interface NamedPage {
  name: string;
  path: string;
  /** A text that is there when the page is. */
  shows: string | RegExp;
}

export const BUCKET = "holiday-photos";

/** Puts into the server what pages show. */
export async function furnish(api: Api): Promise<void> {
  await api.bucket(BUCKET, { "x-amz-bucket-object-lock-enabled": "true" });
  await api.bucket("backups");
  await api.bucket("website");
  await api.search(BUCKET);
  const keys = ["2025/august/beach.md", "2025/august/sea.txt", "2025/september/mountain.txt", "2026/plans.csv"];
  for (const key of keys) await api.put(BUCKET, key, `about ${key}\n`, { "x-amz-tagging": "kind=holiday" });
  await api.put(
    BUCKET,
    "README.md",
    "# Holidays\n\n| Year | Where |\n|---|---|\n| 2025 | sea |\n| 2026 | mountains |\n\n- packed **light**\n",
    {
      "content-type": "text/markdown",
    },
  );
  await api.put(BUCKET, "panorama.bin", Buffer.alloc(3_000_000, 1));
  await api.put(
    BUCKET,
    "README.md",
    "# Holidays\n\n| Year | Where |\n|---|---|\n| 2025 | sea |\n| 2026 | mountains |\n\n- packed **lightly**\n",
    {
      "content-type": "text/markdown",
    },
  );
  await api.iam("CreateUser", { UserName: "anna" });
  await api.iam("AttachUserPolicy", { UserName: "anna", PolicyArn: "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess" });
  await api.iam("CreateAccessKey", { UserName: "anna" });
  await api.iam("CreateServiceAccount", {
    UserName: "anna",
    ServiceAccountName: "backup-of-the-photos-every-night",
    Expires: "2098-01-01T00:00:00Z",
  });
  await api.iam("CreateGroup", { GroupName: "editors" });
  const document = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: `arn:aws:s3:::${BUCKET}/*` }],
  };
  await api.iam("CreatePolicy", { PolicyName: "photos-read", PolicyDocument: JSON.stringify(document) });
}

const settings = (section: string, shows: string | RegExp): NamedPage => ({
  name: `settings-${section}`,
  path: `/buckets/${BUCKET}/settings/${section}`,
  shows,
});

export const PAGES: NamedPage[] = [
  { name: "buckets", path: "/buckets", shows: BUCKET },
  { name: "browse", path: `/buckets/${BUCKET}`, shows: "README.md" },
  { name: "object", path: `/buckets/${BUCKET}?object=README.md`, shows: "mountains" },
  settings("overview", "Delete the bucket"),
  settings("access", "No folder is public."),
  settings("policy", "Begin with:"),
  settings("versioning", "Once on, it can be suspended"),
  settings("lifecycle", "No rule yet"),
  settings("encryption", "What is stored from now on"),
  settings("lock", "Retention mode"),
  settings("tags", "Add"),
  settings("cors", "Add a rule"),
  settings("notifications", "Add a target"),
  settings("logging", "Logs go to the bucket"),
  settings("website", "Page of a folder"),
  settings("uploads", "No upload is open"),
  { name: "search", path: "/search?q=august", shows: "2 objects found" },
  { name: "users", path: "/access/users", shows: "anna" },
  { name: "user", path: "/access/users/anna", shows: "AmazonS3ReadOnlyAccess" },
  { name: "groups", path: "/access/groups", shows: "editors" },
  { name: "group", path: "/access/groups/editors", shows: "Nobody yet." },
  { name: "roles", path: "/access/roles", shows: "None yet" },
  { name: "policies", path: "/access/policies", shows: "photos-read" },
  {
    name: "policy",
    path: "/access/policies/arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FAmazonS3ReadOnlyAccess",
    shows: "This policy is built in",
  },
  { name: "simulator", path: "/access/simulator", shows: "What may somebody do?" },
  { name: "accounts", path: "/access/accounts", shows: "Create an account" },
  { name: "cluster", path: "/cluster", shows: "All drives are up" },
  { name: "activity", path: "/activity", shows: "Throughput" },
  { name: "requests", path: "/requests", shows: "put_object" },
  { name: "server", path: "/server", shows: "Signed in as" },
];
