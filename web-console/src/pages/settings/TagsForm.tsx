import { useState } from "react";
import { getBucketTags, putBucketTags } from "@/api/bucket-config";
import type { Tags } from "@/api/s3";
import { t } from "@/i18n";
import { type Pairs, PairsEditor, recordOf } from "@/ui/PairsEditor";
import { SaveForm } from "@/ui/SaveForm";
import { Section } from "./Section";

export default function TagsForm({ bucket }: { bucket: string }) {
  return (
    <Section
      title={t("Tags")}
      about={t("Names and values for your own order: whose bucket it is, what it is for.")}
      bucket={bucket}
      document="tagging"
      read={getBucketTags}
    >
      {(tags, reload) => <Form bucket={bucket} tags={tags} reload={reload} />}
    </Section>
  );
}

function Form({ bucket, tags, reload }: { bucket: string; tags: Tags; reload: () => Promise<void> }) {
  const [pairs, setPairs] = useState<Pairs>(Object.entries(tags));
  const save = async () => {
    await putBucketTags(bucket, recordOf(pairs));
    await reload();
  };
  return (
    <SaveForm onSave={save}>
      <PairsEditor pairs={pairs} onChange={setPairs} />
    </SaveForm>
  );
}
