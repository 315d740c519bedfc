import { useQuery } from "@tanstack/react-query";
import { FileQuestion } from "lucide-react";
import { lazy } from "react";
import { type ObjectHead, objectPath, readText } from "@/api/s3";
import { t } from "@/i18n";
import { formatBytes } from "@/lib/format";
import { nameOf } from "@/lib/keys";
import { Asked, Empty } from "@/ui/layout";
import { Notice } from "@/ui/Notice";
import { Scroller } from "@/ui/Scroller";
import { type PreviewKind, previewKind } from "./kinds";

const CsvTable = lazy(() => import("./CsvTable"));
const JsonView = lazy(() => import("./JsonView"));
const Markdown = lazy(() => import("./Markdown"));

/** As much of a text as is fetched to be shown. */
const TEXT_BYTES_MAX = 256 * 1024;

interface PreviewProps {
  bucket: string;
  objectKey: string;
  head: ObjectHead;
}

/**
 * Shows an object. Images, media and PDF are drawn by the browser from answers that may run nothing; everything else
 * is text, of which React makes text again: no byte of an object ever becomes HTML of this page.
 */
export default function Preview({ bucket, objectKey, head }: PreviewProps) {
  const source = objectPath(bucket, objectKey, { versionId: head.versionId || undefined, inline: true });
  const kind = previewKind(objectKey, head.mediaType);
  const name = nameOf(objectKey);
  switch (kind) {
    case "image":
      return <img src={source} alt={name} className="mx-auto max-h-[60dvh] max-w-full rounded-md" />;
    case "video":
      // biome-ignore lint/a11y/useMediaCaption: objects bring no captions of their own
      return <video src={source} controls aria-label={name} className="max-h-[60dvh] w-full" />;
    case "audio":
      // biome-ignore lint/a11y/useMediaCaption: objects bring no captions of their own
      return <audio src={source} controls aria-label={name} className="w-full" />;
    case "pdf":
      return <iframe src={source} title={name} className="h-[70dvh] w-full rounded-md border border-line" />;
    case "none":
      return (
        <Empty icon={FileQuestion} title={t("No preview of this kind of file")}>
          <p>{head.mediaType}</p>
        </Empty>
      );
    default:
      return <TextPreview bucket={bucket} objectKey={objectKey} head={head} kind={kind} />;
  }
}

function TextPreview({ bucket, objectKey, head, kind }: PreviewProps & { kind: PreviewKind }) {
  const text = useQuery({
    queryKey: ["text", bucket, objectKey, head.etag],
    queryFn: () => (head.size === 0 ? "" : readText(bucket, objectKey, TEXT_BYTES_MAX, head.versionId || undefined)),
  });
  const isWhole = head.size <= TEXT_BYTES_MAX;
  return (
    <Asked query={text}>
      {(content) => (
        <div className="flex flex-col gap-3">
          {!isWhole && (
            <Notice kind="info">{t("The first {size} are shown.", { size: formatBytes(TEXT_BYTES_MAX) })}</Notice>
          )}
          <Rendered kind={kind} text={content} isWhole={isWhole} />
        </div>
      )}
    </Asked>
  );
}

function Rendered({ kind, text, isWhole }: { kind: PreviewKind; text: string; isWhole: boolean }) {
  if (kind === "csv") return <CsvTable text={text} isWhole={isWhole} />;
  if (kind === "json" && isWhole) return <JsonView text={text} />;
  if (kind === "markdown") return <Markdown text={text} />;
  return <PlainText text={text} />;
}

export function PlainText({ text }: { text: string }) {
  return (
    <Scroller label={t("Text")} className="max-h-[60dvh] rounded-md bg-raised p-3">
      <pre className="font-mono text-xs">{text}</pre>
    </Scroller>
  );
}
