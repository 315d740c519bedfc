import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { bucketsQuery } from "@/api/admin";
import { count, t } from "@/i18n";
import { FormDialog } from "@/ui/Dialog";
import { CheckField, SelectField, TextField } from "@/ui/Field";
import { say } from "@/ui/toasts";
import { type Target, type Transfer, transfer } from "./bulk";

interface MoveDialogProps {
  place: Target;
  keys: readonly string[];
  onClose: () => void;
  /** Something is elsewhere, or back. */
  onChanged: () => void;
  /** All of it has gone from where it was. */
  onGone: () => void;
}

export default function MoveDialog({ place, keys, onClose, onChanged, onGone }: MoveDialogProps) {
  const buckets = useQuery(bucketsQuery);
  const [bucket, setBucket] = useState(place.bucket);
  const [folder, setFolder] = useState(place.prefix);
  const [move, setMove] = useState(false);
  const [replace, setReplace] = useState(false);
  const [done, setDone] = useState(0);
  const prefix = folder === "" || folder.endsWith("/") ? folder : `${folder}/`;
  const isSame = bucket === place.bucket && prefix === place.prefix;
  const isWithin = bucket === place.bucket && keys.some((key) => key.endsWith("/") && prefix.startsWith(key));
  const submit = async () => {
    // Also where it ends half way.
    const wanted: Transfer = { from: place, to: { bucket, prefix }, move, taken: replace ? "replace" : "refuse" };
    const takeBack = await transfer(keys, wanted, setDone).finally(onChanged);
    if (move) onGone();
    const target = { place: `${bucket}/${prefix}` };
    const undo = async () => {
      await takeBack?.().finally(onChanged);
    };
    say(
      move ? t("Moved to {place}", target) : t("Copied to {place}", target),
      takeBack && { label: t("Undo"), run: undo },
    );
  };
  const names = buckets.data?.map(({ name }) => name) ?? [place.bucket];
  return (
    <FormDialog
      title={count(keys.length, "Copy or move {n}", "Copy or move {n}")}
      action={move ? t("Move") : t("Copy")}
      disabled={isSame || isWithin}
      onSubmit={submit}
      onClose={onClose}
    >
      <SelectField
        label={t("Bucket")}
        value={bucket}
        onChange={setBucket}
        options={names.map((name) => [name, name])}
      />
      <TextField
        label={t("Folder")}
        hint={t("Empty for the top; it need not be there yet.")}
        error={isWithin ? t("A folder cannot go into itself.") : undefined}
        value={folder}
        onChange={(event) => setFolder(event.target.value)}
      />
      <CheckField label={t("Move: delete it here when it is there")} checked={move} onChange={setMove} />
      <CheckField
        label={t("Replace objects of the same names there")}
        hint={t("Otherwise what has its name taken stays as it is.")}
        checked={replace}
        onChange={setReplace}
      />
      {done > 0 && <p role="status">{count(done, "{n} object done", "{n} objects done")}</p>}
    </FormDialog>
  );
}
