/** An entry as `journalctl -o json` prints it, of 2026-01-01 at midnight and `at` microseconds. */
export const journalEntry = (message: string, program = 'patroni', at = 0): string =>
  JSON.stringify({
    __REALTIME_TIMESTAMP: String(Date.parse('2026-01-01T00:00:00Z') * 1000 + at),
    PRIORITY: '6',
    MESSAGE: message,
    _PID: '1',
    _SYSTEMD_UNIT: `${program}.service`,
    SYSLOG_IDENTIFIER: program,
  });
