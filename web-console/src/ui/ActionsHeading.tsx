import { t } from "@/i18n";

/** The heading of a table's column of buttons, which only those need who do not see them. */
export function ActionsHeading() {
  return (
    <th>
      <span className="sr-only">{t("Actions")}</span>
    </th>
  );
}
