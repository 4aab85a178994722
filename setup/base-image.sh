#!/usr/bin/env bash
# Makes the base image that agents are built on, without an image registry: Debian from the apt mirror this
# machine uses, Node and npm from the npm registry this machine uses. Progress goes to stderr; the last line on
# stdout is the tag. The tag is a hash of the inputs, so a second run finds the image and ends at once.
#
#   sudo setup/base-image.sh            make it when it is missing
#   sudo setup/base-image.sh --force    make it again, to take in security updates
#   setup/base-image.sh --tag           print the tag and do nothing
#
# Needs root (chroot), debootstrap, npm, and the docker command. A ready-made image serves as well:
# set engine.base_image in creel.toml to one with Node >= 22.12, and this script is never run.
set -euo pipefail

suite=bookworm
node_major=24
npm_major=11
packages=ca-certificates,curl,git
agent_id=10001

say() { printf 'base image: %s\n' "$*" >&2; }
fail() {
  say "$1"
  [[ -z ${2:-} ]] || say "hint: $2"
  exit 1
}

case $(uname -m) in
  x86_64) deb_arch=amd64 node_arch=x64 ;;
  aarch64) deb_arch=arm64 node_arch=arm64 ;;
  *) fail "no recipe for $(uname -m), only for x86_64 and aarch64" "set engine.base_image in creel.toml" ;;
esac

inputs=$({ printf '%s\n' "$deb_arch"; cat "${BASH_SOURCE[0]}"; } | sha256sum | cut -c1-16)
tag=creel-base:$inputs

force=
case ${1:-} in
  --tag) printf '%s\n' "$tag"; exit 0 ;;
  --force) force=yes ;;
  '') ;;
  *) fail "unknown option $1" "use --force, --tag or nothing" ;;
esac

command -v docker >/dev/null ||
  fail "the docker command is missing" "apt-get install docker.io (or docker-cli)"
docker version >/dev/null 2>&1 ||
  fail "the container engine does not answer" "start it, or point DOCKER_HOST at its socket"

if [[ -z $force ]] && docker image inspect "$tag" >/dev/null 2>&1; then
  printf '%s\n' "$tag"
  exit 0
fi

((EUID == 0)) || fail "needs root, for chroot" "run it with sudo, or set engine.base_image in creel.toml"
for tool in debootstrap:debootstrap npm:npm chroot:coreutils tar:tar; do
  command -v "${tool%%:*}" >/dev/null ||
    fail "${tool%%:*} is missing" "apt-get install ${tool##*:}, or set engine.base_image in creel.toml"
done
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[[ -r $keyring ]] || fail "Debian's signing keys are missing" "apt-get install debian-archive-keyring"

# The mirror that apt uses here for this suite; on a machine with other sources (Ubuntu) debootstrap takes its own.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 2>/dev/null |
  awk -v suite="$suite" '$2 == suite && !seen { print $1; seen = 1 }' || true)

# /var/tmp: a /tmp mounted nodev or noexec cannot hold a root filesystem.
work=$(mktemp -d "${TMPDIR:-/var/tmp}/creel-base.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
run() { "$@" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; fail "failed: $1 ${2:-}"; }; }

say "Debian $suite for $deb_arch (about a minute) ..."
run debootstrap --arch="$deb_arch" --variant=minbase --force-check-gpg --keyring="$keyring" \
  --include="$packages" "$suite" "$root" ${mirror:+"$mirror"}

# Later builds run apt-get inside the image: give them the sources that work on this machine.
if [[ $mirror && -f /etc/apt/sources.list.d/debian.sources ]]; then
  cp /etc/apt/sources.list.d/debian.sources "$root/etc/apt/sources.list.d/"
  : >"$root/etc/apt/sources.list"
elif [[ $mirror ]]; then
  printf 'deb %s %s main\n' "$mirror" "$suite" "$mirror" "$suite-updates" >"$root/etc/apt/sources.list"
else
  # What debootstrap wrote names its mirror; Debian keeps the security archive beside it.
  sed -n "s#^deb \(.*\)/debian/\{0,1\} $suite main.*#deb \1/debian-security $suite-security main#p" \
    "$root/etc/apt/sources.list" >"$work/security.list"
  cat "$work/security.list" >>"$root/etc/apt/sources.list"
fi
say "security updates ..."
run chroot "$root" apt-get -o APT::Sandbox::User=root update
run chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -o APT::Sandbox::User=root -y dist-upgrade

say "Node $node_major and npm $npm_major ..."
run npm install --no-save --no-audit --no-fund --ignore-scripts --prefix "$work/node" \
  "node-linux-$node_arch@$node_major" "npm@$npm_major"
install -D -m 755 "$work/node/node_modules/node-linux-$node_arch/bin/node" "$root/usr/local/bin/node"
install -d "$root/usr/local/lib/node_modules"
cp -r "$work/node/node_modules/npm" "$root/usr/local/lib/node_modules/npm"
chown -R root:root "$root/usr/local"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"

run chroot "$root" groupadd --gid "$agent_id" agent
run chroot "$root" useradd --uid "$agent_id" --gid "$agent_id" --create-home --shell /bin/bash agent

# Nothing in a sandbox ever needs to become another user.
find "$root" -xdev -type f -perm /6000 -exec chmod ug-s {} +
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/* "$root"/var/log/*.log \
  "$root"/usr/share/{doc,man,locale,info}/*

say "importing ..."
tar --numeric-owner --sort=name -C "$root" -c . | docker import \
  --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  --change 'ENV LANG=C.UTF-8' \
  --change 'CMD ["node"]' \
  --change "LABEL creel.base=$inputs" - "$tag" >"$work/log"
say "made $tag"
printf '%s\n' "$tag"
