import type { Cluster } from '../inventory/model.ts';

export type Say = (text: string) => void;

/** The word for a host of a lab. */
export type MachineKind = 'container' | 'virtual machine';

/** The packages that new hosts are made with, by what the hosts are; undefined: none. */
export type Preinstalled = ((kind: MachineKind) => readonly string[]) | undefined;

/** A host that a lab shall have. */
export interface NewHost {
  name: string;
  /** Its address in the cluster network. */
  address: string;
  /** Port of 127.0.0.1 that leads to its sshd. */
  sshPort: number;
  /** Port of 127.0.0.1 that leads to the port for clients of the host; undefined: none does. */
  clients?: { port: number; to: number } | undefined;
  /** Whether PostgreSQL will run there, so that it needs more memory. */
  database: boolean;
}

/** A host that a lab has. */
export interface Machine {
  name: string;
  state: 'running' | 'stopped';
  sshPort: number;
}

/** What the hosts of a lab are: containers, or virtual machines. Every method throws LabError with the program's words. */
export interface Platform {
  readonly machine: MachineKind;
  /**
   * Makes sure that what runs the hosts is there, with the networks between them and an image of a new host: bare
   * Debian, or with `packages` installed and not configured. Returns the image.
   */
  prepare(packages: readonly string[] | undefined, say: Say): Promise<string>;
  /** Starts a host, made from the image when it is not there, and waits until its sshd answers; root accepts the key. */
  up(host: NewHost, publicKey: string, image: string): Promise<void>;
  /** All hosts, also those that are in no inventory. */
  machines(): Promise<Machine[]>;
  /** A host's public SSH key ("TYPE BASE64"), from a place that no network leads through. */
  hostKey(name: string): Promise<string>;
  /** The program and arguments that run sh as root on a host. */
  shell(name: string, script: string): string[];
  /** Addresses in the cluster's networks that are this machine's, from which its SSH connections come. */
  gateways(): Promise<string[]>;
  /** Removes all hosts and what connects them; returns those removed. */
  down(say: Say): Promise<Machine[]>;
  /** Ends a host in the middle of whatever it does. */
  kill(name: string): Promise<void>;
  /** Starts a host that was ended, and waits until its sshd answers. */
  start(name: string): Promise<void>;
}

/** The directory of a lab of virtual machines, which tells that it is one. */
export const vmDirectory = (cluster: Cluster): string => `${cluster.stateDir}/vm`;
