# One-node OpenStack Swift speaking S3 over TLS on port 9000, from Debian 13 packages only.
# Pipe it into "sh" as root inside a bare Debian 13 container with, in the environment:
#   S3_ADDRESS  the container's IP (goes into the certificate)
#   S3_KEY      access key; Swift's tempauth demands the form account:user (letters, digits)
#   S3_SECRET   secret key (no blanks, no %)      S3_BUCKET  bucket to create
# Clients trust /etc/s3/ca.crt; logs are /var/log/swift/*.log. After a stop and start of the
# container, run it again: CA, rings and data stay, the server certificate is made anew.
set -eu
echo "$S3_KEY" | grep -Eqx '[A-Za-z0-9]+:[A-Za-z0-9]+' || { echo "S3_KEY: need account:user" >&2; exit 1; }

export DEBIAN_FRONTEND=noninteractive
command -v swift-proxy-server >/dev/null || { # stdin is this script, apt must not eat it
    apt-get -qq update
    apt-get -qq install -y --no-install-recommends swift-proxy swift-account swift-container \
        swift-object memcached openssl curl
} </dev/null >/var/log/s3-install.log 2>&1

mkdir -p /etc/s3 && cd /etc/s3 # own CA, and a server certificate for the address
[ -f ca.crt ] || openssl req -quiet -x509 -newkey rsa:2048 -nodes -days 3650 \
    -subj "/CN=Lab S3 CA" -keyout ca.key -out ca.crt
openssl req -quiet -x509 -newkey rsa:2048 -nodes -days 3650 -CA ca.crt -CAkey ca.key \
    -subj "/CN=$S3_ADDRESS" -addext "subjectAltName=IP:$S3_ADDRESS" \
    -addext "basicConstraints=critical,CA:FALSE" -keyout server.key -out server.crt
chgrp swift server.key; chmod 640 server.key

# Storage: one device, one replica. The directory needs user xattrs; overlayfs on ext4 has them.
# workers=0 is one process each. log_udp_host: without syslog, the default address logs tracebacks.
# The timeouts are long, or a slow machine would put off container updates, that is, S3 listings.
mkdir -p /srv/node/d1 /var/cache/swift; chown -R swift: /srv/node /var/cache/swift; cd /etc/swift
for s in account:6202 container:6201 object:6200; do
    port=${s#*:} s=${s%:*}
    [ -f $s.ring.gz ] || {
        swift-ring-builder $s.builder create 4 1 0
        swift-ring-builder $s.builder add r1z1-127.0.0.1:$port/d1 1
        swift-ring-builder $s.builder rebalance
    } >/dev/null
    cat >$s-server.conf <<END
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $port
log_udp_host = 127.0.0.1
workers = 0
mount_check = false
conn_timeout = 30
node_timeout = 60
container_update_timeout = 60
[pipeline:main]
pipeline = $s-server
[app:$s-server]
use = egg:swift#$s
[object-updater]
interval = 5
END
done

# Proxy: does TLS itself. tempauth insists on a cache (memcached). slo is multipart upload; it must
# delete the parts at once, as no object-expirer runs. Never suspend the only device for errors.
cat >proxy-server.conf <<END
[DEFAULT]
bind_port = 9000
log_udp_host = 127.0.0.1
workers = 0
cert_file = /etc/s3/server.crt
key_file = /etc/s3/server.key
[pipeline:main]
pipeline = cache s3api tempauth slo proxy-server
[filter:cache]
use = egg:swift#memcache
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_${S3_KEY%:*}_${S3_KEY#*:} = $S3_SECRET .admin
[filter:slo]
use = egg:swift#slo
allow_async_delete = false
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
conn_timeout = 30
node_timeout = 60
error_suppression_limit = 1000000000
END

memcached -d -u memcache -l 127.0.0.1
start() { setsid setpriv --reuid=swift --regid=swift --init-groups "$@" -v </dev/null >>"/var/log/swift/$1.log" 2>&1 & }
for s in account container object proxy; do start swift-$s-server /etc/swift/$s-server.conf; done
start swift-object-updater /etc/swift/object-server.conf # delivers listing updates put off anyway

# The bucket. "curl --user" would split the key at its colon; a netrc file does not.
(umask 077; echo "machine $S3_ADDRESS login $S3_KEY password $S3_SECRET" >/etc/s3/netrc)
for try in $(seq "${S3_TRIES:-60}"); do
    code=$(curl -s -o /dev/null -w '%{http_code}' --cacert /etc/s3/ca.crt --netrc-file /etc/s3/netrc \
        --aws-sigv4 aws:amz:us-east-1:s3 -X PUT "https://$S3_ADDRESS:9000/$S3_BUCKET") || true
    case $code in 200 | 409) echo "S3 ready: https://$S3_ADDRESS:9000/$S3_BUCKET"; exit 0 ;; esac
    sleep 1
done
echo "S3 did not come up (last answer: $code), see /var/log/swift" >&2; exit 1
