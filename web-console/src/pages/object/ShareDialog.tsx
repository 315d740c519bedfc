import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { encode } from "uqr";
import { presign } from "@/api/admin";
import { t } from "@/i18n";
import { formatTime } from "@/lib/format";
import { nameOf } from "@/lib/keys";
import { CopyButton } from "@/ui/CopyButton";
import { Dialog } from "@/ui/Dialog";
import { CheckField, Field, SelectField } from "@/ui/Field";
import { Asked } from "@/ui/layout";

const HOUR = 3600;
const DAY = 24 * HOUR;

interface ShareDialogProps {
  bucket: string;
  objectKey: string;
  onClose: () => void;
}

/** A link by which somebody without keys can fetch an object for a while. */
export default function ShareDialog({ bucket, objectKey, onClose }: ShareDialogProps) {
  const [seconds, setSeconds] = useState(DAY);
  const [saves, setSaves] = useState(false);
  const link = useQuery({
    queryKey: ["presign", bucket, objectKey, seconds, saves],
    queryFn: () =>
      presign({
        method: "GET",
        bucket,
        key: objectKey,
        expires_seconds: seconds,
        response_content_disposition: saves ? attachment(nameOf(objectKey)) : undefined,
      }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Dialog title={t("Share {name}", { name: nameOf(objectKey) })} onClose={onClose}>
      <div className="flex flex-col gap-4">
        <SelectField
          label={t("Works for")}
          value={String(seconds)}
          onChange={(value) => setSeconds(Number(value))}
          options={[
            [String(HOUR), t("an hour")],
            [String(DAY), t("a day")],
            [String(3 * DAY), t("three days")],
            [String(7 * DAY), t("a week")],
          ]}
        />
        <CheckField label={t("Save it as a file instead of showing it")} checked={saves} onChange={setSaves} />
        <Asked query={link}>{({ url, expires }) => <SharedLink url={url} expires={expires} />}</Asked>
      </div>
    </Dialog>
  );
}

/** As RFC 6266 writes a name of any letters. */
const attachment = (name: string): string => `attachment; filename*=UTF-8''${encodeURIComponent(name)}`;

function SharedLink({ url, expires }: { url: string; expires: string }) {
  return (
    <>
      <Field
        label={t("Link")}
        hint={t("Everybody who has it can read this object until {time}.", { time: formatTime(expires) })}
      >
        {(control) => (
          <div className="flex gap-2">
            <input {...control} readOnly value={url} onFocus={(event) => event.target.select()} className="control" />
            <CopyButton kind="primary" text={url} label={t("Link")} />
          </div>
        )}
      </Field>
      <QrCode text={url} />
    </>
  );
}

function QrCode({ text }: { text: string }) {
  const { data, size } = encode(text, { ecc: "L", border: 2 });
  const path = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return (
    <svg
      role="img"
      aria-label={t("The link as a QR code")}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
      className="mx-auto w-56 max-w-full rounded-md bg-white"
    >
      <path d={path} fill="black" />
    </svg>
  );
}
