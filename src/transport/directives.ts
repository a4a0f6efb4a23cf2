/** What the SSH client's configuration says about a host: the values of each keyword of ssh_config(5), in lower case. */
export type Directives = ReadonlyMap<string, readonly string[]>;

/** What is given besides the name, and may decide which blocks of the configuration count (`Match user`). */
export interface Given {
  user?: string | undefined;
  port?: number | undefined;
}

/** Looks a name up in the SSH client's configuration. Rejects with UsageError where that is not understood. */
export type ClientConfig = (name: string, given: Given) => Promise<Directives>;
