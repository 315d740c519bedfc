/** Where the last part of a key begins. A slash at its end is of that part. */
const nameFrom = (key: string): number => key.slice(0, -1).lastIndexOf("/") + 1;

/** The last part of a key: `c.txt` of `a/b/c.txt`, `b/` of the folder `a/b/`, `/` of the folder without a name. */
export const nameOf = (key: string): string => key.slice(nameFrom(key));

/** The folder that a key is in, with its slash at the end; empty at the top. */
export const folderOf = (key: string): string => key.slice(0, nameFrom(key));

/** The folders on the way to `prefix`, the outermost first. */
export function ancestorsOf(prefix: string): { name: string; prefix: string }[] {
  const ancestors = [];
  for (let at = prefix.indexOf("/"); at >= 0; at = prefix.indexOf("/", at + 1)) {
    const upTo = prefix.slice(0, at + 1);
    ancestors.push({ name: nameOf(upTo).slice(0, -1) || "/", prefix: upTo });
  }
  return ancestors;
}

/** `report.txt` becomes `report (1).txt`: the name beside one that is taken. */
export function numbered(key: string, number: number): string {
  const name = nameOf(key);
  const dot = name.lastIndexOf(".");
  const stem = dot > 0 ? name.slice(0, dot) : name;
  const extension = dot > 0 ? name.slice(dot) : "";
  return `${folderOf(key)}${stem} (${number})${extension}`;
}

export const extensionOf = (key: string): string => {
  const name = nameOf(key);
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : "";
};
