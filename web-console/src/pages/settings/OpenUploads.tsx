import { Inbox } from "lucide-react";
import { abortMultipartUpload, listMultipartUploads } from "@/api/s3";
import { t } from "@/i18n";
import { formatTime } from "@/lib/format";
import { ActionsHeading } from "@/ui/ActionsHeading";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/layout";
import { sayError } from "@/ui/toasts";
import { Section } from "./Section";

export default function OpenUploads({ bucket }: { bucket: string }) {
  return (
    <Section
      title={t("Open uploads")}
      about={t(
        "Uploads in parts that were begun and neither finished nor stopped. Their parts take room; a lifecycle rule can end them by their age.",
      )}
      bucket={bucket}
      document="uploads"
      read={listMultipartUploads}
    >
      {(list, reload) => {
        if (list.length === 0) return <Empty icon={Inbox} title={t("No upload is open")} />;
        const abort = (key: string, uploadId: string) =>
          abortMultipartUpload(bucket, key, uploadId).then(reload).catch(sayError);
        return (
          <table className="table">
            <thead>
              <tr>
                <th>{t("Key")}</th>
                <th>{t("Begun")}</th>
                <ActionsHeading />
              </tr>
            </thead>
            <tbody>
              {list.map(({ key, uploadId, initiated }) => (
                <tr key={uploadId}>
                  <td className="wrap-anywhere">{key}</td>
                  <td>{formatTime(initiated)}</td>
                  <td>
                    <Button onClick={() => void abort(key, uploadId)}>{t("Stop")}</Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        );
      }}
    </Section>
  );
}
