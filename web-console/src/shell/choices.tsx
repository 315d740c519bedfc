import { Languages, SunMoon } from "lucide-react";
import { chooseLanguage, LANGUAGES, type Language, t } from "@/i18n";
import { chooseTheme, type Theme } from "@/lib/theme";
import { IconButton } from "@/ui/Button";
import { Menu } from "@/ui/Menu";

export function LanguageChoice() {
  const items = Object.entries(LANGUAGES).map(([code, name]) => ({
    label: name,
    onSelect: () => void chooseLanguage(code as Language),
  }));
  return <Menu trigger={<IconButton icon={Languages} label={t("Language")} />} items={items} />;
}

export function ThemeChoice() {
  const item = (label: string, theme: Theme) => ({ label, onSelect: () => chooseTheme(theme) });
  return (
    <Menu
      trigger={<IconButton icon={SunMoon} label={t("Colours")} />}
      items={[item(t("Light"), "light"), item(t("Dark"), "dark"), item(t("As the system"), "system")]}
    />
  );
}
