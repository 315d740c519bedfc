import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { listBucketReports, planParity, setParity } from "@/api/cluster";
import type { Plan } from "@/api/schema";
import { t } from "@/i18n";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { Asked, Card, Facts } from "@/ui/layout";
import { sayError } from "@/ui/toasts";
import { PlanDialog } from "../cluster/PlanDialog";

/** How many shards the objects of a bucket have. */
export function Parity({ bucket }: { bucket: string }) {
  const reports = useQuery({ queryKey: ["parity"], queryFn: listBucketReports });
  const queries = useQueryClient();
  const [wanted, setWanted] = useState("");
  const [plan, setPlan] = useState<Plan>();
  return (
    <Card title={t("Redundancy")}>
      <Asked query={reports}>
        {(list) => {
          const report = list.find(({ name }) => name === bucket);
          return (
            <div className="flex flex-col gap-4">
              <Facts
                items={[
                  [t("Data and parity"), `${report?.data_shards ?? "–"}+${report?.parity_shards ?? "–"}`],
                  [t("Set for"), report?.own_parity ? t("this bucket") : t("the deployment")],
                ]}
              />
              <div className="flex items-end gap-2">
                <TextField
                  label={t("New parity")}
                  placeholder="3+1"
                  value={wanted}
                  onChange={(event) => setWanted(event.target.value)}
                />
                <Button
                  disabled={!/^(\d+\+\d+|default)$/.test(wanted)}
                  onClick={() => void planParity(bucket, wanted).then(setPlan, sayError)}
                >
                  {t("Plan")}
                </Button>
              </div>
              <p className="text-sm text-muted">
                {t(
                  "Data and parity shards as 3+1, or the word default for the deployment's. What is there is encoded anew.",
                )}
              </p>
            </div>
          );
        }}
      </Asked>
      {plan && (
        <PlanDialog
          title={t("Parity {parity}", { parity: wanted })}
          plan={plan}
          onConfirm={async () => {
            await setParity(bucket, wanted);
            await queries.invalidateQueries({ queryKey: ["parity"] });
          }}
          onClose={() => setPlan(undefined)}
        />
      )}
    </Card>
  );
}
