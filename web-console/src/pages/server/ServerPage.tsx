import { useQuery } from "@tanstack/react-query";
import { listEventTargets } from "@/api/cluster";
import { listSettings } from "@/api/observe";
import { currentSession, mayAdminister } from "@/api/session";
import { formatNumber, t } from "@/i18n";
import { formatDuration, formatTime } from "@/lib/format";
import { Asked, Badge, Card, Facts, Page } from "@/ui/layout";

/** About the server, who is signed in, and how it is configured. */
export default function ServerPage() {
  return (
    <Page title={t("Server")}>
      <About />
      {mayAdminister("admin:ListEvents") && <EventTargets />}
      {mayAdminister("admin:Settings") && <Settings />}
      <Shortcuts />
    </Page>
  );
}

function About() {
  const { version, region, s3_url, arn, account, access_key, expires } = currentSession();
  return (
    <Card title={t("About")}>
      <Facts
        items={[
          ["Holdfast", version],
          [t("S3 address"), s3_url],
          [t("Region"), region],
          [t("Signed in as"), arn],
          [t("Account"), `${account.name} (${account.id})`],
          [t("Access key"), access_key],
          [t("Session lasts until"), formatTime(expires ?? "")],
          [
            t("API"),
            <a key="api" href="/api/v1/openapi.json" target="_blank" rel="noreferrer" className="link">
              OpenAPI
            </a>,
          ],
          [t("Licence"), "Apache-2.0"],
        ]}
      />
    </Card>
  );
}

function EventTargets() {
  const targets = useQuery({ queryKey: ["events"], queryFn: listEventTargets, refetchInterval: 5_000 });
  return (
    <Card title={t("Webhooks")} flush>
      <Asked query={targets}>
        {(list) =>
          list.length === 0 ? (
            <p className="p-4 text-sm text-muted">
              {t("The configuration names no webhook that could be told of changes.")}
            </p>
          ) : (
            <table className="table">
              <thead>
                <tr>
                  <th>ARN</th>
                  <th className="text-right">{t("Waiting")}</th>
                  <th className="text-right">{t("Delivered")}</th>
                  <th className="text-right">{t("Dropped")}</th>
                  <th>{t("State")}</th>
                </tr>
              </thead>
              <tbody>
                {list.map((target) => (
                  <tr key={target.arn}>
                    <td className="wrap-anywhere">
                      {target.arn}
                      <p className="text-muted">{target.endpoint}</p>
                    </td>
                    <td className="text-right">{formatNumber(target.pending)}</td>
                    <td className="text-right">{formatNumber(target.delivered)}</td>
                    <td className="text-right">{formatNumber(target.dropped)}</td>
                    <td>
                      {target.error ? (
                        <Badge kind="danger">{target.error}</Badge>
                      ) : (
                        <Badge kind="good">{t("well")}</Badge>
                      )}{" "}
                      {target.lag_seconds > 0 && t("{time} behind", { time: formatDuration(target.lag_seconds) })}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Asked>
    </Card>
  );
}

/** What a setting comes from. */
const ORIGINS: Record<string, () => string> = {
  flag: () => t("flag"),
  variable: () => t("variable"),
  file: () => t("file"),
  default: () => t("default"),
};

function Settings() {
  const settings = useQuery({ queryKey: ["settings"], queryFn: listSettings });
  return (
    <Card title={t("Settings")} flush>
      <Asked query={settings}>
        {(list) => (
          <table className="table">
            <thead>
              <tr>
                <th>{t("Name")}</th>
                <th className="hidden sm:table-cell">{t("Value")}</th>
                <th>{t("From")}</th>
              </tr>
            </thead>
            <tbody>
              {list.map(({ name, value, origin }) => (
                <tr key={name}>
                  <td className="font-mono text-xs">
                    {name}
                    <p className="wrap-anywhere text-muted sm:hidden">{value ?? "–"}</p>
                  </td>
                  <td className="hidden font-mono text-xs wrap-anywhere sm:table-cell">{value ?? "–"}</td>
                  <td className="text-muted">{ORIGINS[origin]?.() ?? origin}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Asked>
    </Card>
  );
}

function Shortcuts() {
  return (
    <Card title={t("Keyboard")}>
      <Facts
        items={[
          ["/", t("to the search box")],
          ["↑ ↓", t("through the list; with Shift they select")],
          ["Enter", t("opens a folder or an object")],
          [t("Space"), t("selects")],
          ["Ctrl A", t("selects all that are loaded")],
          ["Backspace", t("one folder up")],
          ["Esc", t("closes details and dialogs, selects nothing")],
        ]}
      />
    </Card>
  );
}
