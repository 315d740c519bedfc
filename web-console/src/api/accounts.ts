/** The accounts of a deployment, and the access keys of their roots. */
import { getJson, postJson } from "./http";
import type { AccountList, AccountReport, Done, KeyList, KeyReport, NewKey } from "./schema";

export const listAccounts = async (): Promise<AccountReport[]> =>
  (await getJson<AccountList>("/api/v1/accounts")).accounts;
export const addAccount = (name: string, email: string) =>
  postJson<NewKey>("/api/v1/accounts", email ? { name, email } : { name });
export const removeAccount = (id: string) => postJson<Done>(`/api/v1/accounts/${id}/remove`);

export const listRootKeys = async (): Promise<KeyReport[]> => (await getJson<KeyList>("/api/v1/keys")).keys;
export const addRootKey = (account: string) => postJson<NewKey>("/api/v1/keys", { account });
export const changeRootKey = (key: string, change: "enable" | "disable" | "remove") =>
  postJson<Done>(`/api/v1/keys/${encodeURIComponent(key)}/${change}`);
