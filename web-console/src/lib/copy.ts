/** Puts text on the clipboard; on plain http browsers have no clipboard for pages, and a selection is copied instead. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  const holder = document.querySelector("dialog[open]") ?? document.body;
  holder.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
