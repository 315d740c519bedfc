import { useQuery } from "@tanstack/react-query";
import { Download, EllipsisVertical, ExternalLink, Link as LinkIcon, Pencil, Share2, Trash2, X } from "lucide-react";
import { type KeyboardEvent, lazy, type ReactNode, Suspense, useLayoutEffect, useRef, useState } from "react";
import { ApiError } from "@/api/error";
import { headObject, type ObjectHead } from "@/api/s3";
import { currentSession } from "@/api/session";
import { t } from "@/i18n";
import { copyText } from "@/lib/copy";
import { nameOf } from "@/lib/keys";
import { Button, IconButton } from "@/ui/Button";
import { Asked, Loading } from "@/ui/layout";
import { Menu } from "@/ui/Menu";
import { Tabs } from "@/ui/Tabs";
import { say, sayError } from "@/ui/toasts";
import DeleteDialog from "../browse/DeleteDialog";
import { download } from "../browse/download";
import RenameDialog from "../browse/RenameDialog";
import { Overview } from "./Overview";
import ShareDialog from "./ShareDialog";
import { Versions } from "./Versions";

const Preview = lazy(() => import("./Preview"));
const Labels = lazy(() => import("./Labels"));
const Protection = lazy(() => import("./Protection"));
const Shards = lazy(() => import("./Shards"));

interface ObjectDetailsProps {
  bucket: string;
  objectKey: string;
  onClose: () => void;
  onChanged: () => void;
  onRenamed: (key: string) => void;
  onRemoved: (keys: ReadonlySet<string>) => void;
}

/** Everything about one object, beside the list; on a phone instead of it. */
export default function ObjectDetails(props: ObjectDetailsProps) {
  const { bucket, objectKey, onClose } = props;
  const head = useQuery({ queryKey: ["head", bucket, objectKey], queryFn: () => headOrNothing(bucket, objectKey) });
  const panel = useRef<HTMLElement>(null);
  // Who came by keyboard goes on in the details, and afterwards where they were.
  useLayoutEffect(() => {
    const [here, before] = [panel.current, document.activeElement];
    if (before?.role === "grid") here?.focus();
    return () => {
      if (here?.contains(document.activeElement) && before instanceof HTMLElement) before.focus();
    };
  }, []);
  const keyDown = (event: KeyboardEvent) => {
    // A dialog or a menu in here closes alone.
    const isOwn = event.target instanceof Element && !event.target.closest("dialog, [role=menu]");
    if (event.key === "Escape" && isOwn) onClose();
  };
  return (
    <aside
      ref={panel}
      tabIndex={-1}
      aria-label={t("Details of {name}", { name: nameOf(objectKey) })}
      onKeyDown={keyDown}
      className="absolute -outline-offset-2 inset-0 z-20 flex flex-col overflow-auto border-l border-line bg-panel lg:static lg:w-md lg:shrink-0"
    >
      <div className="flex items-center gap-1 border-b border-line py-1.5 pr-2 pl-4">
        <h2 className="min-w-0 grow font-semibold wrap-anywhere">{nameOf(objectKey)}</h2>
        <IconButton icon={X} label={t("Close the details")} onClick={onClose} />
      </div>
      <Asked query={head}>{(found) => (found ? <Current {...props} head={found} /> : <Deleted {...props} />)}</Asked>
    </aside>
  );
}

async function headOrNothing(bucket: string, key: string): Promise<ObjectHead | null> {
  try {
    return await headObject(bucket, key);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

function Deleted({ bucket, objectKey, onChanged }: ObjectDetailsProps) {
  return (
    <div className="flex flex-col gap-4 p-4">
      <p>{t("This object is deleted. A version that is kept can be brought back.")}</p>
      <Versions bucket={bucket} objectKey={objectKey} onChanged={onChanged} />
    </div>
  );
}

function Current(props: ObjectDetailsProps & { head: ObjectHead }) {
  const { bucket, objectKey, head, onChanged } = props;
  const place = { bucket, key: objectKey };
  const tabs: [string, () => ReactNode][] = [
    [t("Preview"), () => <Preview bucket={bucket} objectKey={objectKey} head={head} />],
    [t("Facts"), () => <Overview bucket={bucket} objectKey={objectKey} head={head} />],
    [t("Versions"), () => <Versions bucket={bucket} objectKey={objectKey} onChanged={onChanged} />],
    [t("Labels"), () => <Labels place={place} head={head} />],
    [t("Lock"), () => <Protection place={place} head={head} />],
    [t("Shards"), () => <Shards bucket={bucket} objectKey={objectKey} />],
  ];
  return (
    <>
      <Actions {...props} />
      <Tabs label={t("About this object")} tabs={tabs} fallback={<Loading />} />
    </>
  );
}

function Actions({ bucket, objectKey, onRenamed, onRemoved, onChanged }: ObjectDetailsProps) {
  const [asked, setAsked] = useState<"share" | "rename" | "delete">();
  const close = () => setAsked(undefined);
  const copy = (text: string) => void copyText(text).then(() => say(t("Copied: {text}", { text })), sayError);
  const url = `${currentSession().s3_url}/${bucket}/${objectKey.split("/").map(encodeURIComponent).join("/")}`;
  return (
    <div className="flex flex-wrap gap-2 px-4 py-3">
      <Button kind="primary" icon={Download} onClick={() => download(bucket, objectKey)}>
        {t("Download")}
      </Button>
      <Button icon={Share2} onClick={() => setAsked("share")}>
        {t("Share")}
      </Button>
      <Menu
        trigger={<IconButton icon={EllipsisVertical} label={t("More")} />}
        items={[
          { label: t("Copy S3 URI"), icon: LinkIcon, onSelect: () => copy(`s3://${bucket}/${objectKey}`) },
          { label: t("Copy URL"), icon: ExternalLink, onSelect: () => copy(url) },
          { label: t("Rename"), icon: Pencil, onSelect: () => setAsked("rename") },
          { label: t("Delete"), icon: Trash2, danger: true, onSelect: () => setAsked("delete") },
        ]}
      />
      <Suspense>
        {asked === "share" && <ShareDialog bucket={bucket} objectKey={objectKey} onClose={close} />}
        {asked === "rename" && (
          <RenameDialog bucket={bucket} objectKey={objectKey} onClose={close} onRenamed={onRenamed} />
        )}
        {asked === "delete" && (
          <DeleteDialog
            bucket={bucket}
            keys={[objectKey]}
            onClose={close}
            onRemoved={onRemoved}
            onChanged={onChanged}
          />
        )}
      </Suspense>
    </div>
  );
}
