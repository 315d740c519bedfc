import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { bucketsQuery, setSearchIndex } from "@/api/admin";
import { deleteBucket } from "@/api/s3";
import type { BucketUsage } from "@/api/schema";
import { mayAdminister } from "@/api/session";
import { formatNumber, t } from "@/i18n";
import { formatBytes, formatTime } from "@/lib/format";
import { Button } from "@/ui/Button";
import { FormDialog } from "@/ui/Dialog";
import { CheckField, TextField } from "@/ui/Field";
import { Asked, Card, Facts } from "@/ui/layout";
import { Notice } from "@/ui/Notice";
import { say, sayError } from "@/ui/toasts";
import { Features } from "../buckets/BucketsPage";
import { emptyBucket } from "./empty";
import { Parity } from "./Parity";
import { Quota } from "./Quota";

export default function Overview({ bucket }: { bucket: string }) {
  const buckets = useQuery(bucketsQuery);
  return (
    <Asked query={buckets}>
      {(list) => {
        const usage = list.find(({ name }) => name === bucket);
        if (!usage) return <Notice kind="warn">{t("There is no bucket of this name, or it is not for you.")}</Notice>;
        return (
          <div className="flex flex-col gap-5">
            <Summary usage={usage} />
            {mayAdminister("admin:SetSearch") && <SearchIndex usage={usage} />}
            {mayAdminister("admin:SetQuota") && <Quota key={usage.quota} usage={usage} />}
            {mayAdminister("admin:SetParity") && <Parity bucket={bucket} />}
            <Removal usage={usage} />
          </div>
        );
      }}
    </Asked>
  );
}

function Summary({ usage }: { usage: BucketUsage }) {
  return (
    <Card title={t("Overview")}>
      <Facts
        items={[
          [t("Created"), formatTime(usage.created)],
          [t("Objects"), formatNumber(usage.objects)],
          [t("Old versions"), formatNumber(usage.versions)],
          [t("Size"), formatBytes(usage.bytes)],
          [t("Features"), <Features key="features" bucket={usage} />],
        ]}
      />
    </Card>
  );
}

function SearchIndex({ usage: { name, searchable } }: { usage: BucketUsage }) {
  const queries = useQueryClient();
  const change = async (on: boolean) => {
    await setSearchIndex(name, on);
    await queries.invalidateQueries({ queryKey: ["buckets"] });
  };
  return (
    <Card title={t("Search")}>
      <CheckField
        label={t("Search index")}
        hint={t("Finds objects by a part of their key, by tags and by metadata.")}
        checked={searchable}
        onChange={(on) => void change(on).catch(sayError)}
      />
    </Card>
  );
}

function Removal({ usage: { name } }: { usage: BucketUsage }) {
  const [asked, setAsked] = useState<"empty" | "delete">();
  const [typed, setTyped] = useState("");
  const [removed, setRemoved] = useState(0);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const close = () => {
    setAsked(undefined);
    setTyped("");
  };
  const submit = async () => {
    await emptyBucket(name, setRemoved);
    if (asked === "delete") {
      await deleteBucket(name);
      await navigate({ to: "/buckets" });
      say(t("The bucket {name} is deleted", { name }));
    }
    await queries.invalidateQueries({ queryKey: ["buckets"] });
  };
  return (
    <Card title={t("Empty or delete")}>
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => setAsked("empty")}>{t("Empty the bucket")}</Button>
        <Button kind="risky" onClick={() => setAsked("delete")}>
          {t("Delete the bucket")}
        </Button>
      </div>
      {asked && (
        <FormDialog
          title={asked === "empty" ? t("Empty {name}?", { name }) : t("Delete {name}?", { name })}
          action={asked === "empty" ? t("Empty") : t("Delete")}
          actionKind="danger"
          disabled={typed !== name}
          onSubmit={submit}
          onClose={close}
        >
          <p>{t("All objects in it, with all of their versions, are removed for good.")}</p>
          <TextField
            label={t("Type {name} to confirm", { name })}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            autoComplete="off"
          />
          {removed > 0 && <p role="status">{t("{n} versions removed", { n: formatNumber(removed) })}</p>}
        </FormDialog>
      )}
    </Card>
  );
}
