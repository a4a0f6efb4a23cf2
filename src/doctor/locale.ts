import { failure, hostCheck, ok } from './check.ts';

/** Locales are listed with the codeset in this form (locale(1), "-a"). */
const listed = (locale: string): string =>
  locale.replace(/\.([^@]*)/, (_all, codeset: string) => `.${codeset.toLowerCase().replaceAll(/[^a-z0-9]/g, '')}`);

/** A database host has the locale that the cluster is made with. */
export const localeCheck = hostCheck(
  'locale',
  ({ roles }) => (roles.has('patroni') ? 'locale -a' : undefined),
  (answer, _host, { cluster }) => {
    const { locale } = cluster.settings.postgres;
    const there = answer.split('\n').map((line) => line.trim());
    if (/^(C|POSIX)$/.test(locale) || there.some((one) => listed(one) === listed(locale))) return [ok(locale)];
    return [
      failure(
        `the locale ${locale} of postgres.locale is not there`,
        `add it to /etc/locale.gen and run locale-gen (package locales), or use one of: ${there.filter((one) => one && !/^(C|POSIX)$/.test(one)).join(', ') || 'C'}`,
      ),
    ];
  },
);
