import { t } from "@/i18n";

interface Template {
  name: string;
  document: unknown;
}

const policy = (...statements: unknown[]) => ({ Version: "2012-10-17", Statement: statements });

/** Beginnings of a bucket's policy. */
export function bucketTemplates(bucket: string, account: string): Template[] {
  const objects = `arn:aws:s3:::${bucket}/*`;
  const whole = `arn:aws:s3:::${bucket}`;
  const user = { AWS: `arn:aws:iam::${account}:user/NAME` };
  return [
    {
      name: t("Everybody may read a folder"),
      document: policy({
        Sid: "PublicRead",
        Effect: "Allow",
        Principal: "*",
        Action: "s3:GetObject",
        Resource: `arn:aws:s3:::${bucket}/public/*`,
      }),
    },
    {
      name: t("A user may read"),
      document: policy({
        Effect: "Allow",
        Principal: user,
        Action: ["s3:GetObject", "s3:ListBucket"],
        Resource: [whole, objects],
      }),
    },
    {
      name: t("A user may read and write"),
      document: policy({
        Effect: "Allow",
        Principal: user,
        Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"],
        Resource: [whole, objects],
      }),
    },
    {
      name: t("Nobody without encryption on the way"),
      document: policy({
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [whole, objects],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      }),
    },
    {
      name: t("Only from a network"),
      document: policy({
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [whole, objects],
        Condition: { NotIpAddress: { "aws:SourceIp": "192.0.2.0/24" } },
      }),
    },
  ];
}

/** Beginnings of a policy of users, groups and roles. */
export const identityTemplates = (): Template[] => [
  {
    name: t("Read one bucket"),
    document: policy({
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:ListBucket"],
      Resource: ["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/*"],
    }),
  },
  {
    name: t("Read and write one bucket"),
    document: policy({
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"],
      Resource: ["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/*"],
    }),
  },
  {
    name: t("A folder of one's own"),
    document: policy(
      {
        Effect: "Allow",
        Action: "s3:ListBucket",
        Resource: "arn:aws:s3:::BUCKET",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the server puts the name in its place
        Condition: { StringLike: { "s3:prefix": "${aws:username}/*" } },
      },
      {
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the server puts the name in its place
        Resource: "arn:aws:s3:::BUCKET/${aws:username}/*",
      },
    ),
  },
  {
    name: t("See how the server is"),
    document: policy({ Effect: "Allow", Action: ["admin:Status", "admin:List*"], Resource: "*" }),
  },
];

/** The beginning of a role's trust. */
export const trustTemplate = (account: string): string =>
  JSON.stringify(
    policy({ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: "sts:AssumeRole" }),
    null,
    2,
  );
