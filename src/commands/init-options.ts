/** The flags of `hapg init`. */
export interface InitOptions {
  cluster?: string;
  databases?: string;
  witness?: string;
  datacenters?: string;
  fromAnsible?: string;
  fromTerraform?: string;
  nodes: string;
  networks?: string;
  prefix: string;
  postgres: string;
  maxDatabases: string;
  lab: boolean;
  balancers?: string;
  backup?: string;
  vip?: string;
  clients?: string;
  user?: string;
  force: boolean;
  /** The flags of the command line, without those that have their default. */
  given: readonly string[];
}

/** The words of a list, between commas or blanks. */
export const list = (text: string | undefined): string[] => (text ?? '').split(/[\s,]+/).filter(Boolean);
