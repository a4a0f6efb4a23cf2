/** Command curl without the caller's .curlrc, which it finds without HOME too; the option counts only as the first one. */
export const CURL = 'curl -q';

/** Options of curl that mark the end of an answer and its exit code for `answersInto` (curl 7.75, "exitcode"). */
export const CURL_ENDS = "-w '\\ncode %{exitcode}\\n'";

/**
 * POSIX sh that runs one curl for several one-line answers, each with `CURL_ENDS`, and keeps them in variables; `code`
 * has the last exit code. It starts no process but curl: a here-document of several kilobytes would cost another.
 */
export const answersInto = (
  names: readonly string[],
  code: string,
  curl: string,
): string => `${[...names, code].map((name) => `${name}=`).join(' ')}
set -f
IFS='
'
n=0
for line in $(${curl}); do
  case "$line" in
    'code '*) n=$((n + 1)) ${code}=\${line#code } ;;
    *) case $n in ${names.map((name, index) => `${index}) ${name}=$line ;;`).join(' ')} esac ;;
  esac
done
unset IFS
set +f`;
