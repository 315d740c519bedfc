import { useQuery } from "@tanstack/react-query";
import { listRisk } from "@/api/cluster";
import { t } from "@/i18n";
import { formatBytes } from "@/lib/format";
import { Asked, Card } from "@/ui/layout";
import { ObjectLink } from "@/ui/ObjectLink";

/** Objects that are not at full redundancy, the least safe first. */
export function RiskTable() {
  const risk = useQuery({ queryKey: ["risk"], queryFn: () => listRisk(""), refetchInterval: 10_000 });
  return (
    <Card title={t("Objects at risk")} flush>
      <Asked query={risk}>
        {({ objects, next }) =>
          objects.length === 0 ? (
            <p className="p-4 text-sm text-muted">{t("None: every object has its full redundancy.")}</p>
          ) : (
            <>
              <table className="table">
                <thead>
                  <tr>
                    <th>{t("Object")}</th>
                    <th className="text-right">{t("Size")}</th>
                    <th className="text-right">{t("Shards that may still be lost")}</th>
                  </tr>
                </thead>
                <tbody>
                  {objects.map(({ bucket, key, bytes, margin }) => (
                    <tr key={`${bucket}/${key}`}>
                      <td>
                        <ObjectLink bucket={bucket} objectKey={key}>
                          {bucket}/{key}
                        </ObjectLink>
                      </td>
                      <td className="text-right">{formatBytes(bytes)}</td>
                      <td className="text-right">{margin < 0 ? t("unreadable") : margin}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {next && (
                <p className="p-3 text-sm text-muted">{t("The {n} least safe are shown.", { n: objects.length })}</p>
              )}
            </>
          )
        }
      </Asked>
    </Card>
  );
}
