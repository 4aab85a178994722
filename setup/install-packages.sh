#!/bin/sh
# Runs in the build of an image with packages, as root, beside the lists apt, npm and pip: one package a line, each
# checked by the host to be a bare name. No install script of npm and no source of Python is run: what needs one cannot
# be had this way.
set -eu
lists=$(dirname "$0")
prefix=/opt/packages
export DEBIAN_FRONTEND=noninteractive HOME=/root
if [ -s "$lists/build-ca.crt" ]; then
  export NODE_EXTRA_CA_CERTS="$lists/build-ca.crt" PIP_CERT="$lists/build-ca.crt"
fi

room() {
  df -Pk / | tail -n 1 | {
    read -r _ _ _ free _
    if [ "$free" -lt 1000000 ]; then
      echo 'less than 1 GB is free on the disk of the container engine' >&2
      exit 28
    fi
  }
}

if [ -s "$lists/pip" ] && ! python3 -m pip --version >/dev/null 2>&1; then
  echo python3-pip >>"$lists/apt"
fi
if [ -s "$lists/apt" ]; then
  room
  apt-get update -qq -o Acquire::Retries=3
  # Pattern-Only: a name is a name, never an expression that fits many.
  xargs -d "\n" -a "$lists/apt" apt-get install -y -qq --no-install-recommends -o Acquire::Retries=3 \
    -o APT::Cmd::Pattern-Only=true --
  apt-get clean
  rm -rf /var/lib/apt/lists/*
fi
if [ -s "$lists/npm" ]; then
  room
  xargs -d "\n" -a "$lists/npm" npm install --global --prefix "$prefix/npm" --ignore-scripts --no-audit --no-fund \
    --no-update-notifier --cache /tmp/npm-cache --
  rm -rf /tmp/npm-cache
  # Found from every folder, as the libraries of the image are, which come first.
  modules=$prefix/npm/lib/node_modules
  for folder in "$modules"/* "$modules"/@*/*; do
    name=${folder#"$modules"/}
    case $name in
      @*/*) mkdir -p "/node_modules/${name%/*}" ;;
      @*) continue ;;
    esac
    if [ -d "$folder" ] && [ ! -e "/node_modules/$name" ]; then ln -s "$folder" "/node_modules/$name"; fi
  done
fi
if [ -s "$lists/pip" ]; then
  room
  xargs -d "\n" -a "$lists/pip" python3 -m pip install --target "$prefix/python" --only-binary :all: --no-input \
    --no-cache-dir --disable-pip-version-check --
  site=$(python3 -c 'import site; print(site.getsitepackages()[0])')
  mkdir -p "$site"
  echo "$prefix/python" >"$site/creel-packages.pth"
fi
room

# From here on only programs of Debian run: those of npm and pip may have any name, and this is still root.
path_of_agents=$PATH
PATH=/usr/sbin:/usr/bin:/sbin:/bin

# Nothing in a sandbox ever needs to become another user; what npm and pip unpacked included.
find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
if command -v getcap >/dev/null; then
  getcap -r / 2>/dev/null | sed 's/ [^ ]*$//' | while IFS= read -r file; do setcap -r "$file"; done
fi
if [ -d "$prefix" ]; then chmod -R a+rX,go-w "$prefix"; fi

# Their programs, where every shell looks; none takes the place of one that is there.
for program in "$prefix"/npm/bin/* "$prefix"/python/bin/*; do
  name=${program##*/}
  if [ -f "$program" ] && ! (PATH=$path_of_agents && command -v "$name" >/dev/null); then
    ln -s "$program" "/usr/local/bin/$name"
  fi
done
rm -rf "$lists" /root/.npm /root/.cache
