/** Matchers of `ALERTS` for alerts that fire and want a person; the dead man's switch always fires and has neither severity. */
export const FIRING: readonly string[] = ['alertstate="firing"', 'severity=~"critical|warning"'];
