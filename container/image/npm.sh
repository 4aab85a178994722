#!/bin/sh
# npm takes the nearest folder that has a node_modules for its project. In a folder that is none yet this would be the
# root, for the libraries there, which nobody can write.
cli=/usr/local/lib/node_modules/npm/bin/npm-cli.js
folder=$PWD
while [ -n "${folder%/}" ]; do
  if [ -e "$folder/package.json" ] || [ -d "$folder/node_modules" ]; then exec node "$cli" "$@"; fi
  folder=${folder%/*}
done
case " $* " in
*' -g '* | *' --global '* | *' --location'* | *' --prefix'* | *' -C '*) exec node "$cli" "$@" ;;
esac
exec node "$cli" --prefix "$PWD" "$@"
