/** Reads XML; what is not well-formed reads as an empty document. */
export function parseXml(text: string): Element {
  const document = new DOMParser().parseFromString(text, "application/xml");
  const root = document.documentElement;
  return document.querySelector("parsererror") ? document.createElement("empty") : root;
}

/** The children of that name, whatever their namespace. */
export function childrenOf(parent: Element, name: string): Element[] {
  const found: Element[] = [];
  for (let child = parent.firstElementChild; child; child = child.nextElementSibling) {
    if (child.localName === name) found.push(child);
  }
  return found;
}

/** The first child on a path of names such as `Owner/ID`. */
export function childOf(parent: Element, path: string): Element | undefined {
  let at: Element | undefined = parent;
  for (const name of path.split("/")) at = at && childrenOf(at, name)[0];
  return at;
}

/** The text of the first child on a path of names; empty where there is none. */
export function textOf(parent: Element, path: string): string {
  return childOf(parent, path)?.textContent ?? "";
}

export const numberOf = (parent: Element, path: string): number => Number(textOf(parent, path)) || 0;

export const flagOf = (parent: Element, path: string): boolean => textOf(parent, path).toLowerCase() === "true";

/** An element to be written: its name, then its text or its children. What is undefined or null is left out. */
export type XmlElement = readonly [name: string, content: XmlContent];
export type XmlContent = string | number | boolean | readonly (XmlElement | undefined | null | false)[];

/** A document of S3. */
export function writeXml(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>${write(root, ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"')}`;
}

function write([name, content]: XmlElement, attributes = ""): string {
  const inner = Array.isArray(content)
    ? content.map((child: XmlElement | undefined | null | false) => (child ? write(child) : "")).join("")
    : escapeXml(String(content));
  return `<${name}${attributes}>${inner}</${name}>`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`).replace(/[\r\n\t]/g, (c) => `&#${c.charCodeAt(0)};`);
}
