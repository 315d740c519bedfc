import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { setQuota, setSearchIndex } from "@/api/admin";
import { putEncryption, putVersioning } from "@/api/bucket-config";
import { createBucket } from "@/api/s3";
import { mayAdminister } from "@/api/session";
import { t } from "@/i18n";
import { parseSize } from "@/lib/size";
import { FormDialog } from "@/ui/Dialog";
import { CheckField, TextField } from "@/ui/Field";
import { sayError } from "@/ui/toasts";
import { QuotaField } from "../settings/Quota";

/** What is wrong with a name for a bucket; empty where nothing is. */
export function faultOfName(name: string): string {
  if (name === "") return "";
  if (/[A-Z]/.test(name)) return t("Small letters only.");
  if (/[^a-z0-9.-]/.test(name)) return t("Letters a to z, digits, dots and hyphens only.");
  if (name.length < 3 || name.length > 63) return t("3 to 63 characters.");
  if (!/^[a-z0-9].*[a-z0-9]$/.test(name)) return t("It begins and ends with a letter or digit.");
  if (/\.\.|\.-|-\./.test(name)) return t("A dot stands between letters or digits.");
  return "";
}

interface Choices {
  versioning: boolean;
  objectLock: boolean;
  encryption: boolean;
  search: boolean;
}

/** Gives a bucket that was made just now what was chosen for it. */
async function furnish(name: string, choices: Choices, quota: number | undefined): Promise<void> {
  // Object Lock brings versioning with it.
  if (choices.versioning && !choices.objectLock) await putVersioning(name, "Enabled");
  if (choices.encryption) await putEncryption(name, { algorithm: "AES256", keyId: "", bucketKey: false });
  if (choices.search) await setSearchIndex(name, true);
  if (quota !== undefined) await setQuota(name, quota);
}

export default function CreateBucket({ onClose }: { onClose: () => void }) {
  const maySearch = mayAdminister("admin:SetSearch");
  const [name, setName] = useState("");
  const [size, setSize] = useState("");
  const [choices, setChoices] = useState<Choices>({
    versioning: true,
    objectLock: false,
    encryption: false,
    search: maySearch,
  });
  const choose = (choice: keyof Choices) => (on: boolean) => setChoices({ ...choices, [choice]: on });
  const queries = useQueryClient();
  const navigate = useNavigate();
  const fault = faultOfName(name);
  const quota = parseSize(size);
  const isSizeWrong = size.trim() !== "" && quota === undefined;
  const submit = async () => {
    await createBucket(name, choices);
    // The bucket is there: what it could not be given is said where its settings are, and not asked for by making it again.
    await furnish(name, choices, quota).catch(sayError);
    await queries.invalidateQueries({ queryKey: ["buckets"] });
    await navigate({ to: "/buckets/$bucket", params: { bucket: name } });
  };
  return (
    <FormDialog
      title={t("Create a bucket")}
      action={t("Create bucket")}
      disabled={name === "" || fault !== "" || isSizeWrong}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField
        label={t("Name")}
        hint={t("Small letters, digits, hyphens; it cannot be changed later.")}
        error={fault}
        value={name}
        onChange={(event) => setName(event.target.value)}
        autoCapitalize="off"
        spellCheck={false}
        required
      />
      <CheckField
        label={t("Keep versions")}
        hint={t("What is replaced or deleted can be brought back.")}
        checked={choices.versioning || choices.objectLock}
        disabled={choices.objectLock}
        onChange={choose("versioning")}
      />
      <CheckField
        label={t("Object Lock")}
        hint={t(
          "Versions can be kept from deletion until a date, or until a hold ends. It stays on for good, and versions with it.",
        )}
        checked={choices.objectLock}
        onChange={choose("objectLock")}
      />
      <CheckField
        label={t("Encrypt what is stored")}
        hint={t("With keys of the server; reading and writing stay the same.")}
        checked={choices.encryption}
        onChange={choose("encryption")}
      />
      {maySearch && (
        <CheckField
          label={t("Search index")}
          hint={t("Finds objects by a part of their key, by tags and by metadata.")}
          checked={choices.search}
          onChange={choose("search")}
        />
      )}
      {mayAdminister("admin:SetQuota") && <QuotaField value={size} onChange={setSize} />}
    </FormDialog>
  );
}
