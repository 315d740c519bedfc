/** The accounts of a deployment, and the access keys of their roots. */
import { getJson, postJson } from "./http";

export interface Account {
  id: string;
  canonical_id: string;
  name: string;
  email?: string;
  buckets: number;
}

export interface RootKey {
  access_key: string;
  account: string;
  active: boolean;
}

export interface NewRootKey {
  account: string;
  access_key: string;
  secret_key: string;
}

export const listAccounts = async (): Promise<Account[]> =>
  (await getJson<{ accounts: Account[] }>("/api/v1/accounts")).accounts;
export const addAccount = (name: string, email: string) =>
  postJson<NewRootKey>("/api/v1/accounts", email ? { name, email } : { name });
export const removeAccount = (id: string) => postJson(`/api/v1/accounts/${id}/remove`);

export const listRootKeys = async (): Promise<RootKey[]> => (await getJson<{ keys: RootKey[] }>("/api/v1/keys")).keys;
export const addRootKey = (account: string) => postJson<NewRootKey>("/api/v1/keys", { account });
export const changeRootKey = (key: string, change: "enable" | "disable" | "remove") =>
  postJson(`/api/v1/keys/${encodeURIComponent(key)}/${change}`);
