/** Days of the week as systemd abbreviates them (systemd.time(7)). */
const WEEK = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** Days between two times of a calendar's short names (systemd.time(7)). */
const NAMED: Readonly<Record<string, number>> = {
  minutely: 1,
  hourly: 1,
  daily: 1,
  weekly: 7,
  monthly: 31,
  quarterly: 92,
  semiannually: 184,
  yearly: 366,
  annually: 366,
};

/** Numbers of the week's days in a list such as `Mon..Sat` or `Sun,Wed`; Monday is 0. */
function weekDays(list: string): number[] {
  const at = (name = '') => WEEK.indexOf(name.slice(0, 3).toLowerCase());
  return list.split(',').flatMap((part) => {
    const [first, last] = part.split(/\.\.|-/);
    const from = at(first);
    const to = last === undefined ? from : at(last);
    return from < 0 || to < 0 ? [] : WEEK.map((_, day) => (from + day) % 7).slice(0, ((to - from + 7) % 7) + 1);
  });
}

/**
 * Returns the longest time between two of these calendar expressions' times, in days, rounded up; undefined where it cannot
 * be told. Expressions of a systemd timer; together they make one schedule.
 */
export function longestGapDays(calendars: readonly string[]): number | undefined {
  const days = new Set<number>();
  const periods: number[] = [];
  for (const text of calendars) {
    const [first = '', second] = text.trim().split(/\s+/);
    const named = NAMED[first.toLowerCase()];
    if (named !== undefined) periods.push(named);
    else if (/^[A-Za-z]/.test(first)) {
      // A date beside the days of the week is met on few of them.
      if (second !== undefined && /-/.test(second) && !/^\*(-\*){1,2}$/.test(second)) return undefined;
      for (const day of weekDays(first)) days.add(day);
    } else if (/-/.test(first)) {
      if (/^\*-\*-\*$/.test(first)) periods.push(1);
      else if (/^\*-\*-[\d,~]+$/.test(first)) periods.push(31);
      else return undefined;
    } else periods.push(1);
  }
  const sorted = [...days].sort((a, b) => a - b);
  if (sorted.length > 0) {
    const next = (index: number) => sorted[index + 1] ?? sorted[0]! + 7;
    periods.push(Math.max(...sorted.map((day, index) => next(index) - day)));
  }
  return periods.length > 0 ? Math.min(...periods) : undefined;
}
