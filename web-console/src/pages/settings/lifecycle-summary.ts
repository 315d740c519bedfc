import type { LifecycleRule } from "@/api/lifecycle";
import { count, t } from "@/i18n";
import { formatBytes } from "@/lib/format";

const days = (n: number): string => count(n, "{n} day", "{n} days");

/** What a rule does, in plain sentences. */
export function summarize(rule: LifecycleRule): string[] {
  const deeds = deedsOf(rule);
  if (deeds.length === 0) return [t("This rule does nothing yet.")];
  const about = t("For {objects}:", { objects: objectsOf(rule) });
  return [rule.enabled ? about : t("Switched off. {about}", { about }), ...deeds];
}

function objectsOf({ prefix, tags, largerThan, smallerThan }: LifecycleRule): string {
  const conditions = [
    prefix && t("keys that begin with “{prefix}”", { prefix }),
    ...Object.entries(tags).map(([key, value]) => t("the tag {tag}", { tag: `${key}=${value}` })),
    largerThan > 0 && t("more than {size}", { size: formatBytes(largerThan) }),
    smallerThan > 0 && t("less than {size}", { size: formatBytes(smallerThan) }),
  ].filter((condition) => condition !== "" && condition !== false);
  return conditions.length === 0
    ? t("all objects")
    : t("objects with {conditions}", { conditions: conditions.join(t(" and ")) });
}

function deedsOf(rule: LifecycleRule): string[] {
  const deeds: (string | false)[] = [
    ...rule.transitions.map((transition) =>
      t("{days} after they were stored they change to the storage class {name}.", {
        days: days(transition.days),
        name: transition.storageClass,
      }),
    ),
    rule.expireDays > 0 && t("{days} after they were stored they are deleted.", { days: days(rule.expireDays) }),
    rule.expireDate !== "" && t("On {date} they are deleted.", { date: rule.expireDate }),
    rule.removeMarkers && t("Delete markers with nothing behind them are removed."),
    ...rule.oldTransitions.map((transition) =>
      t("Old versions change to the storage class {name} {days} after they were replaced.", {
        days: days(transition.days),
        name: transition.storageClass,
      }),
    ),
    rule.oldVersionDays > 0 && oldVersions(rule),
    rule.abortUploadDays > 0 &&
      t("Uploads that are not finished after {days} end.", { days: days(rule.abortUploadDays) }),
  ];
  return deeds.filter((deed): deed is string => deed !== false);
}

function oldVersions({ oldVersionDays, oldVersionsKept }: LifecycleRule): string {
  const values = { days: days(oldVersionDays), kept: oldVersionsKept };
  return oldVersionsKept > 0
    ? t("Old versions are removed {days} after they were replaced; the newest {kept} of them stay.", values)
    : t("Old versions are removed {days} after they were replaced.", values);
}
