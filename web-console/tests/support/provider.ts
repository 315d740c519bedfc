/** An identity provider on loopback: the OpenID Connect server that `tests/clients` signs people in by, with its own pages. */
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { temporaryFolder } from "./folder";
import { freePort, until } from "./server";

export const CLIENT = "holdfast-console";

export interface Provider {
  /** Its issuer, a URL of another site than the console's. */
  url: string;
  /** The flags by which a server trusts it, under the name `office`. */
  flags: string[];
  stop: () => Promise<void>;
}

function program(): string {
  const path = process.env.OIDC_PROVIDER ?? resolve("..", ".venv", "bin", "oidc-provider-mock");
  if (!existsSync(path)) throw new Error(`${path} is not there: run \`make .venv/ready\`, or name it in OIDC_PROVIDER`);
  return path;
}

/** Starts a provider that knows these people: their subject, and the roles that it names for them. */
export async function startProvider(people: Record<string, string[]>): Promise<Provider> {
  const secret = join(temporaryFolder(), "secret");
  writeFileSync(secret, "any\n");
  const port = await freePort();
  const claims = Object.entries(people).map(([sub, roles]) =>
    JSON.stringify({ sub, roles, email: `${sub}@example.com` }),
  );
  const process_ = spawn(program(), ["--port", String(port), ...claims.flatMap((text) => ["--user-claims", text])]);
  process_.stdout.resume();
  process_.stderr.resume();
  const url = `http://localhost:${port}`;
  await until(
    "the identity provider answers",
    async () => (await fetch(`${url}/.well-known/openid-configuration`).catch(() => undefined))?.ok,
  );
  const stop = async () => {
    const gone = new Promise((done) => process_.once("exit", done));
    process_.kill();
    await gone;
  };
  const flags = [
    "--oidc",
    `office=${url}`,
    "--oidc-client",
    `office=${CLIENT}`,
    "--oidc-secret-file",
    `office=${secret}`,
  ];
  return { url, flags, stop };
}
