/**
 * Texts in the language of the reader. The source says English, which is its own key; another language is a
 * catalogue from English to it, loaded only when it is chosen. `catalogues.test.ts` holds every catalogue complete.
 * The server says English too: a language has a sentence for each of its error codes that people meet.
 */
import { Observable } from "@/lib/observable";

type Catalogue = Record<string, string>;
type Values = Record<string, string | number>;

export const LANGUAGES = { en: "English", zh: "中文" } as const;
export type Language = keyof typeof LANGUAGES;

interface Texts {
  catalogue: Catalogue;
  /** From the server's error codes to sentences; empty where the reader is served with the server's own. */
  errors: Catalogue;
}

const LOADERS: Record<Language, () => Promise<Texts>> = {
  en: async () => ({ catalogue: {}, errors: {} }),
  zh: async () => {
    const [texts, errors] = await Promise.all([import("./zh"), import("./errors-zh")]);
    return { catalogue: texts.default, errors: errors.default };
  },
};
const STORED_AS = "holdfast.language";

export const language = new Observable<Language>("en");
let texts: Texts = { catalogue: {}, errors: {} };

export async function loadLanguage(): Promise<void> {
  const wanted = localStorage.getItem(STORED_AS) ?? navigator.language.slice(0, 2);
  await use(wanted in LANGUAGES ? (wanted as Language) : "en");
}

export async function chooseLanguage(chosen: Language): Promise<void> {
  localStorage.setItem(STORED_AS, chosen);
  await use(chosen);
}

async function use(chosen: Language): Promise<void> {
  texts = await LOADERS[chosen]();
  document.documentElement.lang = chosen;
  language.set(chosen);
}

/** The text in the reader's language, `{name}` replaced by the value of that name. */
export function t(english: string, values: Values = {}): string {
  return filled(texts.catalogue[english] ?? english, values);
}

const filled = (text: string, values: Values): string =>
  text.replace(/\{(\w+)\}/g, (all, name: string) => (name in values ? String(values[name]) : all));

/** What the server answered, by its code in the reader's language where that has a sentence for it, else in its own words. */
export function answered(code: string, message: string): string {
  const sentence = texts.errors[code];
  return sentence === undefined ? message : filled(sentence, { message });
}

/** `one` where there is one of it, else `many`; `{n}` is the number. Catalogues translate `many`. */
export function count(n: number, one: string, many: string, values: Values = {}): string {
  const form = new Intl.PluralRules(language.get()).select(n);
  return t(form === "one" ? one : many, { n: formatNumber(n), ...values });
}

export const formatNumber = (n: number): string => n.toLocaleString(language.get());
