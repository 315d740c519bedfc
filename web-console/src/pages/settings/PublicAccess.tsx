import { useState } from "react";
import {
  getPolicy,
  getPublicAccessBlock,
  PUBLIC_ACCESS_BLOCKS,
  type PublicAccessBlock,
  putPolicy,
  putPublicAccessBlock,
} from "@/api/bucket-config";
import { t } from "@/i18n";
import { publicPrefixes, withPublicPrefixes } from "@/policy/public";
import { Button } from "@/ui/Button";
import { FormDialog } from "@/ui/Dialog";
import { CheckField, TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { SaveForm } from "@/ui/SaveForm";
import { sayError } from "@/ui/toasts";
import { Section } from "./Section";

export default function PublicAccess({ bucket }: { bucket: string }) {
  return (
    <div className="flex flex-col gap-5">
      <Section
        title={t("Public folders")}
        about={t("What everybody may read, without keys and without a link that ends. Listing stays closed.")}
        bucket={bucket}
        document="policy"
        read={getPolicy}
      >
        {(policy, reload) => <Folders bucket={bucket} policy={policy} reload={reload} />}
      </Section>
      <Section
        title={t("Block public access")}
        about={t("A safety catch: what is blocked here stays closed, whatever policies and ACLs say.")}
        bucket={bucket}
        document="publicAccessBlock"
        read={getPublicAccessBlock}
      >
        {(block, reload) => <Blocks bucket={bucket} block={block} reload={reload} />}
      </Section>
    </div>
  );
}

interface FoldersProps {
  bucket: string;
  policy: string;
  reload: () => Promise<void>;
}

function Folders({ bucket, policy, reload }: FoldersProps) {
  const [asked, setAsked] = useState(false);
  const open = publicPrefixes(policy, bucket);
  const change = async (prefixes: string[]) => {
    await putPolicy(bucket, withPublicPrefixes(policy, bucket, prefixes));
    await reload();
  };
  return (
    <div className="flex flex-col gap-3">
      {open.map((prefix) => (
        <div key={prefix} className="flex items-center gap-3 rounded-md border border-line px-3 py-2">
          <span className="min-w-0 grow font-mono text-sm wrap-anywhere">
            {bucket}/{prefix}*
          </span>
          <Button onClick={() => void change(open.filter((other) => other !== prefix)).catch(sayError)}>
            {t("Close")}
          </Button>
        </div>
      ))}
      {open.length === 0 && <p className="text-sm">{t("No folder is public.")}</p>}
      <div>
        <Button kind="risky" onClick={() => setAsked(true)}>
          {t("Open a folder to everybody")}
        </Button>
      </div>
      {asked && (
        <OpenDialog bucket={bucket} onOpen={(prefix) => change([...open, prefix])} onClose={() => setAsked(false)} />
      )}
    </div>
  );
}

interface OpenDialogProps {
  bucket: string;
  onOpen: (prefix: string) => Promise<void>;
  onClose: () => void;
}

function OpenDialog({ bucket, onOpen, onClose }: OpenDialogProps) {
  const [prefix, setPrefix] = useState("public/");
  const [sure, setSure] = useState(false);
  return (
    <FormDialog
      title={t("Open a folder to everybody")}
      action={t("Open it")}
      actionKind="danger"
      disabled={!sure}
      onSubmit={() => onOpen(prefix)}
      onClose={onClose}
    >
      <TextField
        label={t("Keys that begin with")}
        hint={t("Empty for the whole bucket.")}
        value={prefix}
        onChange={(event) => setPrefix(event.target.value)}
      />
      <Notice kind="warn">
        {t(
          "Everybody who reaches the server can read everything under {place}, now and whatever is stored there later.",
          {
            place: `${bucket}/${prefix}`,
          },
        )}
      </Notice>
      <CheckField label={t("I want this to be public")} checked={sure} onChange={setSure} />
    </FormDialog>
  );
}

const BLOCK_TEXTS: Record<(typeof PUBLIC_ACCESS_BLOCKS)[number], () => string> = {
  BlockPublicAcls: () => t("Refuse new ACLs that open something to everybody"),
  IgnorePublicAcls: () => t("Ignore such ACLs where they are"),
  BlockPublicPolicy: () => t("Refuse policies that open something to everybody"),
  RestrictPublicBuckets: () => t("Let only the account's own users in where a policy is public"),
};

function Blocks({ bucket, block, reload }: { bucket: string; block: PublicAccessBlock; reload: () => Promise<void> }) {
  const [chosen, setChosen] = useState(block);
  const save = async () => {
    await putPublicAccessBlock(bucket, chosen);
    await reload();
  };
  return (
    <SaveForm onSave={save}>
      {PUBLIC_ACCESS_BLOCKS.map((name) => (
        <CheckField
          key={name}
          label={BLOCK_TEXTS[name]()}
          hint={name}
          checked={chosen[name]}
          onChange={(on) => setChosen({ ...chosen, [name]: on })}
        />
      ))}
    </SaveForm>
  );
}
