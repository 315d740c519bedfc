import { Inbox } from "lucide-react";
import { abortMultipartUpload, listMultipartUploads } from "@/api/s3";
import { t } from "@/i18n";
import { formatTime } from "@/lib/format";
import { ActionsHeading } from "@/ui/ActionsHeading";
import { ConfirmButton } from "@/ui/ConfirmButton";
import { Empty } from "@/ui/layout";
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
                    <ConfirmButton
                      action={t("Stop")}
                      question={t("Stop the upload of {key}?", { key })}
                      warning={t("Its parts are removed: whoever is sending it begins anew.")}
                      onConfirm={() => abortMultipartUpload(bucket, key, uploadId).then(reload)}
                    />
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
