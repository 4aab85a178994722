# The host and its socket filter, for docker-compose.yml. Only what the legacy builder knows is used.
ARG CREEL_BASE=node:24-bookworm-slim
FROM ${CREEL_BASE}

# For build machines whose registry or CA is their own: put the CA at setup/build-ca.crt. No such file is fine.
ARG NPM_CONFIG_REGISTRY
ENV NODE_EXTRA_CA_CERTS=/usr/local/share/creel/build-ca.crt
WORKDIR /app
COPY package.json package-lock.json setup/build-ca.crt* ./
COPY container/package.json container/
COPY container/protocol/package.json container/protocol/
COPY container/runner/package.json container/runner/
# No install script runs: the SQLite addon is shipped as a binary inside its package.
RUN mkdir -p /usr/local/share/creel \
 && touch build-ca.crt && mv build-ca.crt /usr/local/share/creel/ \
 && npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -rf /root/.npm

COPY . .
# New volumes take over owner and mode of the folder they are mounted on: the host's own three, and the one in which
# only the filter may make a socket.
RUN mkdir -p /data /engine /groups /keys groups && cp -R groups/. /groups/ \
 && chown -R 1000:1000 /data /groups /keys && chmod 700 /data /groups /keys && chmod 755 /engine

ENV NODE_ENV=production HOME=/tmp
USER 1000:1000
# A first start has an agent to talk to. When told to end, no sandbox is left behind beside the composed services.
CMD ["sh", "-c", "ls /groups/*/container.json >/dev/null 2>&1 || node src/main.ts group add main --provider demo; exec node --expose-gc src/main.ts serve --stop-sandboxes"]
