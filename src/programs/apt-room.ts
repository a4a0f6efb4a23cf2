/** The directory of packages that apt has fetched. */
export const ARCHIVES = '/var/cache/apt/archives';

/** Packages that cause the initial RAM disk image to be rebuilt. */
const MAKES_IMAGE =
  /^(initramfs-tools|dracut|udev$|firmware-|linux-modules-|busybox|cryptsetup|lvm2$|mdadm$|zfs-initramfs)/;

/** Free space of a host, and the space that an upgrade takes. */
export interface Room {
  /** Free space of each file system by its mount point (bytes). */
  free: ReadonlyMap<string, number>;
  /** Space that the upgrade takes, by directory (bytes). */
  takes: ReadonlyMap<string, number>;
}

/** POSIX sh that prints free space and the files of /boot; read by `parseRoom`. A directory may be missing. */
export const SHOW_ROOM = `df -Pk / /usr /var ${ARCHIVES} /boot 2>/dev/null | awk 'NR > 1 {print "free " $4 " " $6}' | sort -u
stat -c 'boot %s %n' /boot/vmlinuz-* /boot/initrd.img-* 2>/dev/null`;

/**
 * POSIX sh that prints the present and future sizes of the packages that apt would install according to `$out`; read by
 * `parseRoom`. Only a real installation prints apt's own estimate, which is the sum of these figures.
 */
export const SHOW_SIZES = `wanted=$(printf '%s\\n' "$out" | sed -n 's/^Inst \\([^ ]*\\) \\(\\[[^]]*\\] \\)\\{0,1\\}(\\([^ ]*\\) .*/\\1=\\3/p')
if [ -n "$wanted" ]; then
  apt-cache show $wanted 2>/dev/null | awk '
    function tell() { if (p != "") print "size " p " " i + 0 " " s + 0; p = ""; i = s = 0 }
    /^Package: / { p = $2 } /^Installed-Size: / { i = $2 } /^Size: / { s = $2 } /^$/ { tell() } END { tell() }'
  dpkg-query -W -f 'was \${Package} \${Installed-Size}\\n' $(printf '%s\\n' $wanted | cut -d= -f1) 2>/dev/null
fi
:`;

/** Reads the output of SHOW_ROOM and SHOW_SIZES for these packages. Throws when free space is missing. */
export function parseRoom(answer: string, names: readonly string[]): Room {
  const words = (first: string) =>
    answer
      .split('\n')
      .filter((line) => line.startsWith(`${first} `))
      .map((line) => line.trim().split(' '));
  const free = new Map(words('free').map(([, kilobytes, mount = '']) => [mount, Number(kilobytes) * 1024]));
  if (!free.has('/') || ![...free.values()].every(Number.isFinite))
    throw new Error(`the package manager's answer is not understood: ${answer.slice(0, 200)}`);
  const sizes = new Map(
    words('size').map(([, name, installed, archive]) => [name, [Number(installed), Number(archive)]]),
  );
  const before = new Map(words('was').map(([, name, installed]) => [name, Number(installed)]));
  let grows = 0;
  let fetched = 0;
  for (const name of names.map((one) => one.split(':')[0]!)) {
    const [installed = 0, archive = 0] = sizes.get(name) ?? [];
    grows += Math.max(0, installed - (before.get(name) ?? 0)) * 1024;
    fetched += archive;
  }
  const takes = new Map([
    [ARCHIVES, fetched],
    ['/usr', grows],
    ['/boot', bootImages(names, words('boot'))],
  ]);
  return { free, takes };
}

/**
 * Returns what these packages write to /boot beside the old files: a kernel with its image, or the present kernel's
 * image again (bytes).
 */
function bootImages(names: readonly string[], present: readonly string[][]): number {
  const largest = (kind: string) =>
    Math.max(0, ...present.filter(([, , path]) => path?.startsWith(`/boot/${kind}`)).map(([, size]) => Number(size)));
  if (names.some((name) => name.startsWith('linux-image-'))) return largest('vmlinuz-') + largest('initrd.img-');
  return names.some((name) => MAKES_IMAGE.test(name)) ? largest('initrd.img-') : 0;
}
