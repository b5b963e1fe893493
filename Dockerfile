# docker build -t chattera . && docker run -p 3000:3000 -v chattera:/var/lib/chattera chattera
# With -e DATABASE_URL=postgres://… it uses that server, and the volume stays empty.
# `docker exec CONTAINER chattera backup -` writes a backup, and `chattera --help` lists the rest.

# Node 24 has long-term support until April 2028.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund || npm install --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev

# slim, not alpine: the PostgreSQL that npm brings needs the GNU C library
FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/var/lib/chattera
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
RUN ln -s /app/dist/server/process/cli.js /usr/local/bin/chattera
# node (1000) has an entry in /etc/passwd, without which PostgreSQL does not make its files
RUN install -d -o node -g node -m 700 /var/lib/chattera
USER node
VOLUME /var/lib/chattera
EXPOSE 3000
# Healthy as long as the process answers: a restart would not bring a lost database back. A load
# balancer asks /readyz instead.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}${process.env.BASE_PATH ?? ''}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/server/process/cli.js", "serve"]
