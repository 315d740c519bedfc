import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Download, RotateCcw, Trash2 } from "lucide-react";
import { useState } from "react";
import { copyObject, type VersionEntry, versionsOf } from "@/api/s3";
import { t } from "@/i18n";
import { formatBytes, formatTime } from "@/lib/format";
import { IconButton } from "@/ui/Button";
import { FormDialog } from "@/ui/Dialog";
import { Asked, Badge } from "@/ui/layout";
import { say, sayError } from "@/ui/toasts";
import { removeVersion } from "../browse/bulk";
import { download } from "../browse/download";

interface VersionsProps {
  bucket: string;
  objectKey: string;
  onChanged: () => void;
}

/** Every version of a key, the newest first: to look at, to bring back, to remove for good. */
export function Versions({ bucket, objectKey, onChanged }: VersionsProps) {
  const versions = useQuery({
    queryKey: ["versions", bucket, objectKey],
    queryFn: () => versionsOf(bucket, objectKey),
  });
  const queries = useQueryClient();
  const [doomed, setDoomed] = useState<VersionEntry>();
  const changed = async () => {
    await queries.invalidateQueries({ queryKey: ["versions", bucket, objectKey] });
    await queries.invalidateQueries({ queryKey: ["head", bucket, objectKey] });
    onChanged();
  };
  const restore = async ({ versionId }: VersionEntry) => {
    await copyObject({ bucket, key: objectKey, versionId }, { bucket, key: objectKey });
    await changed();
    say(t("The version is the current one again"));
  };
  const undelete = async (marker: VersionEntry) => {
    await removeVersion({ bucket, ...marker });
    await changed();
    say(t("The object is back"));
  };
  return (
    <Asked query={versions}>
      {(list) => (
        <>
          {list.length === 0 && <p className="text-sm text-muted">{t("No version of it is kept.")}</p>}
          {list.length === 1 && list[0]?.versionId === "null" && (
            <p className="mb-3 text-sm text-muted">
              {t("This bucket keeps no versions. Its settings can change that for what is stored from then on.")}
            </p>
          )}
          <ul aria-label={t("Versions")} className="flex flex-col">
            {list.map((version, index) => (
              <li key={version.versionId} className="flex items-center gap-2 border-b border-line py-1.5 text-sm">
                <div className="min-w-0 grow">
                  <p>
                    {formatTime(version.modified)} {version.isLatest && <Badge kind="good">{t("current")}</Badge>}{" "}
                    {version.isDeleteMarker && <Badge kind="warn">{t("delete marker")}</Badge>}
                  </p>
                  <p className="truncate font-mono text-xs text-muted" title={version.versionId}>
                    {version.isDeleteMarker ? "" : `${formatBytes(version.size)} · `}
                    {version.versionId}
                  </p>
                </div>
                {version.isDeleteMarker && version.isLatest && list[index + 1]?.isDeleteMarker === false && (
                  <IconButton
                    icon={RotateCcw}
                    label={t("Bring the object back")}
                    onClick={() => void undelete(version).catch(sayError)}
                  />
                )}
                {!version.isDeleteMarker && (
                  <IconButton
                    icon={Download}
                    label={t("Download this version")}
                    onClick={() => download(bucket, objectKey, version.versionId)}
                  />
                )}
                {!version.isDeleteMarker && !version.isLatest && (
                  <IconButton
                    icon={RotateCcw}
                    label={t("Restore this version")}
                    onClick={() => void restore(version).catch(sayError)}
                  />
                )}
                <IconButton
                  icon={Trash2}
                  label={t("Remove this version for good")}
                  onClick={() => setDoomed(version)}
                />
              </li>
            ))}
          </ul>
          {doomed && (
            <FormDialog
              title={t("Remove this version for good?")}
              action={t("Remove")}
              actionKind="danger"
              onSubmit={async () => {
                await removeVersion({ bucket, ...doomed });
                await changed();
              }}
              onClose={() => setDoomed(undefined)}
            >
              <p>
                {t("The version of {time} cannot be brought back afterwards.", { time: formatTime(doomed.modified) })}
              </p>
            </FormDialog>
          )}
        </>
      )}
    </Asked>
  );
}
