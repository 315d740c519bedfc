// Writes src/api/schema.ts: the types of the admin API, from the OpenAPI description that a server gives of itself.
//
//   npm run client -- http://127.0.0.1:9001      writes the file
//   typesOf(document)                            is what it writes, for the test that holds the two together
import { writeFileSync } from "node:fs";

const HEAD = "// Made by `npm run client` from the server's OpenAPI description. Not to be changed by hand.\n";

/** The source of the types of all schemas of a description. */
export function typesOf(document) {
  const schemas = Object.entries(document.components.schemas).sort(([a], [b]) => (a < b ? -1 : 1));
  const asked = schemasOfRequests(document);
  return (
    HEAD + schemas.map(([name, schema]) => declaration(name, asked.has(name) ? schema : answered(schema))).join("")
  );
}

/** The names of the schemas that requests are made of. */
function schemasOfRequests(document) {
  const bodies = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map((operation) => operation.requestBody),
  );
  return new Set([...JSON.stringify(bodies).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name));
}

/** In an answer, what has a default is there all the same, but for lists, which may be left out when they are empty. */
function answered(schema) {
  const given = Object.entries(schema.properties ?? {}).filter(
    ([, property]) => property.default !== undefined && property.default !== null && !Array.isArray(property.default),
  );
  return { ...schema, required: [...(schema.required ?? []), ...given.map(([name]) => name)] };
}

function declaration(name, schema) {
  const comment = schema.description ? `/** ${oneLine(schema.description)} */\n` : "";
  if (schema.properties) return `\n${comment}export interface ${name} ${members(schema, "")}\n`;
  return `\n${comment}export type ${name} = ${type(schema, "")};\n`;
}

const oneLine = (text) => text.replace(/\s+/g, " ").trim();

function members(schema, indent) {
  const required = new Set(schema.required ?? []);
  const inner = `${indent}  `;
  const lines = Object.entries(schema.properties).map(([name, property]) => {
    const comment = property.description ? `${inner}/** ${oneLine(property.description)} */\n` : "";
    return `${comment}${inner}${name}${required.has(name) ? "" : "?"}: ${type(property, inner)};\n`;
  });
  return `{\n${lines.join("")}${indent}}`;
}

function type(schema, indent) {
  if (schema.$ref) return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map((choice) => type(choice, indent)))].join(" | ");
  if (schema.allOf?.length === 1) return type(schema.allOf[0], indent);
  if (Array.isArray(schema.type)) return schema.type.map((one) => type({ ...schema, type: one }, indent)).join(" | ");
  switch (schema.type) {
    case "integer":
    case "number":
      return "number";
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    case "array":
      return `${parenthesized(type(schema.items ?? {}, indent))}[]`;
    case "object":
      return schema.properties ? members(schema, indent) : "Record<string, unknown>";
    default:
      return "unknown";
  }
}

const parenthesized = (text) => (text.includes("|") ? `(${text})` : text);

if (process.argv[1] && import.meta.url === new URL(process.argv[1], "file:").href) {
  const [server = "http://127.0.0.1:9001"] = process.argv.slice(2);
  const answer = await fetch(`${server}/api/v1/openapi.json`);
  if (!answer.ok) throw new Error(`${server} gave no description: ${answer.status}`);
  writeFileSync(new URL("../src/api/schema.ts", import.meta.url), typesOf(await answer.json()));
}
