import type { ObjectHead } from "@/api/s3";
import { formatNumber, t } from "@/i18n";
import { formatBytes, formatTime } from "@/lib/format";
import { Facts } from "@/ui/layout";

const CHECKSUM = "x-amz-checksum-";

/** What is known of an object without reading it. */
export function Overview({ bucket, objectKey, head }: { bucket: string; objectKey: string; head: ObjectHead }) {
  const { headers } = head;
  const checksums = Object.entries(headers)
    .filter(([name]) => name.startsWith(CHECKSUM) && name !== `${CHECKSUM}type`)
    .map(([name, value]) => [name.slice(CHECKSUM.length).toUpperCase(), <Code key={name} text={value} />] as const);
  const encryption = headers["x-amz-server-side-encryption"];
  return (
    <Facts
      items={[
        [t("Key"), objectKey],
        [t("S3 URI"), <Code key="uri" text={`s3://${bucket}/${objectKey}`} />],
        [t("Size"), `${formatBytes(head.size)} (${t("{n} bytes", { n: formatNumber(head.size) })})`],
        [t("Modified"), formatTime(head.modified)],
        [t("Media type"), head.mediaType],
        [t("ETag"), <Code key="etag" text={head.etag.replaceAll('"', "")} />],
        [t("Storage class"), headers["x-amz-storage-class"] ?? "STANDARD"],
        head.versionId !== "" && [t("Version"), <Code key="version" text={head.versionId} />],
        encryption !== undefined && [t("Encryption"), encryption],
        headers["x-amz-expiration"] !== undefined && [t("Expires"), headers["x-amz-expiration"]],
        ...checksums,
      ]}
    />
  );
}

const Code = ({ text }: { text: string }) => <code className="font-mono text-xs">{text}</code>;
