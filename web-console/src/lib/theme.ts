import { Observable } from "./observable";

export type Theme = "light" | "dark" | "system";

const STORED_AS = "holdfast.theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

export const theme = new Observable<Theme>((localStorage.getItem(STORED_AS) as Theme | null) ?? "system");

function show(): void {
  const chosen = theme.get();
  const dark = chosen === "dark" || (chosen === "system" && prefersDark.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

/** Shows the chosen theme, and follows the system where none is. */
export function startTheme(): void {
  prefersDark.addEventListener("change", show);
  show();
}

export function chooseTheme(chosen: Theme): void {
  localStorage.setItem(STORED_AS, chosen);
  theme.set(chosen);
  show();
}
