import type { Identity } from '../identity.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { haproxyAnswers } from '../programs/haproxy.ts';
import type { RoleName } from '../roles.ts';
import { type Answer, NOT_ASKED } from './answer.ts';
import { type DrillResult, drill, type Schedule, type Space, schedule, space } from './backups.ts';
import { certificates, type Expiry } from './certificates.ts';
import { type DataDirectory, dataDirectory } from './data-directory.ts';
import { type DcsAnswers, joinDcs } from './dcs.ts';
import { dcsKeys } from './dcs-keys.ts';
import type { DcsView } from './dcs-view.ts';
import { etcd, etcdAnswers, newToDcs } from './etcd.ts';
import { type Figures, figures } from './figures.ts';
import { type BalancerRow, haproxy } from './haproxy.ts';
import { type Hold, holds } from './holds.ts';
import { identity } from './identity.ts';
import { type Patroni, patroni, patroniAnswers } from './patroni.ts';
import { pool } from './pool.ts';
import { type Postgres, postgres } from './postgres.ts';
import { type About, EVERYTHING, type Question } from './question.ts';
import { type Repository, repository } from './repository.ts';
import { holder, pending, restore, units } from './run-state.ts';
import { vip, vipInterface } from './vip.ts';
import { zookeeper } from './zookeeper.ts';

/**
 * What one host reports of itself and of the cluster. A program's answer is an `Answer`, undefined when the host does
 * not have the role. The content of hapg's own files is present or absent, and is part of every observation.
 */
export interface Observation {
  identity: Identity | undefined;
  pending: string[];
  holder: string | undefined;
  restore: string | undefined;
  newToDcs: boolean | undefined;
  units: Answer<string[]>;
  holds: Hold[];
  dataDirectory: Answer<DataDirectory> | undefined;
  patroni: Answer<Patroni> | undefined;
  sql: Answer<Postgres | null> | undefined;
  dcs: Answer<DcsView | null> | undefined;
  vipHeld: Answer<boolean> | undefined;
  vipInterface: Answer<string | null> | undefined;
  pool: Answer<boolean> | undefined;
  balancer: Answer<BalancerRow[]> | undefined;
  repository: Answer<Repository | null> | undefined;
  schedule: Answer<Schedule> | undefined;
  space: Answer<Space[]> | undefined;
  drill: Answer<DrillResult | null> | undefined;
  certificates: Answer<Expiry[]> | undefined;
  /** Silence of its parts is in them; `silent` as a whole where it was not asked. */
  figures: Answer<Figures> | undefined;
}

/** The questions by the part of the observation that they fill; the DCS is joined from three answers. */
type Asked = Omit<Observation, 'dcs'> & DcsAnswers;

/** Every question of an observation, in the order of asking. */
const QUESTIONS: { readonly [K in keyof Asked]: Question<Exclude<Asked[K], undefined> | OwnAbsence<K>> } = {
  identity,
  pending,
  units,
  holds,
  holder,
  restore,
  dataDirectory,
  patroni,
  sql: postgres,
  etcd,
  newToDcs,
  zookeeper,
  keys: dcsKeys,
  pool,
  balancer: haproxy,
  vipHeld: vip,
  vipInterface,
  repository,
  schedule,
  space,
  drill,
  certificates,
  figures,
};

/** Marks the questions about hapg's own files, for which "there is none" is an answer. */
type OwnAbsence<K> = K extends 'identity' | 'holder' | 'restore' ? undefined : never;

const NAMES = Object.keys(QUESTIONS) as (keyof Asked)[];

/** Returns the questions that this host can answer. */
const asked = (cluster: Cluster, host: Host, about: readonly About[]): (keyof Asked)[] =>
  NAMES.filter((name) => isAbout(name, about) && QUESTIONS[name].of(cluster, host));

/** Whether a question is asked; those about the host itself always are. */
const isAbout = (name: keyof Asked, about: readonly About[]): boolean =>
  QUESTIONS[name].about === 'host' || about.includes(QUESTIONS[name].about);

/** Whether an observation restricted to `about` has this part. */
export const covers = (about: readonly About[], part: keyof Observation): boolean =>
  isAbout(part === 'dcs' ? 'keys' : part, about);

/**
 * POSIX sh that asks Patroni, etcd and HAProxy once, as far as `about` needs them, for all later sections of the
 * script; see `patroniAnswers`.
 * PostgreSQL's own programs come first in PATH: Debian's of the same names are Perl wrappers that start several times
 * as many processes.
 */
export const sharedAnswers = (cluster: Cluster, host: Host, about: readonly About[] = EVERYTHING): string => {
  const has = (role: RoleName, subject: About) => host.roles.has(role) && about.includes(subject);
  return [
    `PATH=${cluster.binDir}:$PATH`,
    ...(has('patroni', 'members') || has('patroni', 'backups') ? [patroniAnswers(cluster, host)] : []),
    ...(has('etcd', 'members') ? [etcdAnswers(cluster, host)] : []),
    ...(has('haproxy', 'balancers') ? [haproxyAnswers] : []),
  ].join('\n');
};

/** POSIX sh of the questions to one host, by section; runs after `sharedAnswers`. Writes nothing. */
export const observeSections = (
  cluster: Cluster,
  host: Host,
  about: readonly About[] = EVERYTHING,
): Map<string, string> =>
  new Map(asked(cluster, host, about).map((name) => [name, QUESTIONS[name].script(cluster, host)]));

/** Reads the answers to `observeSections`. A question that was not asked is silent. */
export function readObservation(
  answers: ReadonlyMap<string, string>,
  cluster: Cluster,
  host: Host,
  about: readonly About[] = EVERYTHING,
): Observation {
  const read = (name: keyof Asked): unknown => {
    const question = QUESTIONS[name];
    if (!question.of(cluster, host)) return undefined;
    return isAbout(name, about) ? question.read(answers.get(name)!, cluster, host) : { silent: NOT_ASKED };
  };
  const all = Object.fromEntries(NAMES.map((name) => [name, read(name)])) as unknown as Asked;
  const { etcd, zookeeper, keys, ...rest } = all;
  return { ...rest, dcs: joinDcs({ etcd, zookeeper, keys }, cluster) };
}
