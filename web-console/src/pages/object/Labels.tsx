import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { getObjectTags, type ObjectHead, type ObjectPlace, putObjectTags, replaceMetadata, type Tags } from "@/api/s3";
import { t } from "@/i18n";
import { TextField } from "@/ui/Field";
import { Asked } from "@/ui/layout";
import { type Pairs, PairsEditor, recordOf } from "@/ui/PairsEditor";
import { SaveForm } from "@/ui/SaveForm";

/** Tags, which can be changed as they are, and metadata, which are changed by a copy onto itself. */
export default function Labels({ place, head }: { place: ObjectPlace; head: ObjectHead }) {
  const tags = useQuery({
    queryKey: ["tags", place.bucket, place.key],
    queryFn: () => getObjectTags(place),
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  return (
    <div className="flex flex-col gap-6">
      <section className="flex flex-col gap-2">
        <h3 className="font-semibold">{t("Tags")}</h3>
        {/* Made anew when the server has others, as after saving. */}
        <Asked query={tags}>{(found) => <TagForm key={tags.dataUpdatedAt} place={place} tags={found} />}</Asked>
      </section>
      <section className="flex flex-col gap-2">
        <h3 className="font-semibold">{t("Metadata")}</h3>
        <MetadataForm key={head.versionId + head.modified} place={place} head={head} />
      </section>
    </div>
  );
}

function TagForm({ place, tags }: { place: ObjectPlace; tags: Tags }) {
  const [pairs, setPairs] = useState<Pairs>(Object.entries(tags));
  const queries = useQueryClient();
  const save = async () => {
    await putObjectTags(place, recordOf(pairs));
    await queries.invalidateQueries({ queryKey: ["tags", place.bucket, place.key] });
  };
  return (
    <SaveForm onSave={save}>
      <PairsEditor pairs={pairs} onChange={setPairs} />
    </SaveForm>
  );
}

function MetadataForm({ place, head }: { place: ObjectPlace; head: ObjectHead }) {
  const [mediaType, setMediaType] = useState(head.mediaType);
  const [pairs, setPairs] = useState<Pairs>(Object.entries(head.metadata));
  const queries = useQueryClient();
  const save = async () => {
    await replaceMetadata(place, mediaType, recordOf(pairs), head);
    await queries.invalidateQueries({ queryKey: ["head", place.bucket, place.key] });
  };
  return (
    <SaveForm onSave={save}>
      <TextField label={t("Media type")} value={mediaType} onChange={(event) => setMediaType(event.target.value)} />
      <PairsEditor pairs={pairs} onChange={setPairs} />
    </SaveForm>
  );
}
